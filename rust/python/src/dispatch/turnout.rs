//! When what a turnout chose has raised: may legacy answer, and the call of legacy that does. In comes what the
//! trampoline called, while the exception is handled; out comes what it is to call next, or `None`.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::Shared;
use super::callable::{Callable, turnout_of};

/// What a trampoline holds of a switch's callable: `~turnout` is the side that serves the next call, which is counted.
/// In mode canary that is the turnout itself. `turnout.rescued(side)`, while what the side raised is handled, is what
/// answers instead, or `None`. Returns `None` for what is no callable of a switch.
#[pyfunction]
pub(super) fn turnout(dispatcher: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    turnout_of(dispatcher)
}

/// `turnout.rescued(by)`, for the table of methods.
pub(super) const RESCUED: ffi::PyMethodDef = ffi::PyMethodDef {
    ml_name: c"rescued".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunction: rescued },
    ml_flags: ffi::METH_O,
    ml_doc: ptr::null(),
};

/// Legacy's answer to a call in which the candidate raised.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub(super) struct Answer {
    shared: Arc<Shared>,
    legacy: Py<PyAny>,
    kind: Py<PyType>,
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
        // Counted once it is known how legacy ended: who looks in between must not see half of it.
        match &result {
            Ok(_) => self.shared.answered.fetch_add(1, Ordering::Relaxed),
            Err(error) if error.get_type(py).is(&self.kind) => self.shared.same_errors.fetch_add(1, Ordering::Relaxed),
            Err(_) => 0,
        };
        result
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.legacy)?;
        visit.call(&self.kind)
    }
}

/// The candidate of a pure unit raised in a trampoline: `None` if the error stands.
unsafe extern "C" fn rescued(this: *mut ffi::PyObject, by: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython passes an object of the type that has this method, whose fields live as long as it does, and
    // holds the GIL; what is borrowed here is held by `this` or by `error`.
    unsafe {
        let py = Python::assume_attached();
        let this = &*this.cast::<Callable>();
        let shared = &*this.shared;
        let candidates = by == this.candidate || by == this.reverse;
        if !candidates || !shared.fallback.load(Ordering::Relaxed) {
            return ffi::Py_NewRef(ffi::Py_None());
        }
        let Some(error) = Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException()) else {
            return ffi::Py_NewRef(ffi::Py_None());
        };
        let kind = error.get_type();
        let Some(panicked) = panicked(kind.as_ptr()) else { return ffi::Py_NewRef(ffi::Py_None()) };
        shared.note_fallback(kind.as_ptr(), error.as_ptr(), panicked);
        Arc::increment_strong_count(this.shared);
        let answer = Answer {
            shared: Arc::from_raw(this.shared),
            legacy: Bound::from_borrowed_ptr(py, this.legacy).unbind(),
            kind: kind.unbind(),
        };
        match Py::new(py, answer) {
            Ok(answer) => answer.into_ptr(),
            Err(error) => {
                error.restore(py);
                ptr::null_mut()
            }
        }
    }
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
        let text = super::text_of(name);
        ffi::Py_XDECREF(name);
        text.is_some_and(|text| text.starts_with(start))
    }
}
