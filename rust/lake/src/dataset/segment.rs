//! The open rows of a dataset: append-only files of checked frames. Rows count from the commit that follows
//! them; what a killed writer left behind its last commit is not there for anybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use exuvia_ports::{Create, FileReader, FileWriter, Files};
use serde::{Deserialize, Serialize};

use crate::LakeError;
use crate::atomic::{folder_of, make_folder};
use crate::dataset::Day;
use crate::dataset::declare::{FORMAT, HOUSE, to_json};
use crate::dataset::frame::{Frame, HEAD, Kind, decode_rows, encode_rows};

/// Heads are read so many bytes at once.
const WINDOW: usize = 1 << 16;

/// What the beginning of a segment says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    format: u32,
    dataset: String,
    /// The last commit before this segment, and its mark.
    sequence: u64,
    mark: Option<String>,
}

/// The folder of segments.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join(HOUSE).join("open")
}

/// The segments that are there, by number.
pub(crate) fn list(files: &dyn Files, root: &Path) -> Result<Vec<(u64, PathBuf)>, LakeError> {
    let paths = match files.list(&folder(root)) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        other => other?,
    };
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix(".seg")?.parse::<u64>().ok();
    let mut found: Vec<_> = paths.into_iter().filter_map(|path| number(&path).map(|number| (number, path))).collect();
    found.sort();
    Ok(found)
}

/// A segment that is being written.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    writer: Box<dyn FileWriter>,
}

impl SegmentWriter {
    /// Makes the segment, durable with its head.
    pub(crate) fn create(
        files: &dyn Files,
        root: &Path,
        dataset: &str,
        number: u64,
        last: (u64, Option<&str>),
    ) -> Result<Self, LakeError> {
        let path = folder(root).join(format!("{number:08}.seg"));
        make_folder(files, folder_of(&path))?;
        let mut writer = files.create(&path, Create::default().exclusive())?;
        let head = Head { format: FORMAT, dataset: dataset.to_owned(), sequence: last.0, mark: last.1.map(Into::into) };
        let payload = to_json(&head)?;
        writer.write(&Frame::plain(Kind::Head, last.0, &payload).bytes(&payload))?;
        writer.sync()?;
        files.sync_dir(folder_of(&path))?;
        Ok(Self { writer })
    }

    /// Writes rows of one day; they do not count yet.
    pub(crate) fn rows(
        &mut self,
        sequence: u64,
        day: Day,
        schema: u32,
        times: (i64, i64),
        batch: &RecordBatch,
    ) -> Result<(), LakeError> {
        let payload = encode_rows(batch).map_err(|error| LakeError::Encode(error.to_string()))?;
        let rows = u32::try_from(batch.num_rows()).map_err(|error| LakeError::Encode(error.to_string()))?;
        if u32::try_from(payload.len()).is_err() {
            return Err(LakeError::Encode("a batch of more than 4 GiB".to_owned()));
        }
        let frame =
            Frame { day, rows, schema, first: times.0, last: times.1, ..Frame::plain(Kind::Rows, sequence, &payload) };
        Ok(self.writer.write(&frame.bytes(&payload))?)
    }

    /// Lets the rows since the last commit count; durable when it returns.
    pub(crate) fn commit(&mut self, sequence: u64, mark: Option<&str>) -> Result<(), LakeError> {
        // An empty payload is no mark, and a mark may be empty.
        let payload = mark.map(|mark| format!("={mark}")).unwrap_or_default();
        self.writer.write(&Frame::plain(Kind::Commit, sequence, payload.as_bytes()).bytes(payload.as_bytes()))?;
        Ok(self.writer.sync()?)
    }
}

/// Rows that count: a frame of a segment, and where its payload lies.
#[derive(Debug, Clone)]
pub(crate) struct OpenRows {
    pub frame: Frame,
    pub at: u64,
    pub segment: Arc<Segment>,
}

impl OpenRows {
    /// The rows, with the schema that they were written with.
    pub(crate) fn read(&self, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
        let payload = self.segment.reader.read_at(self.at + HEAD as u64, self.frame.length as usize)?;
        let damaged =
            |reason: String| LakeError::DamagedSegment { file: self.segment.name.clone(), at: self.at, reason };
        if !self.frame.holds(&payload) {
            return Err(damaged("the checksum of committed rows is another".to_owned()));
        }
        decode_rows(payload, schema).map_err(|error| damaged(error.to_string()))
    }
}

/// An open file of frames.
#[derive(Debug)]
pub(crate) struct Segment {
    pub name: String,
    pub path: PathBuf,
    pub number: u64,
    reader: Box<dyn FileReader>,
}

/// What the segments say together.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Rows that count, in the order in which they were committed.
    pub rows: Vec<OpenRows>,
    /// The last commit.
    pub sequence: u64,
    /// The mark that was committed last.
    pub mark: Option<String>,
    /// Every segment, with the highest commit in it; without one if its head is not whole.
    pub segments: Vec<(Arc<Segment>, Option<u64>)>,
    /// Bytes behind the last commit of a segment, that count for nothing.
    pub torn: Vec<(String, u64, u64)>,
}

