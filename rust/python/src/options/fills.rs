//! Fill models, fill ratios of real fills, and their calibration.

use std::collections::HashMap;

use exuvia_market::options::fills::{
    Calibration, Centre, Fill, Quote, QuoteStatus, calibrate, fill_price as price_of, fill_probability as steps_of,
    fill_ratio as ratio_of, quantity_ratio,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::groups::Groups;
use super::input::{Arguments, Given, SIDES, rows};
use super::{option_error, output};
use crate::failure::Failure;
use crate::gate;

/// The names of a quote's statuses, by their numbers.
fn names() -> Vec<&'static str> {
    QuoteStatus::ALL.iter().map(|status| status.name()).collect()
}

/// The price at which a model assumes a fill.
///
/// Args:
///     bid: Best bid. Or, alone, a table or dict with columns bid, ask, side and perhaps volume or legs.
///     ask: Best ask.
///     side: "buy" or "sell" (also "B", "S", any case), 1 or -1.
///     model: "ratio": mid ± ratio·half spread (0 is the mid, 1 the far side). "width": near side ± ratio·(ask - bid).
///         "liquidity": as ratio, with ratio + (1 - ratio)·(1 - min(volume/reference, 1)). "per_leg": as ratio, with
///         min(ratio + extra·(legs - 1), 1). "slip": ask·(1 + ratio), bid·(1 - ratio).
///     ratio: The ratio of the model.
///     volume: Volume of each row, for "liquidity"; where it is missing the ratio stands.
///     legs: Legs of each row's order, for "per_leg".
///     reference: The volume from which a contract is liquid.
///     extra: What each further leg adds.
///
/// Returns:
///     A float for single numbers; else an arro3.core.Table: price, status ("ok", "missing", "not_positive", "crossed",
///     "bad_side"); a row without a price is NaN, the metadata count the statuses.
///
/// Raises:
///     OptionError: An unknown model, columns of different lengths, or, of single numbers, why there is no price.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (bid, ask=None, side=None, *, model="ratio", ratio=0.5, volume=None, legs=None, reference=1000.0, extra=0.073))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn fill_price<'py>(
    bid: &Bound<'py, PyAny>,
    ask: Option<&Bound<'py, PyAny>>,
    side: Option<&Bound<'py, PyAny>>,
    model: &str,
    ratio: f64,
    volume: Option<&Bound<'py, PyAny>>,
    legs: Option<&Bound<'py, PyAny>>,
    reference: f64,
    extra: f64,
) -> PyResult<Bound<'py, PyAny>> {
    if !ratio.is_finite() || reference.is_nan() || reference <= 0.0 || !extra.is_finite() {
        return Err(option_error(format!(
            "ratio={ratio}, reference={reference}, extra={extra}: use finite numbers, reference above 0"
        )));
    }
    let fill = match model {
        "ratio" => Fill::Ratio(ratio),
        "width" => Fill::Width(ratio),
        "liquidity" => Fill::Liquidity { ratio, reference },
        "per_leg" => Fill::PerLeg { ratio, extra },
        "slip" => Fill::Slip(ratio),
        other => {
            return Err(option_error(format!(
                "model={other:?} is unknown: use ratio, width, liquidity, per_leg or slip"
            )));
        }
    };
    let quotes = Quotes::new(bid, ask, side)?;
    let size = match fill {
        Fill::Liquidity { .. } => quotes.from.optional("volume", volume, f64::NAN)?,
        Fill::PerLeg { .. } => quotes.from.need("legs", legs)?,
        _ => Given::One(f64::NAN),
    };
    quotes.each(bid.py(), "price", ("size", &size), |quote, size| price_of(quote, fill, size))
}

/// The price fill ratio that real fills had: side·(fill - mid)/half spread, with the quote at the time of the decision.
///
/// 0 is the mid, 1 the far side (the ask for a buy); above 1 the fill was worse than the far side, below 0 better than the mid.
/// Quotes that are delayed make it meaningless. The quantity fill ratio is another thing: see quantity_fill_ratio.
///
/// Args:
///     fill: Price of the fill. Or, alone, a table or dict with columns fill, bid, ask, side.
///     bid: Best bid when the order was decided.
///     ask: Best ask.
///     side: "buy" or "sell" (also "B", "S", any case), 1 or -1.
///
/// Returns:
///     A float for single numbers; else an arro3.core.Table: ratio, status ("ok", "missing", "not_positive", "crossed", "locked",
///     "bad_side"); the metadata count the statuses.
///
/// Raises:
///     OptionError: Columns of different lengths, or, of single numbers, why there is no ratio.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (fill, bid=None, ask=None, side=None))]
fn fill_ratio<'py>(
    fill: &Bound<'py, PyAny>,
    bid: Option<&Bound<'py, PyAny>>,
    ask: Option<&Bound<'py, PyAny>>,
    side: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let alone = bid.is_none() && ask.is_none() && side.is_none();
    let from = Arguments::new(fill, alone)?;
    let given = from.need("fill", if alone { None } else { Some(fill) })?;
    let quotes = Quotes::with(from, bid, ask, side)?;
    quotes.each(fill.py(), "ratio", ("fill", &given), ratio_of)
}

