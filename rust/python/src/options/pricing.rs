//! Prices, implied volatilities and greeks: columns or single numbers in one call, with the GIL released.

use exuvia_market::options::pricing::{GREEKS, Greek, Model, Scale};
use exuvia_market::options::{Input, Priced, Status, greek_columns, implied_columns, price_columns};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::input::{Arguments, Given, RIGHTS, rows};
use super::{option_error, output, threads};
use crate::failure::Failure;
use crate::gate;

/// A value by Black-Scholes-Merton or Black-76.
///
/// Args:
///     volatility: A year's, as a fraction (0.2 is 20 %). Or, alone, a table or dict that has it with the other columns.
///     spot: Price of the underlying; with model="black76" its forward or future.
///     strike: Strike.
///     years: Time to expiry in years; at 0 the value is the intrinsic one.
///     right: "C" or "P" (also "call", "put", any case), 1 or -1, True for a call.
///     rate: Continuous rate; without it the table's column, else 0.
///     dividend: Continuous yield of the underlying; as rate. Not used by black76.
///     model: "bsm" or "black76".
///     threads: How many threads, all cores if None.
///
/// Returns:
///     A float if all arguments are single numbers; else an arro3.core.Table: price, status. A row that has none is NaN and its
///     status says why; the table's metadata count them.
///
/// Raises:
///     OptionError: Columns of different lengths, an unknown model, or, of single numbers, why there is no price.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (volatility, spot=None, strike=None, years=None, right=None, *, rate=None, dividend=None, model="bsm", threads=None))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn price<'py>(
    volatility: &Bound<'py, PyAny>,
    spot: Option<&Bound<'py, PyAny>>,
    strike: Option<&Bound<'py, PyAny>>,
    years: Option<&Bound<'py, PyAny>>,
    right: Option<&Bound<'py, PyAny>>,
    rate: Option<&Bound<'py, PyAny>>,
    dividend: Option<&Bound<'py, PyAny>>,
    model: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let terms = Terms::new("volatility", volatility, [spot, strike, years, right, rate, dividend], model)?;
    let py = volatility.py();
    let threads = self::threads(threads)?;
    let (given, priced) = terms.columns();
    let (values, codes) = gate::enter(py, || Ok::<_, Failure>(price_columns(&priced, given, threads)))?;
    terms.answer(py, "price", values, codes)
}

/// The volatility that a price implies.
///
/// The solver is P. Jäckel's ("Let's be rational", 2013): two steps of order four from a rational start, right to the last digits
/// of what the price can say. Near the intrinsic value that is little: what a rounding of the price moves is the price's.
///
/// Args:
///     price: Price of the option. Or, alone, a table or dict that has it with the other columns.
///     spot: Price of the underlying; with model="black76" its forward or future.
///     strike: Strike.
///     years: Time to expiry in years, more than 0.
///     right: "C" or "P" (also "call", "put", any case), 1 or -1, True for a call.
///     rate: Continuous rate; without it the table's column, else 0.
///     dividend: Continuous yield of the underlying; as rate. Not used by black76.
///     model: "bsm" or "black76".
///     bounds: Least and greatest volatility that is believed, any by default; what lies outside has the status outside_bounds.
///     threads: How many threads, all cores if None.
///
/// Returns:
///     A float if all arguments are single numbers; else an arro3.core.Table: iv (a fraction a year), status. A row that has none
///     is NaN and its status says why (a price at the intrinsic value has 0 and the status no_time_value); the table's metadata
///     count them.
///
/// Raises:
///     OptionError: Columns of different lengths, an unknown model, or, of single numbers, why there is no volatility.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (price, spot=None, strike=None, years=None, right=None, *, rate=None, dividend=None, model="bsm", bounds=(0.0, f64::INFINITY), threads=None))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn implied_volatility<'py>(
    price: &Bound<'py, PyAny>,
    spot: Option<&Bound<'py, PyAny>>,
    strike: Option<&Bound<'py, PyAny>>,
    years: Option<&Bound<'py, PyAny>>,
    right: Option<&Bound<'py, PyAny>>,
    rate: Option<&Bound<'py, PyAny>>,
    dividend: Option<&Bound<'py, PyAny>>,
    model: &str,
    bounds: (f64, f64),
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    if !(bounds.0 >= 0.0 && bounds.1 > bounds.0) {
        return Err(option_error(format!(
            "bounds={bounds:?} are no range: the least must be at least 0 and below the greatest"
        )));
    }
    let terms = Terms::new("price", price, [spot, strike, years, right, rate, dividend], model)?;
    let py = price.py();
    let threads = self::threads(threads)?;
    let (given, priced) = terms.columns();
    let (values, codes) = gate::enter(py, || Ok::<_, Failure>(implied_columns(&priced, given, bounds, threads)))?;
    terms.answer(py, "iv", values, codes)
}

