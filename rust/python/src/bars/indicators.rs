//! Bindings of `exuvia.indicators`: one value at a time, or a column.

use std::sync::Mutex;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use exuvia_market::bars::BarError;
use exuvia_market::indicators::{self as market, Atr, Ema, Indicator, Rolling, Sma};
use numpy::PyArray1;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3_arrow::PyArray;

use super::desk::hold;
use super::source::{Column, Numbers, Values, schema_error};
use super::table;
use crate::failure::Failure;
use crate::gate;

/// A column of floats, and whether the result is to be NumPy's.
fn floats<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<(Values<'py, f64>, bool)> {
    let column = Column::new(name, object)?;
    let numpy = matches!(column, Column::Numpy(_));
    match column.numbers(name)? {
        Numbers::Floats(values) => Ok((values, numpy)),
        Numbers::Fixed(_) => Err(schema_error(format!("column '{name}' is int64, expected float64: convert it first"))),
    }
}

/// An array of the caller's kind: NumPy's with NaN, or Arrow's with nulls, where there is no value yet.
fn answer(py: Python<'_>, values: Vec<f64>, numpy: bool) -> PyResult<Bound<'_, PyAny>> {
    if numpy {
        return Ok(PyArray1::from_vec(py, values).into_any());
    }
    let nulls = values.first().is_some_and(|value| value.is_nan());
    let nulls = nulls.then(|| values.iter().map(|value| !value.is_nan()).collect::<NullBuffer>());
    let array: ArrayRef = table::floats(values, nulls);
    PyArray::from_array_ref(array).into_arro3(py)
}

/// The simple moving average: the mean of the last `period` values.
///
/// Args:
///     values: A column of float64, from NumPy or Arrow.
///     period: How many values.
///
/// Returns:
///     An array of the same kind and length: NaN (null in Arrow) in the first period - 1 rows.
///
/// Raises:
///     BarError: NaN or infinity, with the row; a period of 0.
#[pyfunction]
fn sma<'py>(values: &Bound<'py, PyAny>, period: usize) -> PyResult<Bound<'py, PyAny>> {
    let (column, numpy) = floats("values", values)?;
    let column: &[f64] = &column;
    answer(values.py(), gate::enter(values.py(), || market::sma(column, period))?, numpy)
}

/// The exponential moving average, with the weight 2 / (period + 1) on the newest value.
///
/// Args:
///     values: A column of float64, from NumPy or Arrow.
///     period: How many values.
///     seed: "sma": begins with the simple average of the first period values, as TA-Lib does; "first": with the first
///         value, as pandas' ewm(adjust=False).
///
/// Returns:
///     An array of the same kind and length: NaN (null in Arrow) where there is no value yet.
///
/// Raises:
///     BarError: NaN or infinity, with the row; a period of 0.
#[pyfunction]
#[pyo3(signature = (values, period, *, seed="sma"))]
fn ema<'py>(values: &Bound<'py, PyAny>, period: usize, seed: &str) -> PyResult<Bound<'py, PyAny>> {
    let (column, numpy) = floats("values", values)?;
    let (column, seed): (&[f64], _) = (&column, gate::stay(|| seed.parse::<market::Seed>())?);
    answer(values.py(), gate::enter(values.py(), || market::ema(column, period, seed))?, numpy)
}

/// Wilder's average true range.
///
/// Args:
///     high: A column of float64, from NumPy or Arrow.
///     low: The same.
///     close: The same.
///     period: How many bars.
///
/// Returns:
///     An array of the same kind and length: NaN (null in Arrow) in the first `period` rows.
///
/// Raises:
///     BarError: NaN or infinity, a high below its low, with the row; columns of different lengths; a period of 0.
#[pyfunction]
#[pyo3(signature = (high, low, close, period=14))]
fn atr<'py>(
    high: &Bound<'py, PyAny>,
    low: &Bound<'py, PyAny>,
    close: &Bound<'py, PyAny>,
    period: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = high.py();
    let ((high, numpy), (low, _), (close, _)) = (floats("high", high)?, floats("low", low)?, floats("close", close)?);
    let (high, low, close): (&[f64], &[f64], &[f64]) = (&high, &low, &close);
    answer(py, gate::enter(py, || market::atr(high, low, close, period))?, numpy)
}

