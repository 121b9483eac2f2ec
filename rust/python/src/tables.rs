//! Arrow tables in: any object with the PyCapsule interface to record batches. What another library raises on
//! the way becomes an error of ours that names the column, with theirs as its cause.

use std::ffi::CStr;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, StructArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::input::AnyRecordBatch;

use crate::failure::Failure;

/// Record batches and the schema that they have.
pub type Batches = (Vec<RecordBatch>, SchemaRef);

/// The table in an object that has the PyCapsule interface; None if it has not.
///
/// # Errors
/// `SchemaError` for what is no table, or has a type that is not read; with the library's own error as the cause.
pub fn table(object: &Bound<'_, PyAny>) -> PyResult<Option<Batches>> {
    read(object).map_err(|error| told("SchemaError", "as an Arrow table", object, error))
}

/// As [`table`], with the errors of other libraries as they are.
///
/// # Errors
/// As [`table`], and whatever the library raises.
pub fn read(object: &Bound<'_, PyAny>) -> PyResult<Option<Batches>> {
    let py = object.py();
    if object.hasattr(intern!(py, "__arrow_c_stream__"))? {
        let capsule = object.call_method0(intern!(py, "__arrow_c_stream__"))?;
        return drain(object, capsule.cast::<PyCapsule>()?).map(Some);
    }
    if object.hasattr(intern!(py, "__arrow_c_array__"))? {
        return Ok(Some(object.extract::<AnyRecordBatch>()?.into_table()?.into_inner()));
    }
    Ok(None)
}

/// An error of another library as one of class `class` that says what was read and as what; ours, and what is no
/// matter of the data (no memory, Ctrl-C), stay as they are.
pub fn told(class: &'static str, wanted: &str, object: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = object.py();
    let ours = py.import("exuvia.errors").and_then(|errors| errors.getattr("ExuviaError"));
    let is_ours = ours.and_then(|ours| error.value(py).is_instance(&ours)).unwrap_or(false);
    if is_ours || !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) {
        return error;
    }
    let kind = object.get_type().to_string();
    let told = PyErr::from(Failure::text(class, format!("{kind} cannot be read {wanted}: {error}")));
    told.set_cause(py, Some(error));
    told
}

const STREAM: &CStr = c"arrow_array_stream";

fn drain(object: &Bound<'_, PyAny>, capsule: &Bound<'_, PyCapsule>) -> PyResult<Batches> {
    let start = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name points to a valid stream (PyCapsule interface); it is moved out and marked released.
    let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(start.as_ptr()) };
    let (Some(get_schema), Some(get_next)) = (stream.get_schema, stream.get_next) else {
        return Err(schema_error("the stream of this table was read before: make a new one".to_owned()));
    };
    let mut raw = FFI_ArrowSchema::empty();
    // SAFETY: the stream is not released, and `raw` is empty.
    if unsafe { get_schema(&raw mut stream, &raw mut raw) } != 0 {
        return Err(schema_error(format!("the schema of this table cannot be read: {}", last_error(&mut stream))));
    }
    let schema = schema_of(object, &raw)?;
    let whole = DataType::Struct(schema.fields().clone());
    let mut batches = Vec::new();
    loop {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as above.
        if unsafe { get_next(&raw mut stream, &raw mut array) } != 0 {
            let said = last_error(&mut stream);
            return Err(schema_error(format!("batch {} of this table cannot be read: {said}", batches.len())));
        }
        if array.is_released() {
            return Ok((batches, schema));
        }
        // SAFETY: the array came from the stream with this type.
        unsafe { without_buffers_of_nulls(&mut array, &whole) };
        // SAFETY: as above; the array owns its memory until the last column of it is dropped.
        let data = unsafe { from_ffi_and_data_type(array, whole.clone()) }.map_err(|error| unreadable(&error))?;
        let rows = RecordBatchOptions::new().with_row_count(Some(data.len()));
        let columns = StructArray::from(data).into_parts().1;
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &rows);
        batches.push(batch.map_err(|error| unreadable(&error))?);
    }
}

fn schema_of(object: &Bound<'_, PyAny>, raw: &FFI_ArrowSchema) -> PyResult<SchemaRef> {
    if raw.format() != "+s" {
        let kind = object.get_type();
        let held = Field::try_from(raw).map_or_else(|_| raw.format().to_owned(), |field| field.data_type().to_string());
        return Err(schema_error(format!("{kind} is a column of {held}, not a table: put it into one, with a name")));
    }
    for column in raw.children() {
        if let Err(error) = Field::try_from(column) {
            let name = column.name().unwrap_or_default();
            return Err(schema_error(format!(
                "column '{name}' has a type that is not read: {error}; convert it first"
            )));
        }
    }
    Schema::try_from(raw).map(Arc::new).map_err(|error| unreadable(&error))
}

/// A column of nulls has no buffers; polars exports one, an empty one, all the same, which Arrow's reader refuses.
///
/// # Safety
/// `array` must be a valid array of type `kind`.
unsafe fn without_buffers_of_nulls(array: &mut FFI_ArrowArray, kind: &DataType) {
    let children: Vec<&DataType> = match kind {
        DataType::Null => {
            array.n_buffers = 0;
            return;
        }
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![field.data_type()],
        _ => return,
    };
    for (index, kind) in children.into_iter().enumerate() {
        if i64::try_from(index).is_ok_and(|index| index < array.n_children) && !array.children.is_null() {
            // SAFETY: a valid array has `n_children` pointers to valid arrays, and `index` is below that.
            if let Some(child) = unsafe { (*array.children.add(index)).as_mut() } {
                // SAFETY: the child is valid and of the type of the field.
                unsafe { without_buffers_of_nulls(child, kind) };
            }
        }
    }
}

fn last_error(stream: &mut FFI_ArrowArrayStream) -> String {
    let Some(get) = stream.get_last_error else { return "it does not say why".to_owned() };
    // SAFETY: the stream is not released.
    let text = unsafe { get(&raw mut *stream) };
    if text.is_null() {
        return "it does not say why".to_owned();
    }
    // SAFETY: the text is not null, ends with a zero and lives until the next call on the stream.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn unreadable(error: &ArrowError) -> PyErr {
    schema_error(format!("the table cannot be read: {error}"))
}

fn schema_error(message: String) -> PyErr {
    Failure::text("SchemaError", message).into()
}
