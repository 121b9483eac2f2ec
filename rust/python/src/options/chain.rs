//! Gamma exposure of chains: all symbols in one call, shared among threads, with the GIL released.

use std::collections::HashMap;

use exuvia_market::options::chain::{Exposure, FlipMethod, Group, Row, Settings, Sign, expose};
use exuvia_market::options::share;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::groups::Groups;
use super::input::{Arguments, Given, RIGHTS, number, rows};
use super::settings::Chosen;
use super::{option_error, output, threads};
use crate::failure::Failure;
use crate::gate;

/// Exposure of a chain in three tables: total, by strike, by expiry; `exuvia.options.gex` says what the arguments are.
#[pyfunction]
fn gex_tables<'py>(
    chain: &Bound<'py, PyAny>,
    spot: Option<&Bound<'py, PyAny>>,
    multiplier: f64,
    settings: Chosen,
    record: &str,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = chain.py();
    let settings = settings.settings()?;
    let threads = self::threads(threads)?;
    let columns = ChainColumns::new(chain, multiplier, &settings)?;
    let symbols = columns.from.column("symbol", None)?.map(|column| Groups::new("symbol", column)).transpose()?;
    let expiries = columns.from.column("expiry", None)?;
    let expiries = expiries.map(|column| Groups::new("expiry", column)?.sorted("expiry")).transpose()?;
    for (name, groups) in [("symbol", &symbols), ("expiry", &expiries)] {
        if let Some(length) = groups.as_ref().map(|groups| groups.ids.len()).filter(|length| *length != columns.count) {
            return Err(option_error(format!(
                "column '{name}' has {length} rows, but 'strike' has {}: pass columns of equal length",
                columns.count
            )));
        }
    }
    let rows = columns.rows(expiries.as_ref());
    let places = symbols.as_ref().map_or_else(|| vec![(0..rows.len()).collect()], Groups::rows);
    let spots = spots(spot, &columns.from, symbols.as_ref(), &places)?;
    let jobs: Vec<(Vec<Row>, f64)> = places
        .iter()
        .zip(&spots)
        .map(|(places, spot)| (places.iter().filter_map(|row| rows.get(*row).copied()).collect(), *spot))
        .collect();
    drop(rows);
    let made =
        gate::enter(py, || Ok::<_, Failure>(share(&jobs, threads, |(rows, spot)| expose(rows, *spot, &settings))))?;
    let metadata: HashMap<String, String> = [("exuvia.gex".to_owned(), record.to_owned())].into();
    Ok((
        output::table(py, total(&made, symbols.as_ref())?, metadata.clone())?,
        output::table(py, strikes(&made, symbols.as_ref())?, metadata.clone())?,
        output::table(py, by_expiry(&made, symbols.as_ref(), expiries.as_ref())?, metadata)?,
    ))
}

/// The columns of a chain.
struct ChainColumns<'py> {
    from: Arguments<'py>,
    count: usize,
    right: Given<'py>,
    strike: Given<'py>,
    open_interest: Given<'py>,
    gamma: Given<'py>,
    iv: Given<'py>,
    years: Given<'py>,
    rate: Given<'py>,
    dividend: Given<'py>,
    multiplier: Given<'py>,
    side: Given<'py>,
}

