//! Reads the bot's own objects by attribute: scenarios, views, quotes. Names are interned, nothing is
//! turned into a dict, and exuvia's own value types are read without asking Python.

use exuvia_engine::{OpenOrder, OrderStyle, Quote, Rules, View};
use exuvia_model::{OrderType, Side, Time};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::Refusal;
use super::views::ScenarioView;
use crate::failure::Failure;

/// `mapping.get(key)`, None as nothing.
pub fn look_up<'py>(mapping: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = match mapping.cast::<PyDict>() {
        Ok(dict) => dict.get_item(key)?,
        Err(_) => Some(mapping.call_method1(intern!(mapping.py(), "get"), (key,))?),
    };
    Ok(found.filter(|value| !value.is_none()))
}

/// A quote with `ts`, `bid`, `ask` and `market_state`.
pub fn quote(object: &Bound<'_, PyAny>) -> PyResult<Quote> {
    let py = object.py();
    Ok(Quote {
        time: Time(object.getattr(intern!(py, "ts"))?.extract()?),
        bid: object.getattr(intern!(py, "bid"))?.extract()?,
        ask: object.getattr(intern!(py, "ask"))?.extract()?,
        open: object.getattr(intern!(py, "market_state"))?.cast::<PyString>()?.to_str()? == "Open",
    })
}

/// A view with the attributes of `ScenarioView`.
pub fn view(object: &Bound<'_, PyAny>) -> PyResult<View> {
    if let Ok(view) = object.cast_exact::<ScenarioView>() {
        return Ok(view.get().view());
    }
    let py = object.py();
    let time = |name| -> PyResult<Option<Time>> { Ok(object.getattr(name)?.extract::<Option<i64>>()?.map(Time)) };
    let open = if object.getattr(intern!(py, "open_order"))?.is_none() {
        None
    } else {
        Some(OpenOrder {
            side: word(&object.getattr(intern!(py, "open_side"))?, str::parse::<Side>)?,
            order_type: word(&object.getattr(intern!(py, "open_type"))?, str::parse::<OrderType>)?,
            decided: time(intern!(py, "open_decided"))?,
        })
    };
    Ok(View {
        position: object.getattr(intern!(py, "position"))?.extract()?,
        entry_price: object.getattr(intern!(py, "entry_price"))?.extract()?,
        entry_time: time(intern!(py, "entry_ts"))?,
        last_exit: time(intern!(py, "last_exit_ts"))?,
        open,
    })
}

/// The rules of a scenario with the attributes of `Scenario`.
pub fn rules(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Rules> {
    let py = object.py();
    let number = |name| -> PyResult<f64> { object.getattr(name)?.extract() };
    let style = object.getattr(intern!(py, "order_type"))?;
    let style = match style.cast::<PyString>()?.to_str()? {
        "market" => OrderStyle::Market,
        "limit" => {
            OrderStyle::Limit { offset: number(intern!(py, "limit_offset"))?, tick: number(intern!(py, "tick"))? }
        }
        other => return Err(unknown_style(name, other)),
    };
    let rules = Rules {
        amount: object.getattr(intern!(py, "amount"))?.extract()?,
        style,
        max_spread: number(intern!(py, "max_spread"))?,
        stop: number(intern!(py, "stop"))?,
        take: number(intern!(py, "take"))?,
        max_hold_s: number(intern!(py, "max_hold_s"))?,
        cooldown_s: number(intern!(py, "cooldown_s"))?,
        order_ttl_s: number(intern!(py, "order_ttl_s"))?,
        max_quote_age_s: number(intern!(py, "max_quote_age_s"))?,
    };
    Ok(rules.checked(name).map_err(Refusal::from)?)
}

/// The refusal of an order type that a scenario cannot have.
pub fn unknown_style(name: &str, text: &str) -> PyErr {
    let message = format!("scenario {name:?} has order_type {text:?}: use one of market, limit");
    Failure::text("ScanError", message).into()
}

fn word<T>(
    object: &Bound<'_, PyAny>,
    parse: impl Fn(&str) -> Result<T, exuvia_model::ModelError>,
) -> PyResult<Option<T>> {
    if object.is_none() {
        return Ok(None);
    }
    Ok(Some(parse(object.cast::<PyString>()?.to_str()?).map_err(Failure::from)?))
}
