//! Bindings of `exuvia.bars` and `exuvia.sessions`: columns and single ticks to bars, trading calendars.

mod builders;
mod calendars;
mod columnar;
mod desk;
mod indicators;
mod objects;
mod records;
mod rules;
pub mod source;
mod symbols;
mod table;

use exuvia_market::bars::{BarError, Interval, Span};
use pyo3::prelude::*;

use crate::failure::Failure;

impl From<BarError> for Failure {
    fn from(error: BarError) -> Self {
        match error {
            BarError::Calendar(error) => error.into(),
            error => Self::new("BarError", &error),
        }
    }
}

/// The length of a bar as Python gives it: nanoseconds, or text such as `"5m"`.
enum Every {
    Nanos(i64),
    Text(String),
}

impl<'py> FromPyObject<'_, 'py> for Every {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.extract::<String>() {
            return Ok(Self::Text(text));
        }
        if let Ok(nanos) = object.extract::<i64>() {
            return Ok(Self::Nanos(nanos));
        }
        let shown = object.repr().map_or_else(|_| "a number too long to print".to_owned(), |text| text.to_string());
        Err(Failure::from(BarError::BadInterval(shown)).into())
    }
}

/// Nanoseconds below which a bare number is refused.
const BARE: i64 = 1_000_000;

impl Every {
    fn interval(&self) -> Result<Interval, BarError> {
        match self {
            // Who writes 60 or 300 thinks of seconds: below a millisecond the unit has to be said.
            Self::Nanos(nanos) if (1..BARE).contains(nanos) => Err(BarError::BareInterval(*nanos)),
            Self::Nanos(nanos) => Interval::new(*nanos),
            Self::Text(text) => text.parse(),
        }
    }

    /// The same with days, weeks and months of a calendar.
    fn span(&self) -> Result<Span, BarError> {
        match self {
            Self::Nanos(_) => self.interval().map(Span::Fixed),
            Self::Text(text) => text.parse(),
        }
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    columnar::register(module)?;
    indicators::register(module)?;
    builders::register(module)?;
    objects::register(module)?;
    records::register(module)?;
    table::register(module)?;
    calendars::register(module)
}
