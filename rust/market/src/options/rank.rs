//! IV rank and IV percentile over a moving window: a column of volatility, oldest first, goes in; where each value stands between
//! the least and the greatest of its window, and how many of the window are below it, come out.
//!
//! Both names have many definitions; what differs is a field of [`Rule`].

use std::collections::VecDeque;

/// Which rows a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// That many rows: the last ones with today, or those before today.
    Rows(usize),
    /// Rows later than today less that many nanoseconds.
    Span(i64),
}

/// What the rank is in a window without a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flat {
    /// Missing.
    Missing,
    /// This, as a fraction of the scale.
    Value(f64),
    /// The range counts as at least this.
    Floor(f64),
}

/// A definition of rank and percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The window.
    pub window: Window,
    /// Whether today's value is one of the window.
    pub include_today: bool,
    /// Values that the window must have; below it the result is missing.
    pub least: usize,
    /// What stands for everything: 1 or 100.
    pub scale: f64,
    /// The rank where the greatest is the least.
    pub flat: Flat,
    /// Whether a rank outside of the scale is moved to its end.
    pub clamp: bool,
    /// Whether a value that equals today's counts as below it.
    pub inclusive: bool,
}

/// A column each; NaN is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranks {
    /// (now − least) / (greatest − least).
    pub rank: Vec<f64>,
    /// Share of the window that is below now.
    pub percentile: Vec<f64>,
    /// Least of the window.
    pub low: Vec<f64>,
    /// Greatest of the window.
    pub high: Vec<f64>,
    /// Values of the window.
    pub count: Vec<i64>,
}

/// The columns of one symbol, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Volatility of the day: what is ranked, and what is counted.
    pub iv: &'a [f64],
    /// Greatest of the day, if extremes are not those of `iv`.
    pub high: &'a [f64],
    /// Least of the day.
    pub low: &'a [f64],
    /// Stamps in nanoseconds, for [`Window::Span`]; may be empty otherwise.
    pub ts: &'a [i64],
}

/// The greatest of a moving window; what can never be the greatest again is dropped.
struct Extreme {
    kept: VecDeque<(usize, f64)>,
    sign: f64,
}

impl Extreme {
    fn push(&mut self, row: usize, value: f64) {
        if value.is_nan() {
            return;
        }
        let value = self.sign * value;
        while self.kept.back().is_some_and(|(_, last)| *last <= value) {
            self.kept.pop_back();
        }
        self.kept.push_back((row, value));
    }

    fn of(&mut self, first: usize) -> f64 {
        while self.kept.front().is_some_and(|(row, _)| *row < first) {
            self.kept.pop_front();
        }
        self.kept.front().map_or(f64::NAN, |(_, value)| self.sign * value)
    }
}

/// Ranks and percentiles of each row from `from` on.
///
/// ```
/// use exuvia_market::options::rank::{Flat, History, Rule, Window, ranks};
/// let iv = [20.0, 22.0, 35.0, 40.0, 30.0];
/// let rule = Rule {
///     window: Window::Rows(252), include_today: false, least: 1, scale: 100.0,
///     flat: Flat::Missing, clamp: false, inclusive: false,
/// };
/// let made = ranks(&History { iv: &iv, high: &iv, low: &iv, ts: &[] }, &rule, 4);
/// assert_eq!((made.rank[0], made.percentile[0]), (50.0, 50.0));
/// ```
pub fn ranks(history: &History<'_>, rule: &Rule, from: usize) -> Ranks {
    let mut made = Ranks::default();
    let mut greatest = Extreme { kept: VecDeque::new(), sign: 1.0 };
    let mut least = Extreme { kept: VecDeque::new(), sign: -1.0 };
    let mut first = 0;
    for (row, now) in history.iv.iter().copied().enumerate() {
        let day = |values: &[f64]| values.get(row).copied().unwrap_or(f64::NAN);
        if rule.include_today {
            greatest.push(row, day(history.high));
            least.push(row, day(history.low));
        }
        first = begin(history.ts, rule, row, first);
        if row >= from {
            let end = if rule.include_today { row + 1 } else { row };
            let window = history.iv.get(first..end).unwrap_or_default();
            push(&mut made, rule, now, window, greatest.of(first), least.of(first));
        }
        if !rule.include_today {
            greatest.push(row, day(history.high));
            least.push(row, day(history.low));
        }
    }
    made
}

/// The first row of today's window.
fn begin(ts: &[i64], rule: &Rule, row: usize, before: usize) -> usize {
    match rule.window {
        Window::Rows(rows) => (row + usize::from(rule.include_today)).saturating_sub(rows),
        Window::Span(span) => {
            let Some(now) = ts.get(row) else { return row };
            let after = now.saturating_sub(span);
            let mut first = before;
            while first < row && ts.get(first).is_some_and(|stamp| *stamp <= after) {
                first += 1;
            }
            first
        }
    }
}

