//! The short way: two objects that are equal as they are, seen without making values of them. It only ever
//! says yes; whatever it is not sure of goes the long way.

use exuvia_migrate::{Comparator, NoDecoder};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::arrays;
use super::convert::{Converter, DEEPEST, MOST, foreign};
use super::shape::{Names, Shape, shape_of};

/// How many values were compared if both sides are equal by type, bits and order; `None` if that is not sure.
pub(super) fn same(one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    Quick { seen: 0 }.same(one, two, 0)
}

/// Counts what it has seen: shared lists can stand for more values than memory holds.
struct Quick {
    seen: usize,
}

impl Quick {
    fn same(&mut self, one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<usize>> {
        self.seen += 1;
        if one.get_type_ptr() != two.get_type_ptr() || depth > DEEPEST || self.seen > MOST {
            return Ok(None);
        }
        if let Some(equal) = same_scalar(one, two)? {
            return Ok(equal.then_some(1));
        }
        if let (Ok(a), Ok(b)) = (one.cast_exact::<PyDict>(), two.cast_exact::<PyDict>()) {
            return self.same_entries(a, b, depth);
        }
        if let (Ok(a), Ok(b)) = (one.cast_exact::<PyList>(), two.cast_exact::<PyList>()) {
            return if a.len() == b.len() { self.all(a.iter().zip(b.iter()), depth) } else { Ok(None) };
        }
        if let (Ok(a), Ok(b)) = (one.cast_exact::<PyTuple>(), two.cast_exact::<PyTuple>()) {
            return if a.len() == b.len() { self.all(a.iter().zip(b.iter()), depth) } else { Ok(None) };
        }
        let (_, shape) = shape_of(&one.get_type())?;
        match &*shape {
            Shape::Fields(names) => self.same_fields(one, two, names, depth),
            Shape::Attributes(names) => {
                let Some(slots) = self.same_fields(one, two, names, depth)? else { return Ok(None) };
                let name = pyo3::intern!(one.py(), "__dict__");
                match (one.getattr_opt(name)?, two.getattr_opt(name)?) {
                    (None, None) => Ok(Some(slots)),
                    (Some(a), Some(b)) => match (a.cast_exact::<PyDict>(), b.cast_exact::<PyDict>()) {
                        // The object itself was counted with its slots.
                        (Ok(a), Ok(b)) => Ok(self.same_entries(a, b, depth)?.map(|entries| slots + entries - 1)),
                        _ => Ok(None),
                    },
                    _ => Ok(None),
                }
            }
            Shape::Array => Ok(arrays::same_numpy(one, two).map(|cells| cells + 1)),
            Shape::Table => Ok(arrays::same_tables(one, two)
                .map_err(|error| foreign(one, error))?
                .map(|(columns, rows)| 1 + columns * (rows + 1))),
            Shape::Column => {
                Ok(arrays::same_columns(one, two).map_err(|error| foreign(one, error))?.map(|cells| cells + 1))
            }
            Shape::Unknown => Ok(None),
            _ => {
                let mut converter = Converter::new(one.py(), false);
                let (a, b) = (converter.value(one)?, converter.value(two)?);
                let verdict = Comparator::default().compare(&a, &b, &NoDecoder);
                Ok((verdict.equal() && verdict.notes.is_empty()).then_some(verdict.compared))
            }
        }
    }

    /// Entries with the same keys in the same order, whose values are equal.
    fn same_entries(
        &mut self,
        one: &Bound<'_, PyDict>,
        two: &Bound<'_, PyDict>,
        depth: usize,
    ) -> PyResult<Option<usize>> {
        if one.len() != two.len() {
            return Ok(None);
        }
        let mut count = 1;
        for ((key, a), (other, b)) in one.iter().zip(two.iter()) {
            if self.same(&key, &other, depth + 1)?.is_none() {
                return Ok(None);
            }
            match self.same(&a, &b, depth + 1)? {
                Some(values) => count += values,
                None => return Ok(None),
            }
        }
        Ok(Some(count))
    }

    fn all<'py>(
        &mut self,
        pairs: impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>,
        depth: usize,
    ) -> PyResult<Option<usize>> {
        let mut count = 1;
        for (a, b) in pairs {
            match self.same(&a, &b, depth + 1)? {
                Some(values) => count += values,
                None => return Ok(None),
            }
        }
        Ok(Some(count))
    }

    fn same_fields(
        &mut self,
        one: &Bound<'_, PyAny>,
        two: &Bound<'_, PyAny>,
        names: &Names,
        depth: usize,
    ) -> PyResult<Option<usize>> {
        let mut count = 1;
        for (_, name) in names {
            let name = name.bind(one.py());
            match (one.getattr_opt(name)?, two.getattr_opt(name)?) {
                (None, None) => {}
                (Some(a), Some(b)) => match self.same(&a, &b, depth + 1)? {
                    Some(values) => count += values,
                    None => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
        Ok(Some(count))
    }
}

/// Whether two scalars of one builtin type are equal; `None` if they are none.
fn same_scalar(one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
    if let (Ok(a), Ok(b)) = (one.cast_exact::<PyFloat>(), two.cast_exact::<PyFloat>()) {
        let (a, b) = (a.value(), b.value());
        return Ok(Some(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())));
    }
    let builtin = one.is_exact_instance_of::<PyString>()
        || one.is_exact_instance_of::<PyInt>()
        || one.is_none()
        || one.is_exact_instance_of::<PyBool>()
        || one.is_exact_instance_of::<PyBytes>();
    if !builtin {
        return Ok(None);
    }
    Ok(Some(one.is(two) || one.eq(two)?))
}