/// The greatest of the last `period` values.
///
/// Args:
///     values: A column of float64, from NumPy or Arrow.
///     period: How many values.
///
/// Returns:
///     An array of the same kind and length: NaN (null in Arrow) in the first period - 1 rows.
///
/// Raises:
///     BarError: NaN or infinity, with the row; a period of 0.
#[pyfunction]
fn rolling_max<'py>(values: &Bound<'py, PyAny>, period: usize) -> PyResult<Bound<'py, PyAny>> {
    let (column, numpy) = floats("values", values)?;
    let column: &[f64] = &column;
    answer(values.py(), gate::enter(values.py(), || market::rolling(column, period, true))?, numpy)
}

/// The least of the last `period` values.
///
/// Args:
///     values: A column of float64, from NumPy or Arrow.
///     period: How many values.
///
/// Returns:
///     An array of the same kind and length: NaN (null in Arrow) in the first period - 1 rows.
///
/// Raises:
///     BarError: NaN or infinity, with the row; a period of 0.
#[pyfunction]
fn rolling_min<'py>(values: &Bound<'py, PyAny>, period: usize) -> PyResult<Bound<'py, PyAny>> {
    let (column, numpy) = floats("values", values)?;
    let column: &[f64] = &column;
    answer(values.py(), gate::enter(values.py(), || market::rolling(column, period, false))?, numpy)
}

fn number(what: &str, value: f64) -> Result<f64, Failure> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Failure::text(
        "BarError",
        format!("{what} {value} is not finite: skip bars without a price before pushing them"),
    ))
}

