//! Sorted stamps go in, the run of rows of each interval comes out: the walk that all columns share.

use exuvia_model::Time;

use super::{BarError, Grid, Place, extremes};

/// The rows `from..to` of one bar, and its stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub label: i64,
    pub from: usize,
    pub to: usize,
}

/// The runs of rows, and how many rows lie in no interval.
pub(super) fn runs(ts: &[i64], grid: &mut impl Grid) -> Result<(Vec<Run>, usize), BarError> {
    let mut found = Vec::new();
    let mut outside = 0;
    let mut from = 0;
    while let Some((first, rest)) = ts.get(from..).and_then(|rest| rest.first().map(|first| (*first, rest))) {
        let place = grid.place(first)?;
        let (Place::In { end, .. } | Place::Out { until: end }) = place;
        let (length, seen) = rows_before(rest, end);
        if !extremes::sorted(rest.get(..seen).unwrap_or_default()) {
            return Err(first_step_back(ts, from));
        }
        // At least the row itself, so that the walk moves whatever a grid answers.
        let to = from + length.max(1);
        match place {
            Place::In { label, .. } => found.push(Run { label, from, to }),
            Place::Out { .. } => outside += to - from,
        }
        from = to;
    }
    Ok((found, outside))
}

/// Rows that are looked at in one step; a run rarely ends within the first.
const BLOCK: usize = 16;

/// How many leading rows are before `end`, and how many rows were seen to find out. The answer holds if the
/// rows seen are sorted, which the caller checks: they are read in order, a block at a time, as memory likes it.
fn rows_before(ts: &[i64], end: i64) -> (usize, usize) {
    let mut passed = 0;
    for block in ts.chunks(BLOCK) {
        if block.last().is_some_and(|time| *time < end) {
            passed += block.len();
            continue;
        }
        // Counting has no branch that depends on where in the block the run ends.
        let before = block.iter().map(|time| usize::from(*time < end)).sum::<usize>();
        return (passed + before, passed + block.len());
    }
    (passed, passed)
}

fn first_step_back(ts: &[i64], from: usize) -> BarError {
    let pairs = ts.iter().zip(ts.get(1..).unwrap_or_default()).enumerate().skip(from);
    for (row, (before, time)) in pairs {
        if time < before {
            return BarError::Unsorted { row: row + 1, time: Time(*time), before: Time(*before) };
        }
    }
    // Not reached: the caller saw a step back.
    BarError::Unsorted { row: from + 1, time: Time::default(), before: Time::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bars::{Fixed, Interval};

    fn walk(ts: &[i64], every: i64) -> Result<Vec<(i64, usize, usize)>, BarError> {
        let mut grid = Fixed::new(Interval::new(every).unwrap(), 0);
        runs(ts, &mut grid).map(|(runs, _)| runs.into_iter().map(|run| (run.label, run.from, run.to)).collect())
    }

    #[test]
    fn rows_of_an_interval_are_one_run_and_gaps_have_none() {
        assert_eq!(walk(&[], 10).unwrap(), []);
        assert_eq!(walk(&[-1, 0, 9, 10, 35], 10).unwrap(), [(-10, 0, 1), (0, 1, 3), (10, 3, 4), (30, 4, 5)]);
    }

    #[test]
    fn a_row_at_the_end_of_an_interval_belongs_to_the_next_one() {
        for length in 1..60_usize {
            let mut ts = vec![5; length];
            ts.extend([10; 20]);
            assert_eq!(walk(&ts, 10).unwrap(), [(0, 0, length), (10, length, length + 20)], "{length}");
        }
    }

    #[test]
    fn the_first_step_back_is_named_with_both_stamps() {
        let ordered: Vec<i64> = (0..200).collect();
        for at in 1..200_usize {
            for to in [-1, 0, at as i64 - 2] {
                let mut ts = ordered.clone();
                ts[at] = to;
                if to < at as i64 - 1 {
                    let want = BarError::Unsorted { row: at, time: Time(to), before: Time(at as i64 - 1) };
                    assert_eq!(walk(&ts, 10), Err(want), "{at} {to}");
                }
            }
        }
    }
}
