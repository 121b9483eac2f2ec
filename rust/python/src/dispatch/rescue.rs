//! May legacy answer for a candidate that raised? In come what both are given and the error; out comes the decision, which
//! Python code makes (`exuvia.migrate.dispatch.rescue`): it is needed in no call that returns.

use std::sync::atomic::Ordering;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

use super::shared::{Shared, described};

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

/// A call that the candidate raised in and that legacy was asked to answer.
pub(super) struct Asked<'a, 'py> {
    pub(super) shared: &'a Shared,
    /// Compares what both sides raised.
    pub(super) raised: Option<&'a Bound<'py, PyAny>>,
    /// What the candidate raised; `None` for a call that failed without an exception.
    pub(super) error: Option<Bound<'py, PyAny>>,
    pub(super) args: &'a Bound<'py, PyTuple>,
    pub(super) kwargs: Option<&'a Bound<'py, PyDict>>,
    /// Whether the call is observed, so that the worker compares it.
    pub(super) observed: bool,
}

impl Asked<'_, '_> {
    /// Counts how legacy ended, once it is known: who looks in between must not see half of it. `own` is what it raised.
    ///
    /// # Errors
    /// What the handler of a signal raises meanwhile: it goes to the program.
    pub(super) fn ended(&self, py: Python<'_>, own: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let shared = self.shared;
        let told = match own {
            None => {
                shared.answered.fetch_add(1, Ordering::Relaxed);
                None
            }
            Some(own) => self.compared(py, own)?,
        };
        if told == Some(true) {
            shared.same_errors.fetch_add(1, Ordering::Relaxed);
        } else if told.is_none() {
            shared.note_error(|| self.described());
        }
        Ok(())
    }

    /// Whether both sides raised the same; `None` if that is not on record and has to be said.
    fn compared(&self, py: Python<'_>, own: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
        let Some(error) = &self.error else { return Ok(None) };
        let Some(raised) = self.raised else {
            return Ok(own.get_type().is(error.get_type()).then_some(true));
        };
        let none = PyDict::new(py);
        raised.call1((own, error, self.args, self.kwargs.unwrap_or(&none), self.observed))?.extract()
    }

    fn described(&self) -> String {
        let null = std::ptr::null_mut();
        let (kind, value) = match &self.error {
            Some(error) => (error.get_type_ptr().cast(), error.as_ptr()),
            None => (null, null),
        };
        // SAFETY: both are live or null, and no exception is set: what was raised is held as a value.
        unsafe { described(kind, value) }
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
