//! Strings of JSON: borrowed as they stand, decoded only when somebody wants the characters.

use std::borrow::Cow;

use super::{JsonError, Reader};

/// A string as it stands between its quotes; valid UTF-8 with valid escapes.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

/// How many bytes stand before the first that is not plain ASCII: a control character, a quote, a backslash, or above 0x7e;
/// eight at a time. In each step the lowest mark is right, whatever a borrow makes of those above it.
#[inline]
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let marks = (word | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c)) | control) & TOPS;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x80..);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(special).unwrap_or(rest.len())
}

impl<'a> Text<'a> {
    /// Reads the string at whose opening quote `reader` stands.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let from = reader.at + 1;
        let rest = reader.bytes.get(from..).unwrap_or_default();
        let plain = plain_run(rest);
        reader.at = from + plain;
        if rest.get(plain) == Some(&b'"') {
            reader.at += 1;
            return Ok(Self { raw: rest.get(..plain).unwrap_or_default(), escaped: false });
        }
        Self::read_special(reader, from)
    }

    /// Reads on from the first byte that is not plain ASCII; the string starts at `from`.
    #[cold]
    fn read_special(reader: &mut Reader<'a>, from: usize) -> Result<Self, JsonError> {
        let mut escaped = false;
        loop {
            match reader.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    escape(reader)?;
                }
                Some(0..=0x1f) => return Err(reader.error("no control character inside a string")),
                Some(_) => reader.at += 1,
                None => return Err(reader.error("'\"' at the end of a string")),
            }
        }
        let raw = reader.bytes.get(from..reader.at).unwrap_or_default();
        if let Err(wrong) = std::str::from_utf8(raw) {
            reader.at = from + wrong.valid_up_to();
            return Err(reader.error("UTF-8"));
        }
        reader.at += 1;
        Ok(Self { raw, escaped })
    }

    /// The string as it stands between its quotes, and whether it holds escapes.
    #[inline]
    pub(in crate::wire) const fn raw(&self) -> (&'a [u8], bool) {
        (self.raw, self.escaped)
    }

    /// The string that stood there when it was read.
    #[inline]
    pub(in crate::wire) const fn from_raw(raw: &'a [u8], escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Whether the decoded string is `word`.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        self.bytes().as_ref() == word.as_bytes()
    }

    /// The bytes of the decoded string, to match keys with; empty if an escape names half of a surrogate pair.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped {
            return Cow::Owned(self.decode().map(|text| text.into_owned().into_bytes()).unwrap_or_default());
        }
        Cow::Borrowed(self.raw)
    }

    /// The characters; `None` if an escape names half of a surrogate pair, which is no character.
    #[must_use]
    pub fn decode(&self) -> Option<Cow<'a, str>> {
        // Validated when it was read, so this never fails.
        let raw = std::str::from_utf8(self.raw).ok()?;
        if !self.escaped {
            return Some(Cow::Borrowed(raw));
        }
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('\\') {
            out.push_str(before);
            let mut left = after.chars();
            match left.next()? {
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let high = unit(after.get(1..5)?)?;
                    let mut used = 5;
                    let point = if (0xd800..0xdc00).contains(&high) {
                        let low = unit(after.get(5..)?.strip_prefix("\\u")?.get(..4)?)?;
                        used = 11;
                        0x1_0000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00).filter(|low| *low < 0x400)?
                    } else {
                        high
                    };
                    out.push(char::from_u32(point)?);
                    left = after.get(used..)?.chars();
                }
                plain => out.push(plain),
            }
            rest = left.as_str();
        }
        out.push_str(rest);
        Some(Cow::Owned(out))
    }
}

fn unit(hex: &str) -> Option<u32> {
    u32::from_str_radix(hex, 16).ok()
}

/// Passes over one escape, at whose backslash `reader` stands.
fn escape(reader: &mut Reader<'_>) -> Result<(), JsonError> {
    reader.at += 1;
    match reader.byte() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => reader.at += 1,
        Some(b'u') => {
            reader.at += 1;
            for _ in 0..4 {
                if !reader.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                    return Err(reader.error("four hexadecimal digits after \\u"));
                }
                reader.at += 1;
            }
        }
        _ => return Err(reader.error("an escape: one of \" \\ / b f n r t u")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        let mut reader = Reader::new(text.as_bytes());
        let read = reader.text().unwrap().unwrap().decode().map(Cow::into_owned);
        reader.end().unwrap();
        read
    }

    #[test]
    fn escapes_become_their_characters() {
        assert_eq!(decoded(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀z");
        assert_eq!(decoded("\"naïve\"").unwrap(), "naïve");
    }

    #[test]
    fn a_run_of_plain_characters_ends_at_the_first_other_one() {
        for byte in 0..=255_u8 {
            let is_plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            for size in 0..20 {
                for at in 0..size {
                    let mut bytes = vec![b'a'; size];
                    bytes[at] = byte;
                    assert_eq!(plain_run(&bytes), if is_plain { size } else { at }, "{byte:#04x} at {at} of {size}");
                    // And another one behind it, which a borrow could move.
                    bytes[size - 1] = 0;
                    let wanted = if is_plain { size - 1 } else { at };
                    assert_eq!(plain_run(&bytes), wanted, "{byte:#04x} at {at} of {size}");
                }
            }
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_is_json_but_no_text() {
        for text in [r#""\ud800""#, r#""\ud800x""#, r#""\ud800\u0041""#, r#""\ude00""#] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn an_escaped_key_is_the_same_key() {
        let mut reader = Reader::new(br#""\u0042id""#);
        let key = reader.text().unwrap().unwrap();
        assert!(key.is("Bid") && !key.is("Ask"));
    }

    #[test]
    fn broken_strings_name_the_byte() {
        for (text, at) in [
            (&b"\"abc"[..], 4),
            (b"\"a\\x\"", 3),
            (b"\"\\u12g4\"", 5),
            (b"\"a\nb\"", 2),
            (b"\"a\xff\"", 2),
            (b"\"\xed\xa0\x80\"", 1),
        ] {
            assert_eq!(Reader::new(text).text().unwrap_err().at(), at, "{text:?}");
        }
    }
}
