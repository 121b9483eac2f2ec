//! Columns that name something: symbols, expiries, buckets. Each distinct value gets a number.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::compute::{cast, concat, sort_to_indices, take};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use numpy::PyUntypedArray;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::input::{floats, kind, stamps};
use crate::bars::source::{Column, schema_error};

/// Which value stands in each row.
pub struct Groups {
    /// The number of each row's value.
    pub ids: Vec<u32>,
    /// The values, by number.
    pub values: ArrayRef,
}

impl Groups {
    /// Numbers the values of a column in the order in which they first appear.
    pub fn new(name: &str, column: Column<'_>) -> PyResult<Self> {
        let all = array(name, column)?;
        let failed = |error: ArrowError| schema_error(format!("column '{name}': {error}"));
        let (ids, firsts) = if all.data_type().is_temporal() || all.data_type().is_integer() {
            let keys = cast(&all, &DataType::Int64).map_err(failed)?;
            numbered(keys.as_primitive::<Int64Type>().iter())
        } else {
            let keys = cast(&all, &DataType::Utf8).map_err(failed)?;
            numbered(keys.as_string::<i32>().iter())
        };
        let values = take(&all, &UInt32Array::from(firsts), None).map_err(failed)?;
        Ok(Self { ids, values })
    }

    /// The same, numbered in the order of the values.
    pub fn sorted(self, name: &str) -> PyResult<Self> {
        let failed = |error: ArrowError| schema_error(format!("column '{name}': {error}"));
        let order = sort_to_indices(&self.values, None, None).map_err(failed)?;
        let mut place = vec![0_u32; order.len()];
        for (new, old) in order.values().iter().enumerate() {
            if let Some(place) = place.get_mut(*old as usize) {
                *place = u32::try_from(new).unwrap_or(u32::MAX);
            }
        }
        let ids = self.ids.iter().map(|id| place.get(*id as usize).copied().unwrap_or(*id)).collect();
        Ok(Self { ids, values: take(&self.values, &order, None).map_err(failed)? })
    }

    /// The rows of each value, in their order.
    pub fn rows(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.values.len()];
        for (row, id) in self.ids.iter().enumerate() {
            if let Some(rows) = rows.get_mut(*id as usize) {
                rows.push(row);
            }
        }
        rows
    }

    /// The values of some numbers.
    pub fn pick(&self, ids: &[u32]) -> PyResult<ArrayRef> {
        take(&self.values, &UInt32Array::from(ids.to_vec()), None).map_err(|error| schema_error(error.to_string()))
    }

    /// The values as text, for messages and lookups.
    pub fn names(&self) -> PyResult<Vec<String>> {
        let texts = cast(&self.values, &DataType::Utf8).map_err(|error| schema_error(error.to_string()))?;
        Ok(texts.as_string::<i32>().iter().map(|text| text.unwrap_or("null").to_owned()).collect())
    }
}

/// A number for each distinct key, and the row where it first stood.
fn numbered<K: Hash + Eq>(keys: impl Iterator<Item = Option<K>>) -> (Vec<u32>, Vec<u32>) {
    let mut known: HashMap<Option<K>, u32> = HashMap::new();
    let (mut ids, mut firsts) = (Vec::new(), Vec::new());
    for (row, key) in keys.enumerate() {
        let id = *known.entry(key).or_insert_with(|| {
            firsts.push(u32::try_from(row).unwrap_or(u32::MAX));
            u32::try_from(firsts.len() - 1).unwrap_or(u32::MAX)
        });
        ids.push(id);
    }
    (ids, firsts)
}

/// The column in one piece.
fn array(name: &str, column: Column<'_>) -> PyResult<ArrayRef> {
    match column {
        Column::Arrow(kind, chunks) => {
            let pieces: Vec<&dyn Array> = chunks.iter().map(|chunk| &**chunk).collect();
            let whole = match pieces.as_slice() {
                [] => return Ok(arrow::array::new_empty_array(&kind)),
                [_] => chunks.into_iter().next().ok_or_else(|| schema_error(format!("column '{name}' is empty")))?,
                more => concat(more).map_err(|error| schema_error(error.to_string()))?,
            };
            match whole.data_type() {
                DataType::Dictionary(_, values) => {
                    cast(&whole, values).map_err(|error| schema_error(error.to_string()))
                }
                _ => Ok(whole),
            }
        }
        Column::Numpy(array) => match kind(&array)? {
            'M' => Ok(Arc::new(TimestampNanosecondArray::from(stamps(name, Column::Numpy(array))?.to_vec()))),
            'i' | 'u' => {
                let whole = array.call_method1(intern!(array.py(), "astype"), (intern!(array.py(), "i8"),))?;
                Ok(Arc::new(Int64Array::from(Column::new(name, &whole)?.integers(name)?.to_vec())))
            }
            'f' => Ok(Arc::new(Float64Array::from(floats(name, &Column::Numpy(array))?.to_vec()))),
            _ => texts(name, &array),
        },
    }
}

fn texts(name: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<ArrayRef> {
    let all: PyResult<Vec<Option<String>>> = array
        .try_iter()?
        .map(|object| {
            let object = object?;
            if object.is_none() {
                return Ok(None);
            }
            match object.cast::<PyString>() {
                Ok(text) => Ok(Some(text.to_cow()?.into_owned())),
                Err(_) => Err(schema_error(format!(
                    "column '{name}' has {}, expected text, whole numbers or times: convert it first",
                    object.repr()?
                ))),
            }
        })
        .collect();
    Ok(Arc::new(StringArray::from(all?)))
}
