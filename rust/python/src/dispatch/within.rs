//! What an observer needs of the interpreter: to have a call made and know of it while it runs, and to have one tried
//! whose exception is a value. Both are one call of C, so that no frame of Python stands around what is called.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::shared::Shared;
use crate::gate;

thread_local! {
    /// The units whose observed calls run in this thread, by address, outermost first.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether an observed call of this unit runs in this thread.
#[inline]
pub(super) fn inside(shared: &Shared) -> bool {
    let address = std::ptr::from_ref(shared) as usize;
    INSIDE.with(|inside| inside.try_borrow().is_ok_and(|units| units.contains(&address)))
}

/// An observed call that runs; ends when it is dropped.
pub(super) struct Within(usize);

impl Within {
    pub(super) fn enter(shared: &Arc<Shared>) -> Self {
        let address = Arc::as_ptr(shared) as usize;
        INSIDE.with(|inside| inside.borrow_mut().push(address));
        Self(address)
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        // Not simply the last one: a greenlet may have left its call for another's.
        INSIDE.with(|inside| {
            let mut units = inside.borrow_mut();
            if let Some(place) = units.iter().rposition(|unit| *unit == self.0) {
                units.remove(place);
            }
        });
    }
}

/// Calls a function with positional arguments and returns what it returns, or the exception that it raises.
///
/// What a signal's handler raises as this returns is raised in the caller's frame and is never taken for the function's.
///
/// >>> from exuvia._exuvia import attempt
/// >>> attempt(int, "7"), attempt(int, "seven")
/// (7, ValueError("invalid literal for int() with base 10: 'seven'"))
#[pyfunction]
#[pyo3(signature = (function, *args))]
pub(super) fn attempt(py: Python<'_>, function: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>) -> Py<PyAny> {
    match gate::guard(|| function.call1(args)) {
        Ok(result) => result.unbind(),
        Err(error) => error.into_value(py).into_any(),
    }
}

/// Makes a call of legacy's during which calls of the same unit in this thread go straight to legacy.
pub(super) fn serve(
    shared: &Arc<Shared>,
    function: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<Py<PyAny>> {
    let _within = Within::enter(shared);
    gate::guard(|| function.call(args, Some(kwargs).filter(|kwargs| !kwargs.is_empty())).map(Bound::unbind))
}
