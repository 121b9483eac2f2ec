//! A frame of a segment: 64 bytes that say what follows and check themselves, then the payload. Rows are an
//! Arrow IPC message, so that reading them is a matter of slicing.

use std::collections::HashMap;

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow::record_batch::RecordBatch;
use exuvia_migrate::evidence::crc32c;

use crate::dataset::Day;

/// Bytes of a frame's head; payloads are padded to a multiple of it, so that Arrow's buffers stay aligned.
pub(crate) const HEAD: usize = 64;
const MAGIC: [u8; 4] = *b"EXF1";

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The beginning of a segment; its payload says of which dataset, as JSON.
    Head,
    /// Rows of one day.
    Rows,
    /// The rows since the last commit count; its payload is the writer's mark.
    Commit,
}

/// A frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub kind: Kind,
    /// Number of the commit that it belongs to.
    pub sequence: u64,
    pub day: Day,
    pub rows: u32,
    /// Version of the schema.
    pub schema: u32,
    /// First and last time of the rows, UTC nanoseconds.
    pub first: i64,
    pub last: i64,
    /// Bytes of the payload, without padding.
    pub length: u32,
    /// CRC-32C of the payload.
    pub checksum: u32,
}

impl Frame {
    /// A frame that has no rows.
    pub(crate) fn plain(kind: Kind, sequence: u64, payload: &[u8]) -> Self {
        Self {
            kind,
            sequence,
            day: Day(0),
            rows: 0,
            schema: 0,
            first: 0,
            last: 0,
            length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            checksum: crc32c(payload),
        }
    }

    /// Head, payload and padding.
    pub(crate) fn bytes(&self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + padded(payload.len()));
        bytes.extend(MAGIC);
        bytes.extend([
            match self.kind {
                Kind::Head => 0,
                Kind::Rows => 1,
                Kind::Commit => 2,
            },
            0,
            0,
            0,
        ]);
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.last.to_le_bytes());
        bytes.extend(self.day.0.to_le_bytes());
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.schema.to_le_bytes());
        bytes.extend(self.length.to_le_bytes());
        bytes.extend(self.checksum.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes.extend(payload);
        bytes.resize(HEAD + padded(payload.len()), 0);
        bytes
    }

    /// The frame in the first bytes of `head`; nothing if they are not one.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD] = head.first_chunk()?;
        let (body, check) = head.split_at(HEAD - 4);
        if u32::from_le_bytes(*check.first_chunk()?) != crc32c(body) || !body.starts_with(&MAGIC) {
            return None;
        }
        let kind = match body.get(4)? {
            0 => Kind::Head,
            1 => Kind::Rows,
            2 => Kind::Commit,
            _ => return None,
        };
        let four = |at: usize| body.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied();
        let eight = |at: usize| body.get(at..).and_then(|rest| rest.first_chunk::<8>()).copied();
        Some(Self {
            kind,
            sequence: u64::from_le_bytes(eight(8)?),
            first: i64::from_le_bytes(eight(16)?),
            last: i64::from_le_bytes(eight(24)?),
            day: Day(i32::from_le_bytes(four(32)?)),
            rows: u32::from_le_bytes(four(36)?),
            schema: u32::from_le_bytes(four(40)?),
            length: u32::from_le_bytes(four(44)?),
            checksum: u32::from_le_bytes(four(48)?),
        })
    }

    /// Bytes from the frame's beginning to that of the next.
    pub(crate) fn stride(&self) -> u64 {
        (HEAD + padded(self.length as usize)) as u64
    }

    /// Whether this is the payload that was written.
    pub(crate) fn holds(&self, payload: &[u8]) -> bool {
        payload.len() == self.length as usize && crc32c(payload) == self.checksum
    }
}

const fn padded(length: usize) -> usize {
    length.div_ceil(HEAD) * HEAD
}

/// The payload of rows: the length of Arrow's message in eight bytes, the message, its buffers.
pub(crate) fn encode_rows(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(false);
    let mut context = IpcWriteContext::default();
    let (_, encoded) = IpcDataGenerator {}.encode(batch, &mut tracker, &options, &mut context)?;
    let message = encoded.ipc_message;
    // The buffers begin on a multiple of 64, as the payload does.
    let begin = padded(8 + message.len());
    let mut payload = Vec::with_capacity(begin + encoded.arrow_data.len());
    payload.extend((message.len() as u64).to_le_bytes());
    payload.extend(message);
    payload.resize(begin, 0);
    payload.extend(encoded.arrow_data);
    Ok(payload)
}

/// The rows of a payload; the batch keeps the payload's bytes.
pub(crate) fn decode_rows(payload: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let wrong = |what: &str| ArrowError::IpcError(what.to_owned());
    let (length, rest) = payload.split_first_chunk::<8>().ok_or_else(|| wrong("no length"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    // The message is small; its buffers are not copied.
    let message = rest.get(..length).ok_or_else(|| wrong("a message longer than its frame"))?.to_vec();
    let begin = padded(8 + length).min(payload.len());
    let buffers = Buffer::from_vec(payload).slice(begin);
    let message = root_as_message(&message).map_err(|error| wrong(&error.to_string()))?;
    let batch = message.header_as_record_batch().ok_or_else(|| wrong("no record batch"))?;
    read_record_batch(&buffers, batch, SchemaRef::clone(schema), &HashMap::new(), None, &message.version())
}
