//! Closes as they come from Python: a float64 buffer is read where it lies, of a list or another sequence
//! only the values that are looked at are copied.

use exuvia_engine::ScanError;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyList};

use super::Refusal;

/// A borrowed series of closes.
pub enum Closes<'a, 'py> {
    List(&'a Bound<'py, PyList>),
    Buffer(PyBuffer<f64>, Python<'py>),
    Other(&'a Bound<'py, PyAny>),
}

impl<'a, 'py> Closes<'a, 'py> {
    /// Recognises the kind of series.
    pub fn of(closes: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(list) = closes.cast::<PyList>() {
            return Ok(Self::List(list));
        }
        if let Ok(buffer) = PyBuffer::<f64>::get(closes)
            && buffer.dimensions() == 1
        {
            return Ok(Self::Buffer(buffer, closes.py()));
        }
        Ok(Self::Other(closes))
    }

    pub fn py(&self) -> Python<'py> {
        match self {
            Self::List(list) => list.py(),
            Self::Buffer(_, py) => *py,
            Self::Other(sequence) => sequence.py(),
        }
    }

    fn len(&self) -> PyResult<usize> {
        match self {
            Self::List(list) => Ok(list.len()),
            Self::Buffer(buffer, _) => Ok(buffer.item_count()),
            Self::Other(sequence) => sequence.len(),
        }
    }

    /// The last `many` closes, or all if there are fewer; `scratch` holds what had to be copied.
    pub fn last<'s>(
        &self,
        py: Python<'py>,
        many: usize,
        uic: Option<i64>,
        scratch: &'s mut Vec<f64>,
    ) -> PyResult<&'s [f64]> {
        let len = self.len()?;
        let from = len.saturating_sub(many);
        scratch.clear();
        match self {
            Self::List(list) => {
                for at in from..len {
                    scratch.push(float(&list.get_item(at)?)?);
                }
            }
            Self::Buffer(buffer, _) => match buffer.as_slice_ptr() {
                Some(values) => {
                    let first = values.cast::<f64>();
                    // SAFETY: a C-contiguous buffer of `len` doubles, aligned (pyo3 checks both) and alive while `buffer`
                    // is; `from..len` lies within it. The values are copied out, no reference to them is made.
                    scratch.extend((from..len).map(|at| unsafe { first.add(at).read() }));
                }
                None => scratch.extend(buffer.to_vec(py)?.into_iter().skip(from)),
            },
            Self::Other(sequence) => {
                for at in from..len {
                    scratch.push(float(&sequence.get_item(at)?)?);
                }
            }
        }
        if let Some((at, value)) = scratch.iter().copied().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Refusal::from(ScanError::BadClose { uic, at: Some(from + at), value }).into());
        }
        Ok(scratch)
    }
}

fn float(item: &Bound<'_, PyAny>) -> PyResult<f64> {
    match item.cast_exact::<PyFloat>() {
        Ok(float) => Ok(float.value()),
        Err(_) => item.extract(),
    }
}
