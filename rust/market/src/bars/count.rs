//! Bars that end with a count of ticks, a volume or a value, instead of a time: the rows of each.

use exuvia_model::Time;

use super::feed::{Feed, Prices, Rule};
use super::runs::Run;
use super::{BarError, Number, Side};

/// The runs of rows; every row goes into one, and the last bar may be short of its size.
pub(super) fn runs<N: Number>(feed: &Feed<'_, N>, rule: &Rule<N>, label: Side) -> Result<Vec<Run>, BarError> {
    let ends = match rule {
        Rule::Ticks(count) => ends_of_ticks(feed, *count)?,
        Rule::Volume(size) => {
            ends_of(feed, "volume", |_, size, sum: Option<N>| sum.unwrap_or(N::ZERO).add(size), |sum| *sum >= *size)?
        }
        Rule::Value(size) => ends_of(
            feed,
            "value",
            |price, size, sum: Option<N::Value>| price.worth(size, sum.unwrap_or_default()),
            |sum| size.is_reached(*sum),
        )?,
        // Not reached: time has its own walk.
        Rule::Time(_) => Vec::new(),
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let stamp = |from: usize, to: usize| {
        let row = if label == Side::Left { from } else { to - 1 };
        feed.ts.get(row).copied().unwrap_or_default()
    };
    Ok(starts.zip(&ends).map(|(from, to)| Run { label: stamp(from, *to), from, to: *to }).collect())
}

fn ends_of_ticks<N: Number>(feed: &Feed<'_, N>, count: u64) -> Result<Vec<usize>, BarError> {
    let rows = feed.ts.len();
    let Some(ticks) = feed.ticks else {
        let step = usize::try_from(count).unwrap_or(usize::MAX).max(1);
        return Ok((1..=rows.div_ceil(step)).map(|bar| bar.saturating_mul(step).min(rows)).collect());
    };
    let (mut ends, mut sum) = (Vec::new(), 0_u64);
    for (row, ticks) in ticks.iter().enumerate() {
        let more = u64::try_from(*ticks);
        let value = *ticks as f64;
        sum = sum.saturating_add(more.map_err(|_| BarError::Negative { column: "ticks", row, value })?);
        if sum >= count {
            ends.push(row + 1);
            sum = 0;
        }
    }
    Ok(closed(ends, rows))
}

/// Ends after each row at which a sum is reached; whole rows, what is above the size is not carried over.
fn ends_of<N: Number, S: Copy>(
    feed: &Feed<'_, N>,
    what: &'static str,
    add: impl Fn(N, N, Option<S>) -> Option<S>,
    reached: impl Fn(&S) -> bool,
) -> Result<Vec<usize>, BarError> {
    let Some((name, sizes)) = feed.volume else { return Err(BarError::NoSizes(what)) };
    let [(column, prices)] = (match &feed.prices {
        Prices::Ticks(series) => series.as_slice(),
        Prices::Bars(_) => &[],
    }) else {
        return Err(BarError::NoTrades(what));
    };
    let (mut ends, mut sum) = (Vec::new(), None);
    for (row, (size, price)) in sizes.iter().zip(*prices).enumerate() {
        let checked = [(name, *size), (*column, *price)];
        // A negative price has a volume, but no value.
        for (column, value) in checked.iter().take(if what == "value" { 2 } else { 1 }) {
            check(column, row, *value)?;
        }
        let more = add(*price, *size, sum).ok_or(BarError::Overflow { column: name, row })?;
        sum = Some(more);
        if reached(&more) {
            ends.push(row + 1);
            sum = None;
        }
    }
    Ok(closed(ends, sizes.len()))
}

fn check<N: Number>(column: &'static str, row: usize, value: N) -> Result<(), BarError> {
    if !value.is_finite() {
        return Err(BarError::NotFinite { column, row, value: value.to_float() });
    }
    if value < N::ZERO {
        return Err(BarError::Negative { column, row, value: value.to_float() });
    }
    Ok(())
}

fn closed(mut ends: Vec<usize>, rows: usize) -> Vec<usize> {
    if rows > 0 && ends.last() != Some(&rows) {
        ends.push(rows);
    }
    ends
}

/// Refuses stamps that go back.
pub(super) fn check_sorted(ts: &[i64]) -> Result<(), BarError> {
    if super::extremes::sorted(ts) {
        return Ok(());
    }
    let back = ts.windows(2).enumerate().find_map(|(row, pair)| match pair {
        [before, time] if time < before => Some((row + 1, *before, *time)),
        _ => None,
    });
    let (row, before, time) = back.unwrap_or_default();
    Err(BarError::Unsorted { row, time: Time(time), before: Time(before) })
}
