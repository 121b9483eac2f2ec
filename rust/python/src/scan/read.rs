//! Reads the bot's own objects by attribute: scenarios, views, quotes. Names are interned, nothing is
//! turned into a dict, and exuvia's own value types are read without asking Python.

use exuvia_engine as engine;
use exuvia_engine::{OpenOrder, OrderStyle, Quote, Rule, Rules, View};
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
    Ok(View {
        position: position(object)?,
        entry_price: entry_price(object)?,
        entry_time: moment(object, intern!(object.py(), "entry_ts"))?,
        last_exit: moment(object, intern!(object.py(), "last_exit_ts"))?,
        open: open(object)?,
    })
}

/// The rules of a scenario with the attributes of `Scenario`.
pub fn rules(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Rules> {
    let py = object.py();
    let number = |name| -> PyResult<f64> { object.getattr(name)?.extract() };
    let rules = Rules {
        amount: object.getattr(intern!(py, "amount"))?.extract()?,
        style: style(object, name)?,
        max_spread: number(intern!(py, "max_spread"))?,
        stop: number(intern!(py, "stop"))?,
        take: number(intern!(py, "take"))?,
        max_hold_s: number(intern!(py, "max_hold_s"))?,
        cooldown_s: number(intern!(py, "cooldown_s"))?,
        order_ttl_s: number(intern!(py, "order_ttl_s"))?,
        max_quote_age_s: max_quote_age_s(object, name)?,
    };
    Ok(rules.checked(name).map_err(Refusal::from)?)
}

/// How old a quote may be for a scenario.
pub fn max_quote_age_s(scenario: &Bound<'_, PyAny>, name: &str) -> PyResult<f64> {
    let value = scenario.getattr(intern!(scenario.py(), "max_quote_age_s"))?.extract()?;
    Ok(engine::number(name, "max_quote_age_s", value).map_err(Refusal::from)?)
}

/// A scenario and its view whose attributes are read when they are asked for.
pub struct Attributes<'a, 'py> {
    /// The scenario's name, for errors.
    pub name: &'a str,
    /// The scenario.
    pub scenario: &'a Bound<'py, PyAny>,
    /// Its view.
    pub view: &'a Bound<'py, PyAny>,
}

impl engine::Facts<Refusal> for Attributes<'_, '_> {
    fn rule(&self, rule: Rule) -> Result<f64, Refusal> {
        let py = self.scenario.py();
        let (field, key) = match rule {
            Rule::MaxSpread => ("max_spread", intern!(py, "max_spread")),
            Rule::Stop => ("stop", intern!(py, "stop")),
            Rule::Take => ("take", intern!(py, "take")),
            Rule::MaxHold => ("max_hold_s", intern!(py, "max_hold_s")),
            Rule::Cooldown => ("cooldown_s", intern!(py, "cooldown_s")),
            Rule::OrderTtl => ("order_ttl_s", intern!(py, "order_ttl_s")),
        };
        Ok(engine::number(self.name, field, self.scenario.getattr(key)?.extract()?)?)
    }

    fn amount(&self) -> Result<i64, Refusal> {
        let amount = self.scenario.getattr(intern!(self.scenario.py(), "amount"))?.extract()?;
        Ok(engine::positive(self.name, amount)?)
    }

    fn style(&self) -> Result<OrderStyle, Refusal> {
        Ok(style(self.scenario, self.name)?.checked(self.name)?)
    }

    fn position(&self) -> Result<i64, Refusal> {
        Ok(position(self.view)?)
    }

    fn entry_price(&self) -> Result<Option<f64>, Refusal> {
        Ok(entry_price(self.view)?)
    }

    fn entry_time(&self) -> Result<Option<Time>, Refusal> {
        Ok(moment(self.view, intern!(self.view.py(), "entry_ts"))?)
    }

    fn last_exit(&self) -> Result<Option<Time>, Refusal> {
        Ok(moment(self.view, intern!(self.view.py(), "last_exit_ts"))?)
    }

    fn open(&self) -> Result<Option<OpenOrder>, Refusal> {
        Ok(open(self.view)?)
    }
}

/// The refusal of an order type that a scenario cannot have.
pub fn unknown_style(name: &str, text: &str) -> PyErr {
    let message = format!("scenario {name:?} has order_type {text:?}: use one of market, limit");
    Failure::text("ScanError", message).into()
}

fn style(scenario: &Bound<'_, PyAny>, name: &str) -> PyResult<OrderStyle> {
    let py = scenario.py();
    let style = scenario.getattr(intern!(py, "order_type"))?;
    match style.cast::<PyString>()?.to_str()? {
        "market" => Ok(OrderStyle::Market),
        "limit" => Ok(OrderStyle::Limit {
            offset: scenario.getattr(intern!(py, "limit_offset"))?.extract()?,
            tick: scenario.getattr(intern!(py, "tick"))?.extract()?,
        }),
        other => Err(unknown_style(name, other)),
    }
}

fn position(view: &Bound<'_, PyAny>) -> PyResult<i64> {
    view.getattr(intern!(view.py(), "position"))?.extract()
}

fn entry_price(view: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    view.getattr(intern!(view.py(), "entry_price"))?.extract()
}

fn moment(view: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<Option<Time>> {
    Ok(view.getattr(name)?.extract::<Option<i64>>()?.map(Time))
}

fn open(view: &Bound<'_, PyAny>) -> PyResult<Option<OpenOrder>> {
    let py = view.py();
    if view.getattr(intern!(py, "open_order"))?.is_none() {
        return Ok(None);
    }
    Ok(Some(OpenOrder {
        side: word(&view.getattr(intern!(py, "open_side"))?, str::parse::<Side>)?,
        order_type: word(&view.getattr(intern!(py, "open_type"))?, str::parse::<OrderType>)?,
        decided: moment(view, intern!(py, "open_decided"))?,
    }))
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
