//! How large plain values are and whether they hold nothing but plain values, without a frame of Python: an observer
//! asks it three times a sampled call.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

use crate::gate;

const LOOKED_AT: usize = 64;
const DEPTH: usize = 6;

/// What a value is by its exact class; no code of the program runs to tell.
enum Kind {
    Small,
    Text,
    Bytes,
    List,
    Dict,
    Foreign,
}

fn kind(held: &Bound<'_, PyAny>) -> Kind {
    if held.is_exact_instance_of::<PyString>() {
        Kind::Text
    } else if held.is_exact_instance_of::<PyFloat>()
        || held.is_exact_instance_of::<PyInt>()
        || held.is_none()
        || held.is_exact_instance_of::<PyBool>()
        || held.is_exact_instance_of::<PyComplex>()
    {
        Kind::Small
    } else if held.is_exact_instance_of::<PyDict>() {
        Kind::Dict
    } else if held.is_exact_instance_of::<PyList>()
        || held.is_exact_instance_of::<PyTuple>()
        || held.is_exact_instance_of::<PySet>()
        || held.is_exact_instance_of::<PyFrozenSet>()
    {
        Kind::List
    } else if held.is_exact_instance_of::<PyBytes>() || held.is_exact_instance_of::<PyByteArray>() {
        Kind::Bytes
    } else {
        Kind::Foreign
    }
}

/// About how many bytes the pickle of values has, at least, and whether they and what they hold are plain; `None`
/// where a class is met that is none of Python's own, which is for the caller to look at.
///
/// >>> from exuvia._exuvia import weigh_plain
/// >>> weigh_plain(({"bid": 1.5, "book": [1, 2, "x"]},)), weigh_plain((object(),))
/// ((10, True), None)
#[pyfunction]
pub(super) fn weigh_plain(values: &Bound<'_, PyTuple>) -> PyResult<Option<(usize, bool)>> {
    gate::guard(|| weighed(values))
}

fn weighed(values: &Bound<'_, PyTuple>) -> PyResult<Option<(usize, bool)>> {
    let (mut size, mut plain, mut depth) = (0, true, DEPTH);
    let mut level: Vec<Bound<'_, PyAny>> = values.iter().collect();
    while !level.is_empty() && depth > 0 {
        let mut below = Vec::new();
        for held in &level {
            match kind(held) {
                Kind::Small => {}
                Kind::Text | Kind::Bytes => size += held.len()?,
                Kind::Foreign => return Ok(None),
                Kind::List => {
                    let count = held.len()?;
                    size += 2 * count;
                    plain &= count <= LOOKED_AT;
                    inside(held.try_iter()?, &mut below)?;
                }
                Kind::Dict => {
                    let (count, dict) = (held.len()?, held.cast::<PyDict>()?);
                    size += 2 * count;
                    // Keys of one dictionary are of one kind.
                    let first = dict.iter().next().map(|(key, _)| kind(&key));
                    plain &= count <= LOOKED_AT && matches!(first, None | Some(Kind::Small | Kind::Text));
                    inside(dict.iter().map(|(_, value)| Ok(value)), &mut below)?;
                }
            }
        }
        level = below;
        depth -= 1;
    }
    Ok(Some((size, plain && level.is_empty())))
}

/// Adds the first items of a container to what is looked at next, unless all of them are small or texts.
fn inside<'py>(
    items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
    below: &mut Vec<Bound<'py, PyAny>>,
) -> PyResult<()> {
    let (start, mut deeper) = (below.len(), false);
    for item in items.take(LOOKED_AT) {
        let item = item?;
        deeper |= !matches!(kind(&item), Kind::Small | Kind::Text);
        below.push(item);
    }
    if !deeper {
        below.truncate(start);
    }
    Ok(())
}
