//! Differences by session: whether they lean to one side, and whether they grow.
//!
//! A session is one observation, however many rows it has: rows of one day move together. Both tests are
//! two one-sided t tests (D. Schuirmann, *Journal of Pharmacokinetics and Biopharmaceutics* 15, 1987): they
//! pass only if a bias of `limit`, to either side, is excluded at the level of the look, so that a series
//! which is known little of does not pass. They take the sessions' differences to be about normal; a difference
//! that comes on few days only is what the bound by days is for.

use super::student::t_quantile;
use super::{Interval, Outcome};

/// The mean of the sessions' differences, against a bias of `limit` that is not allowed.
///
/// ```
/// use exuvia_migrate::gate::{Outcome, location};
/// let noise = [1.0, -2.0, 0.5, 0.0, 1.0];
/// assert_eq!(location(&noise, 9.0, 0.025).outcome, Outcome::Pass);
/// assert_eq!(location(&[9.0; 5], 9.0, 0.025).outcome, Outcome::Fail);
/// ```
#[must_use]
pub fn location(values: &[f64], limit: f64, level: f64) -> Interval {
    let n = count(values);
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 || !mean.is_finite() {
        return Interval::unknown(mean);
    }
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t_quantile(n - 1.0, level) * (spread / n).sqrt();
    judged(mean, half, limit)
}

/// The mean step from session to session, against a growth of `limit` a session that is not allowed.
///
/// Steps, not a fitted line: differences that add up (equity) wander, and a line's residuals do not know it.
/// Of differences that do not add up, neighbouring steps cancel and the interval is only wider than it need be.
///
/// ```
/// use exuvia_migrate::gate::{Outcome, drift};
/// let nine_a_day = [9.0, 18.0, 27.0, 36.0, 45.0]; // each within ±50
/// assert_eq!(drift(&nine_a_day, 9.0, 0.025).outcome, Outcome::Fail);
/// assert_eq!(drift(&[0.0, 0.4, -0.1, 0.2, 0.1], 9.0, 0.025).outcome, Outcome::Pass);
/// ```
#[must_use]
pub fn drift(values: &[f64], limit: f64, level: f64) -> Interval {
    let steps: Vec<f64> = values.iter().zip(values.iter().skip(1)).map(|(before, after)| after - before).collect();
    location(&steps, limit, level)
}

fn judged(middle: f64, half: f64, limit: f64) -> Interval {
    let (low, high) = (middle - half, middle + half);
    let outcome = if low > -limit && high < limit {
        Outcome::Pass
    } else if low >= limit || high <= -limit {
        Outcome::Fail
    } else {
        Outcome::Inconclusive
    };
    Interval { outcome, middle, low, high }
}

#[allow(clippy::cast_precision_loss)] // sessions are few
const fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_not_known() {
        for values in [&[][..], &[0.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
            assert_eq!(location(values, 9.0, 0.025).outcome, Outcome::Inconclusive, "{values:?}");
        }
        assert_eq!(drift(&[0.0, 0.0], 9.0, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(drift(&[0.0, 0.0, 0.0], 9.0, 0.025).outcome, Outcome::Pass);
    }

    #[test]
    fn a_lean_to_either_side_fails_and_noise_leaves_it_open() {
        assert_eq!(location(&[-12.0, -11.0, -12.5, -11.5, -12.0], 9.0, 0.025).outcome, Outcome::Fail);
        assert_eq!(location(&[30.0, -25.0, 10.0, -20.0, 5.0], 9.0, 0.025).outcome, Outcome::Inconclusive);
    }
}