impl<'py> ChainColumns<'py> {
    fn new(chain: &Bound<'py, PyAny>, multiplier: f64, settings: &Settings) -> PyResult<Self> {
        let from = Arguments::new(chain, true)?;
        let right = from.signs("right", None, &RIGHTS)?;
        let (strike, open_interest) = (from.need("strike", None)?, from.need("open_interest", None)?);
        let gamma = from.perhaps("gamma", None)?;
        let priced = gamma.is_none() || settings.second_order || matches!(settings.flip, Some(FlipMethod::Profile(_)));
        let must =
            |name: &str, needed: bool| if needed { from.need(name, None) } else { from.optional(name, None, f64::NAN) };
        let (iv, years) =
            (must("iv", priced || settings.need_iv)?, must("years", priced || settings.most_years.is_finite())?);
        let side = must("side", settings.sign == Sign::Side)?;
        let (rate, dividend) = (from.optional("rate", None, 0.0)?, from.optional("dividend", None, 0.0)?);
        let multiplier = from.optional("multiplier", None, multiplier)?;
        let gamma = gamma.unwrap_or(Given::One(f64::NAN));
        let all = [
            ("strike", &strike),
            ("right", &right),
            ("open_interest", &open_interest),
            ("gamma", &gamma),
            ("iv", &iv),
            ("years", &years),
            ("rate", &rate),
            ("dividend", &dividend),
            ("multiplier", &multiplier),
            ("side", &side),
        ];
        let count = rows(&all)?.unwrap_or(0);
        Ok(Self { from, count, right, strike, open_interest, gamma, iv, years, rate, dividend, multiplier, side })
    }

    fn rows(&self, expiries: Option<&Groups>) -> Vec<Row> {
        (0..self.count)
            .map(|row| Row {
                right: self.right.at(row),
                strike: self.strike.at(row),
                open_interest: self.open_interest.at(row),
                gamma: self.gamma.at(row),
                iv: self.iv.at(row),
                years: self.years.at(row),
                rate: self.rate.at(row),
                dividend: self.dividend.at(row),
                multiplier: self.multiplier.at(row),
                side: self.side.at(row),
                expiry: expiries.and_then(|groups| groups.ids.get(row).copied()).unwrap_or(0),
            })
            .collect()
    }
}

/// The spot of each symbol.
pub fn spots(
    spot: Option<&Bound<'_, PyAny>>,
    from: &Arguments<'_>,
    symbols: Option<&Groups>,
    places: &[Vec<usize>],
) -> PyResult<Vec<f64>> {
    let names = symbols.map(Groups::names).transpose()?;
    let name = |at: usize| names.as_ref().and_then(|names| names.get(at)).map_or("the chain", String::as_str);
    let found: Vec<f64> = match spot {
        Some(object) => match object.cast::<PyDict>() {
            Ok(by_symbol) => (0..places.len())
                .map(|at| {
                    let price = by_symbol.get_item(PyString::new(object.py(), name(at)))?;
                    price.map_or(Ok(f64::NAN), |price| price.extract())
                })
                .collect::<PyResult<_>>()?,
            Err(_) => first_of(&number("spot", object)?, places),
        },
        None => first_of(&from.need("spot", None)?, places),
    };
    match found.iter().position(|spot| !(*spot > 0.0 && spot.is_finite())) {
        Some(at) => Err(option_error(format!(
            "spot of {} is {}: pass a positive price, a dict by symbol, or a column 'spot'",
            name(at),
            found.get(at).copied().unwrap_or(f64::NAN)
        ))),
        None => Ok(found),
    }
}

fn first_of(given: &Given<'_>, places: &[Vec<usize>]) -> Vec<f64> {
    places.iter().map(|rows| given.at(rows.first().copied().unwrap_or(0))).collect()
}

/// Which symbol each row of a table is of.
pub fn named(
    columns: &mut output::Columns,
    symbols: Option<&Groups>,
    counts: impl Iterator<Item = usize>,
) -> PyResult<()> {
    if let Some(symbols) = symbols {
        let ids: Vec<u32> = counts
            .enumerate()
            .flat_map(|(at, count)| std::iter::repeat_n(u32::try_from(at).unwrap_or(u32::MAX), count))
            .collect();
        columns.push(("symbol".to_owned(), symbols.pick(&ids)?));
    }
    Ok(())
}

fn exposures(columns: &mut output::Columns, groups: &[Group]) {
    let mut push = |name: &str, pick: fn(&Group) -> f64| {
        columns.push((name.to_owned(), output::floats(groups.iter().map(pick).collect())));
    };
    push("call", |group| group.call);
    push("put", |group| group.put);
    push("net", |group| group.net);
    push("call_open_interest", |group| group.call_open_interest);
    push("put_open_interest", |group| group.put_open_interest);
}

