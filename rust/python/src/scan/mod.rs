//! Bindings of `exuvia.scan`: the decision of a cycle, its value types and strategies, the state file.

mod closes;
mod decide;
mod read;
mod scanner;
mod scenario;
mod state;
mod strategies;
pub mod value;
mod views;

use pyo3::prelude::*;

use crate::failure::Failure;

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<views::ScenarioView>()?;
    module.add_class::<views::Intent>()?;
    module.add_class::<strategies::SmaCross>()?;
    module.add_class::<strategies::ZScoreReversion>()?;
    module.add_class::<scenario::Scenario>()?;
    module.add_class::<scanner::Scanner>()?;
    module.add_function(wrap_pyfunction!(decide::decide, module)?)?;
    module.add_function(wrap_pyfunction!(state::save_state, module)?)?;
    module.add_function(wrap_pyfunction!(state::load_state, module)?)?;
    module.add_function(wrap_pyfunction!(state::dumps_state, module)?)
}

/// An error of a scan on its way to Python; a strategy's own exception passes through as it is.
enum Refusal {
    Scan(exuvia_engine::ScanError),
    Python(PyErr),
}

impl From<exuvia_engine::ScanError> for Refusal {
    fn from(error: exuvia_engine::ScanError) -> Self {
        Self::Scan(error)
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Refusal> for PyErr {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Python(error) => error,
            Refusal::Scan(exuvia_engine::ScanError::Strategy { scenario, source }) => match source.downcast::<Self>() {
                Ok(error) => *error,
                Err(source) => {
                    Failure::new("ScanError", &exuvia_engine::ScanError::Strategy { scenario, source }).into()
                }
            },
            Refusal::Scan(error) => Failure::new("ScanError", &error).into(),
        }
    }
}
