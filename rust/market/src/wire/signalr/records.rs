//! Records out of frames that may be split anywhere.

use thiserror::Error;

use super::SEPARATOR;
use crate::wire::find::find;

/// The longest record that is waited for.
pub const MAX_RECORD: usize = 16 << 20;

/// A record that is longer than any real one; what came of it is thrown away, up to the next separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("record of more than {} bytes without a separator (0x1e): is this a SignalR JSON stream?", MAX_RECORD)]
pub struct RecordsError;

/// Splits what comes into records.
///
/// ```
/// use exuvia_market::wire::signalr::Records;
/// let mut records = Records::default();
/// let mut seen = Vec::new();
/// for part in [&b"{}\x1e{\"ty"[..], b"pe\":6}\x1e"] {
///     records.feed(part, |record| seen.push(String::from_utf8_lossy(record).into_owned()))?;
/// }
/// assert_eq!(seen, ["{}", r#"{"type":6}"#]);
/// # Ok::<(), exuvia_market::wire::signalr::RecordsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Records {
    rest: Vec<u8>,
    /// Whether bytes are thrown away until a separator.
    lost: bool,
}

impl Records {
    /// Takes bytes as they come and hands each whole record, without its separator, to `record`.
    ///
    /// # Errors
    /// If a record is too long; all whole records were handed out, and the stream goes on after the next separator.
    pub fn feed(&mut self, bytes: &[u8], mut record: impl FnMut(&[u8])) -> Result<(), RecordsError> {
        let mut left = bytes;
        let mut outcome = Ok(());
        while let Some(end) = find(left, SEPARATOR) {
            let (now, after) = left.split_at(end);
            left = after.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.lost) {
                continue;
            }
            if self.rest.len() + now.len() > MAX_RECORD {
                self.rest.clear();
                outcome = Err(RecordsError);
            } else if self.rest.is_empty() {
                record(now);
            } else {
                self.rest.extend_from_slice(now);
                record(&self.rest);
                self.rest.clear();
            }
        }
        if self.lost {
            return outcome;
        }
        if self.rest.len() + left.len() > MAX_RECORD {
            self.rest = Vec::new();
            self.lost = true;
            return Err(RecordsError);
        }
        self.rest.extend_from_slice(left);
        outcome
    }

    /// How many bytes of a record came whose end did not.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.rest.len()
    }

    /// Forgets the start of a record: call it after a reconnect.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
