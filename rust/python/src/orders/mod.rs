//! Bindings of `exuvia.orders`.
use pyo3::prelude::*;

/// Adds this area to the module.
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
