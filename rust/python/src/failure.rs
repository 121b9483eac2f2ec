//! How a Rust error becomes a Python exception. The classes live in `exuvia.errors`, where they can
//! have two bases; they are imported at the first error, not at start.

use pyo3::prelude::*;
use pyo3::types::PyType;

/// An error on its way to Python: the class in `exuvia.errors` and the whole message.
#[derive(Debug)]
pub struct Failure {
    class: &'static str,
    message: String,
}

impl Failure {
    /// An error of `exuvia.errors.<class>` with the whole cause chain of `error`.
    pub fn new(class: &'static str, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        Self { class, message }
    }

    /// An error of `exuvia.errors.<class>` with this sentence.
    pub fn text(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}

impl From<exuvia_model::ModelError> for Failure {
    fn from(error: exuvia_model::ModelError) -> Self {
        Self::new("ValueRangeError", &error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| {
            let class = py
                .import("exuvia.errors")
                .and_then(|module| module.getattr(failure.class))
                .and_then(|class| class.cast_into::<PyType>().map_err(PyErr::from));
            match class {
                Ok(class) => Self::from_type(class, failure.message),
                Err(error) => error,
            }
        })
    }
}
