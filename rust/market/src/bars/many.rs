//! Bars of a feed by any rule, for one symbol or many: chooses the walk. Rows of many symbols in order of time go
//! through the arena in one pass; rows that lie symbol by symbol are cut into slices; all else is grouped first.

use exuvia_model::Time;

use super::arena::{self, rows_by_symbol};
use super::feed::{Feed, Gathered, Plan, Rule, Symbols};
use super::pool::spread;
use super::{BarError, Bars, Gaps, Late, Number, TimeGrid, extremes, gaps, single};

/// Bars of a feed.
///
/// ```
/// use exuvia_market::bars::{Feed, Plan, Prices, Rule, Symbols, TimeRule, make_bars};
/// let names = |symbol: u32| symbol.to_string();
/// let symbols = Symbols { ids: &[7, 3, 7], names: &names, count: 8, order: &[] };
/// let prices = Prices::Ticks(vec![("price", &[1.5, 9.0, 1.25][..])]);
/// let feed = Feed { ts: &[0, 1, 2], prices, volume: None, ticks: None, symbols: Some(symbols) };
/// let bars = make_bars(&feed, &Plan::new(Rule::Time(TimeRule::every("1m".parse()?))))?;
/// assert_eq!(bars.symbol, Some(vec![3, 7]));
/// assert_eq!(bars.series[0].low, [9.0, 1.25]);
/// # Ok::<(), exuvia_market::bars::BarError>(())
/// ```
///
/// # Errors
/// Names column and row of what is wrong in the feed, and what is wrong in the plan.
pub fn make_bars<N: Number>(feed: &Feed<'_, N>, plan: &Plan<N>) -> Result<Bars<N>, BarError> {
    feed.check_lengths()?;
    plan.rule.check()?;
    let counted = !matches!(plan.rule, Rule::Time(_));
    if counted && plan.late == Late::Revise {
        return Err(BarError::ReviseOfCount);
    }
    if counted && plan.gaps != Gaps::Skip {
        return Err(BarError::GapsOfCount);
    }
    let grid = grid_of(feed.ts, &plan.rule)?;
    let grid = grid.as_ref();
    let bars = match feed.symbols {
        Some(symbols) => of_many(feed, symbols, plan, grid)?,
        None => single::make(feed, plan, grid)?,
    };
    match grid {
        Some(grid) => gaps::fill(bars, &mut grid.clone(), plan.gaps),
        None => Ok(bars),
    }
}

/// The grid of a rule of time over all rows of the feed, whatever their symbol.
fn grid_of<N: Number>(ts: &[i64], rule: &Rule<N>) -> Result<Option<TimeGrid>, BarError> {
    let Rule::Time(rule) = rule else { return Ok(None) };
    if let Some(fixed) = rule.plain() {
        return Ok(Some(fixed.into()));
    }
    // Without rows any origin will do, but a wrong rule is one without rows, too.
    let (last, first) = extremes::integers(ts).unwrap_or_default();
    rule.grid(first, Some(last)).map(Some)
}

fn of_many<N: Number>(
    feed: &Feed<'_, N>,
    symbols: Symbols<'_>,
    plan: &Plan<N>,
    grid: Option<&TimeGrid>,
) -> Result<Bars<N>, BarError> {
    if let Some(ranges) = ranges(symbols) {
        return of_ranges(feed, symbols, plan, grid, ranges);
    }
    if let (Rule::Time(rule), Some(grid)) = (&plan.rule, grid)
        && u32::try_from(feed.ts.len()).is_ok()
        && extremes::sorted(feed.ts)
    {
        single::whole(feed, plan, rule, grid)?;
        if let Some(bars) = arena::make(feed, symbols, grid, plan.threads)? {
            return Ok(bars);
        }
    }
    of_groups(feed, symbols, plan, grid)
}

