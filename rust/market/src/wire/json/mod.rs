//! A pull reader for JSON (RFC 8259) that validates all it passes and builds nothing that nobody
//! asked for. It also recognises `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes.

mod number;
mod text;

pub use number::Number;
pub(in crate::wire) use number::Plain;
pub use text::Text;

use thiserror::Error;

/// How deep objects and arrays may be nested.
pub const MAX_DEPTH: u32 = 128;

/// Where a text stops being JSON, and what would have been right there. Boxed, so that answers stay in registers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("JSON breaks at byte {}: expected {}, found {}", .0.at, .0.expected, Found(.0.found))]
pub struct JsonError(Box<Fault>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    at: usize,
    expected: &'static str,
    found: Option<u8>,
}

impl JsonError {
    /// Offset in bytes from the start of the text.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.0.at
    }

    /// What would have been right.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        self.0.expected
    }

    /// The byte that stands there; `None` at the end of the text.
    #[must_use]
    pub const fn found(&self) -> Option<u8> {
        self.0.found
    }
}

struct Found(Option<u8>);

impl std::fmt::Display for Found {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => out.write_str("the end"),
            Some(byte @ 0x20..=0x7e) => write!(out, "'{}'", char::from(byte)),
            Some(byte) => write!(out, "byte {byte:#04x}"),
        }
    }
}

