//! Writing the site's folder: only what changed, compressed where that helps, nothing left over.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::File;

/// Smaller files fit in one packet either way.
const COMPRESSED_BYTES_MIN: usize = 1024;
const COMPRESSIBLE: [&str; 11] =
    ["css", "html", "ico", "js", "json", "map", "svg", "ttf", "txt", "wasm", "webmanifest"];

/// The paths of all files below a folder, sorted; none when there is no such folder.
pub fn list(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        let entries = match fs::read_dir(&current) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("cannot read {}", current.display()))?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder)?.to_str().context("a file's name is not UTF-8")?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the files that are not there yet, and their compressed siblings if wanted.
pub fn sync(site: &Path, files: &[File], compress: bool) -> Result<()> {
    for file in files {
        let path = site.join(&file.path);
        let unchanged = fs::read(&path).is_ok_and(|content| content == file.content);
        if !unchanged {
            fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
            fs::write(&path, &file.content)?;
        }
        for (ending, compressor) in [("br", brotli as fn(&[u8]) -> Result<Vec<u8>>), ("gz", gzip)] {
            let sibling = site.join(format!("{}.{ending}", file.path));
            if !compress || !is_compressible(file) {
                // One of an earlier release site would be served with the new file's name.
                remove(&sibling)?;
            } else if !unchanged || !sibling.exists() {
                fs::write(&sibling, compressor(&file.content)?)?;
            }
        }
    }
    Ok(())
}

/// Writes a file so that readers see the old one or the new one, never half of it.
pub fn publish(site: &Path, name: &str, content: &str) -> Result<()> {
    // A newer time alone would make cargo compile the server again, which embeds the file.
    if fs::read(site.join(name)).is_ok_and(|old| old == content.as_bytes()) {
        return Ok(());
    }
    let part = site.join(format!("{name}.part"));
    fs::write(&part, content)?;
    Ok(fs::rename(part, site.join(name))?)
}

/// Removes what belongs to an earlier site.
pub fn remove_stale(site: &Path, files: &[File]) -> Result<()> {
    for path in list(site)? {
        let plain = path.strip_suffix(".br").or(path.strip_suffix(".gz")).unwrap_or(&path);
        let wanted = path == "assets.json" || files.iter().any(|file| file.path == path || file.path == plain);
        if !wanted {
            let path = site.join(path);
            remove(&path)?;
            // Its folder too, once it is empty, and so on up.
            for folder in path.ancestors().skip(1).take_while(|folder| *folder != site) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_compressible(file: &File) -> bool {
    let extension = Path::new(&file.path).extension().and_then(|extension| extension.to_str());
    file.content.len() >= COMPRESSED_BYTES_MIN && extension.is_some_and(|found| COMPRESSIBLE.contains(&found))
}

pub fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    // Quality 11 of 11, window of 4 MiB.
    let mut compressor = CompressorWriter::new(&mut out, 1 << 16, 11, 22);
    compressor.write_all(content)?;
    drop(compressor);
    Ok(out)
}

pub fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut compressor = GzEncoder::new(Vec::new(), Compression::best());
    compressor.write_all(content)?;
    Ok(compressor.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> File {
        File { path: path.into(), content: content.as_bytes().to_vec() }
    }

    #[test]
    fn a_site_holds_nothing_of_the_one_before() {
        let site = std::env::temp_dir().join(format!("sardonyx-site-{}", std::process::id()));
        let text = "a".repeat(COMPRESSED_BYTES_MIN);
        let release = [file("pkg/a-1.js", &text), file("robots.txt", &text)];
        sync(&site, &release, true).expect("a release site");
        publish(&site, "assets.json", "{}").expect("its table");
        remove_stale(&site, &release).expect("no leftovers");
        let compressed = [
            "assets.json",
            "pkg/a-1.js",
            "pkg/a-1.js.br",
            "pkg/a-1.js.gz",
            "robots.txt",
            "robots.txt.br",
            "robots.txt.gz",
        ];
        assert_eq!(list(&site).expect("its files"), compressed);

        let dev = [file("pkg/a-2.js", &text), file("robots.txt", &text)];
        sync(&site, &dev, false).expect("a development site");
        remove_stale(&site, &dev).expect("no leftovers");
        assert_eq!(list(&site).expect("its files"), ["assets.json", "pkg/a-2.js", "robots.txt"]);
        fs::remove_dir_all(site).expect("the test's folder");
    }
}
