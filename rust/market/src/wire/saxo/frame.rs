//! The binary framing: one WebSocket frame is one or more messages end to end, integers little-endian.
//!
//! Layout of a message: id `u64`, two reserved bytes, length of the reference id `u8`, reference id (ASCII), payload
//! format `u8`, payload size `u32`, payload.

use thiserror::Error;

/// Payload format of UTF-8 JSON.
pub const FORMAT_JSON: u8 = 0;
/// Payload format of protocol buffers; such payloads are handed through as they are.
pub const FORMAT_PROTOBUF: u8 = 1;
/// Bytes before the reference id.
const HEAD: usize = 11;
/// The largest payload that a decoder of a byte stream waits for.
const MAX_PAYLOAD: usize = 64 << 20;

/// One message of a frame; it borrows from the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Message<'a> {
    /// Opaque position in the stream, for `messageid=` at a reconnect.
    pub id: u64,
    /// The subscription that it belongs to; control messages start with `_`.
    pub reference: &'a str,
    /// 0 is JSON, 1 protocol buffers.
    pub format: u8,
    /// The payload as it came.
    pub payload: &'a [u8],
}

/// A frame that does not follow the layout.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The bytes end inside a message.
    #[error(
        "frame of {size} bytes breaks off at byte {at}: expected {needed} bytes of {field}, only {} are left",
        .size.saturating_sub(*.at)
    )]
    Truncated {
        /// Offset of the field.
        at: usize,
        /// Which field.
        field: &'static str,
        /// How many bytes the field has.
        needed: usize,
        /// How many bytes there are in all.
        size: usize,
    },
    /// A reference id with bytes beyond ASCII.
    #[error("frame at byte {at}: expected an ASCII reference id, found byte {found:#04x}")]
    Reference {
        /// Offset of the byte.
        at: usize,
        /// The byte.
        found: u8,
    },
    /// A size that no real message has.
    #[error("frame at byte {at}: expected a payload of at most {} bytes, found the size {size}", MAX_PAYLOAD)]
    TooLarge {
        /// Offset of the size field.
        at: usize,
        /// The size.
        size: usize,
    },
    /// A message that cannot be written in this layout.
    #[error("message {id} cannot be framed: {why}")]
    Encode {
        /// Id of the message.
        id: u64,
        /// What does not fit.
        why: &'static str,
    },
}

/// Reads all messages of one whole frame.
///
/// ```
/// use exuvia_market::wire::saxo::{Message, decode_frame, encode_frame};
/// let message = Message { id: 7, reference: "prices", format: 0, payload: b"[]" };
/// let frame = encode_frame(&[message])?;
/// assert_eq!(decode_frame(&frame)?, [message]);
/// # Ok::<(), exuvia_market::wire::saxo::FrameError>(())
/// ```
///
/// # Errors
/// If the frame breaks off or a reference id is not ASCII: then none of its messages is handed out.
pub fn decode_frame(frame: &[u8]) -> Result<Vec<Message<'_>>, FrameError> {
    Messages::new(frame).collect()
}

/// The messages of one whole frame, one after another; ends after the first error.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Messages<'a> {
    /// Starts at the first message of `frame`.
    #[must_use]
    pub const fn new(frame: &'a [u8]) -> Self {
        Self { frame, at: 0 }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.frame.len() {
            return None;
        }
        let read = read_message(self.frame, self.at);
        self.at = read.as_ref().map_or(self.frame.len(), |(_, end)| *end);
        Some(read.map(|(message, _)| message))
    }
}

/// Reads the message that starts at `from`; answers it and where it ends.
fn read_message(frame: &[u8], from: usize) -> Result<(Message<'_>, usize), FrameError> {
    let field = |at: usize, needed: usize, field: &'static str| {
        let end = at.checked_add(needed);
        end.and_then(|end| frame.get(at..end)).ok_or(FrameError::Truncated { at, field, needed, size: frame.len() })
    };
    let head = field(from, HEAD, "message id, reserved bytes and reference length")?;
    let (id, length) = match *head {
        [a, b, c, d, e, f, g, h, _, _, length] => (u64::from_le_bytes([a, b, c, d, e, f, g, h]), usize::from(length)),
        _ => return Err(FrameError::Truncated { at: from, field: "message id", needed: HEAD, size: frame.len() }),
    };
    let at = from + HEAD;
    let reference = field(at, length, "reference id")?;
    if let Some((index, found)) = reference.iter().enumerate().find(|(_, byte)| !byte.is_ascii()) {
        return Err(FrameError::Reference { at: at + index, found: *found });
    }
    let at = at + length;
    let format = field(at, 1, "payload format")?.first().copied().unwrap_or_default();
    let size = field(at + 1, 4, "payload size")?.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    if size > MAX_PAYLOAD {
        return Err(FrameError::TooLarge { at: at + 1, size });
    }
    let payload = field(at + 5, size, "payload")?;
    // ASCII is UTF-8, so this never falls back.
    let reference = std::str::from_utf8(reference).unwrap_or_default();
    Ok((Message { id, reference, format, payload }, at + 5 + size))
}

