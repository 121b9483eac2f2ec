//! Columns of bars become an `arro3.core.Table` without a copy, and columns of a table NumPy arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType,
};
use exuvia_market::bars::{Number, OhlcColumns, QuoteColumns, TradeColumns};
use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyTable;

use super::source::{Numbers, Source, Values, schema_error};
use crate::gate;

/// A number with a column of its own in Arrow and NumPy.
pub trait Cell: Number + Element + ArrowNativeType {
    /// The column of bars.
    fn column(values: Vec<Self>) -> ArrayRef;

    /// The values, if the column is of this type.
    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>>;
}

impl Cell for f64 {
    fn column(values: Vec<Self>) -> ArrayRef {
        Arc::new(Float64Array::from(values))
    }

    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>> {
        if let Numbers::Floats(values) = numbers { Some(values) } else { None }
    }
}

impl Cell for i64 {
    fn column(values: Vec<Self>) -> ArrayRef {
        Arc::new(Int64Array::from(values))
    }

    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>> {
        if let Numbers::Fixed(values) = numbers { Some(values) } else { None }
    }
}

type Columns = Vec<(&'static str, ArrayRef)>;

/// The table of trade bars; its metadata counts the rows that a calendar left out.
pub fn trades<N: Cell>(py: Python<'_>, bars: TradeColumns<N>) -> PyResult<Bound<'_, PyAny>> {
    let mut columns: Columns = vec![("ts", stamps(bars.ts))];
    columns.extend(ohlc(["open", "high", "low", "close"], bars.price));
    columns.extend(bars.volume.map(|volume| ("volume", N::column(volume))));
    columns.extend(bars.ticks.map(|ticks| ("ticks", i64::column(ticks))));
    table(py, columns, bars.outside.0)
}

/// The table of quote bars.
pub fn quotes<N: Cell>(py: Python<'_>, bars: QuoteColumns<N>) -> PyResult<Bound<'_, PyAny>> {
    let mut columns: Columns = vec![("ts", stamps(bars.ts))];
    columns.extend(ohlc(["bid_open", "bid_high", "bid_low", "bid_close"], bars.bid));
    columns.extend(ohlc(["ask_open", "ask_high", "ask_low", "ask_close"], bars.ask));
    columns.extend(bars.ticks.map(|ticks| ("ticks", i64::column(ticks))));
    table(py, columns, bars.outside.0)
}

fn stamps(ts: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(ts).with_timezone("UTC"))
}

fn ohlc<N: Cell>(names: [&'static str; 4], bars: OhlcColumns<N>) -> impl Iterator<Item = (&'static str, ArrayRef)> {
    names.into_iter().zip([bars.open, bars.high, bars.low, bars.close].map(N::column))
}

fn table(py: Python<'_>, columns: Columns, outside: usize) -> PyResult<Bound<'_, PyAny>> {
    let field = |(name, column): &(&'static str, ArrayRef)| Field::new(*name, column.data_type().clone(), false);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let metadata = [("outside_session".to_owned(), outside.to_string())].into();
    let schema = Arc::new(Schema::new(fields).with_metadata(metadata));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|error| schema_error(error.to_string()))?;
    PyTable::try_new(vec![batch], schema)?.into_arro3(py)
}

/// Keeps Arrow memory alive behind a NumPy array.
#[pyclass(frozen, module = "exuvia.bars")]
struct ArrowMemory {
    _array: ArrayRef,
}

/// The columns of a table as NumPy arrays that share its memory, read-only; stamps as int64 nanoseconds, the status of
/// option analytics as its int32 number (0 is "ok").
///
/// Args:
///     table: Any table with the Arrow PyCapsule interface, in one chunk, with numbers and ns timestamps.
///
/// Returns:
///     A dict from column name to array.
///
/// Raises:
///     SchemaError: A column is in several chunks, has nulls, or is not of numbers.
#[pyfunction]
#[pyo3(signature = (table, /))]
pub fn columns<'py>(py: Python<'py>, table: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    crate::arrays::need(py, "exuvia.bars.columns")?;
    gate::guard(|| arrays(py, table))
}

fn arrays<'py>(py: Python<'py>, table: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let Source::Table(batches, schema) = Source::new(table)? else {
        return Err(schema_error("a dict of arrays needs no conversion: use it as it is".to_owned()));
    };
    let found = PyDict::new(py);
    for (index, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        let array: ArrayRef = match batches.as_slice() {
            [batch] => batch.column(index).clone(),
            [] => arrow::array::new_empty_array(field.data_type()),
            more => {
                return Err(schema_error(format!(
                    "column '{name}' is in {} chunks: combine the chunks first, NumPy memory is one piece",
                    more.len()
                )));
            }
        };
        if array.null_count() > 0 {
            return Err(schema_error(format!("column '{name}' has {} nulls: fill them first", array.null_count())));
        }
        let memory = Bound::new(py, ArrowMemory { _array: array.clone() })?.into_any();
        let numbers = match array.data_type() {
            DataType::Float64 => share(array.as_primitive::<Float64Type>().values(), memory),
            DataType::Int64 => share(array.as_primitive::<Int64Type>().values(), memory),
            DataType::Int32 => share(array.as_primitive::<Int32Type>().values(), memory),
            DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _) => {
                share(array.as_primitive::<TimestampNanosecondType>().values(), memory)
            }
            DataType::Dictionary(keys, _) if **keys == DataType::Int32 => {
                share(array.as_dictionary::<Int32Type>().keys().values(), memory)
            }
            other => return Err(schema_error(format!("column '{name}' is {other}: only numbers and ns timestamps"))),
        };
        numbers.getattr(intern!(py, "flags"))?.setattr(intern!(py, "writeable"), false)?;
        found.set_item(name, numbers)?;
    }
    Ok(found)
}

fn share<'py, T: Element>(values: &[T], memory: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let view = ArrayView1::from(values);
    // SAFETY: `memory` owns the array whose values these are and never changes them; NumPy keeps it as the base.
    unsafe { PyArray1::borrow_from_array(&view, memory) }.into_any()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(columns, module)?)
}
