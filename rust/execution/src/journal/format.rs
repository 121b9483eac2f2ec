//! The bytes of a journal. The first line is `exuvia-orders 1`, each other one a record: the CRC-32 (IEEE 802.3) of what
//! follows in eight hex digits, a space, and one JSON object with the record's number and its change. Every line ends with
//! a line feed, which JSON text never holds, so a reader finds the next line behind a broken one.
//!
//! A write that was broken off leaves the beginning of a line and no line feed: a torn tail, which never was durable, so
//! nothing was sent on its word. Anything else that cannot be read is damage.

use serde::{Deserialize, Serialize};

use crate::Change;

/// What a journal begins with.
const MAGIC: &str = "exuvia-orders ";
/// The format that is written, and the newest that is read.
pub(super) const VERSION: u32 = 1;
/// A crc, its space, and the least that JSON can be.
const LEAST: usize = 9;

/// A record of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where its line begins.
    pub offset: u64,
    /// What it changes.
    pub change: Change,
}

/// The end of a line that was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Where it began.
    pub offset: u64,
    /// How many bytes it had.
    pub bytes: u64,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) records: Vec<Record>,
    pub(super) torn: Option<Torn>,
}

/// Why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    Newer(u32),
    Damaged { offset: u64, why: String },
}

#[derive(Serialize)]
struct Written<'a> {
    n: u64,
    #[serde(flatten)]
    change: &'a Change,
}

#[derive(Deserialize)]
struct Numbered {
    n: u64,
}

/// The first line.
pub(super) fn header() -> Vec<u8> {
    format!("{MAGIC}{VERSION}\n").into_bytes()
}

/// A record as a line; `Err` says why the change cannot be written.
pub(super) fn line(number: u64, change: &Change) -> Result<Vec<u8>, String> {
    let json = serde_json::to_string(&Written { n: number, change }).map_err(|error| error.to_string())?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).into_bytes())
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Content, Unreadable> {
    let first = header();
    if first.starts_with(bytes) && bytes.len() < first.len() {
        // It ended while its first line was written, or it is empty.
        let torn = Some(Torn { offset: 0, bytes: bytes.len() as u64 });
        return Ok(Content { records: Vec::new(), torn });
    }
    let Some(mut rest) = bytes.strip_prefix(first.as_slice()) else { return Err(foreign(bytes)) };
    let mut records = Vec::new();
    loop {
        let offset = (bytes.len() - rest.len()) as u64;
        let damaged = |why| Unreadable::Damaged { offset, why };
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            if let Some((_, before)) = rest.split_last()
                && parse(before, records.len() as u64).is_ok()
            {
                return Err(damaged("its line feed is another byte".to_owned()));
            }
            let torn = (!rest.is_empty()).then_some(Torn { offset, bytes: rest.len() as u64 });
            return Ok(Content { records, torn });
        };
        let (line, after) = rest.split_at(end);
        let change = parse(line, records.len() as u64).map_err(damaged)?;
        records.push(Record { offset, change });
        rest = after.get(1..).unwrap_or_default();
    }
}

/// A line without its line feed as the change of record `number`.
fn parse(line: &[u8], number: u64) -> Result<Change, String> {
    let (Some(crc), Some(b' '), Some(json)) = (line.get(..8), line.get(8), line.get(LEAST..)) else {
        return Err(format!("a line of {} bytes is no record", line.len()));
    };
    if crc != format!("{:08x}", crc32fast::hash(json)).as_bytes() {
        return Err("its checksum does not agree with its content".to_owned());
    }
    let found: Numbered = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if found.n != number {
        return Err(format!("it is record {} where {number} was expected: lines were lost or repeated", found.n));
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

/// What a file is that does not begin as ours.
fn foreign(bytes: &[u8]) -> Unreadable {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let version = line.strip_prefix(MAGIC.as_bytes()).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    match version {
        Some(version) if version > VERSION => Unreadable::Newer(version),
        _ => Unreadable::Damaged { offset: 0, why: format!("its first line is not {MAGIC:?} and a version") },
    }
}
