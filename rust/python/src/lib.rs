//! `exuvia._exuvia`: bindings and nothing else. Each file binds one area; the Python face in
//! `python/exuvia/` documents it.

mod apart;
mod arrays;
mod bars;
mod build;
mod compare;
mod dispatch;
mod evidence;
mod failure;
mod feeds;
mod gate;
mod gates;
mod integers;
mod lake;
mod options;
mod orders;
mod quotes;
mod scan;
mod tables;
mod tokens;
mod venues;
mod words;

use pyo3::prelude::*;

/// The compiled half of exuvia; use the documented modules of the package instead.
#[pymodule]
fn _exuvia(module: &Bound<'_, PyModule>) -> PyResult<()> {
    gate::remember_process();
    gate::quiet_panics();
    for register in [
        apart::register,
        build::register,
        gate::register,
        bars::register,
        quotes::register,
        feeds::register,
        lake::register,
        options::register,
        orders::register,
        scan::register,
        tokens::register,
        venues::register,
        dispatch::register,
        compare::register,
        evidence::register,
        gates::register,
    ] {
        register(module)?;
    }
    // The names for users are those of the package's own modules.
    module.delattr("__all__")
}
