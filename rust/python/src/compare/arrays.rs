//! NumPy arrays and Arrow tables as columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute;
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use exuvia_migrate::{Cells, Column, Value};
use pyo3::prelude::*;
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};

use super::convert::Converter;
use crate::failure::Failure;

/// A NumPy array: cells as bits where they are numbers, else one by one.
pub(super) fn numpy<'py>(converter: &mut Converter<'py>, array: &Bound<'py, PyAny>) -> PyResult<Value> {
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let dtype = array.getattr("dtype")?;
    let kind = dtype.str()?.to_string();
    let code: String = dtype.getattr("kind")?.extract()?;
    let flat = array.call_method0("ravel")?;
    let native =
        |wide: &str| -> PyResult<Bound<'py, PyAny>> { flat.call_method1("astype", (wide,))?.call_method0("tobytes") };
    let narrow = dtype.getattr("itemsize")?.extract::<usize>()? <= 8;
    let cells = match code.as_str() {
        "f" if narrow => Cells::Float(words(&native("=f8")?, f64::from_ne_bytes)?),
        "i" | "b" => Cells::Int(words(&native("=i8")?, i64::from_ne_bytes)?),
        "u" => Cells::Unsigned(words(&native("=u8")?, u64::from_ne_bytes)?),
        "M" | "m" => {
            Cells::Int(words(&flat.call_method1("view", ("i8",))?.call_method0("tobytes")?, i64::from_ne_bytes)?)
        }
        _ => {
            let items = flat.call_method0("tolist")?;
            Cells::Any(items.try_iter()?.map(|item| converter.value(&item?)).collect::<PyResult<_>>()?)
        }
    };
    let valid = match array.getattr_opt("mask")? {
        Some(mask) if mask.hasattr("ravel")? && !mask.getattr("shape")?.is_empty()? => {
            let flags: Vec<bool> = mask.call_method0("ravel")?.call_method0("tolist")?.extract()?;
            Some(flags.into_iter().map(|missing| !missing).collect())
        }
        _ => None,
    };
    Ok(Value::Array { shape, column: Column { kind, cells, valid } })
}

fn words<T>(bytes: &Bound<'_, PyAny>, read: impl Fn([u8; 8]) -> T) -> PyResult<Vec<T>> {
    let bytes = bytes.cast::<pyo3::types::PyBytes>()?.as_bytes();
    Ok(bytes.as_chunks::<8>().0.iter().map(|word| read(*word)).collect())
}

/// Any table with the Arrow PyCapsule interface.
pub(super) fn arrow_table(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let (batches, schema) = object.extract::<AnyRecordBatch>()?.into_table()?.into_inner();
    let whole = compute::concat_batches(&schema, &batches).map_err(|error| Failure::new("CompareError", &error))?;
    table(&whole).map_err(|text| Failure::text("CompareError", text).into())
}

/// Any array or chunked array with the Arrow PyCapsule interface.
pub(super) fn arrow_array(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let (chunks, field) = object.extract::<AnyArray>()?.into_chunked_array()?.into_inner();
    let refs: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    let whole = if refs.is_empty() {
        arrow::array::new_empty_array(field.data_type())
    } else {
        compute::concat(&refs).map_err(|error| Failure::new("CompareError", &error))?
    };
    let column = column(&whole).map_err(|text| Failure::text("CompareError", text))?;
    Ok(Value::Array { shape: vec![whole.len()], column })
}

/// The bytes of a Parquet file as a table.
pub(super) fn parquet(bytes: &[u8]) -> Result<Value, String> {
    let read = exuvia_lake::decode_parquet("the bytes", bytes.to_vec(), None).map_err(|error| error.to_string())?;
    let whole = compute::concat_batches(&read.schema, &read.batches).map_err(|error| error.to_string())?;
    table(&whole)
}

fn table(batch: &RecordBatch) -> Result<Value, String> {
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
        columns.push((field.name().clone(), column(values)?));
    }
    Ok(Value::Table { columns, rows: batch.num_rows() })
}

fn column(values: &ArrayRef) -> Result<Column, String> {
    let valid = values.nulls().map(|nulls| nulls.iter().collect::<Vec<bool>>());
    let valid = valid.filter(|valid| valid.contains(&false));
    let kind = values.data_type().to_string();
    Ok(Column { kind, cells: cells(values)?, valid })
}

fn cells(values: &ArrayRef) -> Result<Cells, String> {
    Ok(match values.data_type() {
        DataType::Float64 => Cells::Float(values.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Float32 => {
            Cells::Float(values.as_primitive::<Float32Type>().values().iter().map(|v| f64::from(*v)).collect())
        }
        DataType::Float16 => {
            Cells::Float(values.as_primitive::<Float16Type>().values().iter().map(|v| v.to_f64()).collect())
        }
        DataType::Int64 => Cells::Int(values.as_primitive::<Int64Type>().values().to_vec()),
        DataType::Int32 => {
            Cells::Int(values.as_primitive::<Int32Type>().values().iter().map(|v| i64::from(*v)).collect())
        }
        DataType::Int16 => {
            Cells::Int(values.as_primitive::<Int16Type>().values().iter().map(|v| i64::from(*v)).collect())
        }
        DataType::Int8 => {
            Cells::Int(values.as_primitive::<Int8Type>().values().iter().map(|v| i64::from(*v)).collect())
        }
        DataType::UInt64 => Cells::Unsigned(values.as_primitive::<UInt64Type>().values().to_vec()),
        DataType::UInt32 => {
            Cells::Unsigned(values.as_primitive::<UInt32Type>().values().iter().map(|v| u64::from(*v)).collect())
        }
        DataType::UInt16 => {
            Cells::Unsigned(values.as_primitive::<UInt16Type>().values().iter().map(|v| u64::from(*v)).collect())
        }
        DataType::UInt8 => {
            Cells::Unsigned(values.as_primitive::<UInt8Type>().values().iter().map(|v| u64::from(*v)).collect())
        }
        DataType::Timestamp(..) | DataType::Time64(_) | DataType::Date64 | DataType::Duration(_) => {
            let plain = compute::cast(values, &DataType::Int64).map_err(|error| error.to_string())?;
            Cells::Int(plain.as_primitive::<Int64Type>().values().to_vec())
        }
        _ => {
            let format = ArrayFormatter::try_new(values, &FormatOptions::default().with_null("null"))
                .map_err(|error| error.to_string())?;
            let show = |at: usize| format.value(at).try_to_string().map(Value::Text).map_err(|error| error.to_string());
            Cells::Any((0..values.len()).map(show).collect::<Result<_, _>>()?)
        }
    })
}
