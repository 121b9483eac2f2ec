//! Numbers of JSON: validated as they are read, converted to the nearest `f64` or to exact fixed
//! point, never to one by way of the other.

use exuvia_model::{ModelError, Price, Quantity};

use super::{JsonError, Reader};

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

/// Powers of ten up to the scale of wide numbers.
const TENS_WIDE: [i128; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads the text of a number at 10⁻¹⁸, the long way.
fn wide(text: &str) -> Result<i128, ModelError> {
    let what = "number";
    let out_of_range = || ModelError::OutOfRange { what, text: text.to_owned() };
    let too_precise = || ModelError::TooPrecise { what, text: text.to_owned() };
    let not_a_number = || ModelError::NotANumber { what, text: text.to_owned() };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| out_of_range())?),
        None => (text, 0),
    };
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (mut value, mut zeros) = (0_i128, 0_i64);
    // Zeros at the end wait, so that they do not count as decimals.
    for byte in whole.bytes().chain(fraction.bytes()) {
        match byte {
            b'0' => zeros += 1,
            b'1'..=b'9' => {
                for _ in 0..if value == 0 { 0 } else { zeros } {
                    value = value.checked_mul(10).ok_or_else(out_of_range)?;
                }
                zeros = 0;
                let grown = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(byte - b'0')));
                value = grown.ok_or_else(out_of_range)?;
            }
            _ => return Err(not_a_number()),
        }
    }
    let decimals = i64::try_from(fraction.len()).map_err(|_| out_of_range())?;
    let power = 18_i64.checked_sub(decimals).and_then(|power| power.checked_add(exponent)?.checked_add(zeros));
    let power = power.ok_or_else(out_of_range)?;
    if value == 0 {
        return Ok(0);
    }
    let power = usize::try_from(power).map_err(|_| too_precise())?;
    let scale = 10_i128.checked_pow(u32::try_from(power).map_err(|_| out_of_range())?).ok_or_else(out_of_range)?;
    let value = value.checked_mul(scale).ok_or_else(out_of_range)?;
    Ok(if text.starts_with('-') { -value } else { value })
}

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

/// Rounds the text of a finite number to nine decimals, ties to even; `None` if it does not fit.
fn round(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) =
        mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa.trim_start_matches('-'), ""));
    // How many digits stand before the cut.
    let kept = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(9)?;
    let (mut value, mut rest, mut place) = (0_i64, Rest::Nothing, 0_i64);
    for digit in whole.bytes().chain(fraction.bytes()).map(|byte| i64::from(byte.wrapping_sub(b'0'))) {
        if place < kept {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else {
            rest = rest.then(digit, place == kept);
        }
        place += 1;
    }
    while place < kept && value != 0 {
        value = value.checked_mul(10)?;
        place += 1;
    }
    if rest == Rest::OverHalf || (rest == Rest::Half && value % 2 != 0) {
        value = value.checked_add(1)?;
    }
    Some(if text.starts_with('-') { -value } else { value })
}

/// What was cut off, in parts of the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    UnderHalf,
    Half,
    OverHalf,
}

