//! Sets of both sides: how far they overlap, and by which keys they differ.

use std::collections::{BTreeMap, BTreeSet};

use super::student::{beta_quantile, t_quantile};
use super::{Interval, Outcome};

/// Two sets of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Members of both.
    pub both: u64,
    /// Members that only legacy has.
    pub only_legacy: Vec<String>,
    /// Members that only the candidate has.
    pub only_candidate: Vec<String>,
}

impl Overlap {
    /// Members of either.
    #[must_use]
    pub fn union(&self) -> u64 {
        self.both.saturating_add((self.only_legacy.len() + self.only_candidate.len()) as u64)
    }
}

/// Compares two sets; members may be repeated and count once.
#[must_use]
pub fn overlap(legacy: &[String], candidate: &[String]) -> Overlap {
    let (legacy, candidate): (BTreeSet<&String>, BTreeSet<&String>) =
        (legacy.iter().collect(), candidate.iter().collect());
    let only =
        |one: &BTreeSet<&String>, other: &BTreeSet<&String>| one.difference(other).map(|at| (*at).clone()).collect();
    Overlap {
        both: legacy.intersection(&candidate).count() as u64,
        only_legacy: only(&legacy, &candidate),
        only_candidate: only(&candidate, &legacy),
    }
}

/// Judges a run of sessions, `[both, union]` each: passes if less than `at_least` is excluded, by members
/// (Clopper and Pearson's bound) and by sessions (Student's over their shares).
#[must_use]
#[allow(clippy::cast_precision_loss)] // sets are small
pub fn overlap_run(sessions: &[[u64; 2]], at_least: f64, level: f64) -> Interval {
    let shares: Vec<f64> = sessions.iter().map(|[both, union]| *both as f64 / *union as f64).collect();
    let [both, union] = sessions.iter().fold([0.0, 0.0], |[b, u], [both, union]| [b + *both as f64, u + *union as f64]);
    let n = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / n;
    if shares.len() < 2 || !mean.is_finite() || shares.iter().any(|share| *share > 1.0) {
        return Interval::unknown(mean);
    }
    let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t_quantile(n - 1.0, level) * (spread / n).sqrt();
    let missed = beta_quantile(union - both + 1.0, both, 1.0 - level);
    let low = (mean - half).min(if both > 0.0 { 1.0 - missed } else { 0.0 });
    let outcome = if low >= at_least {
        Outcome::Pass
    } else if mean + half < at_least {
        Outcome::Fail
    } else {
        Outcome::Inconclusive
    };
    Interval { outcome, middle: mean, low, high: (mean + half).min(1.0) }
}

/// The rows by which two tables differ, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDifference {
    /// Rows of both.
    pub both: u64,
    /// Keys that legacy has more often, and by how much.
    pub only_legacy: Vec<(String, u64)>,
    /// Keys that the candidate has more often.
    pub only_candidate: Vec<(String, u64)>,
}

impl KeyDifference {
    /// Rows of one side only.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.only_legacy.iter().chain(&self.only_candidate).map(|(_, rows)| rows).sum()
    }
}

/// Compares the keys of all rows of two tables. Five rows too many and five that are missing are ten rows apart,
/// where the numbers of rows are equal.
///
/// ```
/// use exuvia_migrate::gate::key_difference;
/// let keys = |range: std::ops::Range<u32>| range.map(|key| key.to_string()).collect::<Vec<_>>();
/// assert_eq!(key_difference(&keys(0..100), &keys(5..105)).total(), 10);
/// ```
#[must_use]
pub fn key_difference(legacy: &[String], candidate: &[String]) -> KeyDifference {
    let mut rows: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for key in legacy {
        rows.entry(key).or_default().0 += 1;
    }
    for key in candidate {
        rows.entry(key).or_default().1 += 1;
    }
    let mut found = KeyDifference::default();
    for (key, (ours, theirs)) in rows {
        found.both += ours.min(theirs);
        if ours > theirs {
            found.only_legacy.push((key.to_owned(), ours - theirs));
        } else if theirs > ours {
            found.only_candidate.push((key.to_owned(), theirs - ours));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[&str]) -> Vec<String> {
        members.iter().map(|member| (*member).to_owned()).collect()
    }

    #[test]
    fn a_set_overlaps_by_members_and_not_by_rows() {
        let found = overlap(&set(&["a", "b", "b", "c"]), &set(&["b", "c", "d"]));
        assert_eq!(
            (found.both, found.union(), found.only_legacy, found.only_candidate),
            (2, 4, set(&["a"]), set(&["d"]))
        );
    }

    #[test]
    fn equal_sets_pass_once_their_members_are_enough_and_few_members_prove_little() {
        assert_eq!(overlap_run(&[[40, 40]; 3], 0.95, 0.025).outcome, Outcome::Pass);
        assert_eq!(overlap_run(&[[5, 5]; 3], 0.95, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(overlap_run(&[[36, 40]; 3], 0.95, 0.025).outcome, Outcome::Fail);
        assert_eq!(overlap_run(&[[40, 40]], 0.95, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(overlap_run(&[[0, 0]; 3], 0.95, 0.025).outcome, Outcome::Inconclusive);
        assert_eq!(overlap_run(&[[0, 9]; 3], 0.95, 0.025).outcome, Outcome::Fail);
    }

    #[test]
    fn a_key_that_is_repeated_differs_by_its_repetitions() {
        let found = key_difference(&set(&["a", "a", "b"]), &set(&["a", "b", "b", "b"]));
        assert_eq!((found.both, found.total()), (2, 3));
    }
}