fn push(made: &mut Ranks, rule: &Rule, now: f64, window: &[f64], high: f64, low: f64) {
    let (mut count, mut below) = (0_i64, 0_i64);
    for value in window {
        count += i64::from(!value.is_nan());
        below += i64::from(if rule.inclusive { *value <= now } else { *value < now });
    }
    let enough = !now.is_nan() && count > 0 && usize::try_from(count).is_ok_and(|count| count >= rule.least);
    let range = high - low;
    let rank = if !enough || range.is_nan() {
        f64::NAN
    } else {
        match rule.flat {
            Flat::Floor(floor) => rule.scale * (now - low) / range.max(floor),
            _ if range > 0.0 => rule.scale * (now - low) / range,
            Flat::Missing => f64::NAN,
            Flat::Value(value) => rule.scale * value,
        }
    };
    made.rank.push(if rule.clamp { rank.clamp(0.0, rule.scale) } else { rank });
    made.percentile.push(if enough { rule.scale * below as f64 / count as f64 } else { f64::NAN });
    made.low.push(low);
    made.high.push(high);
    made.count.push(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        window: Window::Rows(252),
        include_today: true,
        least: 1,
        scale: 100.0,
        flat: Flat::Missing,
        clamp: false,
        inclusive: false,
    };

    fn last(iv: &[f64], rule: Rule) -> (f64, f64) {
        let made = ranks(&History { iv, high: iv, low: iv, ts: &[] }, &rule, iv.len() - 1);
        (made.rank[0], made.percentile[0])
    }

    #[test]
    fn published_examples_come_out() {
        let ten = [14.0, 15.0, 13.0, 14.0, 14.0, 15.0, 20.0, 26.0, 34.0, 28.0];
        let (rank, percentile) = last(&ten, RULE);
        assert!((rank - 71.428_571_428_571_43).abs() < 1e-12);
        assert_eq!(percentile, 80.0);
        // The fourth of five readings.
        let five = [10.0, 20.0, 40.0, 50.0, 45.0];
        assert_eq!(last(&five, Rule { inclusive: true, ..RULE }).1, 80.0);
        assert_eq!(last(&[30.0, 60.0, 45.0], RULE).0, 50.0);
    }

    #[test]
    fn a_value_above_a_window_without_it_is_clamped_only_if_asked() {
        let rule = Rule { include_today: false, scale: 1.0, ..RULE };
        assert_eq!(last(&[20.0, 40.0, 50.0], rule).0, 1.5);
        assert_eq!(last(&[20.0, 40.0, 50.0], Rule { clamp: true, ..rule }).0, 1.0);
    }

    #[test]
    fn a_flat_window_is_what_the_rule_says() {
        let flat = [0.2, 0.2, 0.2];
        assert!(last(&flat, RULE).0.is_nan());
        assert_eq!(last(&flat, Rule { flat: Flat::Value(0.5), ..RULE }).0, 50.0);
        let before = Rule { include_today: false, flat: Flat::Floor(0.001), scale: 1.0, ..RULE };
        assert!((last(&[0.2, 0.2, 0.2005], before).0 - 0.5).abs() < 1e-9);
    }

    #[test]
    fn windows_by_rows_and_by_time_equal_a_loop_over_everything() {
        let day = 86_400_000_000_000_i64;
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let iv: Vec<f64> = (0..700).map(|_| if next() % 13 == 0 { f64::NAN } else { (next() % 40) as f64 }).collect();
        let mut ts = Vec::new();
        let mut at = 0;
        for _ in 0..700 {
            at += day * (1 + (next() % 3) as i64);
            ts.push(at);
        }
        for include_today in [true, false] {
            for window in [Window::Rows(1), Window::Rows(20), Window::Span(30 * day), Window::Span(day)] {
                let rule = Rule { window, include_today, least: 3, ..RULE };
                let made = ranks(&History { iv: &iv, high: &iv, low: &iv, ts: &ts }, &rule, 0);
                for row in 0..700 {
                    let end = row + usize::from(include_today);
                    let sample: Vec<f64> = (0..end)
                        .filter(|at| match window {
                            Window::Rows(rows) => *at + rows >= end,
                            Window::Span(span) => ts[*at] > ts[row] - span,
                        })
                        .map(|at| iv[at])
                        .filter(|value| !value.is_nan())
                        .collect();
                    let now = iv[row];
                    assert_eq!(made.count[row], sample.len() as i64, "{window:?} {row}");
                    if now.is_nan() || sample.len() < 3 {
                        assert!(made.rank[row].is_nan() && made.percentile[row].is_nan());
                        continue;
                    }
                    let low = sample.iter().copied().fold(f64::INFINITY, f64::min);
                    let high = sample.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    assert_eq!((made.low[row], made.high[row]), (low, high), "{window:?} {row}");
                    let below = sample.iter().filter(|value| **value < now).count();
                    assert_eq!(made.percentile[row], 100.0 * below as f64 / sample.len() as f64);
                    if high > low {
                        assert_eq!(made.rank[row], 100.0 * (now - low) / (high - low));
                    }
                }
            }
        }
    }
}
