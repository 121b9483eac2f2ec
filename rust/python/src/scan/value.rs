//! What all value types of `scan` and `orders` share: they are compared, hashed, printed and pickled by
//! their fields, as a frozen dataclass is.

use std::fmt::Write as _;

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

/// A value whose fields, in the order of its constructor, are all there is to it.
pub trait Value {
    /// The name of the class.
    const NAME: &'static str;
    /// The names of the fields.
    const FIELDS: &'static [&'static str];

    /// The values of the fields.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>>;
}

/// `Name(field=value, …)`.
pub fn repr<V: Value>(py: Python<'_>, value: &V) -> PyResult<String> {
    let mut text = format!("{}(", V::NAME);
    for (at, (field, item)) in V::FIELDS.iter().zip(value.values(py)?).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing into a String does not fail.
        let _ = write!(text, "{comma}{field}={}", item.repr()?);
    }
    text.push(')');
    Ok(text)
}

/// Class and arguments that make an equal value.
pub fn reduce<'py, V: Value + PyTypeInfo>(
    py: Python<'py>,
    value: &V,
) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
    Ok((V::type_object(py), value.values(py)?))
}

/// Writes the `#[pymethods]` of a value type around its own methods.
macro_rules! value_methods {
    ($name:ident { $($own:tt)* }) => {
        #[pyo3::pymethods]
        impl $name {
            $($own)*

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                $crate::scan::value::repr(py, self)
            }

            fn __eq__(&self, py: pyo3::Python<'_>, other: &pyo3::Bound<'_, pyo3::PyAny>) -> pyo3::PyResult<pyo3::Py<pyo3::PyAny>> {
                use $crate::scan::value::Value as _;
                match other.cast::<Self>() {
                    Ok(other) => {
                        let same = self.values(py)?.eq(other.get().values(py)?)?;
                        Ok(pyo3::types::PyBool::new(py, same).to_owned().into_any().unbind())
                    }
                    Err(_) => Ok(py.NotImplemented()),
                }
            }

            fn __hash__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<isize> {
                use $crate::scan::value::Value as _;
                use pyo3::types::PyAnyMethods as _;
                self.values(py)?.hash()
            }

            fn __reduce__<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<(pyo3::Bound<'py, pyo3::types::PyType>, pyo3::Bound<'py, pyo3::types::PyTuple>)> {
                $crate::scan::value::reduce(py, self)
            }

            #[classattr]
            #[pyo3(name = "__match_args__")]
            fn match_args(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Py<pyo3::types::PyTuple>> {
                use $crate::scan::value::Value as _;
                Ok(pyo3::types::PyTuple::new(py, Self::FIELDS)?.unbind())
            }
        }
    };
}
pub(crate) use value_methods;

/// The `Value` of a type whose fields become Python values by themselves.
macro_rules! value {
    ($name:ident { $($field:ident => |$this:ident, $py:ident| $make:expr),+ $(,)? }) => {
        impl $crate::scan::value::Value for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn values<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyTuple>> {
                use pyo3::IntoPyObjectExt as _;
                let items: Vec<pyo3::Bound<'py, pyo3::PyAny>> = vec![
                    $({ let ($this, $py) = (self, py); let _ = &$py; ($make).into_bound_py_any(py)? }),+
                ];
                pyo3::types::PyTuple::new(py, items)
            }
        }
    };
}
pub(crate) use value;
