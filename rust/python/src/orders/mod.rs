//! Bindings of `exuvia.orders`: the order manager over a broker in Python, the ledger, and their values.

mod activity;
mod ledger;
mod manager;
mod money;
mod order;
mod trades;

use pyo3::prelude::*;

use crate::failure::Failure;

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<order::Limits>()?;
    module.add_class::<order::Order>()?;
    module.add_class::<trades::Fill>()?;
    module.add_class::<trades::ClosedTrade>()?;
    module.add_class::<trades::Account>()?;
    module.add_class::<manager::OrderManager>()?;
    module.add_class::<ledger::Ledger>()
}

/// An order's error on its way to Python.
fn refused(error: &exuvia_execution::OrderError) -> PyErr {
    use exuvia_execution::OrderError;
    let class = match error {
        OrderError::Value(_) | OrderError::Decimal(_) => "ValueRangeError",
        _ => "OrderError",
    };
    Failure::new(class, error).into()
}
