//! The numbers that bars are made of: `f64` in columns for analytics, `i64` at 10⁻⁹ in fixed point.

use exuvia_model::NANO;

use super::extremes;

/// Below this many values a plain loop is faster than lanes.
const SHORT: usize = 16;

/// A number that a bar can hold; `f64` and `i64` are.
pub trait Number: Copy + PartialOrd + Default + std::fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// Zero.
    const ZERO: Self;

    /// What price times size is kept in, wide enough for its sums.
    type Value: Copy + Default + PartialOrd + std::fmt::Debug + Send + Sync + 'static;

    /// Whether the value is a number at all: not NaN, not infinite.
    fn is_finite(self) -> bool;

    /// The nearest float, for messages.
    fn to_float(self) -> f64;

    /// Sum; `None` when it does not fit.
    fn add(self, other: Self) -> Option<Self>;

    /// `so_far` and this price times `size`; `None` when it does not fit.
    fn worth(self, size: Self, so_far: Self::Value) -> Option<Self::Value>;

    /// Whether a value is this amount or more.
    fn is_reached(self, value: Self::Value) -> bool;

    /// The middle of two prices; half a unit of fixed point goes to the even neighbour.
    fn middle(self, other: Self) -> Self;

    /// Its 64 bits, for saved state.
    fn to_bits(self) -> u64;

    /// The number of those bits.
    fn from_bits(bits: u64) -> Self;

    /// The bits of a value, for saved state.
    fn value_bits(value: Self::Value) -> u128;

    /// The value of those bits.
    fn value_from_bits(bits: u128) -> Self::Value;

    /// The sum in order of rows, from zero; `None` if a value is negative or no number, or the sum does not fit.
    fn sum(values: &[Self]) -> Option<Self>;

    /// The greatest of values that are all numbers; of equals the first.
    fn greatest(values: &[Self]) -> Option<Self> {
        if values.len() >= SHORT {
            return Self::extremes(values).map(|(high, _)| high);
        }
        values.iter().copied().reduce(|high, value| if value > high { value } else { high })
    }

    /// The least of values that are all numbers; of equals the first.
    fn least(values: &[Self]) -> Option<Self> {
        if values.len() >= SHORT {
            return Self::extremes(values).map(|(_, low)| low);
        }
        values.iter().copied().reduce(|low, value| if value < low { value } else { low })
    }

    /// The greatest and the least of `values`: of equals the first, as a loop with `>` and `<` finds them.
    /// `None` if there are no values, or one of them is not finite.
    fn extremes(values: &[Self]) -> Option<(Self, Self)>;
}

impl Number for f64 {
    const ZERO: Self = 0.0;

    type Value = Self;

    #[inline]
    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }

    fn to_float(self) -> f64 {
        self
    }

    #[inline]
    fn add(self, other: Self) -> Option<Self> {
        Some(self + other)
    }

    #[inline]
    fn worth(self, size: Self, so_far: Self) -> Option<Self> {
        Some(so_far + self * size).filter(|value| value.is_finite())
    }

    #[inline]
    fn is_reached(self, value: Self) -> bool {
        value >= self
    }

    #[inline]
    fn middle(self, other: Self) -> Self {
        let sum = self + other;
        // Only where the sum of two numbers is none.
        if sum.is_finite() { sum / 2.0 } else { self / 2.0 + other / 2.0 }
    }

    fn to_bits(self) -> u64 {
        Self::to_bits(self)
    }

    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }

    fn value_bits(value: Self) -> u128 {
        u128::from(Self::to_bits(value))
    }

    #[allow(clippy::cast_possible_truncation)]
    fn value_from_bits(bits: u128) -> Self {
        Self::from_bits(bits as u64)
    }

    fn sum(values: &[Self]) -> Option<Self> {
        // NaN is not at least zero either; an infinity shows in the sum.
        let (sum, fine) = values.iter().fold((0.0, true), |(sum, fine), value| (sum + value, fine & (*value >= 0.0)));
        (fine && Self::is_finite(sum)).then_some(sum)
    }

    #[inline]
    fn extremes(values: &[Self]) -> Option<(Self, Self)> {
        extremes::floats(values)
    }
}

impl Number for i64 {
    const ZERO: Self = 0;

    /// At 10⁻¹⁸.
    type Value = i128;

    #[inline]
    fn is_finite(self) -> bool {
        true
    }

    #[allow(clippy::cast_precision_loss)]
    fn to_float(self) -> f64 {
        self as f64 / NANO as f64
    }

    #[inline]
    fn add(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    #[inline]
    fn worth(self, size: Self, so_far: i128) -> Option<i128> {
        so_far.checked_add(i128::from(self) * i128::from(size))
    }

    #[inline]
    fn is_reached(self, value: i128) -> bool {
        value >= i128::from(self) * i128::from(NANO)
    }

    #[inline]
    fn middle(self, other: Self) -> Self {
        // Of two numbers of 64 bits the middle is one, too.
        let floor = (self & other) + ((self ^ other) >> 1);
        floor + ((self ^ other) & 1 & floor)
    }

    fn to_bits(self) -> u64 {
        self.cast_unsigned()
    }

    fn from_bits(bits: u64) -> Self {
        bits.cast_signed()
    }

    fn value_bits(value: i128) -> u128 {
        value.cast_unsigned()
    }

    fn value_from_bits(bits: u128) -> i128 {
        bits.cast_signed()
    }

    fn sum(values: &[Self]) -> Option<Self> {
        values.iter().try_fold(0, |sum: Self, value| sum.checked_add(*value).filter(|_| *value >= 0))
    }

    #[inline]
    fn extremes(values: &[Self]) -> Option<(Self, Self)> {
        extremes::integers(values)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_fixed_point_is_exact_or_the_even_neighbour() {
        for (a, b, middle) in [(1, 3, 2), (1, 2, 2), (2, 3, 2), (-1, 0, 0), (-3, -2, -2), (-1, -2, -2), (0, 0, 0)] {
            assert_eq!((Number::middle(a, b), Number::middle(b, a)), (middle, middle), "{a} {b}");
        }
        assert_eq!(Number::middle(i64::MAX, i64::MAX), i64::MAX);
        assert_eq!(Number::middle(i64::MIN, i64::MAX), 0);
        assert_eq!(Number::middle(f64::MAX, f64::MAX), f64::MAX);
    }

    #[test]
    fn a_value_of_fixed_point_is_reached_exactly() {
        let (price, size) = (1_390_010_000, 3 * NANO);
        let value = price.worth(size, 0);
        assert_eq!(value, Some(4_170_030_000_000_000_000));
        assert!(4_170_030_000.is_reached(value.unwrap_or_default()));
        assert!(!4_170_030_001.is_reached(value.unwrap_or_default()));
    }
}
