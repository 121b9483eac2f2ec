//! Counts by key and by bin of both sides.

use std::collections::{BTreeMap, BTreeSet};

/// A key that the sides do not have equally often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The key.
    pub key: String,
    /// How often legacy has it.
    pub legacy: u64,
    /// How often the candidate has it.
    pub candidate: u64,
}

/// A bin whose rows are not those of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The bin.
    pub bin: String,
    /// Rows that legacy has in it and the candidate in another, or nowhere.
    pub left: u64,
    /// Rows that the candidate has in it and legacy in another, or nowhere.
    pub came: u64,
}

/// The keys that come more often on one side, in their order: rows too many here never make up for rows that
/// are missing there.
///
/// ```
/// use exuvia_migrate::gate::counts;
/// let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
/// assert_eq!(counts(&keys(&["a", "b"]), &keys(&["a", "a"])).len(), 2);
/// ```
#[must_use]
pub fn counts(legacy: &[String], candidate: &[String]) -> Vec<Apart> {
    let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for key in legacy {
        found.entry(key).or_default().0 += 1;
    }
    for key in candidate {
        found.entry(key).or_default().1 += 1;
    }
    found
        .into_iter()
        .filter(|(_, (legacy, candidate))| legacy != candidate)
        .map(|(key, (legacy, candidate))| Apart { key: key.to_owned(), legacy, candidate })
        .collect()
}

/// The bins whose rows, `(key, bin)`, are not the same on both sides. Two rows that swap their bins leave the
/// histogram as it was; here both bins are named.
#[must_use]
pub fn moved(legacy: &[(String, String)], candidate: &[(String, String)]) -> Vec<Moved> {
    let mut rows: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (key, bin) in legacy {
        *rows.entry((bin, key)).or_default() += 1;
    }
    for (key, bin) in candidate {
        *rows.entry((bin, key)).or_default() -= 1;
    }
    let bins: BTreeSet<&str> = rows.keys().map(|(bin, _)| *bin).collect();
    let total = |bin: &str, sign: i64| {
        rows.iter().filter(|((at, _), _)| *at == bin).filter_map(|(_, more)| u64::try_from(more * sign).ok()).sum()
    };
    bins.into_iter()
        .map(|bin| Moved { bin: bin.to_owned(), left: total(bin, 1), came: total(bin, -1) })
        .filter(|bin| bin.left + bin.came > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter().map(|(key, bin)| ((*key).to_owned(), (*bin).to_owned())).collect()
    }

    #[test]
    fn rows_that_swap_bins_are_seen_although_the_histogram_is_the_same() {
        let found = moved(&rows(&[("SPY", "long"), ("QQQ", "short")]), &rows(&[("SPY", "short"), ("QQQ", "long")]));
        assert_eq!(found.iter().map(|bin| (bin.left, bin.came)).collect::<Vec<_>>(), [(1, 1), (1, 1)]);
    }

    #[test]
    fn a_row_too_many_is_in_its_bin_only() {
        let found = moved(&rows(&[("a", "x")]), &rows(&[("a", "x"), ("b", "y")]));
        assert_eq!(found, [Moved { bin: "y".into(), left: 0, came: 1 }]);
        assert!(moved(&rows(&[("a", "x")]), &rows(&[("a", "x")])).is_empty());
    }
}
