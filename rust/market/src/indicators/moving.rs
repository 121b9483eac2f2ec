//! Moving averages: simple, and exponential with a simple one as its seed.

use std::collections::VecDeque;
use std::str::FromStr;

use super::{Indicator, bad_state, check_finite, check_period, column};
use crate::bars::BarError;

/// Simple moving average: the mean of the last `period` values.
///
/// The sum is carried from value to value with its rounding error (Neumaier), so it does not drift.
///
/// ```
/// use exuvia_market::indicators::{Indicator, Sma};
/// let mut sma = Sma::new(3)?;
/// assert_eq!([1.0, 2.0, 6.0, 4.0].map(|value| sma.push(value)), [None, None, Some(3.0), Some(4.0)]);
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sma {
    period: usize,
    window: VecDeque<f64>,
    sum: f64,
    error: f64,
}

impl Sma {
    /// An average of so many values.
    ///
    /// # Errors
    /// `BadSize` for none.
    pub fn new(period: usize) -> Result<Self, BarError> {
        check_period(period)?;
        Ok(Self { period, window: VecDeque::new(), sum: 0.0, error: 0.0 })
    }

    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.error += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }
}

impl Indicator for Sma {
    type Input = f64;

    #[inline]
    fn push(&mut self, value: f64) -> Option<f64> {
        if self.window.len() == self.period
            && let Some(oldest) = self.window.pop_front()
        {
            self.add(-oldest);
        }
        self.window.push_back(value);
        self.add(value);
        self.value()
    }

    #[inline]
    #[allow(clippy::cast_precision_loss)]
    fn value(&self) -> Option<f64> {
        (self.window.len() == self.period).then(|| (self.sum + self.error) / self.period as f64)
    }

    fn save(&self) -> Vec<f64> {
        [self.sum, self.error].into_iter().chain(self.window.iter().copied()).collect()
    }

    fn load(&mut self, saved: &[f64]) -> Result<(), BarError> {
        let [sum, error, window @ ..] = saved else { return Err(bad_state()) };
        if window.len() > self.period {
            return Err(bad_state());
        }
        *self = Self { period: self.period, window: window.iter().copied().collect(), sum: *sum, error: *error };
        Ok(())
    }
}

/// With what an exponential average begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seed {
    /// The simple average of the first `period` values.
    #[default]
    Sma,
    /// The first value, as pandas' `ewm(adjust=False)` and polars have it.
    First,
}

impl FromStr for Seed {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "sma" => Ok(Self::Sma),
            "first" => Ok(Self::First),
            _ => Err(BarError::BadState(format!("seed={text:?} is unknown: use \"sma\" or \"first\""))),
        }
    }
}

/// Exponential moving average with the weight 2 ÷ (period + 1) on the newest value.
#[derive(Debug, Clone, PartialEq)]
pub struct Ema {
    seed: Seed,
    weight: f64,
    first: Sma,
    value: Option<f64>,
}

impl Ema {
    /// An average over a period.
    ///
    /// # Errors
    /// `BadSize` for a period of none.
    #[allow(clippy::cast_precision_loss)]
    pub fn new(period: usize, seed: Seed) -> Result<Self, BarError> {
        Ok(Self { seed, weight: 2.0 / (period as f64 + 1.0), first: Sma::new(period)?, value: None })
    }
}

impl Indicator for Ema {
    type Input = f64;

    #[inline]
    fn push(&mut self, value: f64) -> Option<f64> {
        self.value = match (self.value, self.seed) {
            (Some(before), _) => Some(before + self.weight * (value - before)),
            (None, Seed::First) => Some(value),
            (None, Seed::Sma) => self.first.push(value),
        };
        self.value
    }

    fn value(&self) -> Option<f64> {
        self.value
    }

    fn save(&self) -> Vec<f64> {
        match self.value {
            Some(value) => vec![1.0, value],
            None => [0.0].into_iter().chain(self.first.save()).collect(),
        }
    }

    fn load(&mut self, saved: &[f64]) -> Result<(), BarError> {
        match saved {
            [1.0, value] => self.value = Some(*value),
            [0.0, first @ ..] => {
                self.value = None;
                self.first.load(first)?;
            }
            _ => return Err(bad_state()),
        }
        Ok(())
    }
}

/// The simple moving average of a column; NaN in the first `period - 1` rows.
///
/// # Errors
/// `NotFinite` with the row, `BadSize`.
pub fn sma(values: &[f64], period: usize) -> Result<Vec<f64>, BarError> {
    check_finite("values", values)?;
    Ok(column(Sma::new(period)?, values.iter().copied()))
}

/// The exponential moving average of a column; NaN in the rows before its seed.
///
/// # Errors
/// As [`sma`].
pub fn ema(values: &[f64], period: usize, seed: Seed) -> Result<Vec<f64>, BarError> {
    check_finite("values", values)?;
    Ok(column(Ema::new(period, seed)?, values.iter().copied()))
}
