//! Bars of one symbol from its feed, by any rule and policy.

use super::columns::{bars_to_ohlc, counts, starts, sums, ticks_to_ohlc};
use super::feed::{Counts, Feed, Gathered, Plan, Prices, Rule};
use super::runs::{Run, runs};
use super::{BarError, Bars, Late, Number, Side, TimeGrid, TimeRule, check_whole, count, extremes, late};

/// The bars of a feed without symbols; gaps are not filled yet.
pub(super) fn make<N: Number>(
    feed: &Feed<'_, N>,
    plan: &Plan<N>,
    grid: Option<&TimeGrid>,
) -> Result<Bars<N>, BarError> {
    match (&plan.rule, grid) {
        (Rule::Time(rule), Some(grid)) => {
            whole(feed, plan, rule, grid)?;
            if plan.late != Late::Reject && !extremes::sorted(feed.ts) {
                return settled(feed, plan.late, &mut grid.clone());
            }
            let (runs, outside) = match rule.plain() {
                Some(mut fixed) => runs(feed.ts, &mut fixed)?,
                None => runs(feed.ts, &mut grid.clone())?,
            };
            of_runs(feed, &runs, Counts { outside, ..Counts::default() })
        }
        (Rule::Time(_), None) => of_runs(feed, &[], Counts::default()),
        (rule, _) if plan.late == Late::Reject || extremes::sorted(feed.ts) => {
            count::check_sorted(feed.ts)?;
            of_runs(feed, &count::runs(feed, rule, plan.label)?, Counts::default())
        }
        (rule, _) => counted(feed, plan, rule),
    }
}

/// Refuses bars that would have to be split. Where intervals are closed right, stamps are ends, and nothing is known.
pub(super) fn whole<N: Number>(
    feed: &Feed<'_, N>,
    plan: &Plan<N>,
    rule: &TimeRule,
    grid: &TimeGrid,
) -> Result<(), BarError> {
    if matches!(feed.prices, Prices::Ticks(_)) || rule.closed == Side::Right {
        return Ok(());
    }
    check_whole(feed.ts, plan.of, &mut grid.clone())
}

/// Bars of rows that a policy put right.
fn settled<N: Number>(feed: &Feed<'_, N>, policy: Late, grid: &mut TimeGrid) -> Result<Bars<N>, BarError> {
    let settled = late::settle(feed.ts, policy, grid)?;
    let gathered = Gathered::new(feed, &settled.rows);
    let counts = Counts { outside: settled.outside, late: settled.late, disordered: settled.disordered };
    of_runs(&gathered.feed(), &settled.runs, counts).map_err(|error| error.at_row(original(&settled.rows)))
}

/// Bars of ticks, volume or value from rows that go back: these have no interval, so a row is late after a later one.
fn counted<N: Number>(feed: &Feed<'_, N>, plan: &Plan<N>, rule: &Rule<N>) -> Result<Bars<N>, BarError> {
    let mut latest = i64::MIN;
    let (mut rows, mut late) = (Vec::with_capacity(feed.ts.len()), 0);
    for (row, time) in (0_u32..).zip(feed.ts) {
        let back = *time < latest;
        late += usize::from(back);
        latest = latest.max(*time);
        if !(back && plan.late == Late::Drop) {
            rows.push(row);
        }
    }
    let gathered = Gathered::new(feed, &rows);
    let kept = gathered.feed();
    let made = count::runs(&kept, rule, plan.label)
        .and_then(|runs| of_runs(&kept, &runs, Counts { late, ..Counts::default() }));
    made.map_err(|error| error.at_row(original(&rows)))
}

fn original(rows: &[u32]) -> impl Fn(usize) -> usize + '_ {
    |row| rows.get(row).map_or(row, |row| *row as usize)
}

fn of_runs<N: Number>(feed: &Feed<'_, N>, found: &[Run], seen: Counts) -> Result<Bars<N>, BarError> {
    let (mut series, mut ticks) = (Vec::with_capacity(feed.series()), None);
    match &feed.prices {
        Prices::Ticks(columns) => {
            for (name, values) in columns {
                series.push(ticks_to_ohlc(name, values, found)?);
            }
            if feed.ticks.is_none() {
                ticks = Some(counts(found));
            }
        }
        Prices::Bars(columns) => {
            for (names, bars) in columns {
                series.push(bars_to_ohlc(*names, *bars, found)?);
            }
        }
    }
    if let Some(column) = feed.ticks {
        ticks = Some(sums("ticks", column, found)?);
    }
    let volume = feed.volume.map(|(name, values)| sums(name, values, found)).transpose()?;
    Ok(Bars { symbol: None, ts: starts(found), series, volume, ticks, empty: Vec::new(), counts: seen })
}