/// Reads the frames of all segments.
///
/// # Errors
/// [`LakeError::DamagedSegment`] if a frame is broken and a later commit is not; [`LakeError::Files`].
pub(crate) fn open(files: &dyn Files, root: &Path, dataset: &str) -> Result<Open, LakeError> {
    let mut open = Open::default();
    let mut groups: Vec<(u64, Vec<OpenRows>)> = Vec::new();
    for (number, path) in list(files, root)? {
        let reader = files.open(&path)?;
        let segment = Arc::new(Segment { name: path.display().to_string(), path, number, reader });
        let found = walk(&segment, dataset)?;
        let highest = found.commits.last().map(|commit| commit.0).or(found.head.as_ref().map(|head| head.0));
        if let Some((sequence, mark)) = found.head.filter(|head| head.0 > open.sequence) {
            (open.sequence, open.mark) = (sequence, mark);
        }
        for (sequence, mark, rows) in found.commits {
            // A commit that is written again, after an error whose end nobody knows, stands for the first.
            groups.retain(|group| group.0 != sequence);
            groups.push((sequence, rows));
            if sequence >= open.sequence {
                open.sequence = sequence;
                open.mark = mark.or_else(|| open.mark.take());
            }
        }
        if found.torn > 0 {
            open.torn.push((segment.name.clone(), found.end, found.torn));
        }
        open.segments.push((segment, highest));
    }
    groups.sort_by_key(|group| group.0);
    open.rows = groups.into_iter().flat_map(|group| group.1).collect();
    Ok(open)
}

#[derive(Default)]
struct Walked {
    head: Option<(u64, Option<String>)>,
    commits: Vec<(u64, Option<String>, Vec<OpenRows>)>,
    /// Where the last commit ends, and how many bytes follow.
    end: u64,
    torn: u64,
}

fn walk(segment: &Arc<Segment>, dataset: &str) -> Result<Walked, LakeError> {
    let length = segment.reader.length()?;
    let mut found = Walked::default();
    let mut window = Window { segment, bytes: Vec::new(), from: 0 };
    let mut waiting = Vec::new();
    let mut at = 0;
    while let Some(frame) = window.frame(at)? {
        let next = at + frame.stride();
        if next > length {
            break;
        }
        match frame.kind {
            Kind::Head => {
                let payload = segment.reader.read_at(at + HEAD as u64, frame.length as usize)?;
                if at > 0 || !frame.holds(&payload) {
                    break;
                }
                let head: Head = crate::dataset::declare::from_json(&segment.path, &payload)?;
                if head.dataset != dataset {
                    return Err(segment.damaged(0, &format!("it belongs to dataset '{}'", head.dataset)));
                }
                found.head = Some((head.sequence, head.mark));
                found.end = next;
            }
            Kind::Rows => waiting.push(OpenRows { frame, at, segment: Arc::clone(segment) }),
            Kind::Commit => {
                let payload = segment.reader.read_at(at + HEAD as u64, frame.length as usize)?;
                if !frame.holds(&payload) {
                    break;
                }
                let mark = String::from_utf8_lossy(&payload).strip_prefix('=').map(ToOwned::to_owned);
                found.commits.push((frame.sequence, mark, std::mem::take(&mut waiting)));
                found.end = next;
            }
        }
        at = next;
    }
    // A commit was synced before the next was begun: only of the last one rows may be missing.
    if let Some((_, _, rows)) = found.commits.last() {
        for of in rows {
            let payload = segment.reader.read_at(of.at + HEAD as u64, of.frame.length as usize)?;
            if !of.frame.holds(&payload) {
                found.end = rows.first().map_or(found.end, |first| first.at);
                found.commits.pop();
                break;
            }
        }
    }
    found.torn = length.saturating_sub(found.end);
    let last = found.commits.last().map_or(0, |commit| commit.0).max(found.head.as_ref().map_or(0, |head| head.0));
    if let Some(later) = commit_behind(segment, (at, length), last)? {
        return Err(segment
            .damaged(at, &format!("the frame there is broken, and rows were committed behind it, at byte {later}")));
    }
    Ok(found)
}

/// Where a whole commit lies behind a place at which no frame could be read. The commit next to the `last` one
/// may be there: when the power goes while it is being synced, its parts reach the disk in any order.
fn commit_behind(segment: &Segment, (from, length): (u64, u64), last: u64) -> Result<Option<u64>, LakeError> {
    let mut at = from;
    while at < length {
        let bytes = segment.reader.read_at(at, WINDOW)?;
        for (index, head) in bytes.chunks_exact(HEAD).enumerate() {
            let here = at + (index * HEAD) as u64;
            let commit = Frame::read(head).filter(|frame| frame.kind == Kind::Commit && frame.sequence > last + 1);
            if let Some(frame) = commit.filter(|frame| here + frame.stride() <= length) {
                let payload = segment.reader.read_at(here + HEAD as u64, frame.length as usize)?;
                if frame.holds(&payload) {
                    return Ok(Some(here));
                }
            }
        }
        at += WINDOW as u64;
    }
    Ok(None)
}

impl Segment {
    fn damaged(&self, at: u64, reason: &str) -> LakeError {
        LakeError::DamagedSegment { file: self.name.clone(), at, reason: reason.to_owned() }
    }
}

/// Reads heads of frames that lie close to each other in one go.
struct Window<'a> {
    segment: &'a Segment,
    bytes: Vec<u8>,
    from: u64,
}

impl Window<'_> {
    fn frame(&mut self, at: u64) -> Result<Option<Frame>, LakeError> {
        let inside = |window: &Self| {
            let offset = usize::try_from(at.checked_sub(window.from)?).ok()?;
            window.bytes.get(offset..offset + HEAD).map(Frame::read)
        };
        if let Some(found) = inside(self) {
            return Ok(found);
        }
        self.bytes = self.segment.reader.read_at(at, WINDOW)?;
        self.from = at;
        Ok(inside(self).flatten())
    }
}
