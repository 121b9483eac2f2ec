//! When what a turnout chose has raised: may legacy answer, and the call of legacy that does. In comes what the
//! trampoline called, and with what, while the exception is handled; out comes what it is to call next, or `None`.

use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::callable::{Callable, turnout_of};
use super::rescue::{Asked, Verdict, judge};
use super::shared::{Shared, described, text_of};
use crate::gate;

/// What a trampoline holds of a switch's callable: `~turnout` is the side that serves the next call, which is counted.
/// In mode canary that is the turnout itself. `turnout.rescued(side, *args, **kwargs)`, while what the side raised for
/// these arguments is handled, is what answers instead, or `None`. Returns `None` for what is no callable of a switch.
#[pyfunction]
pub(super) fn turnout(dispatcher: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    turnout_of(dispatcher)
}

/// `turnout.rescued(by, *args, **kwargs)`, for the table of methods.
pub(super) const RESCUED: ffi::PyMethodDef = ffi::PyMethodDef {
    ml_name: c"rescued".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunctionWithKeywords: rescued },
    ml_flags: ffi::METH_VARARGS | ffi::METH_KEYWORDS,
    ml_doc: ptr::null(),
};

/// Legacy's answer to a call in which the candidate raised.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub(super) struct Answer {
    shared: Arc<Shared>,
    legacy: Py<PyAny>,
    raised: Option<Py<PyAny>>,
    /// What the candidate raised, until legacy has answered: its traceback leads to the frame that holds this.
    error: Mutex<Option<Py<PyAny>>>,
    observed: bool,
}

#[pymethods]
impl Answer {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let result = self.legacy.call(py, args, kwargs);
        let error = gate::locked(&self.error).take().map(|error| error.into_bound(py));
        let raised = self.raised.as_ref().map(|raised| raised.bind(py));
        let asked = Asked { shared: &self.shared, raised, error, args, kwargs, observed: self.observed };
        // With its traceback: only that tells what a signal's handler raised, and before 3.12 a value has none yet.
        let own = result.as_ref().err().map(|error| error.clone_ref(py).into_value(py).into_bound(py));
        asked.ended(py, own.as_ref().map(|own| own.as_any()))?;
        result
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.legacy)?;
        if let Some(raised) = &self.raised {
            visit.call(raised)?;
        }
        match self.error.try_lock() {
            Ok(error) => error.as_ref().map_or(Ok(()), |error| visit.call(error)),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let error = self.error.try_lock().ok().and_then(|mut error| error.take());
        drop(error);
    }
}

/// The candidate of a pure unit raised in a trampoline: `None` if the error stands.
unsafe extern "C" fn rescued(
    this: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
    named: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython passes an object of the type that has this method, whose fields live as long as it does, a tuple
    // and a dict or null, and holds the GIL.
    unsafe {
        let py = Python::assume_attached();
        let this = &*this.cast::<Callable>();
        let given = Bound::from_borrowed_ptr(py, given);
        let named = Bound::from_borrowed_ptr_or_opt(py, named);
        let answer = answer(py, this, &given, named.as_ref()).and_then(|answer| match answer {
            Some(answer) => Ok(Py::new(py, answer)?.into_any()),
            None => Ok(py.None()),
        });
        match answer {
            Ok(answer) => answer.into_ptr(),
            Err(error) => {
                error.restore(py);
                ptr::null_mut()
            }
        }
    }
}

/// What answers instead of the side that is named first of what was given.
///
/// # Safety
/// The fields of `this` are live.
unsafe fn answer(
    py: Python<'_>,
    this: &Callable,
    given: &Bound<'_, PyAny>,
    named: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Answer>> {
    let given = given.cast::<PyTuple>()?;
    let by = given.get_item(0)?;
    let observed = by.as_ptr() == this.reverse;
    // SAFETY: as above; what is borrowed here is held by `this` or by `error`.
    let (shared, legacy, raised, error) = unsafe {
        let shared = &*this.shared;
        let candidates = by.as_ptr() == this.candidate || by.as_ptr() == this.reverse;
        if !candidates || !shared.fallback.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(error) = Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException()) else { return Ok(None) };
        let raised = Bound::from_borrowed_ptr_or_opt(py, this.raised);
        (shared, Bound::from_borrowed_ptr(py, this.legacy), raised, error)
    };
    let kind = error.get_type();
    // SAFETY: the class is live, and no exception is set while one is handled.
    let Some(panicked) = (unsafe { panicked(kind.as_ptr()) }) else { return Ok(None) };
    let args = given.get_slice(1, given.len());
    let named = named.map(|named| named.cast::<PyDict>()).transpose()?;
    match judge(&legacy, &args, named, Some(&error))? {
        Verdict::Answer => {}
        Verdict::Pass => return Ok(None),
        Verdict::Refuse(why) => {
            // SAFETY: both are live.
            let said = unsafe { described(kind.as_ptr(), error.as_ptr()) };
            shared.note_refusal(format!("{said} ({why})"), panicked);
            return Ok(None);
        }
    }
    // SAFETY: it is live; the count of `shared` is raised for the `Arc` that is made of it.
    let shared = unsafe {
        shared.note_fallback(panicked);
        Arc::increment_strong_count(this.shared);
        Arc::from_raw(this.shared)
    };
    let error = Mutex::new(Some(error.unbind()));
    Ok(Some(Answer { shared, legacy: legacy.unbind(), raised: raised.map(Bound::unbind), error, observed }))
}

/// Whether an exception's class is one of a panic; `None` if it is the caller's own affair (Ctrl-C, cancellation, a
/// generator's end), so that legacy must not answer.
///
/// # Safety
/// `kind` is live, or null for a call that failed without an exception; none may be set.
pub(super) unsafe fn panicked(kind: *mut ffi::PyObject) -> Option<bool> {
    // SAFETY: as above.
    unsafe {
        let panicked = kind.is_null() || named(kind, "Panic");
        let ours = panicked
            || ffi::PyErr_GivenExceptionMatches(kind, ffi::PyExc_Exception) != 0
            || ffi::PyErr_GivenExceptionMatches(kind, ffi::PyExc_SystemExit) != 0;
        ours.then_some(panicked)
    }
}

/// Whether the class of an exception has a name that starts so: other extensions have their own PanicException.
unsafe fn named(kind: *mut ffi::PyObject, start: &str) -> bool {
    // SAFETY: `kind` is a live object; an error of the look-up is cleared.
    unsafe {
        let name = ffi::PyObject_GetAttrString(kind, c"__name__".as_ptr());
        let text = text_of(name);
        ffi::Py_XDECREF(name);
        text.is_some_and(|text| text.starts_with(start))
    }
}
