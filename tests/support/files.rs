//! Files as a page uploads them.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use sardonyx::{
    api::files::{DeleteFiles, ListFiles},
    domain::{
        file::{File, FilePage},
        ids::FileId,
    },
    server::db::{Lease, TakenFile, UserDb},
};
use uuid::Uuid;

use super::{Answer, Client, Person, TestApp, database::TestDatabase, eventually};

/// Where uploads of pages begin.
pub const UPLOADS: &str = "/files/uploads";

impl Client {
    /// A request of the upload protocol.
    pub fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("tus-resumable", "1.0.0")
    }

    /// Announces a file; whatever the server says.
    pub async fn try_begin_upload(&self, name: &str, size_bytes: u64) -> Answer {
        let metadata =
            format!("filename {},modified_at_ms {}", STANDARD.encode(name), STANDARD.encode("1700000000000"));
        let request = self.tus(Method::POST, UPLOADS).header("upload-length", size_bytes);
        Self::send_only(request.header("upload-metadata", metadata)).await
    }

    /// Announces a file; gives where its content goes.
    pub async fn begin_upload(&self, name: &str, size_bytes: u64) -> String {
        let answer = self.try_begin_upload(name, size_bytes).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// A piece of an upload, not sent yet.
    pub fn piece(&self, place: &str, offset_bytes: u64, content: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.tus(Method::PATCH, place).header("upload-offset", offset_bytes);
        request.header("content-type", "application/offset+octet-stream").body(content)
    }

    /// How much of an upload is there.
    pub async fn upload_offset(&self, place: &str) -> u64 {
        let answer = Self::send_only(self.tus(Method::HEAD, place)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("upload-offset").parse().unwrap()
    }

    /// A whole file.
    pub async fn upload(&self, name: &str, content: impl Into<bytes::Bytes>) -> FileId {
        self.upload_with(name, content, "").await
    }

    /// The same with more metadata.
    pub async fn upload_with(&self, name: &str, content: impl Into<bytes::Bytes>, metadata: &str) -> FileId {
        let content = content.into();
        let begun = self.begin_upload_with(name, content.len(), metadata).await;
        assert_eq!(begun.status, 201, "{}", begun.text());
        let place = begun.header("location").to_owned();
        let answer = Self::send_only(self.piece(&place, 0, content)).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        file_of(&place)
    }

    /// Announces a file, with more metadata than its name.
    pub async fn begin_upload_with(&self, name: &str, bytes: usize, metadata: &str) -> Answer {
        let metadata = format!("filename {}{metadata}", STANDARD.encode(name));
        let request = self.tus(Method::POST, UPLOADS).header("upload-length", bytes);
        Self::send_only(request.header("upload-metadata", metadata)).await
    }

    /// Some files in a form, not sent yet: each one's name, and its content in pieces.
    pub fn files_form(&self, files: Vec<(&str, Vec<std::io::Result<Vec<u8>>>)>) -> RequestBuilder {
        self.files_form_at("/files/form", files)
    }

    /// The same where another page has it.
    pub fn files_form_at(&self, path: &str, files: Vec<(&str, Vec<std::io::Result<Vec<u8>>>)>) -> RequestBuilder {
        let mut body: Vec<std::io::Result<Vec<u8>>> = Vec::new();
        for (name, content) in files {
            let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=";
            body.push(Ok(format!("{head}\"{name}\"\r\n\r\n").into_bytes()));
            body.extend(content);
            body.push(Ok(b"\r\n".to_vec()));
        }
        body.push(Ok(b"--x--\r\n".to_vec()));
        let request = self.request(Method::POST, path).header("content-type", "multipart/form-data; boundary=x");
        request.body(reqwest::Body::wrap_stream(futures::stream::iter(body)))
    }

    /// One of the files of the list.
    pub async fn find_file(&self, id: FileId) -> Option<File> {
        self.list_files().await.files.into_iter().find(|file| file.id == id)
    }

    pub async fn list_files(&self) -> FilePage {
        self.call::<ListFiles>(&[("search", ""), ("order", "newest")]).await.ok()
    }

    pub async fn try_delete_file(&self, id: FileId) -> Answer {
        self.call::<DeleteFiles>(&[("file_ids[]", &id.to_string())]).await
    }

    pub async fn content(&self, id: FileId) -> Answer {
        // Not looked for in the log: it may be large.
        Self::send_only(self.request(Method::GET, &format!("/files/{id}/content"))).await
    }
}

/// The files' owner's part of the database.
#[expect(clippy::disallowed_methods, reason = "on behalf of whose files they are")]
pub async fn db_of(app: &TestApp, owner: &Person) -> UserDb {
    let (user_id, file_id) = (owner.id, FileId(Uuid::nil()));
    let taken = TakenFile { user_id, file_id, lease: Lease::new(), is_read: true, is_given_up: false };
    app.state.db.open_taken_file(&taken).await.unwrap().unwrap()
}

/// An image of so many pixels.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 128]));
    image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// The file of a place to upload to.
pub fn file_of(place: &str) -> FileId {
    place.rsplit('/').next().unwrap().parse().unwrap()
}

impl TestDatabase {
    /// Waits until a file was read, or could not be: its state, and why it failed.
    pub async fn until_read(&self, id: FileId) -> (String, String) {
        let row = format!("FROM user_file WHERE id = {}", self.id(id.0));
        let left = format!("SELECT COUNT(*) {row} AND state IN ('uploading', 'waiting', 'reading', 'indexing')");
        eventually("the end of reading", async || self.number(&left).await == 0).await;
        (
            self.text(&format!("SELECT state {row}")).await,
            self.text(&format!("SELECT COALESCE(failure, '') {row}")).await,
        )
    }

    /// All of a file's text.
    pub async fn text_of_file(&self, id: FileId) -> String {
        let rows = format!("FROM file_chunk WHERE file_id = {} ORDER BY seq", self.id(id.0));
        self.texts(&format!("SELECT text {rows}")).await.concat()
    }
}
