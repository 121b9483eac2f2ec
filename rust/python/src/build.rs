//! How this extension was built: what evidence and bug reports name.

use pyo3::prelude::*;
use pyo3::types::PyDict;

#[cfg(all(target_os = "linux", target_endian = "little", target_pointer_width = "64"))]
mod loaded {
    unsafe extern "C" {
        /// Where this very extension's ELF header was loaded; every linker of ELF defines it, hidden.
        #[link_name = "__ehdr_start"]
        static HEADER: u8;
    }

    pub(super) fn build_id() -> Option<String> {
        // SAFETY: the header lies at the beginning of the first segment, which is mapped in whole pages, read-only and
        // for as long as this code is.
        let head = unsafe { std::slice::from_raw_parts(&raw const HEADER, exuvia_migrate::HEAD) };
        exuvia_migrate::build_id(head)
    }
}

/// Elsewhere the id is not known to lie in the image: the file is hashed instead.
#[cfg(not(all(target_os = "linux", target_endian = "little", target_pointer_width = "64")))]
mod loaded {
    pub(super) fn build_id() -> Option<String> {
        None
    }
}

/// The id that the linker gave to the extension as it was loaded, whatever lies on the disk by now; `None` without one.
#[pyfunction]
fn build_id() -> Option<String> {
    loaded::build_id()
}

/// The id that the linker gave to a file, by its first 4,096 bytes; `None` without one.
#[pyfunction]
fn build_id_of(head: &[u8]) -> Option<String> {
    exuvia_migrate::build_id(head)
}

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
    module.add_function(wrap_pyfunction!(build_facts, module)?)?;
    module.add_function(wrap_pyfunction!(build_id, module)?)?;
    module.add_function(wrap_pyfunction!(build_id_of, module)?)
}
