//! Columns become an `arro3.core.Table`; what became of the rows is counted in its metadata.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow::datatypes::{Field, Int32Type, Schema};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::bars::source::schema_error;

/// Columns with their names.
pub type Columns = Vec<(String, ArrayRef)>;

/// A column of floats.
pub fn floats(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

/// A column of whole numbers.
pub fn integers(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

/// A column of floats that may be missing.
pub fn perhaps(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

/// A column of text.
pub fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// A column of UTC stamps.
pub fn stamps(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC"))
}

/// The statuses of rows as text of few values.
pub fn statuses(codes: Vec<i32>, names: &[&str]) -> PyResult<ArrayRef> {
    let names = StringArray::from_iter_values(names);
    let column = DictionaryArray::<Int32Type>::try_new(Int32Array::from(codes), Arc::new(names));
    Ok(Arc::new(column.map_err(|error| schema_error(error.to_string()))?))
}

/// What the metadata say of the rows: how many have each status.
pub fn counted(codes: &[i32], names: &[&str]) -> HashMap<String, String> {
    let count = |wanted: usize| codes.iter().filter(|code| usize::try_from(**code) == Ok(wanted)).count();
    let counts = names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), count(at)));
    counts.filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.to_string())).collect()
}

/// The table.
pub fn table(py: Python<'_>, columns: Columns, metadata: HashMap<String, String>) -> PyResult<Bound<'_, PyAny>> {
    let field =
        |(name, column): &(String, ArrayRef)| Field::new(name, column.data_type().clone(), column.null_count() > 0);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let schema = Arc::new(Schema::new(fields).with_metadata(metadata));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|error| schema_error(error.to_string()))?;
    PyTable::try_new(vec![batch], schema)?.into_arro3(py)
}
