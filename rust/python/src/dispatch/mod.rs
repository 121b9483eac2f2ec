//! The switch of a migrated unit: which side serves a call, and how often each did. In goes the
//! legacy callable, its candidate and the observer of shadow mode; out comes one callable that a
//! trampoline or a module attribute holds. `callable` is the heap type that pays for itself in
//! nanoseconds; this file is its safe face.

mod callable;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use exuvia_migrate::Mode;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::failure::Failure;

/// What a switch and its callable share: the mode and the counters.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    mode: AtomicU8,
    legacy_calls: AtomicU64,
    candidate_calls: AtomicU64,
    compared: AtomicU64,
    differed: AtomicU64,
    errors: AtomicU64,
    skipped: AtomicU64,
    legacy_ns: AtomicU64,
    candidate_ns: AtomicU64,
}

impl From<exuvia_migrate::MigrateError> for Failure {
    fn from(error: exuvia_migrate::MigrateError) -> Self {
        match &error {
            exuvia_migrate::MigrateError::Mode { .. } => Self::new("MigrateError", &error),
            _ => Self::new("CompareError", &error),
        }
    }
}

/// One unit's switch: `legacy` serves in modes legacy and shadow, `candidate` in mode rust; in
/// shadow every call goes to `observer`, which must return what legacy returned.
///
/// >>> from exuvia._exuvia import Switch
/// >>> switch = Switch(len, sum, len)
/// >>> switch.callable([3, 4])
/// 2
/// >>> switch.set_mode("rust")
/// >>> switch.callable([3, 4]), switch.counts()["candidate_calls"]
/// (7, 1)
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct Switch {
    shared: Arc<Shared>,
    callable: Py<PyAny>,
}

#[pymethods]
impl Switch {
    #[new]
    #[pyo3(signature = (legacy, candidate, observer), text_signature = "(legacy, candidate, observer)")]
    fn new(
        py: Python<'_>,
        legacy: Bound<'_, PyAny>,
        candidate: Bound<'_, PyAny>,
        observer: Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        for (role, side) in [("legacy", &legacy), ("candidate", &candidate), ("observer", &observer)] {
            if !side.is_callable() {
                let text = format!("the {role} side {} cannot be called: name a function or class", side.repr()?);
                return Err(Failure::text("MigrateError", text).into());
            }
        }
        let shared = Arc::new(Shared::default());
        let callable = callable::make(py, Arc::clone(&shared), legacy, candidate, observer)?;
        Ok(Self { shared, callable })
    }

    /// The callable that a trampoline or a module attribute holds.
    #[getter]
    fn callable(&self, py: Python<'_>) -> Py<PyAny> {
        self.callable.clone_ref(py)
    }

    /// The mode in which the next call is served: `legacy`, `shadow` or `rust`.
    #[getter]
    fn mode(&self) -> &'static str {
        Mode::from_code(self.shared.mode.load(Ordering::Relaxed)).name()
    }

    /// Changes the mode; the next call in any thread follows it.
    fn set_mode(&self, mode: &str) -> PyResult<()> {
        let mode: Mode = mode.parse().map_err(Failure::from)?;
        self.shared.mode.store(mode.code(), Ordering::Relaxed);
        Ok(())
    }

    /// Adds calls that one side served outside of the callable (methods of a replaced class).
    #[pyo3(signature = (*, legacy = 0, candidate = 0))]
    fn count(&self, legacy: u64, candidate: u64) {
        self.shared.legacy_calls.fetch_add(legacy, Ordering::Relaxed);
        self.shared.candidate_calls.fetch_add(candidate, Ordering::Relaxed);
    }

    /// A callable that serves `function` in every mode and counts as this unit does: for the methods
    /// of a candidate class.
    fn counted(&self, function: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = function.py();
        callable::make(py, Arc::clone(&self.shared), function.clone(), function.clone(), function)
    }

    /// Records one shadowed call: the time of both sides in ns and whether they differed.
    fn observed(&self, legacy_ns: u64, candidate_ns: u64, differed: bool) {
        let shared = &self.shared;
        shared.compared.fetch_add(1, Ordering::Relaxed);
        shared.differed.fetch_add(u64::from(differed), Ordering::Relaxed);
        shared.legacy_ns.fetch_add(legacy_ns, Ordering::Relaxed);
        shared.candidate_ns.fetch_add(candidate_ns, Ordering::Relaxed);
    }

    /// Records a sample that could not be compared: `error` for a defect, else merely skipped.
    fn unobserved(&self, error: bool) {
        let counter = if error { &self.shared.errors } else { &self.shared.skipped };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// All counters by name; times in nanoseconds, shadow mode only.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let shared = &self.shared;
        let counts = PyDict::new(py);
        for (name, counter) in [
            ("legacy_calls", &shared.legacy_calls),
            ("candidate_calls", &shared.candidate_calls),
            ("compared", &shared.compared),
            ("differed", &shared.differed),
            ("errors", &shared.errors),
            ("skipped", &shared.skipped),
            ("legacy_ns", &shared.legacy_ns),
            ("candidate_ns", &shared.candidate_ns),
        ] {
            counts.set_item(name, counter.load(Ordering::Relaxed))?;
        }
        Ok(counts)
    }

    fn __repr__(&self) -> String {
        format!("<Switch {}>", self.mode())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callable)
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Switch>()
}
