//! Numbers of JSON: validated as they are read, converted to the nearest `f64` or to exact fixed
//! point, never to one by way of the other.

mod plain;
mod round;
#[cfg(test)]
mod tests;
mod wide;

use exuvia_model::{ModelError, Price, Quantity};

use super::{JsonError, Reader};
use round::round;
use wide::{TENS_WIDE, wide};

pub(in crate::wire) use plain::Plain;

/// Powers of ten that an `f64` holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// What a value with so many decimals is multiplied by to be scaled by 10⁹.
const SCALES: [i64; 10] = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// A number as it stands in the text, or `NaN`, `Infinity`, `-Infinity`.
#[derive(Debug, Clone, Copy)]
pub struct Number<'a> {
    text: &'a [u8],
    /// The digits without point and sign, if there are at most 18 of them (a zero before the point not counted).
    digits: Option<u64>,
    /// How many digits stand after the point; meaningful with `digits` only.
    decimals: usize,
    negative: bool,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Point,
    Exponent,
    NotFinite,
}

impl<'a> Number<'a> {
    /// Reads the number at whose first byte `reader` stands.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let from = reader.at;
        let negative = reader.take(b'-');
        match reader.byte() {
            Some(b'I') => {
                reader.literal("Infinity")?;
                return Ok(Self::cut(reader, from, negative, Form::NotFinite));
            }
            Some(b'N') if !negative => {
                reader.literal("NaN")?;
                return Ok(Self::cut(reader, from, false, Form::NotFinite));
            }
            _ => {}
        }
        let mut sum = Sum::default();
        if reader.take(b'0') {
            if reader.byte().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(reader.error("no digit after a leading zero"));
            }
        } else if sum.digits(reader) == 0 {
            return Err(reader.error("a digit"));
        }
        let mut form = Form::Whole;
        let mut decimals = 0;
        if reader.take(b'.') {
            form = Form::Point;
            decimals = sum.digits(reader);
            if decimals == 0 {
                return Err(reader.error("a digit after the point"));
            }
        }
        if reader.take(b'e') || reader.take(b'E') {
            form = Form::Exponent;
            if !reader.take(b'-') {
                reader.take(b'+');
            }
            if Sum::default().digits(reader) == 0 {
                return Err(reader.error("a digit in the exponent"));
            }
        }
        let digits = (sum.count <= 18).then_some(sum.value);
        Ok(Self { digits, decimals, ..Self::cut(reader, from, negative, form) })
    }

    fn cut(reader: &Reader<'a>, from: usize, negative: bool, form: Form) -> Self {
        let text = reader.bytes.get(from..reader.at).unwrap_or_default();
        Self { text, digits: None, decimals: 0, negative, form }
    }

    /// The number as it was written, in bytes.
    #[inline]
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// Whether it is neither NaN nor an infinity.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.form != Form::NotFinite
    }

    /// The number as it was written.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        // All its bytes are ASCII, so this never falls back.
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// The nearest `f64`, the same bits as Python's `float(json.loads(text))`: correctly rounded, and an integer `-0`
    /// is plain zero. `None` for NaN, the infinities and what is too large for an `f64`.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(&self) -> Option<f64> {
        let value = match (self.form, self.digits) {
            (Form::NotFinite, _) => return None,
            // Both are exact, so the quotient is rounded once.
            (Form::Whole | Form::Point, Some(digits)) if digits <= 1 << 53 && self.decimals <= 22 => {
                let value = digits as f64 / TENS.get(self.decimals).copied().unwrap_or(1.0);
                if self.negative && (digits != 0 || self.form != Form::Whole) { -value } else { value }
            }
            _ => self.as_str().parse().ok()?,
        };
        value.is_finite().then_some(value)
    }

    /// The value as an integer; `None` if it has a point or an exponent, or does not fit.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match (self.form, self.digits.and_then(|digits| i64::try_from(digits).ok())) {
            (Form::Whole, Some(digits)) => Some(if self.negative { -digits } else { digits }),
            (Form::Whole, None) => self.as_str().parse().ok(),
            _ => None,
        }
    }

    /// The exact price.
    ///
    /// # Errors
    /// More than nine decimals, out of range, or not a number.
    pub fn to_price(&self) -> Result<Price, ModelError> {
        self.scaled().map_or_else(|| self.as_str().parse(), |raw| Ok(Price::from_raw(raw)))
    }

    /// The exact quantity.
    ///
    /// # Errors
    /// More than nine decimals, out of range, or not a number.
    pub fn to_quantity(&self) -> Result<Quantity, ModelError> {
        self.scaled().map_or_else(|| self.as_str().parse(), |raw| Ok(Quantity::from_raw(raw)))
    }

    /// The exact value scaled by 10¹⁸, for what [`Price`] cannot hold: up to 18 decimals, and ± 1.7 × 10²⁰.
    ///
    /// # Errors
    /// More than 18 decimals, out of range, or not a number.
    pub fn to_wide(&self) -> Result<i128, ModelError> {
        if let (Form::Whole | Form::Point, Some(digits), Some(scale)) =
            (self.form, self.digits, 18_usize.checked_sub(self.decimals).and_then(|power| TENS_WIDE.get(power)))
            && let Some(value) = i128::from(digits).checked_mul(*scale)
        {
            return Ok(if self.negative { -value } else { value });
        }
        wide(self.as_str())
    }

    /// The value scaled by 10⁹, rounded half to even where it has more decimals; the flag says whether it was.
    ///
    /// # Errors
    /// Out of range, or not a number.
    pub fn to_rounded(&self) -> Result<(Price, bool), ModelError> {
        match self.to_price() {
            Err(ModelError::TooPrecise { what, text }) => match round(self.as_str()) {
                Some(raw) => Ok((Price::from_raw(raw), true)),
                None => Err(ModelError::OutOfRange { what, text }),
            },
            other => other.map(|price| (price, false)),
        }
    }

    /// The value scaled by 10⁹ where that is plain integer arithmetic; the rest goes the long way.
    fn scaled(&self) -> Option<i64> {
        let digits = i64::try_from(self.digits?).ok()?;
        if !matches!(self.form, Form::Whole | Form::Point) {
            return None;
        }
        let raw = digits.checked_mul(*SCALES.get(self.decimals)?)?;
        Some(if self.negative { -raw } else { raw })
    }
}

#[derive(Default)]
struct Sum {
    value: u64,
    count: usize,
}

impl Sum {
    /// Takes the digits that follow; answers how many they were.
    #[inline]
    fn digits(&mut self, reader: &mut Reader<'_>) -> usize {
        let rest = reader.bytes.get(reader.at..).unwrap_or_default();
        let mut value = self.value;
        let mut taken = rest.len();
        for (index, byte) in rest.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                taken = index;
                break;
            }
            // Past 18 digits the value is not used; wrapping keeps the loop free of checks.
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        self.value = value;
        self.count += taken;
        reader.at += taken;
        taken
    }
}
