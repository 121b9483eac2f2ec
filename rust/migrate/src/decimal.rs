//! Exact decimals, for tolerances on `Decimal` and integers: no float in between.

/// `coefficient · 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    coefficient: i128,
    exponent: i32,
}

impl Exact {
    /// Reads `-12.50`, `1E+2`; `None` for NaN, infinities and what does not fit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.contains(['+', '-']) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let coefficient: i128 = format!("{whole}{fraction}").parse().ok()?;
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Self { coefficient, exponent })
    }

    /// An integer.
    pub(crate) fn int(value: i128) -> Self {
        Self { coefficient: value, exponent: 0 }
    }

    /// Whether it is nothing, whatever its exponent.
    pub(crate) fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// Whether `factor · |self − other| <= most` (or `<` if `strict`); `None` if it does not fit.
    pub(crate) fn within(self, other: Self, most: Self, factor: i128, strict: bool) -> Option<bool> {
        let exponent = self.exponent.min(other.exponent).min(most.exponent);
        let scaled = |value: Self| {
            let shift = u32::try_from(value.exponent.checked_sub(exponent)?).ok()?;
            value.coefficient.checked_mul(10_i128.checked_pow(shift)?)
        };
        let apart = scaled(self)?.checked_sub(scaled(other)?)?.checked_abs()?.checked_mul(factor)?;
        let most = scaled(most)?;
        Some(if strict { apart < most } else { apart <= most })
    }

    /// Whether this is a whole number of `quantum`; `None` if it does not fit.
    pub(crate) fn is_multiple(self, quantum: Self) -> Option<bool> {
        let (value, quantum) = self.aligned(quantum)?;
        Some(value.checked_rem(quantum)? == 0)
    }

    /// The nearest whole number of `quanta`, the even one if two are as near; `None` if it does not fit.
    pub(crate) fn quanta(self, quantum: Self) -> Option<i128> {
        let (value, quantum) = self.aligned(quantum)?;
        let (whole, rest) = (value.checked_div_euclid(quantum)?, value.checked_rem_euclid(quantum)?);
        let twice = rest.checked_mul(2)?;
        let up = twice > quantum || (twice == quantum && whole % 2 != 0);
        whole.checked_add(i128::from(up))
    }

    /// Both coefficients at one exponent.
    fn aligned(self, other: Self) -> Option<(i128, i128)> {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |value: Self| {
            let shift = u32::try_from(value.exponent.checked_sub(exponent)?).ok()?;
            value.coefficient.checked_mul(10_i128.checked_pow(shift)?)
        };
        Some((scaled(self)?, scaled(other)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_apart_by_what_they_say() {
        let read = |text| Exact::parse(text).unwrap();
        assert_eq!(read("1.10").within(read("1.1"), read("0.01"), 2, true), Some(true));
        assert_eq!(read("1.105").within(read("1.10"), read("0.01"), 2, true), Some(false));
        assert_eq!(read("-0.5").within(read("0.5"), read("1"), 1, false), Some(true));
        assert_eq!(read("1E+2"), Exact { coefficient: 1, exponent: 2 });
        assert_eq!(Exact::parse("NaN"), None);
        assert_eq!(Exact::parse("1.-5"), None);
        assert_eq!(read("1E+60").within(read("1"), read("1"), 1, false), None);
    }

    #[test]
    fn quanta_are_counted_half_to_even() {
        let quanta = |text: &str, quantum: &str| Exact::parse(text).unwrap().quanta(Exact::parse(quantum).unwrap());
        assert_eq!(quanta("2.675", "0.01"), Some(268));
        assert_eq!(quanta("2.665", "0.01"), Some(266));
        assert_eq!(quanta("-2.675", "0.01"), Some(-268));
        assert_eq!(quanta("-2.665", "0.01"), Some(-266));
        assert_eq!(quanta("25299.80", "0.25"), Some(101_199));
        assert_eq!(quanta("1E+60", "0.01"), None);
        let multiple = |text: &str| Exact::parse(text).unwrap().is_multiple(Exact::parse("0.25").unwrap());
        assert_eq!((multiple("25299.75"), multiple("25299.80")), (Some(true), Some(false)));
    }
}