/// Derivatives of the value, in closed form.
///
/// Args:
///     volatility: A year's, as a fraction. Or, alone, a table or dict that has it with the other columns.
///     spot: Price of the underlying; with model="black76" its forward or future.
///     strike: Strike.
///     years: Time to expiry in years, more than 0.
///     right: "C" or "P" (also "call", "put", any case), 1 or -1, True for a call.
///     rate: Continuous rate; without it the table's column, else 0.
///     dividend: Continuous yield of the underlying; as rate. Not used by black76.
///     model: "bsm" or "black76".
///     which: Names, or "all": price, delta, gamma, vega, theta, rho, epsilon (by the yield), lambda (elasticity), vanna, charm,
///         vomma, veta, speed, zomma, color, ultima, dual_delta, dual_gamma.
///     units: "natural": by 1.00 of volatility, rate and yield, and by a year; "desk": by a percentage point and by a day. Time is
///         calendar time: theta is what a year or day takes away.
///     days: Days of a year, for units="desk".
///     threads: How many threads, all cores if None.
///
/// Returns:
///     A dict of floats if all arguments are single numbers; else an arro3.core.Table: a column for each name, status.
///
/// Raises:
///     OptionError: Columns of different lengths, an unknown name, or, of single numbers, why there are no greeks.
///     SchemaError: A column is missing or has no numbers.
#[pyfunction]
#[pyo3(signature = (volatility, spot=None, strike=None, years=None, right=None, *, rate=None, dividend=None, model="bsm", which=None, units="natural", days=365.0, threads=None))]
#[allow(clippy::too_many_arguments)] // the signature that Python sees
fn greeks<'py>(
    volatility: &Bound<'py, PyAny>,
    spot: Option<&Bound<'py, PyAny>>,
    strike: Option<&Bound<'py, PyAny>>,
    years: Option<&Bound<'py, PyAny>>,
    right: Option<&Bound<'py, PyAny>>,
    rate: Option<&Bound<'py, PyAny>>,
    dividend: Option<&Bound<'py, PyAny>>,
    model: &str,
    which: Option<Which>,
    units: &str,
    days: f64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted = named(which)?;
    let scale = match units {
        "natural" => Scale::Natural,
        "desk" if days > 0.0 && days.is_finite() => Scale::Desk { days },
        "desk" => return Err(option_error(format!("days={days}: a year has 365 days, or 252 trading days"))),
        other => return Err(option_error(format!("units={other:?} are unknown: use \"natural\" or \"desk\""))),
    };
    let terms = Terms::new("volatility", volatility, [spot, strike, years, right, rate, dividend], model)?;
    let py = volatility.py();
    let threads = self::threads(threads)?;
    let (given, priced) = terms.columns();
    let greeks: Vec<Greek> = wanted.iter().map(|(greek, _)| *greek).collect();
    let (columns, codes) =
        gate::enter(py, || Ok::<_, Failure>(greek_columns(&priced, given, &greeks, scale, threads)))?;
    let named = wanted.iter().map(|(_, name)| *name).zip(columns);
    if terms.single {
        refuse(&codes)?;
        let all = PyDict::new(py);
        for (name, values) in named {
            all.set_item(name, values.first().copied())?;
        }
        return Ok(all.into_any());
    }
    let metadata = output::counted(&codes, &STATUSES);
    let mut made: output::Columns = named.map(|(name, values)| (name.to_owned(), output::floats(values))).collect();
    made.push(("status".to_owned(), output::statuses(codes, &STATUSES)?));
    output::table(py, made, metadata)
}

/// The names of statuses, by their numbers.
const STATUSES: [&str; Status::ALL.len()] = {
    let mut names = [""; Status::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Status::ALL[at].name();
        at += 1;
    }
    names
};