impl Rest {
    fn then(self, digit: i64, first: bool) -> Self {
        match (first, digit, self) {
            (true, 0, _) | (false, 0, Self::Nothing) => Self::Nothing,
            (true, 5, _) => Self::Half,
            (true, 6.., _) => Self::OverHalf,
            (true, _, _) | (false, _, Self::Nothing | Self::UnderHalf) => Self::UnderHalf,
            (false, 0, same) => same,
            (false, _, Self::Half | Self::OverHalf) => Self::OverHalf,
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn number(text: &str) -> Number<'_> {
        let mut reader = Reader::new(text.as_bytes());
        let number = reader.number().unwrap().unwrap();
        reader.end().unwrap();
        number
    }

    #[test]
    fn a_float_has_the_bits_of_a_correct_rounding() {
        for text in [
            "0",
            "1.39286",
            "-1.5e-3",
            "9007199254740993",
            "0.1",
            "123456789012345678",
            "5e-324",
            "1e308",
            "-0.0",
            "0.000000000000000000000001",
            "2.2250738585072011e-308",
            "179769313486231570000000000000000000000",
        ] {
            assert_eq!(number(text).to_f64().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        assert!(number("-0").to_f64().unwrap().is_sign_positive(), "an int has no negative zero");
    }

    #[test]
    fn what_is_not_finite_is_recognised_and_is_no_value() {
        for text in ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"] {
            assert_eq!(number(text).to_f64(), None, "{text}");
            assert!(number(text).to_price().is_err(), "{text}");
        }
    }

    #[test]
    fn a_price_is_exact_or_an_error() {
        assert_eq!(number("1.39286").to_price().unwrap().raw(), 1_392_860_000);
        assert_eq!(number("-12e-1").to_price().unwrap().raw(), -1_200_000_000);
        assert_eq!(number("9223372036.854775807").to_price().unwrap().raw(), i64::MAX);
        assert!(matches!(number("0.1234567891").to_price(), Err(ModelError::TooPrecise { .. })));
        assert!(matches!(number("10000000000").to_price(), Err(ModelError::OutOfRange { .. })));
        assert_eq!(number("1.50000000000").to_price().unwrap().raw(), 1_500_000_000);
    }

    #[test]
    fn the_common_form_is_read_as_the_long_way_reads_it() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "7",
            "61800.30",
            "-1.5",
            "123456789012345678",
            "1234567890123456789",
            "0.1",
            "9007199254740993",
            "1.000000000",
            "1.0000000000",
            "9223372036.854775807",
            "10000000000",
            "0.123456789",
        ] {
            let long = number(text);
            let Some(plain) = Plain::read(text.as_bytes()) else {
                assert!(text.trim_start_matches('-').len() > 18, "{text}");
                continue;
            };
            assert!(plain.scaled().is_none_or(|raw| long.to_price().map(Price::raw) == Ok(raw)), "{text}");
            assert!(
                plain.to_f64().is_none_or(|value| long.to_f64().map(f64::to_bits) == Some(value.to_bits())),
                "{text}"
            );
            assert_eq!(plain.to_i64(), long.to_i64(), "{text}");
        }
        for text in ["", "-", ".", "1.", ".5", "-.5", "01", "00", "1.2.3", "1e5", "+1", "1,5", " 1", "1 ", "NaN", "--1"]
        {
            assert!(Plain::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn more_than_nine_decimals_are_rounded_half_to_even_and_said() {
        for (text, raw, rounded) in [
            ("1.5", 1_500_000_000, false),
            ("16.73101673101673", 16_731_016_731, true),
            ("0.0000000005", 0, true),
            ("0.0000000015", 2, true),
            ("0.00000000050000000000001", 1, true),
            ("0.00000000049999999999999", 0, true),
            ("-0.0000000025", -2, true),
            ("-2.5e-9", -2, true),
            ("1e-12", 0, true),
            ("0.12345678901234567", 123_456_789, true),
        ] {
            let (price, was) = number(text).to_rounded().unwrap();
            assert_eq!((price.raw(), was), (raw, rounded), "{text}");
        }
        assert!(number("99999999999.12345678901").to_rounded().is_err());
        assert!(number("NaN").to_rounded().is_err());
    }

    #[test]
    fn what_a_price_cannot_hold_is_wide_and_exact() {
        let e = |power: u32| 10_i128.pow(power);
        for (text, value) in [
            ("1e-10", e(8)),
            ("0.0000016425", 1_642_500_000_000),
            ("9999999997.00000", 9_999_999_997 * e(18)),
            ("-0.12345678901234567", -123_456_789_012_345_670),
            ("100000000000000000000", e(38)),
            ("1.000000000000000000000", e(18)),
            ("120.0e1", 1_200 * e(18)),
            ("0e999", 0),
            ("10200.5000", 102_005 * e(17)),
        ] {
            assert_eq!(number(text).to_wide(), Ok(value), "{text}");
        }
        assert!(matches!(number("1e-19").to_wide(), Err(ModelError::TooPrecise { .. })));
        assert!(matches!(number("1000000000000000000000").to_wide(), Err(ModelError::OutOfRange { .. })));
        assert!(matches!(number("1e99").to_wide(), Err(ModelError::OutOfRange { .. })));
        assert!(number("NaN").to_wide().is_err());
    }

    #[test]
    fn only_a_whole_number_is_an_integer() {
        assert_eq!(number("-21").to_i64(), Some(-21));
        for text in ["21.0", "2e1", "9223372036854775808", "NaN"] {
            assert_eq!(number(text).to_i64(), None, "{text}");
        }
    }

    #[test]
    fn what_rfc_8259_forbids_is_refused_at_its_byte() {
        for (text, at) in [
            ("01", 1),
            ("-", 1),
            ("1.", 2),
            (".5", 0),
            ("1e", 2),
            ("1e+", 3),
            ("+1", 0),
            ("-NaN", 1),
            ("Nan", 2),
            ("-Inf", 4),
            ("0x1", 1),
            ("1_0", 1),
        ] {
            let mut reader = Reader::new(text.as_bytes());
            assert_eq!(reader.skip().and_then(|()| reader.end()).unwrap_err().at(), at, "{text}");
        }
    }
}
