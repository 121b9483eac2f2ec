//! Exact decimals that remember how many decimals they were written with, as Python's `decimal`
//! does: text in, exact sums and products, half-even quantising, the same text out. Where Python would
//! round to the 28 digits of its context, the result here stays exact up to 38 and is an error beyond.

use std::fmt;
use std::str::FromStr;

use exuvia_model::Quantity;
use thiserror::Error;

/// What a decimal cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// The text is not a decimal number.
    #[error(
        "{0:?} is not a decimal number: write digits with an optional sign, point and exponent, such as \"1.0825\""
    )]
    NotANumber(String),
    /// The exact result has more than 38 significant digits.
    #[error("{0} needs more than 38 significant digits: a price or an amount in it is not what it should be")]
    TooLong(String),
}

/// ± `digits` × 10^`exponent`, not normalised: `1.50` and `1.5` are equal in value, not in text.
///
/// ```
/// use exuvia_execution::Decimal;
/// let cost = "1.39286".parse::<Decimal>()?.times(&Decimal::from(-1_000))?;
/// assert_eq!(cost.to_string(), "-1392.86000");
/// assert_eq!(cost.negated().quantized(-2)?.to_string(), "1392.86");
/// # Ok::<(), exuvia_execution::DecimalError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

impl Decimal {
    /// Nothing, without decimals.
    pub const ZERO: Self = Self { negative: false, digits: 0, exponent: 0 };

    /// The decimal that Python's `Decimal(repr(value))` gives: the shortest text that reads back as `value`.
    ///
    /// # Errors
    /// `NotANumber` for NaN and the infinities.
    pub fn from_shortest(value: f64) -> Result<Self, DecimalError> {
        // {:?} keeps the `.0` of whole floats, as Python's repr does.
        if value.is_finite() { format!("{value:?}").parse() } else { Err(DecimalError::NotANumber(value.to_string())) }
    }

    /// Whether the value is zero, of whatever sign.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.digits == 0
    }

    /// Whether the sign is minus.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// Sum, exact.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn plus(&self, other: &Self) -> Result<Self, DecimalError> {
        let too_long = || DecimalError::TooLong(format!("{self} + {other}"));
        let exponent = self.exponent.min(other.exponent);
        let mine = self.rescaled(exponent).ok_or_else(too_long)?;
        let theirs = other.rescaled(exponent).ok_or_else(too_long)?;
        let (negative, digits) = if self.negative == other.negative {
            (self.negative, mine.checked_add(theirs).ok_or_else(too_long)?)
        } else if mine == theirs {
            (false, 0)
        } else if mine > theirs {
            (self.negative, mine - theirs)
        } else {
            (other.negative, theirs - mine)
        };
        Ok(Self { negative, digits, exponent })
    }

    /// Difference, exact.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn minus(&self, other: &Self) -> Result<Self, DecimalError> {
        self.plus(&Self { negative: !other.negative, ..*other })
    }

    /// Product, exact.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn times(&self, other: &Self) -> Result<Self, DecimalError> {
        let too_long = || DecimalError::TooLong(format!("{self} × {other}"));
        let digits = self.digits.checked_mul(other.digits).ok_or_else(too_long)?;
        let exponent = self.exponent.checked_add(other.exponent).ok_or_else(too_long)?;
        Ok(Self { negative: self.negative != other.negative, digits, exponent })
    }

    /// The value with the other sign; zero stays positive, as in Python's unary minus.
    #[must_use]
    pub const fn negated(&self) -> Self {
        Self { negative: !self.negative && self.digits != 0, ..*self }
    }

    /// Rounds to a multiple of 10^`exponent`, ties to even; the sign stays, also on zero.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn quantized(&self, exponent: i32) -> Result<Self, DecimalError> {
        self.divided(&Self { digits: 1, ..Self::ZERO }, exponent)
    }

    /// The quotient rounded once to a multiple of 10^`exponent`, ties to even.
    ///
    /// # Errors
    /// `TooLong`; `NotANumber` for a division by zero.
    pub fn divided(&self, by: &Self, exponent: i32) -> Result<Self, DecimalError> {
        let too_long = || DecimalError::TooLong(format!("{self} ÷ {by}"));
        if by.is_zero() {
            return Err(DecimalError::NotANumber(format!("{self} ÷ 0")));
        }
        let shift = i64::from(self.exponent) - i64::from(by.exponent) - i64::from(exponent);
        let negative = self.negative != by.negative;
        let power = u32::try_from(shift.unsigned_abs()).map_err(|_| too_long())?;
        let (top, bottom) = if self.digits == 0 {
            (0, 1)
        } else if shift >= 0 {
            let top = 10_u128.checked_pow(power).and_then(|ten| ten.checked_mul(self.digits));
            (top.ok_or_else(too_long)?, by.digits)
        } else {
            match 10_u128.checked_pow(power).and_then(|ten| ten.checked_mul(by.digits)) {
                Some(bottom) => (self.digits, bottom),
                // More than 38 digits below the quantum: nothing is left of it.
                None => (0, 1),
            }
        };
        let (quotient, rest) = (top / bottom, top % bottom);
        let up = rest > bottom - rest || (rest == bottom - rest && quotient % 2 == 1);
        Ok(Self { negative, digits: quotient + u128::from(up), exponent })
    }

    fn rescaled(&self, exponent: i32) -> Option<u128> {
        if self.digits == 0 {
            return Some(0);
        }
        let shift = u32::try_from(i64::from(self.exponent) - i64::from(exponent)).ok()?;
        10_u128.checked_pow(shift)?.checked_mul(self.digits)
    }
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self { negative: whole < 0, digits: u128::from(whole.unsigned_abs()), exponent: 0 }
    }
}

