//! The one gate for calls that leave Python: turns panics into `exuvia.PanicError`, maps errors. Every function that
//! does work goes through it: `enter` with the GIL released, `stay` with the GIL held, `guard` where Python is called back.
//!
//! A forked child may call what computes in the calling thread. What needs threads of the parent, as a venue's server does,
//! goes through `enter_threaded`, which refuses with `exuvia.ForkError`.
//!
//! Signals: no call waits for the world, so none looks for signals while it runs; Ctrl-C is raised when it returns. The
//! longest are whole tables (bars, Parquet), whose time grows with their rows.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::failure::Failure;

static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps panics that become exceptions off the program's stderr. Threads that Python made have no name in Rust and
/// pass the gate, whose `PanicError` says where it was; ours have one, and nobody else would tell of theirs.
pub fn quiet_panics() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let ends = info.payload().downcast_ref::<&str>().is_some_and(|said| said.contains("cannot unwind"));
        if ends || std::thread::current().name().is_some() {
            loud(info);
        }
        let place = info.location().map(ToString::to_string);
        // Where the thread is ending already, nobody asks for the place.
        let _ = PLACE.try_with(|last| last.replace(place));
    }));
}

/// Notes the process that imported the extension.
pub fn remember_process() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// Refuses a child that was forked after the import: threads and locks of the parent are not there.
///
/// # Errors
/// `ForkError`.
pub fn refuse_fork() -> PyResult<()> {
    let (parent, me) = (PROCESS.load(Ordering::Relaxed), std::process::id());
    if is_forked() {
        return Err(Failure::text(
            "ForkError",
            format!("process {me} was forked from {parent} after exuvia was imported: start it with the spawn method, or import exuvia in the child"),
        )
        .into());
    }
    Ok(())
}

/// Whether this process is a child that was forked after the import.
pub fn is_forked() -> bool {
    PROCESS.load(Ordering::Relaxed) != std::process::id()
}

/// Runs `work` with the GIL released.
///
/// # Errors
/// What `work` fails with; `PanicError` if it panics.
pub fn enter<T, E>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T>
where
    T: Send,
    E: Into<Failure> + Send,
{
    py.detach(|| caught(work))
}

/// As [`enter`], for work that needs threads that this process may have lost.
///
/// # Errors
/// As [`enter`]; `ForkError` in a forked child.
pub fn enter_threaded<T, E>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T>
where
    T: Send,
    E: Into<Failure> + Send,
{
    refuse_fork()?;
    enter(py, work)
}

/// Runs `work` with the GIL held: for calls so short that releasing it would cost more.
///
/// # Errors
/// What `work` fails with; `PanicError` if it panics.
pub fn stay<T, E: Into<Failure>>(work: impl FnOnce() -> Result<T, E>) -> PyResult<T> {
    caught(work)
}

/// Runs `work` that calls back into Python, whose exceptions pass through as they are.
///
/// # Errors
/// What `work` fails with; `PanicError` if it panics.
pub fn guard<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    calm(work)?
}

fn caught<T, E: Into<Failure>>(work: impl FnOnce() -> Result<T, E>) -> PyResult<T> {
    calm(work)?.map_err(|error| error.into().into())
}

fn calm<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Ok(value),
        Err(payload) => {
            let what = payload
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            let place = PLACE.with(RefCell::take).map(|place| format!(" at {place}")).unwrap_or_default();
            Err(Failure::text(
                "PanicError",
                format!("exuvia panicked: {what}{place}; this is a defect, please report it with these words"),
            )
            .into())
        }
    }
}

/// A lock that outlives a panic: what it guards is whole after each call.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Panics inside of the gate, so that a test sees what Python gets; nothing else calls it.
///
/// Args:
///     kind: "enter", "stay" or "guard".
#[pyfunction]
#[allow(clippy::panic)]
fn _panic_in_gate(py: Python<'_>, kind: &str) -> PyResult<()> {
    let fall = || -> Result<(), Failure> { panic!("on purpose, in {kind}") };
    match kind {
        "enter" => enter(py, fall),
        "stay" => stay(fall),
        "guard" => guard(|| fall().map_err(PyErr::from)),
        other => Err(Failure::text("ValueRangeError", format!("kind {other:?} is not enter, stay or guard")).into()),
    }
}

/// Adds the seam of the tests to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_panic_in_gate, module)?)
}
