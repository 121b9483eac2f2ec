//! Bindings of `exuvia.options`: columns of contracts to prices, volatilities, greeks, exposures, ranks and fills.

mod chain;
mod fills;
mod groups;
mod input;
mod output;
mod pricing;
mod rank;
mod representative;
mod settings;

use exuvia_market::options::cores;
use pyo3::prelude::*;

use crate::failure::Failure;

/// An error of this area.
fn option_error(message: impl Into<String>) -> PyErr {
    Failure::text("OptionError", message).into()
}

/// How many threads a call may use.
fn threads(wanted: Option<usize>) -> PyResult<usize> {
    match wanted {
        None => Ok(cores()),
        Some(0) => Err(option_error("threads=0: use 1 for the caller's thread only, or None for all cores")),
        Some(count) => Ok(count),
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    pricing::register(module)?;
    rank::register(module)?;
    representative::register(module)?;
    chain::register(module)?;
    fills::register(module)
}
