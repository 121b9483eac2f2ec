//! The arguments that say how time is divided into bars, as pandas and polars name them.

use exuvia_market::bars::{BarError, Origin, Plan, Rule, Side, Span, TimeRule, threads_of_the_machine};
use exuvia_market::sessions::Zone;
use pyo3::prelude::*;

use super::calendars::Calendar;
use super::source::schema_error;
use super::table::Cell;
use super::{Every, Failure};
use crate::integers;

/// Nanoseconds, or text such as `"5h"` and `"-30m"`.
pub enum Offset {
    /// Nanoseconds.
    Nanos(i64),
    /// A count and a unit.
    Text(String),
}

impl<'py> FromPyObject<'_, 'py> for Offset {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<String>() {
            Ok(text) => Ok(Self::Text(text)),
            Err(_) => integers::offset(&object).map(Self::Nanos),
        }
    }
}

impl Default for Offset {
    fn default() -> Self {
        Self::Nanos(0)
    }
}

impl Offset {
    fn nanos(&self) -> Result<i64, BarError> {
        match self {
            Self::Nanos(nanos) => Ok(*nanos),
            Self::Text(text) => {
                let (sign, length) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
                let span: Span = length.parse()?;
                let nanos = span.nanos().ok_or_else(|| BarError::BadInterval(text.clone()))?;
                Ok(sign * nanos.nanos())
            }
        }
    }
}

/// One of pandas' words, nanoseconds, or an instant: text, or a datetime that knows its zone.
pub struct OriginArgument(Result<i64, String>);

impl Default for OriginArgument {
    fn default() -> Self {
        Self(Err("epoch".to_owned()))
    }
}

impl<'py> FromPyObject<'_, 'py> for OriginArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(nanos) = object.extract::<i64>() {
            return Ok(Self(Ok(nanos)));
        }
        if let Ok(text) = object.extract::<String>() {
            return Ok(Self(Err(text)));
        }
        object.call_method0("isoformat")?.extract().map(|text| Self(Err(text)))
    }
}

impl OriginArgument {
    fn origin(&self) -> Result<Origin, BarError> {
        match &self.0 {
            Ok(nanos) => Ok(Origin::At(*nanos)),
            Err(text) => text.parse(),
        }
    }
}

/// What a call says about time.
pub struct Time<'a> {
    pub every: Option<Every>,
    pub closed: &'a str,
    pub label: &'a str,
    pub origin: OriginArgument,
    pub offset: Offset,
    pub zone: Option<&'a str>,
    pub calendar: Option<Calendar>,
}

/// What a call says about bars that end with a count.
#[derive(Default)]
pub struct Count<'a, 'py> {
    pub ticks: Option<u64>,
    pub volume: Option<&'a Bound<'py, PyAny>>,
    pub value: Option<&'a Bound<'py, PyAny>>,
}

impl Time<'_> {
    /// The rule of time, and the side of the label.
    fn rule(self, every: &Every) -> Result<TimeRule, Failure> {
        let (closed, label) = (self.closed.parse()?, self.label.parse()?);
        let zone = self.zone.map_or(Ok(Zone::UTC), Zone::named)?;
        let calendar = self.calendar.map(Calendar::resolve).transpose()?;
        let offset = self.offset.nanos()?;
        if offset != 0 && calendar.is_some() {
            return Err(Failure::text(
                "BarError",
                format!("offset={offset} with a calendar: sessions say where bars start"),
            ));
        }
        Ok(TimeRule { span: every.span()?, closed, label, origin: self.origin.origin()?, offset, zone, calendar })
    }

    fn is_default(&self) -> bool {
        let time = matches!(&self.origin.0, Err(text) if text == "epoch") && matches!(self.offset, Offset::Nanos(0));
        time && self.closed == "left" && self.zone.is_none() && self.calendar.is_none()
    }
}

/// The rule that the arguments ask for, and the label's side.
///
/// # Errors
/// `BarError` unless exactly one of `every`, `ticks`, `volume` and `value` is given, and for bad words and amounts.
pub fn rule<N: Cell>(mut time: Time<'_>, count: Count<'_, '_>) -> PyResult<(Rule<N>, Side)> {
    let label = time.label.parse().map_err(Failure::from)?;
    let amount = |name: &str, object: &Bound<'_, PyAny>| {
        N::amount(object).map_err(|_| {
            let shown = object.str().map_or_else(|_| "?".to_owned(), |text| text.to_string());
            let (is, kind) = N::KIND;
            schema_error(format!("{name}={shown} with a column of {is}: give it as {kind}, in the unit of the column"))
        })
    };
    let given = [time.every.is_some(), count.ticks.is_some(), count.volume.is_some(), count.value.is_some()];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(Failure::text("BarError", "say when a bar ends: one of every=, ticks=, volume= or value=").into());
    }
    let rule = match (time.every.take(), count.ticks, count.volume, count.value) {
        (Some(every), ..) => Rule::Time(time.rule(&every)?),
        (None, ..) if !time.is_default() => {
            let why = "closed, origin, offset, zone and calendar go with every=: a bar of ticks, volume or value has no interval";
            return Err(Failure::text("BarError", why).into());
        }
        (None, Some(ticks), ..) => Rule::Ticks(ticks),
        (None, _, Some(volume), _) => Rule::Volume(amount("volume", volume)?),
        (None, _, _, value) => match value {
            Some(value) => Rule::Value(amount("value", value)?),
            None => Rule::Ticks(0),
        },
    };
    rule.check().map_err(Failure::from)?;
    Ok((rule, label))
}

/// Rows for which a second thread is worth its start.
const ROWS_A_THREAD: usize = 100_000;

/// A plan with words that are parsed, and with as many threads as the rows are worth.
///
/// # Errors
/// `BarError` for an unknown policy, or no threads.
pub fn plan<N: Cell>(
    (rule, label): (Rule<N>, Side),
    gaps: &str,
    late: &str,
    of: Option<&Every>,
    (threads, rows): (Option<usize>, usize),
) -> Result<Plan<N>, Failure> {
    let threads = match threads {
        Some(0) => return Err(Failure::text("BarError", "threads=0: at least one thread has to work")),
        Some(threads) => threads,
        None => threads_of_the_machine().min(rows / ROWS_A_THREAD).max(1),
    };
    let of = of.map(Every::interval).transpose()?;
    Ok(Plan { rule, label, gaps: gaps.parse()?, late: late.parse()?, of, threads })
}
