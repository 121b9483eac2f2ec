//! The greatest or the least of the last values, in constant time a value on average.

use std::collections::VecDeque;

use super::{Indicator, bad_state, check_finite, check_period, column};
use crate::bars::BarError;

/// The greatest (or least) of the last `period` values.
///
/// Only values that can still become the extreme are kept: each newer one sends away those that it outdoes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolling {
    period: usize,
    greatest: bool,
    seen: u64,
    kept: VecDeque<(u64, f64)>,
}

impl Rolling {
    /// The greatest of so many values.
    ///
    /// # Errors
    /// `BadSize` for none.
    pub fn max(period: usize) -> Result<Self, BarError> {
        check_period(period)?;
        Ok(Self { period, greatest: true, seen: 0, kept: VecDeque::new() })
    }

    /// The least of so many values.
    ///
    /// # Errors
    /// `BadSize` for none.
    pub fn min(period: usize) -> Result<Self, BarError> {
        Ok(Self { greatest: false, ..Self::max(period)? })
    }
}

impl Indicator for Rolling {
    type Input = f64;

    #[inline]
    fn push(&mut self, value: f64) -> Option<f64> {
        let outdone = |kept: f64| if self.greatest { kept <= value } else { kept >= value };
        while self.kept.back().is_some_and(|(_, kept)| outdone(*kept)) {
            self.kept.pop_back();
        }
        self.kept.push_back((self.seen, value));
        self.seen += 1;
        let oldest = self.seen.saturating_sub(self.period as u64);
        while self.kept.front().is_some_and(|(at, _)| *at < oldest) {
            self.kept.pop_front();
        }
        self.value()
    }

    fn value(&self) -> Option<f64> {
        let full = self.seen >= self.period as u64;
        self.kept.front().filter(|_| full).map(|(_, value)| *value)
    }

    #[allow(clippy::cast_precision_loss)]
    fn save(&self) -> Vec<f64> {
        // Ages fit into a float exactly, the count of a long stream may not.
        let warm = self.seen.min(self.period as u64) as f64;
        let kept = self.kept.iter().flat_map(|(at, value)| [(self.seen - at) as f64, *value]);
        [warm].into_iter().chain(kept).collect()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn load(&mut self, saved: &[f64]) -> Result<(), BarError> {
        let [warm, kept @ ..] = saved else { return Err(bad_state()) };
        let (pairs, rest) = kept.as_chunks::<2>();
        let seen = *warm as u64;
        if !rest.is_empty() || pairs.iter().any(|[age, _]| *age < 1.0 || *age as u64 > seen) {
            return Err(bad_state());
        }
        self.seen = seen;
        self.kept = pairs.iter().map(|[age, value]| (seen - *age as u64, *value)).collect();
        Ok(())
    }
}

/// The greatest or least of the last `period` values of a column; NaN in the first `period - 1` rows.
///
/// # Errors
/// `NotFinite` with the row, `BadSize`.
pub fn rolling(values: &[f64], period: usize, greatest: bool) -> Result<Vec<f64>, BarError> {
    check_finite("values", values)?;
    let extreme = if greatest { Rolling::max(period) } else { Rolling::min(period) };
    Ok(column(extreme?, values.iter().copied()))
}
