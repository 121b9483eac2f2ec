//! Rows of two processes, joined by key: rows that cancel out in a sum do not cancel out here.

use std::collections::BTreeMap;

use crate::decimal::Exact;

/// A key that both sides have.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// Legacy's value as it was written.
    pub legacy: String,
    /// The candidate's.
    pub candidate: String,
    /// Candidate minus legacy; NaN if one of them is no number.
    pub apart: f64,
    /// Whether they are within the amount; exactly, where both are decimals.
    pub within: bool,
}

/// Two sides, joined.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Joined {
    /// Keys of both sides, in order.
    pub pairs: Vec<Pair>,
    /// Keys that only legacy has.
    pub only_legacy: Vec<String>,
    /// Keys that only the candidate has.
    pub only_candidate: Vec<String>,
}

/// Joins rows of key and value. A key that comes more than once is joined in the order of its rows, and what is
/// left over on one side is a row that only that side has.
///
/// ```
/// use exuvia_migrate::gate::join;
/// let row = |key: &str, value: &str| (key.to_owned(), value.to_owned());
/// let legacy = [row("trend", "100.00"), row("base", "100.00")];
/// let candidate = [row("trend", "160.00"), row("base", "40.00")]; // equal in sum
/// let joined = join(&legacy, &candidate, "50.00");
/// assert_eq!(joined.pairs.iter().filter(|pair| !pair.within).count(), 2);
/// ```
#[must_use]
pub fn join(legacy: &[(String, String)], candidate: &[(String, String)], most: &str) -> Joined {
    let (legacy, candidate) = (by_key(legacy), by_key(candidate));
    let mut joined = Joined::default();
    for (key, ours) in &legacy {
        let theirs = candidate.get(key).map_or(&[][..], Vec::as_slice);
        joined.pairs.extend(ours.iter().zip(theirs).map(|(one, other)| pair(key, one, other, most)));
        joined.only_legacy.extend(ours.iter().skip(theirs.len()).map(|_| (*key).to_owned()));
        joined.only_candidate.extend(theirs.iter().skip(ours.len()).map(|_| (*key).to_owned()));
    }
    for (key, theirs) in candidate.iter().filter(|(key, _)| !legacy.contains_key(*key)) {
        joined.only_candidate.extend(theirs.iter().map(|_| (*key).to_owned()));
    }
    joined
}

fn by_key(rows: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in rows {
        found.entry(key).or_default().push(value);
    }
    found
}

fn pair(key: &str, legacy: &str, candidate: &str, most: &str) -> Pair {
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    let apart = number(legacy).zip(number(candidate)).map_or(f64::NAN, |(one, other)| other - one);
    let exact = || Exact::parse(legacy)?.within(Exact::parse(candidate)?, Exact::parse(most)?, 1, false);
    let within = apart.is_finite() && exact().unwrap_or_else(|| number(most).is_some_and(|most| apart.abs() <= most));
    Pair { key: key.to_owned(), legacy: legacy.to_owned(), candidate: candidate.to_owned(), apart, within }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_key_of_one_side_is_named_and_a_repeated_one_is_joined_in_order() {
        let joined =
            join(&rows(&[("a", "1"), ("b", "1"), ("b", "2")]), &rows(&[("b", "1"), ("c", "3"), ("c", "3")]), "0");
        assert_eq!(
            (joined.pairs.len(), joined.only_legacy, joined.only_candidate.len()),
            (1, vec!["a".into(), "b".into()], 2)
        );
    }

    #[test]
    fn the_amount_itself_is_within_to_the_last_digit() {
        for (value, within) in [("150.00", true), ("150.01", false), ("50.00", true), ("49.99", false)] {
            assert_eq!(
                join(&rows(&[("a", "100.00")]), &rows(&[("a", value)]), "50.00").pairs[0].within,
                within,
                "{value}"
            );
        }
        // Too many digits for exact decimals: as floats.
        let long = format!("0.{}1", "0".repeat(60));
        assert!(join(&rows(&[("a", &long)]), &rows(&[("a", "0")]), "1").pairs[0].within);
    }

    #[test]
    fn what_is_no_number_is_within_nothing() {
        for value in ["NaN", "inf", "None", ""] {
            assert!(!join(&rows(&[("a", "1")]), &rows(&[("a", value)]), "1e300").pairs[0].within, "{value}");
            assert!(!join(&rows(&[("a", value)]), &rows(&[("a", value)]), "1e300").pairs[0].within, "{value}");
        }
    }
}
