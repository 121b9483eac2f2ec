//! Decimals, amounts and prices at the boundary: `Decimal`, `str` and `int` come in, `Decimal` goes out.
//! A float is taken only where the bot's own interface has one, through its shortest text.

use exuvia_execution::Decimal;
use exuvia_model::{NANO, Price, Quantity};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyType};

use crate::failure::Failure;

static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// `decimal.Decimal` of the same text.
pub fn to_python<'py>(py: Python<'py>, value: &Decimal) -> PyResult<Bound<'py, PyAny>> {
    DECIMAL.import(py, "decimal", "Decimal")?.call1((value.to_string(),))
}

/// A `Decimal`, `str` or `int`; a float is a `TypeError`.
pub fn exact(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Decimal> {
    let py = object.py();
    let decimal = DECIMAL.import(py, "decimal", "Decimal")?;
    let known = object.is_instance(decimal)? || object.is_instance_of::<PyString>();
    if known || (object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>()) {
        return object.str()?.to_str()?.parse().map_err(|error| Failure::new("ValueRangeError", &error).into());
    }
    let kind = object.get_type().name()?;
    let message = format!("{what} {} is a {kind}: pass a Decimal, a str or an int", object.repr()?);
    Err(PyTypeError::new_err(message))
}

/// As `exact`, and a float by its shortest text: what `Decimal(str(value))` gives.
pub fn exact_or_shortest(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Decimal> {
    match object.cast::<PyFloat>() {
        Ok(float) => Decimal::from_shortest(float.value())
            .map_err(|error| Failure::text("ValueRangeError", format!("{what}: {error}")).into()),
        Err(_) => exact(object, what),
    }
}

/// A limit price: None, or a number with at most nine decimals.
pub fn limit(object: &Bound<'_, PyAny>) -> PyResult<Option<Price>> {
    if object.is_none() {
        return Ok(None);
    }
    let text = exact_or_shortest(object, "limit_price")?.to_string();
    Ok(Some(text.parse().map_err(Failure::from)?))
}

/// A whole amount.
pub fn amount(whole: i64) -> PyResult<Quantity> {
    Ok(Quantity::from_whole(whole).map_err(Failure::from)?)
}

/// The whole units of a quantity that was made from whole units.
pub const fn units(quantity: Quantity) -> i64 {
    quantity.raw() / NANO
}
