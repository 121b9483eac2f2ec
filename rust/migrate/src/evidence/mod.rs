//! The format of evidence: frames `[u32 LE length | u32 LE crc32c | payload]`, the payload one JSON object
//! whose first key is `kind`. Bytes in, bytes out: in go payloads or the bytes of a segment, out come frames,
//! or what is in the segment, what was damaged, and where a kill tore its end.

mod crc;
mod frame;
mod scan;

use thiserror::Error;

pub use crc::crc32c;
pub use frame::{Damage, Frames, HEAD, LONGEST, Piece, append_frame};
pub use scan::{Scan, kind_of, scan};

/// The format that this build writes, and the newest that it reads. Format 1 was JSON lines.
pub const FORMAT: u64 = 2;

/// Why bytes are not read as evidence, or a payload is not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// A newer format: its rules are not known here.
    #[error(
        "written by a newer exuvia (evidence format {format}; this one reads up to {FORMAT}): read it with that version, or update this one"
    )]
    Newer {
        /// The format that the header names.
        format: u64,
    },
    /// A payload that no reader would take.
    #[error("a payload of evidence has {length} bytes, and {LONGEST} is the most: cut what it holds")]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// A payload that is not what evidence is made of.
    #[error("a payload of evidence is one JSON object, this begins with {begins:?}")]
    NotAnObject {
        /// Its first bytes, as text.
        begins: String,
    },
}