/// Reads messages from a stream of bytes that may be split anywhere.
///
/// ```
/// use exuvia_market::wire::saxo::{FrameDecoder, Message, encode_frame};
/// let frame = encode_frame(&[Message { id: 7, reference: "prices", format: 0, payload: b"[]" }])?;
/// let mut decoder = FrameDecoder::default();
/// decoder.feed(&frame[..5]);
/// assert!(decoder.next_message()?.is_none());
/// decoder.feed(&frame[5..]);
/// assert_eq!(decoder.next_message()?.map(|message| message.id), Some(7));
/// decoder.finish()?;
/// # Ok::<(), exuvia_market::wire::saxo::FrameError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    at: usize,
    /// Offset in the stream of the first byte of `buffer`.
    passed: usize,
}

impl FrameDecoder {
    /// Takes bytes as they come.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.passed += self.at;
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` until more bytes come.
    ///
    /// # Errors
    /// If the bytes are no message. There is no way to find the next one, so the error stays.
    pub fn next_message(&mut self) -> Result<Option<Message<'_>>, FrameError> {
        if self.at == self.buffer.len() {
            return Ok(None);
        }
        match read_message(&self.buffer, self.at) {
            Ok((message, end)) => {
                self.at = end;
                Ok(Some(message))
            }
            Err(FrameError::Truncated { .. }) => Ok(None),
            Err(error) => Err(error.moved(self.passed)),
        }
    }

    /// Checks at the end of the stream that it did not break off inside a message.
    ///
    /// # Errors
    /// `Truncated`, with the offset in the stream.
    pub fn finish(&self) -> Result<(), FrameError> {
        match read_message(&self.buffer, self.at) {
            Err(error) if self.at < self.buffer.len() => Err(error.moved(self.passed)),
            _ => Ok(()),
        }
    }
}

impl FrameError {
    /// The same error with offsets counted from `by` bytes earlier.
    fn moved(self, by: usize) -> Self {
        match self {
            Self::Truncated { at, field, needed, size } => {
                Self::Truncated { at: at + by, field, needed, size: size + by }
            }
            Self::Reference { at, found } => Self::Reference { at: at + by, found },
            Self::TooLarge { at, size } => Self::TooLarge { at: at + by, size },
            encode @ Self::Encode { .. } => encode,
        }
    }
}

impl Message<'_> {
    /// Appends this message to a frame.
    ///
    /// # Errors
    /// `Encode` if the reference id is not ASCII or longer than 255 bytes, or the payload too large.
    pub fn write(&self, frame: &mut Vec<u8>) -> Result<(), FrameError> {
        let refuse = |why| FrameError::Encode { id: self.id, why };
        if !self.reference.is_ascii() {
            return Err(refuse("its reference id is not ASCII"));
        }
        let length = u8::try_from(self.reference.len()).map_err(|_| refuse("its reference id is over 255 bytes"))?;
        let size = u32::try_from(self.payload.len()).ok().filter(|size| *size as usize <= MAX_PAYLOAD);
        let size = size.ok_or_else(|| refuse("its payload is over 64 MiB"))?;
        frame.reserve(HEAD + self.reference.len() + 5 + self.payload.len());
        frame.extend_from_slice(&self.id.to_le_bytes());
        frame.extend_from_slice(&[0, 0, length]);
        frame.extend_from_slice(self.reference.as_bytes());
        frame.push(self.format);
        frame.extend_from_slice(&size.to_le_bytes());
        frame.extend_from_slice(self.payload);
        Ok(())
    }
}

/// Writes messages into one frame.
///
/// # Errors
/// `Encode` at the first message that does not fit the layout.
pub fn encode_frame(messages: &[Message<'_>]) -> Result<Vec<u8>, FrameError> {
    let mut frame = Vec::new();
    for message in messages {
        message.write(&mut frame)?;
    }
    Ok(frame)
}
