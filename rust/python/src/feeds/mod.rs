//! Bindings of `exuvia.feeds`: declared JSON feeds, the hub of ProjectX, Polygon, and the records that they give.

mod feed;
mod hub;
mod maker;
mod pages;
mod record;
mod source;
mod table;
mod venues;

use std::borrow::Cow;

use exuvia_market::wire::feed::{Numbers, SpecError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyString;

use crate::failure::Failure;
use crate::quotes::bytes_of;

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<record::Record>()?;
    module.add_class::<feed::JsonFeed>()?;
    module.add_class::<venues::ProjectXFeed>()?;
    module.add_class::<venues::PolygonFeed>()?;
    module.add_class::<pages::PolygonPages>()?;
    module.add_class::<pages::PolygonPage>()?;
    module.add_class::<hub::HubMessage>()?;
    module.add_class::<hub::SignalR>()
}

fn refused(words: &str) -> PyErr {
    Failure::text("ValueRangeError", words).into()
}

fn unsaid(error: SpecError) -> PyErr {
    Failure::new("FeedSpecError", &error).into()
}

fn numbers_of(name: &str) -> PyResult<Numbers> {
    Numbers::named(name).map_err(unsaid)
}

/// The bytes of a text frame: of a `str` as it is, else as [`bytes_of`].
fn frame_of<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    match object.cast::<PyString>() {
        Ok(text) => Ok(Cow::Borrowed(text.to_str()?.as_bytes())),
        Err(_) => bytes_of(object),
    }
}

/// A frame that outlives the GIL.
enum Frame {
    Bytes(PyBackedBytes),
    Text(PyBackedStr),
}

impl Frame {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyString>() {
            Ok(text) => text.clone().try_into().map(Self::Text),
            Err(_) => Ok(Self::Bytes(object.extract()?)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}