/// Whole quantities have no decimals, others as few as they need.
impl From<Quantity> for Decimal {
    fn from(quantity: Quantity) -> Self {
        let mut digits = u128::from(quantity.raw().unsigned_abs());
        let mut exponent = -9;
        while exponent < 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        Self { negative: quantity.raw() < 0, digits, exponent }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let not_a_number = || DecimalError::NotANumber(text.to_owned());
        let too_long = || DecimalError::TooLong(text.to_owned());
        let (negative, body) = match text.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match body.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().map_err(|_| not_a_number())?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(not_a_number());
        }
        let mut digits = 0_u128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return Err(not_a_number());
            }
            let next = digits.checked_mul(10).and_then(|value| value.checked_add(u128::from(byte - b'0')));
            digits = next.ok_or_else(too_long)?;
        }
        let decimals = i32::try_from(fraction.len()).map_err(|_| too_long())?;
        let exponent = power.checked_sub(decimals).filter(|exponent| exponent.abs() < 1_000).ok_or_else(too_long)?;
        Ok(Self { negative, digits, exponent })
    }
}

/// The text of Python's `str(Decimal)`.
impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits.to_string();
        let sign = if self.negative { "-" } else { "" };
        let count = i32::try_from(digits.len()).map_err(|_| fmt::Error)?;
        let left = count + self.exponent;
        let point = if self.exponent <= 0 && left > -6 { left } else { 1 };
        let mut text = match usize::try_from(point) {
            Ok(0) | Err(_) => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
            Ok(at) if at >= digits.len() => format!("{sign}{digits}"),
            Ok(at) => format!("{sign}{}.{}", &digits[..at], &digits[at..]),
        };
        if left != point {
            text = format!("{text}E{:+}", left - point);
        }
        out.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_text_is_what_python_prints() {
        for text in
            ["0", "0.00", "-0.00", "1.39286", "-1392.86000", "0.000001", "1E-7", "0E-7", "1.5E-8", "1E+2", "1.2E+5"]
        {
            assert_eq!(of(text).to_string(), text);
        }
        assert_eq!(Decimal::from_shortest(1e-5).unwrap().to_string(), "0.00001");
        assert_eq!(Decimal::from_shortest(1.0).unwrap().to_string(), "1.0");
        assert_eq!(Decimal::from(Quantity::from_raw(1_500_000_000)).to_string(), "1.5");
    }

    #[test]
    fn sums_keep_the_longer_decimals_and_a_cancelled_sum_is_plus_zero() {
        assert_eq!(of("1.50").plus(&of("2")).unwrap().to_string(), "3.50");
        assert_eq!(of("1.5").minus(&of("1.50")).unwrap().to_string(), "0.00");
        assert_eq!(of("-0.0").plus(&of("-0.00")).unwrap().to_string(), "-0.00");
        assert_eq!(of("-0.0").negated().to_string(), "0.0");
    }

    #[test]
    fn quantising_takes_ties_to_even_and_keeps_the_sign() {
        for (text, want) in
            [("0.005", "0.00"), ("0.015", "0.02"), ("-0.001", "-0.00"), ("2.675", "2.68"), ("1E+3", "1000.00")]
        {
            assert_eq!(of(text).quantized(-2).unwrap().to_string(), want, "{text}");
        }
        assert_eq!(of("1E-60").quantized(-2).unwrap().to_string(), "0.00");
    }

    #[test]
    fn what_would_be_rounded_unasked_is_an_error_that_names_it() {
        let big = of("99999999999999999999999999999999999999");
        assert!(big.plus(&of("0.1")).unwrap_err().to_string().contains("99999999999999999999999999999999999999 + 0.1"));
        assert!(big.times(&big).is_err());
        for bad in ["", "-", ".", "1.2.3", "1e", "nan", "1_0", "--1", "0x1"] {
            assert_eq!(bad.parse::<Decimal>(), Err(DecimalError::NotANumber(bad.to_owned())));
        }
    }

    #[test]
    fn a_quotient_is_rounded_once_and_nothing_is_divided_by_zero() {
        assert_eq!(of("2").divided(&of("3"), -5).unwrap().to_string(), "0.66667");
        assert_eq!(of("-1").divided(&of("8"), -2).unwrap().to_string(), "-0.12", "a tie goes to even");
        assert_eq!(of("1.25").divided(&of("0.00"), -5), Err(DecimalError::NotANumber("1.25 ÷ 0".into())));
    }
}
