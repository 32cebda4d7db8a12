//! What a model is given of files with a question: small files whole, of others what answers the question, as numbered
//! sources that the reply can name.
//!
//! Files belong to a question when they came with it, with what was said shortly before, or are the chat's; or all of its
//! person's do, when the chat searches them. All is read under its person's id, so nobody else's can be in it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::channel::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

use super::material::{Material, left_tokens, source_text, source_tokens, tokens_of_rules};
use crate::{
    domain::{
        file::{Chunk, File, FileName},
        file_state::FileState,
        ids::FileId,
        limits,
        model::{ModelName, PromptImage},
        place::Place,
        reply::ReplyPhase,
        source::{FileUse, FilesSearched, Grounds, LeftOut, MessageFile},
    },
    error::{Error, Result},
    server::{
        clock,
        db::{PathMessage, SearchScope, StoredMessage, UserDb},
        files::search::{self, Ways},
        state::AppState,
        words,
    },
};

/// Files that are still being read are looked at this often.
const LOOK_MS: u64 = 250;
/// A question of fewer words is looked for together with the one before it.
const WORDS_ENOUGH: usize = 3;
/// Gathers what belongs to the question before a reply, within half of what the model reads. Says how far it is. A reply
/// that goes on has the sources that its beginning had.
///
/// # Errors
/// When the database fails.
pub async fn gather(
    state: &AppState,
    db: &UserDb,
    reply: &StoredMessage,
    model: &ModelName,
    shows_pictures: bool,
    say: &UnboundedSender<ReplyPhase>,
) -> Result<Material> {
    if !reply.uses_files {
        return Ok(Material::default());
    }
    let room = state.models.window(model).await.prompt_tokens() / 2;
    let sees = shows_pictures && state.models.sees(model, db.user_id());
    let mut gathering = Gathering::new(db, room.min(limits::SOURCE_TOKENS_MAX), sees);
    if !reply.text.is_empty() {
        let kept = db.list_message_files(&[reply.id]).await?.remove(&reply.id).unwrap_or_default();
        gathering.add_again(kept).await?;
        gathering.grounds.searched = reply.files_searched;
        return Ok(gathering.finish());
    }
    let asked = Asked::read(db, reply).await?;
    let searches_all = db.find_chat(reply.chat_id).await?.is_some_and(|chat| chat.searches_files);
    let files = wait_until_read(state, db, &asked.files, gathering.room, say).await?;
    let large = gathering.add_small(files).await?;
    if !large.is_empty() || searches_all {
        // A receiver that is gone wants nothing more.
        let _ = say.unbounded_send(ReplyPhase::Searching);
        let ids: Vec<FileId> = large.iter().map(|file| file.id).collect();
        for scope in
            [(!ids.is_empty()).then(|| SearchScope::Files(ids.clone())), searches_all.then_some(SearchScope::AllFiles)]
                .into_iter()
                .flatten()
        {
            gathering.search(state, &asked.question, &scope).await?;
        }
        gathering.add_beginnings(large, &asked.with_question).await?;
    }
    Ok(gathering.finish())
}

/// What is asked, and what belongs to it.
struct Asked {
    question: String,
    /// Those that came with the question first, then what was attached before, the newest first, then the chat's.
    files: Vec<FileId>,
    with_question: HashSet<FileId>,
}

impl Asked {
    async fn read(db: &UserDb, reply: &StoredMessage) -> Result<Self> {
        let place = reply.before().ok_or(Error::Internal)?;
        let mut left = limits::MESSAGES_LOOKED_BACK_MAX;
        let takes = |_: &PathMessage| {
            left = left.saturating_sub(1);
            left > 0
        };
        let path = db.list_path(reply.chat_id, place, takes).await?;
        let said: Vec<&PathMessage> = path.iter().filter(|message| !message.is_reply).collect();
        let newest = said.first().ok_or(Error::Internal)?;
        let ids: Vec<_> = said.iter().filter(|message| message.uses_files).map(|message| message.id).collect();
        let attached = db.list_message_files(&ids).await?;
        let of = |id| attached.get(id).into_iter().flatten().filter_map(|file| file.file_id);
        let with_question = of(&newest.id).collect();
        let mut files: Vec<FileId> = ids.iter().flat_map(of).collect();
        files.extend(db.list_chat_files(reply.chat_id).await?.into_iter().map(|file| file.id));
        let mut seen = HashSet::new();
        files.retain(|id| seen.insert(*id));
        files.truncate(limits::FILES_PER_REPLY_MAX);
        let mut question = newest.text.clone();
        if words::words(&question).len() < WORDS_ENOUGH
            && let Some(before) = said.get(1)
        {
            question = format!("{}\n{question}", before.text);
        }
        Ok(Self { question, files, with_question })
    }
}

