//! What stood in a payload, kept short for a message: the value that was refused, as it came.

use std::fmt;

/// Where in a payload a value stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    from: u32,
    to: u32,
}

impl Span {
    pub(super) fn new(from: usize, to: usize) -> Self {
        // A value beyond 4 GiB is said without its text.
        let place = |at: usize| u32::try_from(at).unwrap_or_default();
        Self { from: place(from), to: place(to) }
    }

    /// The value that stands there; None where nothing was noted.
    pub(super) fn said(self, payload: &[u8]) -> Option<Said> {
        let value = payload.get(self.from as usize..self.to as usize)?.trim_ascii();
        if value.is_empty() { None } else { Some(Said::new(value)) }
    }
}

/// Bytes of a value that are kept.
const MOST: usize = 40;

/// The beginning of a JSON value as it came; shown with `…` if there was more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Said {
    bytes: [u8; MOST],
    length: usize,
}

impl Said {
    fn new(value: &[u8]) -> Self {
        let mut bytes = [0; MOST];
        for (kept, byte) in bytes.iter_mut().zip(value) {
            *kept = *byte;
        }
        Self { bytes, length: value.len() }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.bytes.get(..self.length).unwrap_or(&self.bytes);
        let text = String::from_utf8_lossy(kept);
        // A letter of several bytes may be cut in two.
        f.write_str(if self.length > MOST { text.trim_end_matches('\u{FFFD}') } else { &text })?;
        if self.length > MOST { f.write_str("…") } else { Ok(()) }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Said({self})")
    }
}
