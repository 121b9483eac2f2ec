//! Rows that go back in time, where a policy takes them: which rows stay, in which order, and in which bar each lands.
//! As a stream of single ticks would have it.

use super::runs::Run;
use super::{BarError, Grid, Late, Place};

/// Rows put right by a policy.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The rows that go into bars, bar by bar.
    pub rows: Vec<u32>,
    /// The bars as runs of `rows`.
    pub runs: Vec<Run>,
    /// Rows outside of sessions.
    pub outside: usize,
    /// Rows that came after their interval had ended.
    pub late: usize,
    /// Rows that came after a newer one of the same interval.
    pub disordered: usize,
}

/// Puts rows right. `Reject` is for the caller: rows in order need none of this.
pub(super) fn settle(ts: &[i64], late: Late, grid: &mut impl Grid) -> Result<Settled, BarError> {
    let mut settled = Settled::default();
    let mut rows = 0_u32..;
    let all: Vec<u32> = ts.iter().filter_map(|_| rows.next()).collect();
    if late == Late::Revise {
        (settled.late, settled.disordered) = count(ts, grid)?;
        let mut order = all;
        order.sort_by_key(|row| ts.get(*row as usize));
        return walk(ts, order, Late::IntoCurrent, grid, settled);
    }
    walk(ts, all, late, grid, settled)
}

fn walk(
    ts: &[i64],
    order: Vec<u32>,
    late: Late,
    grid: &mut impl Grid,
    mut settled: Settled,
) -> Result<Settled, BarError> {
    let (mut bounds, mut newest): (Option<(i64, i64)>, i64) = (None, i64::MIN);
    for row in order {
        let Some(time) = ts.get(row as usize).copied() else { continue };
        match bounds {
            Some((_, end)) if newest <= time && time < end => newest = time,
            Some((start, end)) if start <= time && time < end => {
                settled.disordered += 1;
                if late == Late::Drop {
                    continue;
                }
            }
            Some((start, _)) if time < start => {
                settled.late += 1;
                if late == Late::Drop {
                    continue;
                }
            }
            _ => match grid.place(time)? {
                Place::Out { .. } => {
                    settled.outside += 1;
                    continue;
                }
                Place::In { start, end, label } => {
                    (bounds, newest) = (Some((start, end)), time);
                    let at = settled.rows.len();
                    settled.runs.push(Run { label, from: at, to: at });
                }
            },
        }
        settled.rows.push(row);
        if let Some(run) = settled.runs.last_mut() {
            run.to = settled.rows.len();
        }
    }
    Ok(settled)
}

/// How many rows come late, and how many in disorder, as they are.
fn count(ts: &[i64], grid: &mut impl Grid) -> Result<(usize, usize), BarError> {
    let (mut bounds, mut newest): (Option<(i64, i64)>, i64) = (None, i64::MIN);
    let (mut late, mut disordered) = (0, 0);
    for time in ts {
        match bounds {
            Some((_, end)) if newest <= *time && *time < end => newest = *time,
            Some((start, end)) if start <= *time && *time < end => disordered += 1,
            Some((start, _)) if *time < start => late += 1,
            _ => {
                if let Place::In { start, end, .. } = grid.place(*time)? {
                    (bounds, newest) = (Some((start, end)), *time);
                }
            }
        }
    }
    Ok((late, disordered))
}