/// Waits for files that are being read, for a while, and gives them as they are then.
async fn wait_until_read(
    state: &AppState,
    db: &UserDb,
    ids: &[FileId],
    room: usize,
    say: &UnboundedSender<ReplyPhase>,
) -> Result<Vec<File>> {
    let began = Instant::now();
    loop {
        let files = db.find_files(ids).await?;
        let seconds_max = |file: &File| match file.state {
            FileState::Waiting | FileState::Reading => limits::REPLY_FILES_SECONDS_MAX,
            // Its words can be found already; while the model for searching is away, nobody knows when it is ready.
            FileState::Indexing if !may_be_small(file, room) && is_fresh(file) && state.meanings.is_at_work() => {
                limits::REPLY_MEANING_SECONDS_MAX
            }
            _ => 0,
        };
        let wait_max = files.iter().map(seconds_max).max().unwrap_or_default();
        if began.elapsed() >= Duration::from_secs(wait_max) {
            return Ok(files);
        }
        let _ = say.unbounded_send(ReplyPhase::ReadingFiles);
        sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

/// Whether it may go in whole: no text has fewer tokens than a sixth of its characters.
const fn may_be_small(file: &File, room: usize) -> bool {
    file.text_chars / 6 <= room as u64
}

fn is_fresh(file: &File) -> bool {
    clock::now_ms() - file.created_at_ms < limits::FILE_FRESH_SECONDS * 1_000
}

struct Gathering<'a> {
    db: &'a UserDb,
    /// Tokens that are left.
    room: usize,
    sees: bool,
    grounds: Grounds,
    /// Files of which nothing is given; their numbers come after those of the sources.
    left: Vec<(FileId, FileName, LeftOut)>,
    images: Vec<PromptImage>,
    /// The texts of the sources.
    text: String,
    /// Pieces that are in it.
    given: HashSet<(FileId, u32)>,
}

impl<'a> Gathering<'a> {
    fn new(db: &'a UserDb, room: usize, sees: bool) -> Self {
        let room = room.saturating_sub(tokens_of_rules());
        Self {
            db,
            room,
            sees,
            grounds: Grounds::default(),
            left: Vec::new(),
            images: Vec::new(),
            text: String::new(),
            given: HashSet::new(),
        }
    }

    /// Adds what is small enough whole, and pictures; gives the other ones.
    async fn add_small(&mut self, files: Vec<File>) -> Result<Vec<File>> {
        let mut large = Vec::new();
        // One file among several is not to take all.
        let share = if files.len() > 1 { self.room / 2 } else { self.room };
        for file in files {
            match file.state {
                FileState::Failed(_) => self.leave_out(&file, LeftOut::Failed),
                FileState::Uploading | FileState::Waiting | FileState::Reading => self.leave_out(&file, LeftOut::Late),
                FileState::Indexing | FileState::Ready if file.kind.is_image() => self.add_picture(&file).await?,
                FileState::Indexing | FileState::Ready => {
                    let room = self.room.min(share);
                    let is_small = may_be_small(&file, room);
                    let chunks = if is_small {
                        self.db.list_chunks(file.id, 0, limits::SOURCES_MAX as u64).await?
                    } else {
                        Vec::new()
                    };
                    let chars: usize = chunks.iter().map(|chunk| chunk.text.chars().count()).sum();
                    let tokens: usize =
                        chunks.iter().map(|chunk| source_tokens(&file.name, &chunk.place, &chunk.text)).sum();
                    let is_whole = chars as u64 >= file.text_chars && tokens <= room && self.has_places(chunks.len());
                    if is_small && is_whole {
                        for chunk in chunks {
                            self.add(file.id, &file.name, chunk);
                        }
                    } else {
                        large.push(file);
                    }
                }
            }
        }
        Ok(large)
    }

    async fn add_picture(&mut self, file: &File) -> Result<()> {
        if !self.sees {
            self.leave_out(file, LeftOut::Unseen);
            return Ok(());
        }
        if self.images.len() >= limits::PICTURES_PER_REPLY_MAX || self.room < limits::PICTURE_TOKENS {
            self.leave_out(file, LeftOut::TooLong);
            return Ok(());
        }
        if self.show(file.id).await? {
            self.note(file.id, &file.name, FileUse::Picture);
        } else {
            self.leave_out(file, LeftOut::Failed);
        }
        Ok(())
    }

    /// Has the model see a picture; false when there is none.
    async fn show(&mut self, id: FileId) -> Result<bool> {
        let Some(picture) = self.db.find_picture(id, "view").await? else { return Ok(false) };
        self.room = self.room.saturating_sub(limits::PICTURE_TOKENS);
        let media_type = if picture.is_png { "image/png" } else { "image/jpeg" };
        self.images.push(PromptImage { media_type, base64: STANDARD.encode(picture.content).into() });
        Ok(true)
    }

    /// Adds what answers the question, the best first, as long as there is room.
    async fn search(&mut self, state: &AppState, question: &str, scope: &SearchScope) -> Result<()> {
        let found = search::search(state, self.db, question, scope, Ways::Both, limits::PASSAGES_MAX).await?;
        let searched = if found.is_by_meaning { FilesSearched::Both } else { FilesSearched::Words };
        self.grounds.searched = Some(self.grounds.searched.map_or(searched, |before| before.min(searched)));
        for passage in found.passages {
            let found = passage.found;
            if self.given.contains(&(found.file_id, found.chunk.seq)) {
                continue;
            }
            let whole = source_tokens(&found.file_name, &found.chunk.place, &passage.text);
            // What stands around it is left out first.
            let text = if whole <= self.room { passage.text } else { found.chunk.text.clone() };
            if self.has_places(1) && source_tokens(&found.file_name, &found.chunk.place, &text) <= self.room {
                self.add(found.file_id, &found.file_name, Chunk { text, ..found.chunk });
            }
        }
        Ok(())
    }

    /// Adds the beginnings of large files of which nothing was found: of those that came with the question, which may be to
    /// sum them up; and of the only one that there is.
    async fn add_beginnings(&mut self, large: Vec<File>, with_question: &HashSet<FileId>) -> Result<()> {
        let is_only = large.len() == 1 && self.grounds.sources.is_empty() && self.left.is_empty();
        let found: HashSet<FileId> = self.given.iter().map(|(file_id, _)| *file_id).collect();
        let bare: Vec<File> = large
            .into_iter()
            .filter(|file| !found.contains(&file.id) && (is_only || with_question.contains(&file.id)))
            .collect();
        let share = self.room / bare.len().max(1);
        for file in bare {
            let mut left = share.min(self.room);
            let before = self.given.len();
            for chunk in self.db.list_chunks(file.id, 0, limits::SOURCES_MAX as u64).await? {
                let tokens = source_tokens(&file.name, &chunk.place, &chunk.text);
                if tokens > left || !self.has_places(1) {
                    break;
                }
                left -= tokens;
                self.add(file.id, &file.name, chunk);
            }
            if self.given.len() == before {
                self.leave_out(&file, LeftOut::TooLong);
            }
        }
        Ok(())
    }

    /// Adds what a reply was given before, under the same numbers, as far as it is still there. What has no room any more is
    /// not given to the model, which may be another one now, and stays a source of what is written already.
    async fn add_again(&mut self, kept: Vec<MessageFile>) -> Result<()> {
        let mut wanted: HashMap<FileId, HashSet<u32>> = HashMap::new();
        for source in &kept {
            if let (Some(id), FileUse::Piece { seq, .. }) = (source.file_id, &source.used_as) {
                wanted.entry(id).or_default().insert(*seq);
            }
        }
        for source in kept {
            let (Some(id), FileUse::Piece { seq, place }) = (source.file_id, source.used_as.clone()) else {
                if let (Some(id), FileUse::Picture, true) = (source.file_id, &source.used_as, self.sees) {
                    self.show(id).await?;
                }
                self.grounds.sources.push(source);
                continue;
            };
            let first = seq.saturating_sub(1);
            let around = self.db.list_chunks(id, first, u64::from(seq - first) + 2).await?;
            let is_its = |chunk: &Chunk| chunk.seq == seq || !wanted[&id].contains(&chunk.seq);
            let own = around.iter().filter(|chunk| chunk.seq == seq).map(|chunk| chunk.text.clone()).collect();
            let whole: String = around.into_iter().filter(is_its).map(|chunk| chunk.text).collect();
            let fits = |text: &String| source_tokens(&source.name, &place, text) <= self.room;
            if let Some(text) = [whole, own].into_iter().find(fits) {
                self.take_room(&source.name, &place, &text);
                self.write(source.number, &source.name, &place, &text);
            }
            self.grounds.sources.push(source);
        }
        Ok(())
    }

    fn has_places(&self, count: usize) -> bool {
        self.grounds.sources.len() + self.left.len() + count <= limits::SOURCES_MAX
    }

    fn leave_out(&mut self, file: &File, why: LeftOut) {
        if self.left.len() < limits::FILES_LEFT_OUT_NAMED_MAX {
            self.room = self.room.saturating_sub(left_tokens(&file.name, why));
        }
        self.left.push((file.id, file.name.clone(), why));
    }

    fn note(&mut self, id: FileId, name: &FileName, used_as: FileUse) -> u32 {
        let number = u32::try_from(self.grounds.sources.len() + 1).unwrap_or(u32::MAX);
        self.grounds.sources.push(MessageFile { number, file_id: Some(id), name: name.clone(), used_as });
        number
    }

    fn add(&mut self, id: FileId, name: &FileName, chunk: Chunk) {
        self.take_room(name, &chunk.place, &chunk.text);
        self.given.insert((id, chunk.seq));
        let number = self.note(id, name, FileUse::Piece { seq: chunk.seq, place: chunk.place.clone() });
        self.write(number, name, &chunk.place, &chunk.text);
    }

    fn take_room(&mut self, name: &FileName, place: &Place, text: &str) {
        self.room = self.room.saturating_sub(source_tokens(name, place, text));
    }

    fn write(&mut self, number: u32, name: &FileName, place: &Place, text: &str) {
        self.text.push_str(&source_text(number, name, place, text));
    }

    fn finish(mut self) -> Material {
        for (id, name, why) in std::mem::take(&mut self.left) {
            self.note(id, &name, FileUse::Left(why));
        }
        Material::new(self.grounds, self.images, &self.text)
    }
}
