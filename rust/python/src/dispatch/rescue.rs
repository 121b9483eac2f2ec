//! May legacy answer for a candidate that raised? In come what both are given and the error; out comes the decision, which
//! Python code makes (`exuvia.migrate.dispatch.rescue`): it is needed in no call that returns.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

static JUDGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// What becomes of an error of the candidate's.
pub(super) enum Verdict {
    /// Legacy answers.
    Answer,
    /// The error stands and the unit goes back, for this reason.
    Refuse(String),
    /// The error stands; it is none of the candidate's.
    Pass,
}

/// Asks, with the arguments of the call and what it raised, if that is known.
///
/// # Errors
/// What the handler of a signal raises meanwhile: it goes to the program.
pub(super) fn judge(
    legacy: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    error: Option<&Bound<'_, PyAny>>,
) -> PyResult<Verdict> {
    let py = legacy.py();
    let found =
        JUDGE.get_or_try_init(py, || py.import("exuvia.migrate.dispatch.rescue")?.getattr("judge").map(Bound::unbind));
    let judge = match found {
        Ok(judge) => judge,
        Err(error) => return Ok(Verdict::Refuse(format!("the arguments cannot be looked at: {error}"))),
    };
    let none = PyDict::new(py);
    let found = judge.bind(py).call1((legacy, args, kwargs.unwrap_or(&none), error))?;
    if let Ok(text) = found.cast::<PyString>() {
        return Ok(Verdict::Refuse(text.to_string_lossy().into_owned()));
    }
    match found.cast::<PyBool>() {
        Ok(may) if may.is_true() => Ok(Verdict::Answer),
        Ok(_) => Ok(Verdict::Pass),
        Err(_) => Err(PyTypeError::new_err("judge gives a bool or a reason")),
    }
}

/// What a call by vector was given, as a tuple and a dict.
///
/// # Safety
/// `args` holds `count` live objects, then one for each of `names`, a tuple or null; the GIL is held.
pub(super) unsafe fn given<'py>(
    py: Python<'py>,
    args: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
    // SAFETY: as above; a reference of its own is taken to each.
    unsafe {
        let at = |number: usize| Bound::from_borrowed_ptr(py, *args.add(number));
        let positional = PyTuple::new(py, (0..count).map(at))?;
        let named = PyDict::new(py);
        if let Some(names) = Bound::from_borrowed_ptr_or_opt(py, names) {
            for (number, name) in names.try_iter()?.enumerate() {
                named.set_item(name?, at(count + number))?;
            }
        }
        Ok((positional, named))
    }
}
