//! The volatility at the money of a chain, or of many.

use std::collections::HashMap;

use exuvia_market::options::chain::Row;
use exuvia_market::options::representative::{At, Maturity, Representative, representative};
use exuvia_market::options::share;
use pyo3::prelude::*;

use super::chain::{named, spots};
use super::groups::Groups;
use super::input::{Arguments, rows};
use super::settings::unknown;
use super::{option_error, output, threads};
use crate::failure::Failure;
use crate::gate;

/// The one volatility that stands for a chain on a day: what an IV rank is a rank of.
///
/// Args:
///     chain: A table or dict with columns strike, iv and years, and perhaps symbol and spot; rows without a volatility, or that have
///         expired, are left out.
///     spot: Price of the underlying, or a dict from symbol to price; without it the column spot.
///     strikes: "nearest": the mean of call and put at the strike nearest to the spot; "band": the mean of all strikes in `band`.
///     band: As a fraction of the spot.
///     days: None for the nearest expiry; else a constant maturity of so many days of 365, between the expiries around it by total
///         variance.
///     outside: Whether the first or last expiry stands for a maturity before or after all of them; missing if not.
///     threads: How many threads, all cores if None; symbols are shared among them.
///
/// Returns:
///     An arro3.core.Table, a row for each symbol: symbol if given, iv, near_years, far_years, chain_rank (where iv stands between
///     the least and greatest volatility of the chain, 0 to 1: another quantity that is called IV rank), contracts.
///
/// Raises:
///     OptionError: An unknown variant, a symbol without a spot, columns of different lengths.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (chain, spot=None, *, strikes="nearest", band=0.01, days=None, outside=false, threads=None))]
fn atm_iv<'py>(
    chain: &Bound<'py, PyAny>,
    spot: Option<&Bound<'py, PyAny>>,
    strikes: &str,
    band: f64,
    days: Option<f64>,
    outside: bool,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = chain.py();
    let at = match strikes {
        "nearest" => At::Nearest,
        "band" if band >= 0.0 => At::Band(band),
        "band" => return Err(option_error(format!("band={band}: use a fraction of the spot, as 0.01"))),
        other => return Err(unknown("strikes", other, "nearest or band")),
    };
    let maturity = match days {
        None => Maturity::Nearest,
        Some(days) if days > 0.0 => Maturity::Constant { years: days / 365.0, outside },
        Some(days) => return Err(option_error(format!("days={days}: use a positive number, as 30"))),
    };
    let threads = self::threads(threads)?;
    let from = Arguments::new(chain, true)?;
    let (strike, iv, years) = (from.need("strike", None)?, from.need("iv", None)?, from.need("years", None)?);
    let count = rows(&[("strike", &strike), ("iv", &iv), ("years", &years)])?.unwrap_or(0);
    let symbols = from.column("symbol", None)?.map(|column| Groups::new("symbol", column)).transpose()?;
    if let Some(length) = symbols.as_ref().map(|groups| groups.ids.len()).filter(|length| *length != count) {
        return Err(option_error(format!(
            "column 'symbol' has {length} rows, but 'strike' has {count}: pass columns of equal length"
        )));
    }
    let places = symbols.as_ref().map_or_else(|| vec![(0..count).collect()], Groups::rows);
    let spots = spots(spot, &from, symbols.as_ref(), &places)?;
    let row = |at: usize| Row {
        right: f64::NAN,
        strike: strike.at(at),
        open_interest: f64::NAN,
        gamma: f64::NAN,
        iv: iv.at(at),
        years: years.at(at),
        rate: 0.0,
        dividend: 0.0,
        multiplier: f64::NAN,
        side: f64::NAN,
        expiry: 0,
    };
    let jobs: Vec<(Vec<Row>, f64)> =
        places.iter().zip(&spots).map(|(places, spot)| (places.iter().map(|at| row(*at)).collect(), *spot)).collect();
    let made = gate::enter(py, || {
        Ok::<_, Failure>(share(&jobs, threads, |(rows, spot)| representative(rows, *spot, at, maturity)))
    })?;
    let mut columns = output::Columns::new();
    named(&mut columns, symbols.as_ref(), made.iter().map(|_| 1))?;
    let mut level = |name: &str, pick: fn(&Representative) -> Option<f64>| {
        columns.push((name.to_owned(), output::perhaps(made.iter().map(pick))));
    };
    level("iv", |one| one.iv);
    level("near_years", |one| one.near);
    level("far_years", |one| one.far);
    level("chain_rank", |one| one.chain_rank);
    let counts = made.iter().map(|one| i64::try_from(one.contracts).unwrap_or(i64::MAX)).collect();
    columns.push(("contracts".to_owned(), output::integers(counts)));
    output::table(py, columns, HashMap::new())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(atm_iv, module)?)
}
