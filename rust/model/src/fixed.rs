//! Fixed point at 10⁻⁹: `Price` and `Quantity` in `i64`, `Money` in `i128`. Arithmetic is checked;
//! text is read and written exactly, so a price never passes through a float.

use std::fmt;
use std::str::FromStr;

use crate::ModelError;

/// Units of the last place in one whole: 10⁹.
pub const NANO: i64 = 1_000_000_000;

/// Reads `text` as a decimal scaled by 10⁹. Accepts an exponent (`1.5e-3`), as JSON numbers have it.
fn parse_scaled(what: &'static str, text: &str) -> Result<i128, ModelError> {
    let not_a_number = || ModelError::NotANumber { what, text: text.to_owned() };
    let out_of_range = || ModelError::OutOfRange { what, text: text.to_owned() };
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => {
            let exponent: i32 = body[at + 1..].parse().map_err(|_| not_a_number())?;
            (&body[..at], exponent)
        }
        None => (body, 0),
    };
    let mut value: i128 = 0;
    let mut digits = 0_u32;
    let mut decimals = 0_i32;
    let mut point = false;
    for byte in mantissa.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                decimals += i32::from(point);
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(i128::from(byte - b'0')))
                    .ok_or_else(out_of_range)?;
            }
            b'.' if !point => point = true,
            _ => return Err(not_a_number()),
        }
    }
    if digits == 0 {
        return Err(not_a_number());
    }
    let mut shift = 9_i32.checked_sub(decimals).and_then(|s| s.checked_add(exponent)).ok_or_else(out_of_range)?;
    while shift > 0 && value != 0 {
        value = value.checked_mul(10).ok_or_else(out_of_range)?;
        shift -= 1;
    }
    while shift < 0 && value != 0 {
        if value % 10 != 0 {
            return Err(ModelError::TooPrecise { what, text: text.to_owned() });
        }
        value /= 10;
        shift += 1;
    }
    Ok(if negative { -value } else { value })
}

/// Writes a scaled value with at least `least` decimals and no trailing zeros beyond them.
fn write_scaled(out: &mut fmt::Formatter<'_>, value: i128, least: usize) -> fmt::Result {
    let magnitude = value.unsigned_abs();
    let whole = magnitude / NANO as u128;
    let fraction = format!("{:09}", magnitude % NANO as u128);
    let kept = fraction.trim_end_matches('0').len().max(least.min(9));
    let sign = if value < 0 { "-" } else { "" };
    let text = if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &fraction[..kept]) };
    out.pad_integral(true, "", &text)
}

