//! The numbers that bars are made of: `f64` in columns for analytics, `i64` at 10⁻⁹ in fixed point.

use exuvia_model::NANO;

use super::extremes;

/// Below this many values a plain loop is faster than lanes.
const SHORT: usize = 16;

/// A number that a bar can hold; `f64` and `i64` are.
pub trait Number: Copy + PartialOrd + Default + std::fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// Zero.
    const ZERO: Self;

    /// Whether the value is a number at all: not NaN, not infinite.
    fn is_finite(self) -> bool;

    /// The nearest float, for messages.
    fn to_float(self) -> f64;

    /// Sum; `None` when it does not fit.
    fn add(self, other: Self) -> Option<Self>;

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
