//! Two rates: calls a minute of both sides, by the interval of their ratio.

use super::student::t_quantile;
use super::{Interval, Outcome};

/// What a run of sessions says of the ratio of the candidate's rate to legacy's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateRun {
    /// The verdict of both intervals together.
    pub outcome: Outcome,
    /// The interval in which minutes are the observations.
    pub calls: Interval,
    /// The interval in which sessions are.
    pub days: Interval,
}

/// Judges counts by minute, `[legacy, candidate]`, of each session.
///
/// The ratio passes when both intervals lie inside `1 ± within`: that of the ratio estimator over all minutes
/// (W. Cochran, *Sampling Techniques*, 1977, §6), which knows how noisy few calls are, and Student's over the
/// logarithms of the sessions' ratios, which knows that minutes of a day move together. One of them outside
/// fails. A session in which a side made no call is not known.
#[must_use]
pub fn rate(sessions: &[Vec<[u32; 2]>], within: f64, level: f64) -> RateRun {
    let unknown = Interval::unknown(f64::NAN);
    let sums: Vec<[f64; 2]> = sessions.iter().map(|minutes| totals(minutes.iter())).collect();
    if sums.is_empty() || sums.iter().flatten().any(|sum| *sum <= 0.0) {
        return RateRun { outcome: Outcome::Inconclusive, calls: unknown, days: unknown };
    }
    let logs: Vec<f64> = sums.iter().map(|[legacy, candidate]| (candidate / legacy).ln()).collect();
    let calls = by_minute(sessions, within, level);
    let days = by_session(&logs, within, level);
    let outcome = match (calls.outcome, days.outcome) {
        (Outcome::Fail, _) | (_, Outcome::Fail) => Outcome::Fail,
        (Outcome::Pass, Outcome::Pass) => Outcome::Pass,
        _ => Outcome::Inconclusive,
    };
    RateRun { outcome, calls, days }
}

fn by_minute(sessions: &[Vec<[u32; 2]>], within: f64, level: f64) -> Interval {
    let all = || sessions.iter().flatten();
    let n = count(all().count());
    let [legacy, candidate] = totals(all());
    let ratio = candidate / legacy;
    let left: f64 = all().map(|[l, c]| (f64::from(*c) - ratio * f64::from(*l)).powi(2)).sum();
    if n < 2.0 {
        return Interval::unknown(ratio);
    }
    let half = t_quantile(n - 1.0, level) * (left * n / (n - 1.0)).sqrt() / candidate;
    judged(ratio.ln(), half, within)
}

fn by_session(logs: &[f64], within: f64, level: f64) -> Interval {
    let n = count(logs.len());
    let mean = logs.iter().sum::<f64>() / n;
    if logs.len() < 2 {
        return Interval::unknown(mean.exp());
    }
    let spread = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
    judged(mean, t_quantile(n - 1.0, level) * (spread / n).sqrt(), within)
}

fn judged(log: f64, half: f64, within: f64) -> Interval {
    let (low, high) = ((log - half).exp(), (log + half).exp());
    let outcome = if low > 1.0 - within && high < 1.0 + within {
        Outcome::Pass
    } else if low >= 1.0 + within || high <= 1.0 - within {
        Outcome::Fail
    } else {
        Outcome::Inconclusive
    };
    Interval { outcome, middle: log.exp(), low, high }
}

fn totals<'a>(minutes: impl Iterator<Item = &'a [u32; 2]>) -> [f64; 2] {
    minutes.fold([0.0, 0.0], |[legacy, candidate], [l, c]| [legacy + f64::from(*l), candidate + f64::from(*c)])
}

#[allow(clippy::cast_precision_loss)] // minutes are few
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_minutes_pass_and_a_tenth_more_fails() {
        let same = vec![vec![[10, 10]; 390]; 3];
        assert_eq!(rate(&same, 0.05, 0.025).outcome, Outcome::Pass);
        let more = vec![vec![[10, 11]; 390]; 3];
        assert_eq!(rate(&more, 0.05, 0.025).outcome, Outcome::Fail);
    }

    #[test]
    fn exactly_the_bound_does_not_pass() {
        let edge = vec![vec![[20, 21]; 390]; 3];
        assert_ne!(rate(&edge, 0.05, 0.025).outcome, Outcome::Pass);
    }

    #[test]
    fn days_that_swing_are_not_known_although_their_minutes_are_many() {
        let swing = vec![vec![[100, 104]; 390], vec![[100, 96]; 390], vec![[100, 100]; 390]];
        let found = rate(&swing, 0.05, 0.025);
        assert_eq!((found.calls.outcome, found.days.outcome), (Outcome::Pass, Outcome::Inconclusive));
        assert_eq!(found.outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_silent_side_and_no_session_at_all_are_not_known() {
        assert_eq!(rate(&[], 0.05, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(rate(&[vec![[5, 0]; 60]], 0.05, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(rate(&[vec![[5, 5]; 60], vec![]], 0.05, 0.025).outcome, Outcome::Inconclusive);
    }
}
