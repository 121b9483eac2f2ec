//! One frame after the other: made, and found again in bytes of which some may be wrong.

use crate::evidence::{EvidenceError, crc32c};

/// Bytes before a payload: its length and its checksum.
pub const HEAD: usize = 8;
/// The longest payload. It keeps the length's highest byte 0, which JSON text never holds: no frame is found inside one.
pub const LONGEST: usize = 16 * 1024 * 1024 - 1;
const SHORTEST: usize = 2;
/// How often the bytes may be summed over while a reader looks for the next whole frame.
const PATIENCE: usize = 8;

/// Appends a payload as a frame.
///
/// # Errors
/// [`EvidenceError::TooLong`], [`EvidenceError::NotAnObject`]; `out` is as it was then.
pub fn append_frame(payload: &[u8], out: &mut Vec<u8>) -> Result<(), EvidenceError> {
    if payload.len() < SHORTEST || payload.first() != Some(&b'{') {
        let begins = String::from_utf8_lossy(payload.get(..16).unwrap_or(payload)).into_owned();
        return Err(EvidenceError::NotAnObject { begins });
    }
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= LONGEST);
    let Some(length) = length else { return Err(EvidenceError::TooLong { length: payload.len() }) };
    out.reserve(HEAD + payload.len());
    out.extend(length.to_le_bytes());
    out.extend(crc32c(payload).to_le_bytes());
    out.extend(payload);
    Ok(())
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where they begin.
    pub offset: usize,
    /// How many they are.
    pub length: usize,
}

/// What comes next in the bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole frame's payload, and where the frame begins.
    Frame {
        /// Where the frame begins.
        offset: usize,
        /// Its payload.
        payload: &'a [u8],
    },
    /// Bytes that were changed after they were written: a whole frame follows them, or they claim to be whole.
    Damaged(Damage),
    /// The end is missing: a writer was killed, or the file was cut.
    Torn(Damage),
}

/// Walks over the frames of a segment. It ends after the last byte; each byte is in exactly one piece.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    offset: usize,
    patience: usize,
}

impl<'a> Frames<'a> {
    /// The frames of `bytes`, from the first.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        let patience = bytes.len().saturating_mul(PATIENCE).saturating_add(LONGEST);
        Self { bytes, offset: 0, patience }
    }

    /// The payload of the frame at `offset`, if there is a whole one.
    fn whole(&self, offset: usize) -> Option<&'a [u8]> {
        let (length, crc) = self.head(offset)?;
        let start = offset.checked_add(HEAD)?;
        let payload = self.bytes.get(start..start.checked_add(length)?)?;
        (payload.first() == Some(&b'{') && crc32c(payload) == crc).then_some(payload)
    }

    fn head(&self, offset: usize) -> Option<(usize, u32)> {
        let head = self.bytes.get(offset..)?.first_chunk::<HEAD>()?;
        let [a, b, c, d, e, f, g, h] = *head;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        (SHORTEST..=LONGEST).contains(&length).then_some((length, u32::from_le_bytes([e, f, g, h])))
    }

    /// Where the next whole frame begins, looked for byte by byte with bounded patience.
    fn next_whole(&mut self, from: usize) -> Option<usize> {
        (from..self.bytes.len().saturating_sub(HEAD)).find(|offset| {
            let Some((length, _)) = self.head(*offset) else { return false };
            let plausible = self.bytes.get(offset + HEAD) == Some(&b'{') && length <= self.bytes.len() - offset - HEAD;
            if !plausible || self.patience < length {
                return false;
            }
            self.patience -= length;
            self.whole(*offset).is_some()
        })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        if offset >= self.bytes.len() {
            return None;
        }
        if let Some(payload) = self.whole(offset) {
            self.offset = offset + HEAD + payload.len();
            return Some(Piece::Frame { offset, payload });
        }
        let next = self.next_whole(offset + 1);
        self.offset = next.unwrap_or(self.bytes.len());
        let damage = Damage { offset, length: self.offset - offset };
        let claims = self.head(offset).is_some_and(|(length, _)| length <= damage.length.saturating_sub(HEAD));
        Some(if next.is_some() || claims { Piece::Damaged(damage) } else { Piece::Torn(damage) })
    }
}
