//! How this extension was built: what evidence and bug reports name.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The build facts that are fixed at compile time, and what this machine gives them: a dict of strings.
#[pyfunction]
fn build_facts(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("version", env!("CARGO_PKG_VERSION"))?;
    facts.set_item("commit", option_env!("EXUVIA_COMMIT").unwrap_or("unknown"))?;
    facts.set_item("profile", option_env!("EXUVIA_PROFILE").unwrap_or("unknown"))?;
    facts.set_item("target", option_env!("EXUVIA_TARGET").unwrap_or("unknown"))?;
    facts.set_item("cpu", exuvia_market::bars::cpu_path())?;
    facts.set_item("zone_data", exuvia_market::sessions::zone_data_version())?;
    Ok(facts)
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(build_facts, module)?)
}
