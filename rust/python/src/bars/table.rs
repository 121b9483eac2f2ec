//! Columns of bars become an `arro3.core.Table` without a copy, and columns of a table NumPy arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray, RecordBatch,
    TimestampNanosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType, UInt32Type,
};
use exuvia_market::bars::{Bars, Number, OhlcColumns};
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
    /// What a column of it is called, and what a single amount has to be.
    const KIND: (&'static str, &'static str);

    /// The column of bars; what `nulls` says is no number.
    fn column(values: Vec<Self>, nulls: Option<NullBuffer>) -> ArrayRef;

    /// The values, if the column is of this type.
    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>>;

    /// A single amount.
    fn amount(object: &Bound<'_, PyAny>) -> PyResult<Self>;
}

impl Cell for f64 {
    const KIND: (&'static str, &'static str) = ("floats", "a float");

    fn column(values: Vec<Self>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Float64Array::new(values.into(), nulls))
    }

    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>> {
        if let Numbers::Floats(values) = numbers { Some(values) } else { None }
    }

    fn amount(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        object.extract()
    }
}

impl Cell for i64 {
    const KIND: (&'static str, &'static str) = ("fixed point", "an int at 1e-9");

    fn column(values: Vec<Self>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Int64Array::new(values.into(), nulls))
    }

    fn pick(numbers: Numbers<'_>) -> Option<Values<'_, Self>> {
        if let Numbers::Fixed(values) = numbers { Some(values) } else { None }
    }

    fn amount(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        object.extract()
    }
}

/// Names of columns and what is in them.
pub type Columns = Vec<(String, ArrayRef)>;

/// Names of the price columns.
pub const TRADE: [&str; 4] = ["open", "high", "low", "close"];
/// Those of the bid.
pub const BID: [&str; 4] = ["bid_open", "bid_high", "bid_low", "bid_close"];
/// Those of the ask.
pub const ASK: [&str; 4] = ["ask_open", "ask_high", "ask_low", "ask_close"];

/// The table of bars; its metadata counts the rows that went into none, and with `late` those that came late or in disorder.
pub fn made<'py, N: Cell>(
    py: Python<'py>,
    bars: Bars<N>,
    names: &[[&'static str; 4]],
    (by, late): (Option<(String, ArrayRef)>, bool),
) -> PyResult<Bound<'py, PyAny>> {
    let counts =
        [("outside_session", bars.counts.outside), ("late", bars.counts.late), ("disordered", bars.counts.disordered)];
    let nulls = nulls(&bars.empty);
    let mut columns: Columns = by.into_iter().collect();
    columns.push(("ts".to_owned(), stamps(bars.ts)));
    for (names, series) in names.iter().zip(bars.series) {
        columns.extend(ohlc(*names, series, nulls.as_ref()));
    }
    columns.extend(bars.volume.map(|volume| ("volume".to_owned(), N::column(volume, None))));
    columns.extend(bars.ticks.map(|ticks| ("ticks".to_owned(), i64::column(ticks, None))));
    table(py, columns, counts.get(..if late { 3 } else { 1 }).unwrap_or_default())
}

/// UTC nanoseconds as a column.
pub fn stamps(ts: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(ts).with_timezone("UTC"))
}

/// Where prices are no numbers, if they are not anywhere.
pub fn nulls(empty: &[bool]) -> Option<NullBuffer> {
    empty.contains(&true).then(|| empty.iter().map(|empty| !empty).collect())
}

/// Flags as a column.
pub fn flags(values: Vec<bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values))
}

/// The four columns of a price series.
pub fn ohlc<N: Cell>(names: [&'static str; 4], bars: OhlcColumns<N>, nulls: Option<&NullBuffer>) -> Columns {
    let columns = [bars.open, bars.high, bars.low, bars.close].map(|values| N::column(values, nulls.cloned()));
    names.into_iter().map(str::to_owned).zip(columns).collect()
}

/// The table of such columns.
pub fn table<'py>(py: Python<'py>, columns: Columns, counts: &[(&str, usize)]) -> PyResult<Bound<'py, PyAny>> {
    let field = |(name, column): &(String, ArrayRef)| {
        Field::new(name.as_str(), column.data_type().clone(), column.null_count() > 0)
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let metadata = counts.iter().map(|(name, count)| ((*name).to_owned(), count.to_string())).collect();
    let schema = Arc::new(Schema::new(fields).with_metadata(metadata));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|error| schema_error(error.to_string()))?;
    PyTable::try_new(vec![batch], schema)?.into_arro3(py)
}

/// A column for a result that is one column: what Arrow calls a primitive array.
pub fn floats(values: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls))
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
            DataType::UInt32 => share(array.as_primitive::<UInt32Type>().values(), memory),
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
