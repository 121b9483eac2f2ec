//! What is built of a record: ours, a tuple, or what the user calls.

use std::sync::Arc;

use exuvia_market::wire::feed::Feed;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::record::{Record, Shape, Value, tuple};
use super::refused;

/// What is built of a record.
pub enum Maker {
    Record(Arc<Shape>),
    Tuple,
    Call(Py<PyAny>),
}

impl Maker {
    /// One for each kind of `feed`, as `record` says: nothing, one for all, or a mapping by kind.
    pub fn all(py: Python<'_>, feed: &Feed, record: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Self>> {
        let by_kind = record.and_then(|record| record.cast::<PyDict>().ok());
        if let Some(by_kind) = by_kind {
            let kinds: Vec<_> = feed.kinds().collect();
            for kind in by_kind.keys() {
                let kind: String = kind.extract()?;
                if !kinds.contains(&kind.as_str()) {
                    let known = kinds.join(", ");
                    return Err(refused(&format!("record names the kind {kind:?}: this feed has {known}")));
                }
            }
        }
        let shapes = Shape::all(py, feed).into_iter().zip(feed.kinds());
        shapes
            .map(|(shape, kind)| {
                let own = match by_kind {
                    Some(by_kind) => by_kind.get_item(kind)?,
                    None => record.cloned(),
                };
                Ok(match own {
                    None => Self::Record(shape),
                    Some(own) if own.is(py.get_type::<PyTuple>()) => Self::Tuple,
                    Some(own) => Self::Call(own.unbind()),
                })
            })
            .collect()
    }

    /// Builds what the user asked for.
    pub fn make<'py>(&self, py: Python<'py>, values: Box<[Value]>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Record(shape) => Ok(Bound::new(py, Record::from_parts(shape.clone(), values))?.into_any()),
            Self::Tuple => Ok(tuple(py, &values)?.into_any()),
            Self::Call(call) => call.bind(py).call1(tuple(py, &values)?),
        }
    }
}
