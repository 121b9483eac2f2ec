//! Instants as venues write them: the date of the last one is kept, since consecutive messages share it.

use exuvia_model::{HOUR, MINUTE, SECOND, Time};

/// The date that was read last: consecutive quotes share it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Date {
    text: [u8; 10],
    midnight: Option<i64>,
}

impl Date {
    /// Reads `2014-05-07T00:00:07.135000Z` with at most nine decimals, and nothing else.
    pub fn instant(&mut self, text: &str) -> Option<Time> {
        self.clock(text.as_bytes().strip_suffix(b"Z")?)
    }

    /// As [`Self::instant`], and with an offset of zero in the place of `Z`.
    pub fn instant_or_offset(&mut self, text: &[u8]) -> Option<Time> {
        self.clock(text.strip_suffix(b"Z").or_else(|| text.strip_suffix(b"+00:00"))?)
    }

    fn clock(&mut self, text: &[u8]) -> Option<Time> {
        let (date, clock) = text.split_first_chunk::<10>()?;
        let [b'T', h1, h0, b':', m1, m0, b':', s1, s0, fraction @ ..] = clock else { return None };
        if *date != self.text || self.midnight.is_none() {
            let midnight: Time = format!("{}T00:00:00Z", std::str::from_utf8(date).ok()?).parse().ok()?;
            *self = Self { text: *date, midnight: Some(midnight.0) };
        }
        let nanos = match fraction {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                let mut nanos = 0;
                for index in 0..9 {
                    nanos = nanos * 10 + digits.get(index).map_or(Some(0), digit)?;
                }
                nanos
            }
            _ => return None,
        };
        let two = |tens, ones| Some(digit(tens)? * 10 + digit(ones)?);
        let (hour, minute, second) = (two(h1, h0)?, two(m1, m0)?, two(s1, s0)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        self.midnight?.checked_add(hour * HOUR + minute * MINUTE + second * SECOND + nanos).map(Time)
    }
}

fn digit(byte: &u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}