/// The quantity fill ratio: what was filled over what was asked for.
///
/// Args:
///     filled: Filled quantity of each order. Or, alone, a table or dict with columns filled and requested.
///     requested: Requested quantity of each order.
///
/// Returns:
///     A dict: quantity (filled over requested, all orders together), orders (share of orders that were filled at all), skipped
///     (orders without a positive request or with a fill that is none).
///
/// Raises:
///     OptionError: Columns of different lengths.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (filled, requested=None))]
fn quantity_fill_ratio<'py>(
    filled: &Bound<'py, PyAny>,
    requested: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let from = Arguments::new(filled, requested.is_none())?;
    let given = from.need("filled", requested.map(|_| filled))?;
    let requested = from.need("requested", requested)?;
    let count = rows(&[("filled", &given), ("requested", &requested)])?.unwrap_or(1);
    let column = |given: &Given<'_>| -> Vec<f64> { (0..count).map(|row| given.at(row)).collect() };
    let (quantity, orders, skipped) = quantity_ratio(&column(&given), &column(&requested));
    let made = PyDict::new(filled.py());
    made.set_item("quantity", quantity)?;
    made.set_item("orders", orders)?;
    made.set_item("skipped", skipped)?;
    Ok(made)
}

/// One price fill ratio for each bucket of real fills, with what it is worth.
///
/// A robust centre is taken of each bucket and drawn towards that of all fills: (n·centre + shrink·centre of all)/(n + shrink). The
/// interval is a percentile bootstrap of the centre; the same seed gives the same interval.
///
/// Args:
///     ratio: Ratios as fill_ratio gives them; NaN is left out. Or a table or dict with columns ratio and perhaps bucket.
///     bucket: What fills are told apart by: text or whole numbers (spread, days to expiry, legs, time of day, joined as you like).
///     centre: "median" or "trimmed".
///     trim: Share that is left out at each end, for "trimmed".
///     winsorise: Ratios outside are moved to these ends; (-1.0, 2.0) by default.
///     shrink: As many fills of the centre of all as each bucket is given.
///     confidence: Of the interval.
///     resamples: Of the bootstrap; 0 for no interval.
///     seed: Of the bootstrap.
///
/// Returns:
///     An arro3.core.Table: bucket, count, centre, median, quartiles (their distance), low, high, ratio (what to use). The first
///     row, whose bucket is null, is of all fills.
///
/// Raises:
///     OptionError: Columns of different lengths, or an argument out of its range.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (ratio, bucket=None, *, centre="median", trim=0.1, winsorise=(-1.0, 2.0), shrink=20.0, confidence=0.95, resamples=2000, seed=0))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn calibrate_fill_ratio<'py>(
    ratio: &Bound<'py, PyAny>,
    bucket: Option<&Bound<'py, PyAny>>,
    centre: &str,
    trim: f64,
    winsorise: (f64, f64),
    shrink: f64,
    confidence: f64,
    resamples: u32,
    seed: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let py = ratio.py();
    let centre = match centre {
        "median" => Centre::Median,
        "trimmed" if (0.0..0.5).contains(&trim) => Centre::Trimmed(trim),
        "trimmed" => return Err(option_error(format!("trim={trim}: use a share below 0.5"))),
        other => return Err(option_error(format!("centre={other:?} is unknown: use \"median\" or \"trimmed\""))),
    };
    let right =
        winsorise.0 < winsorise.1 && shrink >= 0.0 && shrink.is_finite() && confidence > 0.0 && confidence < 1.0;
    if !right || resamples > 1_000_000 {
        return Err(option_error(format!(
            "winsorise={winsorise:?}, shrink={shrink}, confidence={confidence}, resamples={resamples}: use an ascending range, a count of at least 0, a share below 1, at most a million"
        )));
    }
    let from = Arguments::perhaps_table(ratio);
    let given = from.need("ratio", if from.is_table() { None } else { Some(ratio) })?;
    let count = rows(&[("ratio", &given)])?
        .ok_or_else(|| option_error("ratio is a single number: calibration needs a column"))?;
    let groups =
        from.column("bucket", bucket)?.map(|column| Groups::new("bucket", column)?.sorted("bucket")).transpose()?;
    let ids = groups.as_ref().map_or_else(|| vec![u32::MAX; count], |groups| groups.ids.clone());
    if ids.len() != count {
        return Err(option_error(format!(
            "column 'bucket' has {} rows, but 'ratio' has {count}: pass columns of equal length",
            ids.len()
        )));
    }
    let names = groups.as_ref().map(Groups::names).transpose()?.unwrap_or_default();
    let ratios: Vec<f64> = (0..count).map(|row| given.at(row)).collect();
    let how = Calibration { centre, winsorise, shrink, confidence, resamples, seed };
    let (all, buckets) = gate::enter(py, || Ok::<_, Failure>(calibrate(&ratios, &ids, names.len(), &how)))?;
    let made = || std::iter::once(&all).chain(&buckets);
    let mut columns: output::Columns = vec![
        ("bucket".to_owned(), output::texts(std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str()))))),
        ("count".to_owned(), output::integers(made().map(|one| one.count as i64).collect())),
    ];
    let mut push = |name: &str, pick: fn(&exuvia_market::options::fills::Bucket) -> f64| {
        columns.push((name.to_owned(), output::floats(made().map(pick).collect())));
    };
    push("centre", |one| one.centre);
    push("median", |one| one.median);
    push("quartiles", |one| one.quartiles);
    push("low", |one| one.low);
    push("high", |one| one.high);
    push("ratio", |one| one.ratio);
    output::table(py, columns, HashMap::new())
}