/// Reads one JSON text from front to back.
///
/// A typed read (`number`, `text`, `flag`, `object`, `array`) that meets another type validates and skips the value
/// and answers `None` or `false`, so a field of the wrong type is seen as such and never breaks the rest.
///
/// ```
/// use exuvia_market::wire::json::Reader;
/// let mut reader = Reader::new(br#"{"Bid": 1.39286, "News": [1, {"a": null}]}"#);
/// let mut bid = None;
/// reader.object(|reader, key| {
///     if key.is("Bid") {
///         bid = reader.number()?.and_then(|number| number.to_f64());
///         return Ok(());
///     }
///     reader.skip()
/// })?;
/// reader.end()?;
/// assert_eq!(bid, Some(1.39286));
/// # Ok::<(), exuvia_market::wire::json::JsonError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`; a UTF-8 byte order mark is passed over, as Python's `json.loads` does.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { bytes, at, depth: 0 }
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// The first byte of the next value, after white space.
    ///
    /// # Errors
    /// At the end of the text.
    #[inline]
    pub fn peek(&mut self) -> Result<u8, JsonError> {
        self.blank();
        self.byte().ok_or_else(|| self.error("a value"))
    }

    /// Reads an object: `field` gets each key and must read or skip its value. Answers `false`, and skips, if the
    /// value is no object.
    ///
    /// # Errors
    /// Where the text is not JSON, or nested too deep.
    pub fn object<F>(&mut self, mut field: F) -> Result<bool, JsonError>
    where
        F: FnMut(&mut Self, &Text<'a>) -> Result<(), JsonError>,
    {
        if self.peek()? != b'{' {
            return self.skip().map(|()| false);
        }
        let mut more = self.enter(b'}')?;
        while more {
            let key = self.key()?;
            field(self, &key)?;
            more = self.another(b'}')?;
        }
        Ok(true)
    }

    /// Reads an array: `item` is called at each element and must read or skip it. Answers `false`, and skips, if the
    /// value is no array.
    ///
    /// # Errors
    /// Where the text is not JSON, or nested too deep.
    pub fn array<F>(&mut self, mut item: F) -> Result<bool, JsonError>
    where
        F: FnMut(&mut Self) -> Result<(), JsonError>,
    {
        if self.peek()? != b'[' {
            return self.skip().map(|()| false);
        }
        let mut more = self.enter(b']')?;
        while more {
            item(self)?;
            more = self.another(b']')?;
        }
        Ok(true)
    }

    /// Reads a number, `NaN` or an infinity.
    ///
    /// # Errors
    /// Where the text is not JSON.
    #[inline]
    pub fn number(&mut self) -> Result<Option<Number<'a>>, JsonError> {
        match self.peek()? {
            b'-' | b'0'..=b'9' | b'N' | b'I' => Number::read(self).map(Some),
            _ => self.skip().map(|()| None),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// Where the text is not JSON.
    #[inline]
    pub fn text(&mut self) -> Result<Option<Text<'a>>, JsonError> {
        if self.peek()? == b'"' { Text::read(self).map(Some) } else { self.skip().map(|()| None) }
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// Where the text is not JSON.
    pub fn flag(&mut self) -> Result<Option<bool>, JsonError> {
        let answer = match self.peek()? {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        };
        self.skip().map(|()| answer)
    }

    /// Validates one value of any type and passes over it.
    ///
    /// # Errors
    /// Where the text is not JSON, or nested too deep.
    pub fn skip(&mut self) -> Result<(), JsonError> {
        match self.peek()? {
            b'{' => self.object(|reader, _| reader.skip()).map(drop),
            b'[' => self.array(Self::skip).map(drop),
            b'"' => Text::read(self).map(drop),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' | b'N' | b'I' => Number::read(self).map(drop),
            _ => Err(self.error("a value")),
        }
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    /// At the first byte that is left.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.blank();
        if self.at < self.bytes.len() { Err(self.error("the end of the text")) } else { Ok(()) }
    }

    /// Steps over the bracket at which the reader stands; answers whether there is a first member before `close`.
    #[inline]
    pub(super) fn enter(&mut self, close: u8) -> Result<bool, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("at most 128 nested objects and arrays"));
        }
        self.depth += 1;
        self.at += 1;
        self.blank();
        if self.take(close) {
            self.depth -= 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Steps over the comma after a member, or over `close`; answers whether another member follows.
    #[inline]
    pub(super) fn another(&mut self, close: u8) -> Result<bool, JsonError> {
        self.blank();
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(close) {
            self.depth -= 1;
            return Ok(false);
        }
        Err(self.error(if close == b'}' { "',' or '}' in an object" } else { "',' or ']' in an array" }))
    }

    /// Reads a key and the colon after it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Text<'a>, JsonError> {
        self.blank();
        if self.byte() != Some(b'"') {
            return Err(self.error("a key in double quotes"));
        }
        let key = Text::read(self)?;
        self.blank();
        if self.take(b':') { Ok(key) } else { Err(self.error("':' after a key")) }
    }

    /// Steps over `expected` if the text goes on with exactly these bytes.
    #[inline]
    pub(super) fn takes(&mut self, expected: &[u8]) -> bool {
        let here = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(expected));
        if here {
            self.at += expected.len();
        }
        here
    }

    /// Steps over `size` bytes if the next eight, masked, are these.
    #[inline]
    pub(super) fn takes_word(&mut self, word: u64, mask: u64, size: usize) -> bool {
        let here = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<8>())
            .is_some_and(|bytes| u64::from_le_bytes(*bytes) & mask == word);
        if here {
            self.at += size;
        }
        here
    }

    /// Reads the string at whose quote the reader stands.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Text<'a>, JsonError> {
        Text::read(self)
    }

    /// Reads the number at whose first byte the reader stands.
    #[inline]
    pub(super) fn numeral(&mut self) -> Result<Number<'a>, JsonError> {
        Number::read(self)
    }

    /// Goes back to an offset of the same depth.
    pub(super) const fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let here = self.byte() == Some(byte);
        self.at += usize::from(here);
        here
    }

    #[inline]
    fn blank(&mut self) {
        while let Some(0..=b' ') = self.byte() {
            if !matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
                break;
            }
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), JsonError> {
        for byte in word.bytes() {
            if !self.take(byte) {
                return Err(self.error(word));
            }
        }
        Ok(())
    }

    #[cold]
    fn error(&self, expected: &'static str) -> JsonError {
        JsonError(Box::new(Fault { at: self.at, expected, found: self.byte() }))
    }
}