/// Divides with ties to the even neighbour, as banker's rounding and `Decimal`'s default do.
fn div_half_even(value: i128, by: i128) -> i128 {
    let quotient = value.div_euclid(by);
    let twice = 2 * value.rem_euclid(by);
    if twice > by || (twice == by && quotient % 2 != 0) { quotient + 1 } else { quotient }
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $label:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name($raw);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// Takes a value that is already scaled by 10⁹.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Self {
                Self(raw)
            }

            /// The value scaled by 10⁹.
            #[must_use]
            pub const fn raw(self) -> $raw {
                self.0
            }

            /// Takes whole units.
            ///
            /// # Errors
            /// `OutOfRange` when the scaled value does not fit.
            pub fn from_whole(whole: i64) -> Result<Self, ModelError> {
                Self::fit(i128::from(whole) * i128::from(NANO), || whole.to_string())
            }

            /// Rounds a float to the nearest multiple of `tick`, ties to even.
            ///
            /// # Errors
            /// `NotFinite`, `BadTick`, `OutOfRange`.
            pub fn from_float(value: f64, tick: Price) -> Result<Self, ModelError> {
                if !value.is_finite() {
                    return Err(ModelError::NotFinite { what: $label, value });
                }
                if tick.raw() <= 0 {
                    return Err(ModelError::BadTick(tick.to_string()));
                }
                let steps = (value / tick.to_f64()).round_ties_even();
                if steps.abs() > 9.0e18 {
                    return Err(ModelError::OutOfRange { what: $label, text: value.to_string() });
                }
                #[allow(clippy::cast_possible_truncation)]
                let raw = (steps as i128).checked_mul(i128::from(tick.raw()));
                Self::fit(raw.unwrap_or(i128::MAX), || value.to_string())
            }

            /// The nearest float.
            #[must_use]
            #[allow(clippy::cast_precision_loss)]
            pub fn to_f64(self) -> f64 {
                // Both operands are exact below 2^53, so the quotient is the nearest float.
                if i128::from(self.0).unsigned_abs() < 1 << 53 {
                    self.0 as f64 / NANO as f64
                } else {
                    self.to_string().parse().unwrap_or(f64::NAN)
                }
            }

            /// Sum.
            ///
            /// # Errors
            /// `OutOfRange` on overflow.
            pub fn checked_add(self, other: Self) -> Result<Self, ModelError> {
                self.0.checked_add(other.0).map(Self).ok_or_else(|| ModelError::OutOfRange {
                    what: $label,
                    text: format!("{self} + {other}"),
                })
            }

            /// Difference.
            ///
            /// # Errors
            /// `OutOfRange` on overflow.
            pub fn checked_sub(self, other: Self) -> Result<Self, ModelError> {
                self.0.checked_sub(other.0).map(Self).ok_or_else(|| ModelError::OutOfRange {
                    what: $label,
                    text: format!("{self} - {other}"),
                })
            }

            /// Rounds to a multiple of `quantum` (scaled by 10⁹), ties to even.
            ///
            /// # Errors
            /// `BadTick` when the quantum is not positive, `OutOfRange` on overflow.
            pub fn round_to(self, quantum: i64) -> Result<Self, ModelError> {
                if quantum <= 0 {
                    return Err(ModelError::BadTick(quantum.to_string()));
                }
                let by = i128::from(quantum);
                let rounded = div_half_even(i128::from(self.0), by).checked_mul(by);
                Self::fit(rounded.unwrap_or(i128::MAX), || self.to_string())
            }

            fn fit(raw: i128, text: impl FnOnce() -> String) -> Result<Self, ModelError> {
                <$raw>::try_from(raw)
                    .map(Self)
                    .map_err(|_| ModelError::OutOfRange { what: $label, text: text() })
            }
        }

        impl FromStr for $name {
            type Err = ModelError;

            fn from_str(text: &str) -> Result<Self, ModelError> {
                Self::fit(parse_scaled($label, text)?, || text.to_owned())
            }
        }

        /// Decimal text without trailing zeros; `{:.2}` asks for at least two decimals.
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_scaled(out, i128::from(self.0), out.precision().unwrap_or(0))
            }
        }
    };
}

fixed!(
    /// A price in units of the quote currency, scaled by 10⁻⁹; negative where the instrument allows it.
    ///
    /// ```
    /// use exuvia_model::Price;
    /// let price: Price = "1.39286".parse()?;
    /// assert_eq!(price.raw(), 1_392_860_000);
    /// assert_eq!(price.to_string(), "1.39286");
    /// # Ok::<(), exuvia_model::ModelError>(())
    /// ```
    Price, i64, "price"
);
fixed!(
    /// An amount of an instrument (shares, contracts, currency units), scaled by 10⁻⁹.
    Quantity, i64, "quantity"
);
fixed!(
    /// An amount of money, scaled by 10⁻⁹ in 128 bits.
    Money, i128, "money"
);

impl Price {
    /// Price × quantity, exact.
    ///
    /// # Errors
    /// `TooPrecise` when the product needs more than nine decimals; `OutOfRange` on overflow.
    pub fn times(self, quantity: Quantity) -> Result<Money, ModelError> {
        let product = i128::from(self.raw()) * i128::from(quantity.raw());
        if product % i128::from(NANO) != 0 {
            return Err(ModelError::TooPrecise { what: "money", text: format!("{self} × {quantity}") });
        }
        Ok(Money::from_raw(product / i128::from(NANO)))
    }
}

