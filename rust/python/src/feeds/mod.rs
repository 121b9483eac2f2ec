//! Bindings of `exuvia.feeds`: declared JSON feeds, the hub of ProjectX, Polygon, and the records that they give.

mod feed;
mod hub;
mod pages;
mod record;
mod table;

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyString;

use crate::quotes::bytes_of;

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<record::Record>()?;
    module.add_class::<feed::JsonFeed>()?;
    module.add_class::<feed::ProjectXFeed>()?;
    module.add_class::<feed::PolygonFeed>()?;
    module.add_class::<pages::PolygonPages>()?;
    module.add_class::<pages::PolygonPage>()?;
    module.add_class::<hub::HubMessage>()?;
    module.add_class::<hub::SignalR>()
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
