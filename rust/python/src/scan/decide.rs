//! `decide`: the decision of a cycle over the bot's own objects.

use exuvia_engine as engine;
use exuvia_model::{Side, Time};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::scenario::Scenario;
use super::views::Intent;
use super::{Refusal, read, strategies};
use crate::{gate, integers};

/// Decide at one instant: at most one intent for each scenario, in the order of `scenarios`.
///
/// Pure: nothing is kept between calls, nothing that was passed is changed. Objects are read by attribute, so the bot's own
/// classes will do. Outside the FX week (Sunday 17:00 to Friday 17:00 in New York) nothing is decided.
///
/// Args:
///     views: A `ScenarioView` for each scenario's name.
///     quotes: The last quote of each instrument, by uic: an object with ts, bid, ask and market_state.
///     closes: Closes of each instrument, by uic, oldest first: lists of floats or arrays of float64.
///     scenarios: The scenarios.
///     now: The instant, UTC nanoseconds.
///     record: What to build for each intent, called with action, scenario, uic, side, amount, order_type, limit_price,
///         decided and reason; `Intent` if not given.
///
/// Returns:
///     The intents.
///
/// Raises:
///     ScanError: If a price is NaN or not positive, or a scenario has no view.
///     ValueRangeError: If a side or order type is unknown.
#[pyfunction]
#[pyo3(signature = (views, quotes, closes, scenarios, now, record = None))]
pub fn decide<'py>(
    views: &Bound<'py, PyDict>,
    quotes: &Bound<'py, PyAny>,
    closes: &Bound<'py, PyAny>,
    scenarios: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = integers::now)] now: i64,
    record: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    gate::guard(|| {
        let intents = PyList::empty(views.py());
        let now = Time(now);
        if engine::fx_is_open(now) {
            let mut scratch = Vec::new();
            for scenario in scenarios.try_iter()? {
                if let Some(intent) = one(views, quotes, closes, &scenario?, now, &mut scratch)? {
                    intents.append(build(views.py(), intent, record)?)?;
                }
            }
        }
        Ok(intents)
    })
}

fn one<'py>(
    views: &Bound<'py, PyDict>,
    quotes: &Bound<'py, PyAny>,
    closes: &Bound<'py, PyAny>,
    scenario: &Bound<'py, PyAny>,
    now: Time,
    scratch: &mut Vec<f64>,
) -> PyResult<Option<engine::Intent>> {
    let py = scenario.py();
    let ours = scenario.cast_exact::<Scenario>().ok().map(Bound::get);
    let uic_key = match ours {
        Some(ours) => ours.uic().into_pyobject(py)?.into_any(),
        None => scenario.getattr(intern!(py, "uic"))?,
    };
    let Some(quote) = read::look_up(quotes, &uic_key)? else { return Ok(None) };
    let quote = read::quote(&quote)?;
    let uic: i64 = uic_key.extract()?;
    let name_key = match ours {
        Some(ours) => PyString::new(py, ours.name()).into_any(),
        None => scenario.getattr(intern!(py, "name"))?,
    };
    let name = name_key.cast::<PyString>()?.to_str()?;
    let max_age_s = match ours {
        Some(ours) => ours.rules().max_quote_age_s,
        None => read::max_quote_age_s(scenario, name)?,
    };
    if !engine::is_tradable(&quote, max_age_s, now) {
        return Ok(None);
    }
    let Some(view) = read::look_up(views, &name_key)? else {
        return Err(Refusal::from(engine::ScanError::NoView(name.to_owned())).into());
    };
    let wanted = |position: i64| {
        let strategy = match ours {
            Some(ours) => ours.strategy().bind(py).clone(),
            None => scenario.getattr(intern!(py, "strategy"))?,
        };
        let closes = read::look_up(closes, &uic_key)?;
        Ok(strategies::wanted(&strategy, closes.as_ref(), position, uic, scratch)?)
    };
    let decision = match ours {
        Some(ours) => {
            let (rules, view) = (ours.rules(), read::view(&view)?);
            engine::act::<Refusal>((name, uic), &engine::Known(&rules, &view), &quote, now, wanted)?
        }
        None => {
            let facts = read::Attributes { name, scenario, view: &view };
            engine::act::<Refusal>((name, uic), &facts, &quote, now, wanted)?
        }
    };
    Ok(decision.map(|decision| engine::Intent::new(name, uic, now, decision)))
}

/// The intent as `record`, or as exuvia's own.
pub fn build<'py>(
    py: Python<'py>,
    intent: engine::Intent,
    record: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(record) = record else { return Ok(Bound::new(py, Intent::from(intent))?.into_any()) };
    let side = match intent.side {
        Side::Buy => intern!(py, "Buy"),
        Side::Sell => intern!(py, "Sell"),
    };
    let order_type = PyString::intern(py, intent.order_type.as_str());
    record.call1((
        PyString::intern(py, intent.action.as_str()),
        intent.scenario,
        intent.uic,
        side,
        intent.amount,
        order_type,
        intent.limit,
        intent.decided.0,
        PyString::intern(py, intent.reason.as_str()),
    ))
}