impl std::ops::Neg for Money {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_is_read_and_written_exactly() {
        for (text, raw) in
            [("0", 0), ("-0.000000001", -1), ("1.5e-3", 1_500_000), ("12E2", 1_200 * NANO), (".5", 500_000_000)]
        {
            assert_eq!(text.parse::<Price>().unwrap().raw(), raw, "{text}");
        }
        assert_eq!(Price::from_raw(-1_500_000_000).to_string(), "-1.5");
        assert_eq!(format!("{:.2}", Money::from_raw(3_000_000_000)), "3.00");
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_value() {
        assert!("1.0000000001".parse::<Price>().unwrap_err().to_string().contains("1.0000000001"));
        assert!("9300000000".parse::<Price>().unwrap_err().to_string().contains("9300000000"));
        for bad in ["", "-", "1.2.3", "1e", "nan", "1_0", "0x1"] {
            assert!(matches!(bad.parse::<Price>(), Err(ModelError::NotANumber { .. })), "{bad}");
        }
        assert!(Price::from_raw(i64::MAX).checked_add(Price::from_raw(1)).is_err());
    }

    #[test]
    fn rounding_takes_ties_to_the_even_neighbour() {
        let cent = NANO / 100;
        for (text, want) in
            [("0.005", "0"), ("0.015", "0.02"), ("-0.005", "0"), ("-0.015", "-0.02"), ("0.0251", "0.03")]
        {
            assert_eq!(text.parse::<Money>().unwrap().round_to(cent).unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn a_plus_sign_changes_nothing_and_stands_alone_for_nothing() {
        assert_eq!("+1.5".parse::<Price>(), "1.5".parse());
        for bad in ["+", "+-1", "-+1", "++1"] {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_float_goes_to_the_nearest_tick_or_nowhere() {
        let tick = |text: &str| text.parse::<Price>().unwrap();
        assert_eq!(Price::from_float(1.234_56, tick("0.001")).unwrap().to_string(), "1.235");
        assert_eq!(Price::from_float(0.375, tick("0.25")).unwrap().to_string(), "0.5", "a tie goes to even");
        for (value, step, says) in [
            (1.0, "0", "0"),
            (1.0, "-0.1", "-0.1"),
            (f64::NAN, "0.1", "NaN"),
            (1e11, "0.000000001", "100000000000"),
            (1e10, "1", "10000000000"),
        ] {
            let error = Price::from_float(value, tick(step)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(matches!(Price::from_float(1.0, Price::ZERO), Err(ModelError::BadTick(_))));
    }

    #[test]
    fn sums_and_roundings_that_leave_the_range_name_both_sides() {
        let (low, one) = (Price::from_raw(i64::MIN), Price::from_raw(NANO));
        let error = low.checked_sub(one).unwrap_err().to_string();
        assert!(error.contains("-9223372036.854775808 - 1"), "{error}");
        assert_eq!(one.checked_sub(low).is_err(), low.checked_sub(one).is_err());
        assert_eq!(one.checked_sub(one).unwrap(), Price::ZERO);
        assert!(matches!(one.round_to(0), Err(ModelError::BadTick(text)) if text == "0"));
        assert!(matches!(one.round_to(-5), Err(ModelError::BadTick(text)) if text == "-5"));
        assert!(Price::from_raw(i64::MAX).round_to(NANO).is_err(), "up to 9223372037");
    }

    #[test]
    fn money_is_exact_or_an_error_and_its_sign_turns() {
        let times = |price: &str, amount: &str| price.parse::<Price>().unwrap().times(amount.parse().unwrap());
        assert_eq!(times("1.39286", "-1000").unwrap().to_string(), "-1392.86");
        let error = times("0.00001", "0.00001").unwrap_err();
        assert!(matches!(error, ModelError::TooPrecise { .. }), "{error}");
        assert!(error.to_string().contains("0.00001 × 0.00001"), "{error}");
        let money = times("1.1", "3").unwrap();
        assert_eq!((-money).checked_add(money).unwrap(), Money::ZERO);
        assert_eq!((-money).to_string(), "-3.3");
    }
}
