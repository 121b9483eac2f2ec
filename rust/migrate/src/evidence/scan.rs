//! A whole segment at a glance: what a reader of the state needs, without the thousands of counters that a
//! later line of the same process says again.

use std::collections::HashMap;

use serde::Deserialize;

use crate::evidence::{Damage, EvidenceError, FORMAT, Frames, Piece};

/// Kinds of which a later line replaces the earlier ones of the same key.
const REPLACED: [&str; 3] = ["counters", "beat", "session"];
/// What ends the key of a line: the writer puts what names it before its time.
const KEY_ENDS: &[u8] = b",\"at\":";
const KIND: &[u8] = b"{\"kind\":\"";

/// What is in a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Payloads with their kind, in the order of the file.
    pub kept: Vec<(&'a str, &'a [u8])>,
    /// Whole frames, those that were not kept among them.
    pub frames: usize,
    /// Bytes that were changed.
    pub damaged: Vec<Damage>,
    /// The torn end.
    pub torn: Option<Damage>,
    /// Where the seal begins, if it is the last frame and nothing follows.
    pub seal: Option<usize>,
}

#[derive(Deserialize)]
struct Head {
    format: u64,
}

#[derive(Deserialize)]
struct Kinded<'a> {
    kind: &'a str,
}

/// The kind that a payload names, at once if it is the first key; empty if it names none.
#[must_use]
pub fn kind_of(payload: &[u8]) -> &str {
    let first = payload.strip_prefix(KIND).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let first = first.and_then(|kind| std::str::from_utf8(kind).ok());
    first.or_else(|| serde_json::from_slice::<Kinded>(payload).ok().map(|kinded| kinded.kind)).unwrap_or_default()
}

/// Reads the bytes of a segment. With `every`, all frames are kept; without, only the last counters, the last beat, and
/// the last session of each unit and day.
///
/// # Errors
/// [`EvidenceError::Newer`] if any header in it names a newer format.
///
/// ```
/// use exuvia_migrate::evidence::{append_frame, scan};
/// let mut bytes = Vec::new();
/// append_frame(br#"{"kind":"header","format":2}"#, &mut bytes)?;
/// append_frame(br#"{"kind":"counters","at":1,"units":{}}"#, &mut bytes)?;
/// append_frame(br#"{"kind":"counters","at":2,"units":{}}"#, &mut bytes)?;
/// let found = scan(&bytes, false)?;
/// assert_eq!((found.frames, found.kept.len()), (3, 2));
/// # Ok::<(), exuvia_migrate::evidence::EvidenceError>(())
/// ```
pub fn scan(bytes: &[u8], every: bool) -> Result<Scan<'_>, EvidenceError> {
    let mut found = Scan::default();
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    let mut kept: Vec<Option<(&str, &[u8])>> = Vec::new();
    for piece in Frames::new(bytes) {
        match piece {
            Piece::Damaged(damage) => found.damaged.push(damage),
            Piece::Torn(damage) => found.torn = Some(damage),
            Piece::Frame { offset, payload } => {
                found.frames += 1;
                let kind = kind_of(payload);
                if kind == "header" {
                    refuse_newer(payload)?;
                }
                found.seal =
                    (kind == "seal" && offset + crate::evidence::HEAD + payload.len() == bytes.len()).then_some(offset);
                if !every && REPLACED.contains(&kind) {
                    let earlier = last.insert(key_of(payload), kept.len());
                    if let Some(slot) = earlier.and_then(|at| kept.get_mut(at)) {
                        *slot = None;
                    }
                }
                kept.push(Some((kind, payload)));
            }
        }
    }
    found.kept = kept.into_iter().flatten().collect();
    Ok(found)
}

fn key_of(payload: &[u8]) -> &[u8] {
    let end = payload.windows(KEY_ENDS.len()).position(|window| window == KEY_ENDS);
    end.and_then(|end| payload.get(..end)).unwrap_or(payload)
}

fn refuse_newer(payload: &[u8]) -> Result<(), EvidenceError> {
    match serde_json::from_slice::<Head>(payload) {
        Ok(Head { format }) if format > FORMAT => Err(EvidenceError::Newer { format }),
        _ => Ok(()),
    }
}
