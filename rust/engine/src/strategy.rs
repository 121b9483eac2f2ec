//! Strategies: recent closes and the position go in, the wanted direction comes out. The order of the
//! float operations is part of the interface: sums run from the first value to the last.

use std::error::Error;
use std::fmt;

use crate::ScanError;

/// Wants a direction.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// Above zero for long, below for short, zero for flat; `None` while it cannot say.
    ///
    /// # Errors
    /// What the strategy fails with.
    fn target(&self, closes: &[f64], position: i64) -> Result<Option<i64>, Box<dyn Error + Send + Sync>>;

    /// How many of the last closes it looks at.
    fn lookback(&self) -> usize;
}

impl Strategy for Box<dyn Strategy> {
    fn target(&self, closes: &[f64], position: i64) -> Result<Option<i64>, Box<dyn Error + Send + Sync>> {
        self.as_ref().target(closes, position)
    }

    fn lookback(&self) -> usize {
        self.as_ref().lookback()
    }
}

/// Follows the trend: long while the fast mean is above the slow one, short while it is below.
///
/// ```
/// use exuvia_engine::{SmaCross, Strategy};
/// let cross = SmaCross::new(1, 2)?;
/// assert_eq!(cross.target(&[1.0, 2.0], 0)?, Some(1));
/// assert_eq!(cross.target(&[1.0], 0)?, None);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SmaCross {
    fast: usize,
    slow: usize,
}

/// Fades extremes: enters against a close `entry` deviations from the mean, leaves within `exit` deviations.
///
/// ```
/// use exuvia_engine::{Strategy, ZScoreReversion};
/// let fade = ZScoreReversion::new(4, 1.5, 0.5)?;
/// assert_eq!(fade.target(&[1.0, 1.0, 1.0, 2.0], 0)?, Some(-1));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZScoreReversion {
    window: usize,
    entry: f64,
    exit: f64,
}

impl SmaCross {
    /// Means over the last `fast` and `slow` closes.
    ///
    /// # Errors
    /// `Parameter` unless 0 < fast < slow.
    pub fn new(fast: usize, slow: usize) -> Result<Self, ScanError> {
        if 0 < fast && fast < slow {
            return Ok(Self { fast, slow });
        }
        let value = format!("{fast} with slow {slow}");
        Err(parameter("SmaCross", "fast", value, "fast must be positive and below slow"))
    }

    /// Closes in the fast mean.
    #[must_use]
    pub const fn fast(&self) -> usize {
        self.fast
    }

    /// Closes in the slow mean.
    #[must_use]
    pub const fn slow(&self) -> usize {
        self.slow
    }
}

impl Strategy for SmaCross {
    fn target(&self, closes: &[f64], _position: i64) -> Result<Option<i64>, Box<dyn Error + Send + Sync>> {
        let (Some(fast), Some(slow)) = (last(closes, self.fast), last(closes, self.slow)) else { return Ok(None) };
        let (fast, slow) = (mean(fast), mean(slow));
        Ok(Some(i64::from(fast > slow) - i64::from(fast < slow)))
    }

    fn lookback(&self) -> usize {
        self.slow
    }
}

impl ZScoreReversion {
    /// Deviations over the last `window` closes.
    ///
    /// # Errors
    /// `Parameter` unless window ≥ 2 and 0 ≤ exit < entry.
    pub fn new(window: usize, entry: f64, exit: f64) -> Result<Self, ScanError> {
        if window < 2 {
            return Err(parameter("ZScoreReversion", "window", window.to_string(), "window must be at least 2"));
        }
        if exit >= 0.0 && exit < entry && entry.is_finite() {
            return Ok(Self { window, entry, exit });
        }
        let value = format!("{exit} with entry {entry}");
        Err(parameter("ZScoreReversion", "exit", value, "exit must be at least 0 and below entry"))
    }

    /// Closes in the window.
    #[must_use]
    pub const fn window(&self) -> usize {
        self.window
    }

    /// Deviations at which it enters.
    #[must_use]
    pub const fn entry(&self) -> f64 {
        self.entry
    }

    /// Deviations within which it leaves.
    #[must_use]
    pub const fn exit(&self) -> f64 {
        self.exit
    }
}

