//! Bindings of `exuvia.quotes`: frames and messages, the quote book, and streams into columns.

mod book;
mod message;
mod quote;
mod stream;
mod table;

pub use table::export;

use std::borrow::Cow;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::Failure;

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<message::Message>()?;
    module.add_class::<message::Control>()?;
    module.add_class::<quote::Quote>()?;
    module.add_class::<book::QuoteBook>()?;
    module.add_class::<stream::QuoteStream>()?;
    module.add_function(wrap_pyfunction!(message::decode_frame, module)?)?;
    module.add_function(wrap_pyfunction!(message::encode_frame, module)?)?;
    module.add_function(wrap_pyfunction!(message::read_control, module)?)
}

/// Whether quotes older than the one they would replace are refused.
fn refuses(older: &str) -> PyResult<bool> {
    match older {
        "take" => Ok(false),
        "refuse" => Ok(true),
        other => {
            let message = format!("older={other:?} is unknown: use \"take\" or \"refuse\"");
            Err(Failure::text("ValueRangeError", message).into())
        }
    }
}

/// The bytes of a `bytes` object as they are; of a bytearray, memoryview or other buffer a copy.
pub fn bytes_of<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    let buffer = PyBuffer::<u8>::get(object).map_err(|_| {
        let name = object.get_type().qualname().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("expected bytes, bytearray or memoryview, got {name}"))
    })?;
    buffer.to_vec(object.py()).map(Cow::Owned)
}