/// How likely a limit order fills, by how aggressive it is: the non-decreasing step function that fits best.
///
/// Orders that did not fill have no fill price, so a ratio from fills alone is too low.
///
/// Args:
///     aggressiveness: (limit - mid)·side/half spread of each order: what fill_ratio gives for the limit. Or, alone, a table or dict
///         with columns aggressiveness and filled.
///     filled: More than 0, or True, for an order that was filled.
///
/// Returns:
///     An arro3.core.Table: from (aggressiveness from which it holds), probability, count.
///
/// Raises:
///     OptionError: Columns of different lengths.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (aggressiveness, filled=None))]
fn fill_probability<'py>(
    aggressiveness: &Bound<'py, PyAny>,
    filled: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = aggressiveness.py();
    let from = Arguments::new(aggressiveness, filled.is_none())?;
    let given = from.need("aggressiveness", filled.map(|_| aggressiveness))?;
    let filled = from.need("filled", filled)?;
    let count = rows(&[("aggressiveness", &given), ("filled", &filled)])?.unwrap_or(1);
    let column = |given: &Given<'_>| -> Vec<f64> { (0..count).map(|row| given.at(row)).collect() };
    let (at, filled) = (column(&given), column(&filled));
    let steps = gate::enter(py, || Ok::<_, Failure>(steps_of(&at, &filled)))?;
    let columns = vec![
        ("from".to_owned(), output::floats(steps.iter().map(|step| step.from).collect())),
        ("probability".to_owned(), output::floats(steps.iter().map(|step| step.probability).collect())),
        ("count".to_owned(), output::integers(steps.iter().map(|step| step.count as i64).collect())),
    ];
    output::table(py, columns, HashMap::new())
}

/// Bid, ask and side of each row.
struct Quotes<'py> {
    from: Arguments<'py>,
    bid: Given<'py>,
    ask: Given<'py>,
    side: Given<'py>,
}

impl<'py> Quotes<'py> {
    fn new(
        bid: &Bound<'py, PyAny>,
        ask: Option<&Bound<'py, PyAny>>,
        side: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let alone = ask.is_none() && side.is_none();
        let from = Arguments::new(bid, alone)?;
        Self::with(from, if alone { None } else { Some(bid) }, ask, side)
    }

    fn with(
        from: Arguments<'py>,
        bid: Option<&Bound<'py, PyAny>>,
        ask: Option<&Bound<'py, PyAny>>,
        side: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let (bid, ask) = (from.need("bid", bid)?, from.need("ask", ask)?);
        let side = from.signs("side", side, &SIDES)?;
        Ok(Self { from, bid, ask, side })
    }

    fn each(
        &self,
        py: Python<'py>,
        name: &str,
        (other_name, other): (&str, &Given<'_>),
        compute: impl Fn(&Quote, f64) -> Result<f64, QuoteStatus>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = [("bid", &self.bid), ("ask", &self.ask), ("side", &self.side), (other_name, other)];
        let count = rows(&all)?;
        let one = |row: usize| {
            let quote = Quote { bid: self.bid.at(row), ask: self.ask.at(row), side: self.side.at(row) };
            compute(&quote, other.at(row))
        };
        let Some(count) = count else {
            return match one(0) {
                Ok(value) => Ok(value.into_pyobject(py)?.into_any()),
                Err(status) => Err(option_error(format!(
                    "{}: no {name} of bid {}, ask {}: check the quote and the side",
                    status.name(),
                    self.bid.at(0),
                    self.ask.at(0)
                ))),
            };
        };
        let (mut values, mut codes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for row in 0..count {
            let (value, status) = one(row).map_or_else(|status| (f64::NAN, status), |value| (value, QuoteStatus::Ok));
            values.push(value);
            codes.push(status as i32);
        }
        let names = names();
        let metadata = output::counted(&codes, &names);
        let columns =
            vec![(name.to_owned(), output::floats(values)), ("status".to_owned(), output::statuses(codes, &names)?)];
        output::table(py, columns, metadata)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(fill_price, module)?)?;
    module.add_function(wrap_pyfunction!(fill_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(quantity_fill_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(calibrate_fill_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(fill_probability, module)?)
}
