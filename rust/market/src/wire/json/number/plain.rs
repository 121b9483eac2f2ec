//! Numbers of the common form, read without a step down.

use super::{SCALES, TENS};

/// The digits of a number of the common form, as an integer with so many of them after the point: an optional minus, at most
/// 18 digits, an optional point among them. `None` for all other texts, numbers or not.
#[derive(Debug, Clone, Copy)]
pub(in crate::wire) struct Plain {
    digits: u64,
    decimals: usize,
    point: bool,
    negative: bool,
}

impl Plain {
    #[inline]
    pub fn read(text: &[u8]) -> Option<Self> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        if rest.len() > 19 {
            return None;
        }
        match rest {
            [b'0'] | [b'0', b'.', ..] | [b'1'..=b'9', ..] => {}
            _ => return None,
        }
        let (mut digits, mut after) = (0_u64, None);
        for byte in rest {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                // At most 19 digits: below 10^19, which fits.
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
                after = after.map(|count: usize| count + 1);
            } else if *byte == b'.' && after.is_none() {
                after = Some(0);
            } else {
                return None;
            }
        }
        let decimals = after.unwrap_or(0);
        let fits = after != Some(0) && rest.len() - usize::from(after.is_some()) <= 18;
        fits.then_some(Self { digits, decimals, point: after.is_some(), negative })
    }

    /// As [`Number::to_price`], where that is plain integer arithmetic.
    #[inline]
    pub fn scaled(self) -> Option<i64> {
        let raw = i64::try_from(self.digits).ok()?.checked_mul(*SCALES.get(self.decimals)?)?;
        Some(if self.negative { -raw } else { raw })
    }

    /// As [`Number::to_f64`], where one division is exact.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(self) -> Option<f64> {
        if self.digits > 1 << 53 {
            return None;
        }
        let value = self.digits as f64 / TENS.get(self.decimals)?;
        Some(if self.negative && (self.digits != 0 || self.point) { -value } else { value })
    }

    /// As [`Number::to_i64`].
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        let value = i64::try_from(self.digits).ok().filter(|_| !self.point)?;
        Some(if self.negative { -value } else { value })
    }
}