fn total(made: &[Exposure], symbols: Option<&Groups>) -> PyResult<output::Columns> {
    let mut columns = output::Columns::new();
    named(&mut columns, symbols, made.iter().map(|_| 1))?;
    columns.push(("spot".to_owned(), output::floats(made.iter().map(|one| one.spot).collect())));
    let groups: Vec<Group> = made.iter().map(|one| one.total).collect();
    exposures(&mut columns, &groups);
    let mut level = |name: &str, pick: fn(&Exposure) -> Option<f64>| {
        columns.push((name.to_owned(), output::perhaps(made.iter().map(pick))));
    };
    level("flip", |one| one.flip.and_then(|flip| flip.level));
    level("call_wall", |one| one.levels.call_wall);
    level("put_wall", |one| one.levels.put_wall);
    level("pin", |one| one.levels.pin);
    level("max_pain", |one| one.levels.max_pain);
    level("greatest_strike", |one| one.levels.greatest.map(|(strike, _)| strike));
    level("greatest_net", |one| one.levels.greatest.map(|(_, net)| net));
    level("least_strike", |one| one.levels.least.map(|(strike, _)| strike));
    level("least_net", |one| one.levels.least.map(|(_, net)| net));
    level("local", |one| Some(one.levels.local));
    level("convexity", |one| one.convexity);
    level("vanna", |one| one.vanna);
    level("charm", |one| one.charm);
    columns
        .push(("flip_found".to_owned(), output::texts(made.iter().map(|one| one.flip.map(|flip| flip.found.name())))));
    columns.push(("regime".to_owned(), output::texts(made.iter().map(|one| one.regime.as_deref()))));
    let mut count = |name: &str, pick: fn(&Exposure) -> usize| {
        let counts = made.iter().map(|one| i64::try_from(pick(one)).unwrap_or(i64::MAX)).collect();
        columns.push((name.to_owned(), output::integers(counts)));
    };
    count("contracts", |one| one.contracts);
    count("used", |one| one.used);
    count("skipped_missing", |one| one.skipped.missing);
    count("skipped_no_open_interest", |one| one.skipped.no_open_interest);
    count("skipped_no_gamma", |one| one.skipped.no_gamma);
    count("skipped_no_iv", |one| one.skipped.no_iv);
    count("skipped_filtered", |one| one.skipped.filtered);
    Ok(columns)
}

fn strikes(made: &[Exposure], symbols: Option<&Groups>) -> PyResult<output::Columns> {
    let mut columns = output::Columns::new();
    named(&mut columns, symbols, made.iter().map(|one| one.strikes.len()))?;
    let all = || made.iter().flat_map(|one| &one.strikes);
    columns.push(("strike".to_owned(), output::floats(all().map(|(strike, _)| *strike).collect())));
    let groups: Vec<Group> = all().map(|(_, group)| *group).collect();
    exposures(&mut columns, &groups);
    Ok(columns)
}

fn by_expiry(made: &[Exposure], symbols: Option<&Groups>, expiries: Option<&Groups>) -> PyResult<output::Columns> {
    let mut columns = output::Columns::new();
    named(&mut columns, symbols, made.iter().map(|one| one.expiries.len()))?;
    let all = || made.iter().flat_map(|one| &one.expiries);
    if let Some(expiries) = expiries {
        let ids: Vec<u32> = all().map(|(expiry, ..)| *expiry).collect();
        columns.push(("expiry".to_owned(), expiries.pick(&ids)?));
    }
    let groups: Vec<Group> = all().map(|(_, group, _)| *group).collect();
    exposures(&mut columns, &groups);
    columns.push(("max_pain".to_owned(), output::perhaps(all().map(|(_, _, pain)| *pain))));
    Ok(columns)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gex_tables, module)?)
}