/// Names of greeks.
#[derive(FromPyObject)]
enum Which {
    #[pyo3(annotation = "str")]
    One(String),
    #[pyo3(annotation = "Sequence[str]")]
    Some(Vec<String>),
}

fn named(which: Option<Which>) -> PyResult<Vec<(Greek, &'static str)>> {
    let names = match which {
        None => ["delta", "gamma", "vega", "theta", "rho"].map(str::to_owned).to_vec(),
        Some(Which::One(name)) if name == "all" => return Ok(GREEKS.to_vec()),
        Some(Which::One(name)) => vec![name],
        Some(Which::Some(names)) => names,
    };
    names
        .iter()
        .map(|name| {
            GREEKS.into_iter().find(|(_, known)| known == name).ok_or_else(|| {
                let known: Vec<&str> = GREEKS.iter().map(|(_, name)| *name).collect();
                option_error(format!("greek {name:?} is unknown: use {} or \"all\"", known.join(", ")))
            })
        })
        .collect()
}

/// What all three have in common.
struct Terms<'py> {
    given: Given<'py>,
    right: Given<'py>,
    spot: Given<'py>,
    strike: Given<'py>,
    years: Given<'py>,
    rate: Given<'py>,
    dividend: Given<'py>,
    model: Model,
    rows: usize,
    single: bool,
}

impl<'py> Terms<'py> {
    fn new(
        name: &str,
        first: &Bound<'py, PyAny>,
        [spot, strike, years, right, rate, dividend]: [Option<&Bound<'py, PyAny>>; 6],
        model: &str,
    ) -> PyResult<Self> {
        let (model, underlying) = match model {
            "bsm" => (Model::Spot, "spot"),
            "black76" => (Model::Forward, "forward"),
            other => return Err(option_error(format!("model={other:?} is unknown: use \"bsm\" or \"black76\""))),
        };
        let alone = spot.is_none() && strike.is_none() && years.is_none() && right.is_none();
        let from = Arguments::new(first, alone)?;
        let given = from.need(name, if alone { None } else { Some(first) })?;
        let spot = from.need(underlying, spot)?;
        let (strike, years) = (from.need("strike", strike)?, from.need("years", years)?);
        let right = from.signs("right", right, &RIGHTS)?;
        let (rate, dividend) = (from.optional("rate", rate, 0.0)?, from.optional("dividend", dividend, 0.0)?);
        let all = [
            (name, &given),
            (underlying, &spot),
            ("strike", &strike),
            ("years", &years),
            ("right", &right),
            ("rate", &rate),
            ("dividend", &dividend),
        ];
        let rows = rows(&all)?;
        Ok(Self {
            given,
            right,
            spot,
            strike,
            years,
            rate,
            dividend,
            model,
            rows: rows.unwrap_or(1),
            single: rows.is_none(),
        })
    }

    fn columns(&self) -> (Input<'_>, Priced<'_>) {
        let priced = Priced {
            model: self.model,
            rows: self.rows,
            right: self.right.input(),
            spot: self.spot.input(),
            strike: self.strike.input(),
            years: self.years.input(),
            rate: self.rate.input(),
            dividend: self.dividend.input(),
        };
        (self.given.input(), priced)
    }

    fn answer(&self, py: Python<'py>, name: &str, values: Vec<f64>, codes: Vec<i32>) -> PyResult<Bound<'py, PyAny>> {
        if self.single {
            refuse(&codes)?;
            return Ok(values.first().copied().into_pyobject(py)?.into_any());
        }
        let metadata = output::counted(&codes, &STATUSES);
        let columns =
            vec![(name.to_owned(), output::floats(values)), ("status".to_owned(), output::statuses(codes, &STATUSES)?)];
        output::table(py, columns, metadata)
    }
}

/// Of a single contract the status is an error.
fn refuse(codes: &[i32]) -> PyResult<()> {
    let status = codes.first().and_then(|code| usize::try_from(*code).ok()).and_then(|code| Status::ALL.get(code));
    match status {
        None | Some(Status::Ok | Status::NoTimeValue) => Ok(()),
        Some(status) => Err(option_error(format!("{}: {}", status.name(), status.sentence()))),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(price, module)?)?;
    module.add_function(wrap_pyfunction!(implied_volatility, module)?)?;
    module.add_function(wrap_pyfunction!(greeks, module)?)
}