/// The range of rows of each symbol, if each lies in one piece.
fn ranges(symbols: Symbols<'_>) -> Option<Vec<(u32, usize, usize)>> {
    let mut found: Vec<(u32, usize, usize)> = Vec::new();
    let mut from = 0;
    while let Some((id, rest)) = symbols.ids.get(from..).and_then(<[u32]>::split_first) {
        if found.len() >= symbols.count {
            return None;
        }
        let to = from + 1 + rest.iter().position(|next| next != id).unwrap_or(rest.len());
        found.push((*id, from, to));
        from = to;
    }
    let place = places(symbols);
    found.sort_by_key(|(symbol, ..)| place.get(*symbol as usize).copied());
    let twice = found.windows(2).any(|pair| matches!(pair, [(one, ..), (two, ..)] if one == two));
    (!twice).then_some(found)
}

/// At which place of the output each symbol comes.
fn places(symbols: Symbols<'_>) -> Vec<u32> {
    let mut places: Vec<u32> = (0_u32..).take(symbols.count).collect();
    for (at, symbol) in (0_u32..).zip(symbols.order) {
        if let Some(place) = places.get_mut(*symbol as usize) {
            *place = at;
        }
    }
    places
}

fn of_ranges<N: Number>(
    feed: &Feed<'_, N>,
    symbols: Symbols<'_>,
    plan: &Plan<N>,
    grid: Option<&TimeGrid>,
    ranges: Vec<(u32, usize, usize)>,
) -> Result<Bars<N>, BarError> {
    let made = spread(plan.threads, ranges.len(), |at| {
        let (symbol, from, to) = ranges.get(at).copied().unwrap_or_default();
        let bars = single::make(&feed.slice(from, to), plan, grid);
        let named = |error| named(error, |row| from + row, (symbols.names)(symbol));
        bars.map(|bars| (Some(symbol), bars)).map_err(named)
    });
    joined(made, feed, plan, grid)
}

fn of_groups<N: Number>(
    feed: &Feed<'_, N>,
    symbols: Symbols<'_>,
    plan: &Plan<N>,
    grid: Option<&TimeGrid>,
) -> Result<Bars<N>, BarError> {
    let (starts, rows) = rows_by_symbol(symbols.ids, symbols.count);
    let range = |symbol: u32| {
        let (from, to) = (starts.get(symbol as usize)?, starts.get(symbol as usize + 1)?);
        rows.get(*from as usize..*to as usize).filter(|rows| !rows.is_empty())
    };
    let natural: Vec<u32> = (0_u32..).take(symbols.count).collect();
    let order = if symbols.order.is_empty() { &natural } else { symbols.order };
    let groups: Vec<(u32, &[u32])> = order.iter().filter_map(|symbol| Some((*symbol, range(*symbol)?))).collect();
    let made = spread(plan.threads, groups.len(), |at| {
        let (symbol, rows) = groups.get(at).copied().unwrap_or_default();
        let gathered = Gathered::new(feed, rows);
        let bars = single::make(&gathered.feed(), plan, grid);
        let original = |row: usize| rows.get(row).map_or(row, |row| *row as usize);
        bars.map(|bars| (Some(symbol), bars)).map_err(|error| named(error, original, (symbols.names)(symbol)))
    });
    joined(made, feed, plan, grid)
}

/// The bars of one symbol.
type OfSymbol<N> = (Option<u32>, Bars<N>);

fn joined<N: Number>(
    made: Vec<Result<OfSymbol<N>, BarError>>,
    feed: &Feed<'_, N>,
    plan: &Plan<N>,
    grid: Option<&TimeGrid>,
) -> Result<Bars<N>, BarError> {
    let made = made.into_iter().collect::<Result<Vec<_>, _>>()?;
    if made.is_empty() {
        // No rows: the columns are there all the same.
        let mut none = single::make(&feed.slice(0, 0), plan, grid)?;
        none.symbol = Some(Vec::new());
        return Ok(none);
    }
    Ok(Bars::join(made))
}

/// An error in rows of one symbol, as an error in rows of the whole feed.
fn named(error: BarError, original: impl Fn(usize) -> usize, symbol: String) -> BarError {
    match error {
        BarError::Unsorted { row, time, before } => BarError::UnsortedSymbol {
            symbol,
            row: original(row),
            time,
            before_row: original(row.saturating_sub(1)),
            before: Time(before.0),
        },
        other => other.at_row(original),
    }
}
