//! The one gate for calls that leave Python: releases the GIL, turns panics into
//! `exuvia.PanicError`, refuses a forked child, maps errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::failure::Failure;

static PROCESS: AtomicU32 = AtomicU32::new(0);

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
    if parent != me {
        return Err(Failure::text(
            "ForkError",
            format!("process {me} was forked from {parent} after exuvia was imported: start it with the spawn method, or import exuvia in the child"),
        )
        .into());
    }
    Ok(())
}

/// Runs `work` with the GIL released.
///
/// # Errors
/// What `work` fails with; `PanicError` if it panics; `ForkError` in a forked child.
pub fn enter<T, E>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T>
where
    T: Send,
    E: Into<Failure> + Send,
{
    refuse_fork()?;
    py.detach(|| caught(work))
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
            Err(Failure::text(
                "PanicError",
                format!("exuvia panicked: {what}; this is a defect, please report it with these words"),
            )
            .into())
        }
    }
}

/// A lock that outlives a panic: what it guards is whole after each call.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
