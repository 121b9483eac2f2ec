//! NumPy is an extra: it is looked for before its C interface is touched, which would panic without it.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Whether NumPy was imported in this process; without it no object can be one of its arrays.
pub fn is_loaded(py: Python<'_>) -> bool {
    // Once loaded it stays: it cannot be loaded twice.
    static LOADED: AtomicBool = AtomicBool::new(false);
    if LOADED.load(Ordering::Relaxed) {
        return true;
    }
    let loaded = py
        .import("sys")
        .and_then(|sys| sys.getattr("modules"))
        .and_then(|modules| modules.cast_into::<PyDict>().map_err(PyErr::from))
        .and_then(|modules| modules.contains("numpy"))
        .unwrap_or(false);
    LOADED.store(loaded, Ordering::Relaxed);
    loaded
}

/// Imports NumPy for a result that is made of its arrays.
///
/// # Errors
/// `ModuleNotFoundError` that says how to get it.
pub fn need(py: Python<'_>, what: &str) -> PyResult<()> {
    py.import("numpy").map(|_| ()).map_err(|error| {
        let told = PyModuleNotFoundError::new_err(format!(
            "{what} needs NumPy, which is not installed: pip install \"exuvia[numpy]\", or stay with Arrow tables"
        ));
        told.set_cause(py, Some(error));
        told
    })
}
