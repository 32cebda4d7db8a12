//! Lines of bounded length from a process that may send anything.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What [`next_line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line is in the buffer, without its end.
    Whole,
    /// The line is longer than allowed; the buffer has its beginning, the rest was thrown away.
    TooLong,
    /// Nothing more comes.
    End,
}

/// Reads up to the next line feed, or to the end. Not cancel-safe: give it a task of its own.
pub async fn next_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    bytes_max: usize,
) -> io::Result<Line> {
    line.clear();
    let mut too_long = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(if line.is_empty() { Line::End } else { verdict(too_long) });
        }
        let feed = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..feed.unwrap_or(available.len())];
        let room = bytes_max - line.len();
        too_long |= part.len() > room;
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(feed.is_some());
        reader.consume(used);
        if feed.is_some() {
            return Ok(verdict(too_long));
        }
    }
}

const fn verdict(too_long: bool) -> Line {
    if too_long { Line::TooLong } else { Line::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        // A small buffer, so that lines come in parts.
        let mut reader = tokio::io::BufReader::with_capacity(3, &b"12345\n\n123456789\nlast"[..]);
        let mut line = Vec::new();
        let mut read = Vec::new();
        loop {
            let kind = next_line(&mut reader, &mut line, 5).await.unwrap();
            read.push((kind, String::from_utf8(line.clone()).unwrap()));
            if kind == Line::End {
                break;
            }
        }
        let expected = [
            (Line::Whole, "12345"),
            (Line::Whole, ""),
            (Line::TooLong, "12345"),
            (Line::Whole, "last"),
            (Line::End, ""),
        ];
        assert_eq!(read, expected.map(|(kind, text)| (kind, text.to_owned())));
    }
}