/// A class for an indicator of single values.
macro_rules! streaming {
    ($(#[$doc:meta])* $name:ident, $python:literal, $inner:ty, $make:expr) => {
        $(#[$doc])*
        ///
        /// Args:
        ///     period: How many values.
        ///
        /// Raises:
        ///     BarError: A period of 0.
        #[pyclass(frozen, name = $python, module = "exuvia.indicators")]
        struct $name {
            period: usize,
            inner: Mutex<$inner>,
        }

        #[pymethods]
        impl $name {
            #[new]
            fn new(period: usize) -> PyResult<Self> {
                let make: fn(usize) -> Result<$inner, BarError> = $make;
                Ok(Self { period, inner: Mutex::new(gate::stay(|| make(period))?) })
            }

            /// Takes a value; returns the indicator's, or None while too few came.
            ///
            /// Raises:
            ///     BarError: NaN or infinity; nothing has changed.
            fn push(&self, py: Python<'_>, value: f64) -> PyResult<Option<f64>> {
                gate::stay(|| Ok::<_, Failure>(hold(py, &self.inner).push(number("value", value)?)))
            }

            /// The last value, or None.
            #[getter]
            fn value(&self, py: Python<'_>) -> Option<f64> {
                hold(py, &self.inner).value()
            }

            /// How many values it looks at.
            #[getter]
            fn period(&self) -> usize {
                self.period
            }

            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                let (py, this) = (slf.py(), slf.get());
                let saved = hold(py, &this.inner).save();
                (py.get_type::<Self>().getattr("_restore")?, (this.period, saved)).into_bound_py_any(py)
            }

            #[classmethod]
            fn _restore(cls: &Bound<'_, PyType>, period: usize, saved: Vec<f64>) -> PyResult<Self> {
                let made = Self::new(period)?;
                gate::stay(|| hold(cls.py(), &made.inner).load(&saved))?;
                Ok(made)
            }
        }
    };
}

streaming! {
    /// A simple moving average, one value at a time.
    PySma, "Sma", Sma, Sma::new
}
streaming! {
    /// The greatest of the last values, one value at a time.
    RollingMax, "RollingMax", Rolling, Rolling::max
}
streaming! {
    /// The least of the last values, one value at a time.
    RollingMin, "RollingMin", Rolling, Rolling::min
}

/// An exponential moving average, one value at a time.
///
/// Args:
///     period: How many values.
///     seed: "sma" or "first", as in ema.
///
/// Raises:
///     BarError: A period of 0, an unknown seed.
#[pyclass(frozen, name = "Ema", module = "exuvia.indicators")]
struct PyEma {
    period: usize,
    seed: String,
    inner: Mutex<Ema>,
}

#[pymethods]
impl PyEma {
    #[new]
    #[pyo3(signature = (period, *, seed="sma"))]
    fn new(period: usize, seed: &str) -> PyResult<Self> {
        let inner = gate::stay(|| Ema::new(period, seed.parse()?))?;
        Ok(Self { period, seed: seed.to_owned(), inner: Mutex::new(inner) })
    }

    /// Takes a value; returns the indicator's, or None while too few came.
    ///
    /// Raises:
    ///     BarError: NaN or infinity; nothing has changed.
    fn push(&self, py: Python<'_>, value: f64) -> PyResult<Option<f64>> {
        gate::stay(|| Ok::<_, Failure>(hold(py, &self.inner).push(number("value", value)?)))
    }

    /// The last value, or None.
    #[getter]
    fn value(&self, py: Python<'_>) -> Option<f64> {
        hold(py, &self.inner).value()
    }

    /// How many values it looks at.
    #[getter]
    fn period(&self) -> usize {
        self.period
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let saved = hold(py, &this.inner).save();
        (py.get_type::<Self>().getattr("_restore")?, (this.period, &this.seed, saved)).into_bound_py_any(py)
    }

    #[classmethod]
    fn _restore(cls: &Bound<'_, PyType>, period: usize, seed: &str, saved: Vec<f64>) -> PyResult<Self> {
        let made = Self::new(period, seed)?;
        gate::stay(|| hold(cls.py(), &made.inner).load(&saved))?;
        Ok(made)
    }
}

/// Wilder's average true range, one bar at a time.
///
/// Args:
///     period: How many bars.
///
/// Raises:
///     BarError: A period of 0.
#[pyclass(frozen, name = "Atr", module = "exuvia.indicators")]
struct PyAtr {
    period: usize,
    inner: Mutex<Atr>,
}

#[pymethods]
impl PyAtr {
    #[new]
    #[pyo3(signature = (period=14))]
    fn new(period: usize) -> PyResult<Self> {
        Ok(Self { period, inner: Mutex::new(gate::stay(|| Atr::new(period))?) })
    }

    /// Takes a bar; returns the range, or None while too few came.
    ///
    /// Raises:
    ///     BarError: NaN or infinity, or a high below its low; nothing has changed.
    fn push(&self, py: Python<'_>, high: f64, low: f64, close: f64) -> PyResult<Option<f64>> {
        gate::stay(|| {
            let bar = (number("high", high)?, number("low", low)?, number("close", close)?);
            if high < low {
                let text = format!("high {high} is below low {low}: the arguments are high, low, close");
                return Err(Failure::text("BarError", text));
            }
            Ok(hold(py, &self.inner).push(bar))
        })
    }

    /// The last value, or None.
    #[getter]
    fn value(&self, py: Python<'_>) -> Option<f64> {
        hold(py, &self.inner).value()
    }

    /// How many bars it looks at.
    #[getter]
    fn period(&self) -> usize {
        self.period
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let saved = hold(py, &this.inner).save();
        (py.get_type::<Self>().getattr("_restore")?, (this.period, saved)).into_bound_py_any(py)
    }

    #[classmethod]
    fn _restore(cls: &Bound<'_, PyType>, period: usize, saved: Vec<f64>) -> PyResult<Self> {
        let made = Self::new(period)?;
        gate::stay(|| hold(cls.py(), &made.inner).load(&saved))?;
        Ok(made)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sma, module)?)?;
    module.add_function(wrap_pyfunction!(ema, module)?)?;
    module.add_function(wrap_pyfunction!(atr, module)?)?;
    module.add_function(wrap_pyfunction!(rolling_max, module)?)?;
    module.add_function(wrap_pyfunction!(rolling_min, module)?)?;
    module.add_class::<PySma>()?;
    module.add_class::<PyEma>()?;
    module.add_class::<PyAtr>()?;
    module.add_class::<RollingMax>()?;
    module.add_class::<RollingMin>()
}