impl Strategy for ZScoreReversion {
    fn target(&self, closes: &[f64], position: i64) -> Result<Option<i64>, Box<dyn Error + Send + Sync>> {
        let Some(recent) = last(closes, self.window) else { return Ok(None) };
        let Some(close) = recent.last() else { return Ok(None) };
        let centre = mean(recent);
        let mut total = 0.0;
        for value in recent {
            let deviation = value - centre;
            total += deviation * deviation;
        }
        let spread = (total / count(self.window)).sqrt();
        if spread == 0.0 {
            return Ok(Some(0));
        }
        let score = (close - centre) / spread;
        Ok(Some(if score >= self.entry {
            -1
        } else if score <= -self.entry {
            1
        } else if score.abs() <= self.exit {
            0
        } else {
            position.signum()
        }))
    }

    fn lookback(&self) -> usize {
        self.window
    }
}

/// The last `many` values; `None` if there are fewer.
fn last(values: &[f64], many: usize) -> Option<&[f64]> {
    values.get(values.len().checked_sub(many)?..)
}

/// The mean, added up from the first value to the last.
fn mean(values: &[f64]) -> f64 {
    let mut total = 0.0;
    for value in values {
        total += value;
    }
    total / count(values.len())
}

#[allow(clippy::cast_precision_loss)]
const fn count(many: usize) -> f64 {
    many as f64
}

fn parameter(owner: &str, field: &'static str, value: String, rule: &'static str) -> ScanError {
    ScanError::Parameter { owner: owner.to_owned(), field, value, rule }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cross_says_nothing_until_the_slow_mean_is_full() {
        let cross = SmaCross::new(2, 3).unwrap();
        assert_eq!(cross.target(&[1.0, 2.0], 0).unwrap(), None);
        assert_eq!(cross.target(&[9.0, 1.0, 2.0, 3.0], 0).unwrap(), Some(1));
        assert_eq!(cross.target(&[3.0, 2.0, 1.0], 0).unwrap(), Some(-1));
        assert_eq!(cross.target(&[1.0, 1.0, 1.0], 5).unwrap(), Some(0));
    }

    #[test]
    fn a_reversion_keeps_its_position_between_exit_and_entry() {
        let fade = ZScoreReversion::new(4, 1.7, 0.5).unwrap();
        let closes = [1.0, 2.0, 3.0, 4.0]; // score 1.34
        assert_eq!(fade.target(&closes, -7).unwrap(), Some(-1));
        assert_eq!(fade.target(&closes, 0).unwrap(), Some(0));
        assert_eq!(fade.target(&[1.0, 1.0, 1.0, 2.0], 0).unwrap(), Some(-1));
        assert_eq!(fade.target(&[2.0, 2.0, 2.0, 1.0], 0).unwrap(), Some(1));
        assert_eq!(fade.target(&[1.0; 4], -7).unwrap(), Some(0));
    }

    #[test]
    fn parameters_that_make_no_sense_are_refused_with_their_value() {
        assert!(SmaCross::new(3, 3).unwrap_err().to_string().contains("fast 3 with slow 3"));
        assert!(SmaCross::new(0, 3).is_err() && ZScoreReversion::new(1, 2.0, 1.0).is_err());
        assert!(
            ZScoreReversion::new(2, 1.0, f64::NAN).is_err() && ZScoreReversion::new(2, f64::INFINITY, 1.0).is_err()
        );
    }

    #[test]
    fn a_boxed_strategy_looks_at_as_many_closes_and_wants_the_same() {
        let (cross, fade) = (SmaCross::new(2, 7).unwrap(), ZScoreReversion::new(5, 1.5, 0.5).unwrap());
        let boxed: [Box<dyn Strategy>; 2] = [Box::new(cross), Box::new(fade)];
        let closes = [1.0, 1.1, 1.2, 1.1, 1.3, 1.2, 1.5];
        let wants = |strategy: &dyn Strategy| {
            let seen = &closes[closes.len() - strategy.lookback()..];
            assert_eq!(strategy.target(&seen[1..], 1).unwrap(), None, "one close fewer is too few");
            (strategy.lookback(), strategy.target(seen, 1).unwrap())
        };
        assert_eq!(boxed.each_ref().map(|strategy| wants(strategy)), [wants(&cross), wants(&fade)]);
        assert_eq!([cross.lookback(), fade.lookback()], [7, 5]);
    }
}
