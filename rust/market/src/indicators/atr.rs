//! Average true range (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978).

use super::{Indicator, bad_state, check_finite, check_period, column};
use crate::bars::BarError;

/// Average true range: the mean of the first `period` true ranges, then (before × (period − 1) + range) ÷ period. The first
/// bar has no close before it and so no true range.
#[derive(Debug, Clone, PartialEq)]
pub struct Atr {
    period: usize,
    close: Option<f64>,
    ranges: usize,
    sum: f64,
    value: Option<f64>,
}

impl Atr {
    /// A range averaged over so many bars.
    ///
    /// # Errors
    /// `BadSize` for none.
    pub fn new(period: usize) -> Result<Self, BarError> {
        check_period(period)?;
        Ok(Self { period, close: None, ranges: 0, sum: 0.0, value: None })
    }
}

impl Indicator for Atr {
    /// High, low and close of a bar.
    type Input = (f64, f64, f64);

    #[inline]
    #[allow(clippy::cast_precision_loss)]
    fn push(&mut self, (high, low, close): (f64, f64, f64)) -> Option<f64> {
        if let Some(before) = self.close.replace(close) {
            let range = (high - low).max((high - before).abs()).max((low - before).abs());
            let period = self.period as f64;
            match self.value {
                Some(value) => self.value = Some((value * (period - 1.0) + range) / period),
                None => {
                    self.ranges += 1;
                    self.sum += range;
                    self.value = (self.ranges == self.period).then(|| self.sum / period);
                }
            }
        }
        self.value
    }

    fn value(&self) -> Option<f64> {
        self.value
    }

    #[allow(clippy::cast_precision_loss)]
    fn save(&self) -> Vec<f64> {
        let maybe = |value: Option<f64>| [f64::from(u8::from(value.is_some())), value.unwrap_or_default()];
        let [has_close, close] = maybe(self.close);
        let [has_value, value] = maybe(self.value);
        vec![has_close, close, self.ranges as f64, self.sum, has_value, value]
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn load(&mut self, saved: &[f64]) -> Result<(), BarError> {
        let [has_close, close, ranges, sum, has_value, value] = saved else { return Err(bad_state()) };
        let maybe = |has: f64, value: f64| (has != 0.0).then_some(value);
        *self = Self {
            period: self.period,
            close: maybe(*has_close, *close),
            ranges: *ranges as usize,
            sum: *sum,
            value: maybe(*has_value, *value),
        };
        if self.ranges > self.period { Err(bad_state()) } else { Ok(()) }
    }
}

/// The average true range of columns of bars; NaN in the first `period` rows.
///
/// # Errors
/// `Length`, `NotFinite` and `HighBelowLow` with the row, `BadSize`.
pub fn atr(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Result<Vec<f64>, BarError> {
    let want = high.len();
    for (name, values) in [("high", high), ("low", low), ("close", close)] {
        if values.len() != want {
            return Err(BarError::Length { column: name, got: values.len(), want });
        }
        check_finite(name, values)?;
    }
    if let Some((row, (high, low))) = high.iter().zip(low).enumerate().find(|(_, (high, low))| high < low) {
        return Err(BarError::HighBelowLow { row, high: *high, low: *low });
    }
    let rows = high.iter().zip(low).zip(close).map(|((high, low), close)| (*high, *low, *close));
    Ok(column(Atr::new(period)?, rows))
}
