//! The state file: Python values in and out.

use std::path::PathBuf;

use exuvia_engine as engine;
use exuvia_engine::{StateError, StateValue};
use exuvia_net::SystemFiles;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

use crate::failure::Failure;
use crate::gate;

/// Nested deeper than this, a state holds itself.
const DEPTH: usize = 100;

/// Write a state file: atomically and durably, the bytes of `dumps_state`.
///
/// Args:
///     path: Where to.
///     state: str, int, bool, None, lists and dicts with str keys; `"version": 1` at the top.
///
/// Raises:
///     StateError: If the state holds something else, or the disk refuses; the old file is then still there.
#[pyfunction]
#[pyo3(signature = (path, state))]
pub fn save_state(py: Python<'_>, path: PathBuf, state: &Bound<'_, PyAny>) -> PyResult<()> {
    let state = value(state, "state", 0)?;
    gate::enter(py, || engine::save_state(&SystemFiles, &path, &state).map_err(failure))
}

/// Read a state file.
///
/// Args:
///     path: Where from.
///
/// Returns:
///     The state.
///
/// Raises:
///     StateMissingError: If there is no such file.
///     StateError: If it is no state, naming the place, or a newer version wrote it.
#[pyfunction]
#[pyo3(signature = (path))]
pub fn load_state(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let state = gate::enter(py, || engine::load_state(&SystemFiles, &path).map_err(failure))?;
    object(py, &state)
}

/// Return the bytes of a state file: `json.dumps(state, sort_keys=True, indent=2)` and a newline.
///
/// Args:
///     state: str, int, bool, None, lists and dicts with str keys.
///
/// Raises:
///     StateError: If the state holds something else; the message names the key.
#[pyfunction]
#[pyo3(signature = (state))]
pub fn dumps_state<'py>(state: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let value = value(state, "state", 0)?;
    let text = gate::stay(|| value.to_json().map_err(failure))?;
    Ok(PyBytes::new(state.py(), text.as_bytes()))
}

fn failure(error: StateError) -> Failure {
    let missing = matches!(&error, StateError::Read { source, .. } if source.is_not_found());
    Failure::new(if missing { "StateMissingError" } else { "StateError" }, &error)
}

fn value(object: &Bound<'_, PyAny>, path: &str, depth: usize) -> PyResult<StateValue> {
    if depth > DEPTH {
        return Err(failure(StateError::TooDeep { path: path.to_owned(), limit: DEPTH }).into());
    }
    if object.is_none() {
        Ok(StateValue::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(StateValue::Bool(value.is_true()))
    } else if object.is_instance_of::<PyInt>() {
        integer(object)
    } else if let Ok(text) = object.cast::<PyString>() {
        Ok(StateValue::Text(utf8(text, path)?.to_owned()))
    } else if let Ok(items) = object.cast::<PyDict>() {
        let mut entries = Vec::with_capacity(items.len());
        for (key, item) in items.iter() {
            let Ok(key) = key.cast::<PyString>() else {
                return Err(refused(path, &format!("has the key {}", key.repr()?), "a state's keys are str"));
            };
            let key = utf8(key, path)?.to_owned();
            let item = value(&item, &format!("{path}.{key}"), depth + 1)?;
            entries.push((key, item));
        }
        Ok(StateValue::Object(entries))
    } else if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let mut items = Vec::new();
        for (at, item) in object.try_iter()?.enumerate() {
            items.push(value(&item?, &format!("{path}[{at}]"), depth + 1)?);
        }
        Ok(StateValue::List(items))
    } else {
        let what = format!("is {}, a {}", object.repr()?, object.get_type().name()?);
        Err(refused(path, &what, "a state holds str, int, bool, None, list and dict; pass a Decimal or float as str"))
    }
}

/// The digits of an int, also of one with a `str` of its own (an IntEnum).
fn integer(object: &Bound<'_, PyAny>) -> PyResult<StateValue> {
    if let Ok(small) = object.extract::<i64>() {
        return Ok(small.into());
    }
    let digits = object.py().get_type::<PyInt>().call_method1("__repr__", (object,))?;
    Ok(StateValue::Int(digits.extract()?))
}

fn utf8<'a>(text: &'a Bound<'_, PyString>, path: &str) -> PyResult<&'a str> {
    text.to_str().map_err(|_| refused(path, "holds text with half a surrogate pair", "decode it properly first"))
}

fn refused(path: &str, what: &str, rule: &str) -> PyErr {
    Failure::text("StateError", format!("{path} {what}: {rule}")).into()
}

fn object<'py>(py: Python<'py>, value: &StateValue) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        StateValue::Null => py.None().into_bound(py),
        StateValue::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        StateValue::Int(digits) => match digits.parse::<i64>() {
            Ok(small) => small.into_pyobject(py)?.into_any(),
            Err(_) => py.get_type::<PyInt>().call1((digits,))?,
        },
        StateValue::Text(text) => PyString::new(py, text).into_any(),
        StateValue::List(items) => {
            let items = items.iter().map(|item| object(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        StateValue::Object(items) => {
            let dict = PyDict::new(py);
            for (key, item) in items {
                dict.set_item(key, object(py, item)?)?;
            }
            dict.into_any()
        }
    })
}
