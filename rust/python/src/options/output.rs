//! Columns become an `arro3.core.Table`; what became of the rows is counted in its metadata.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use exuvia_market::options::{Status, Tally};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::bars::source::schema_error;

/// Columns with their names.
pub type Columns = Vec<(String, ArrayRef)>;

/// A column of floats.
pub fn floats(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

/// The statuses of rows as text of few values.
pub fn statuses(codes: Vec<i32>) -> PyResult<ArrayRef> {
    let names = StringArray::from_iter_values(Status::ALL.iter().map(|status| status.name()));
    let column = DictionaryArray::<Int32Type>::try_new(Int32Array::from(codes), Arc::new(names));
    Ok(Arc::new(column.map_err(|error| schema_error(error.to_string()))?))
}

/// What the metadata say of the rows.
pub fn counted(codes: &[i32]) -> HashMap<String, String> {
    Tally::of(codes).iter().map(|(status, count)| (status.name().to_owned(), count.to_string())).collect()
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
