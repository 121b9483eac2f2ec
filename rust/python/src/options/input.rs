//! Columns of options from Python: floats, whole numbers or decimals, nulls as NaN, a single number for all rows; and rights, as
//! text or as signs.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use exuvia_market::options::Input;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use super::option_error;
use crate::arrays;
use crate::bars::source::{Column, Source, Values, schema_error};

/// The words for +1 and −1.
pub struct Words {
    plus: [&'static str; 2],
    minus: [&'static str; 2],
}

/// Calls and puts.
pub const RIGHTS: Words = Words { plus: ["C", "call"], minus: ["P", "put"] };
/// Buys and sales.
pub const SIDES: Words = Words { plus: ["B", "buy"], minus: ["S", "sell"] };

impl Words {
    /// +1, −1, or 0 for any other word.
    fn sign(&self, text: &[u8]) -> f64 {
        let is = |words: &[&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
        if is(&self.plus) {
            1.0
        } else if is(&self.minus) {
            -1.0
        } else {
            0.0
        }
    }
}

/// A column of numbers, or one number for all rows.
pub enum Given<'py> {
    /// For all rows.
    One(f64),
    /// A row each.
    Many(Values<'py, f64>),
}

impl Given<'_> {
    /// What the kernels take.
    pub fn input(&self) -> Input<'_> {
        match self {
            Self::One(value) => Input::One(*value),
            Self::Many(values) => Input::Many(values),
        }
    }

    /// The value of a row.
    pub fn at(&self, row: usize) -> f64 {
        match self {
            Self::One(value) => *value,
            Self::Many(values) => values.get(row).copied().unwrap_or(f64::NAN),
        }
    }

    /// Rows, if it is a column.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Self::One(_) => None,
            Self::Many(values) => Some(values.len()),
        }
    }
}

/// Where an argument is looked for: what was passed, else a column of the table.
pub struct Arguments<'py> {
    table: Option<Source<'py>>,
}

impl<'py> Arguments<'py> {
    /// Takes the first argument apart: a table or dict if nothing else was passed by place.
    pub fn new(first: &Bound<'py, PyAny>, alone: bool) -> PyResult<Self> {
        Ok(Self { table: if alone { Some(Source::new(first)?) } else { None } })
    }

    /// Takes the first argument for a table if it is one; a stream of batches is read once only.
    pub fn perhaps_table(first: &Bound<'py, PyAny>) -> Self {
        Self { table: Source::new(first).ok() }
    }

    /// Whether there is a table.
    pub const fn is_table(&self) -> bool {
        self.table.is_some()
    }

    /// Numbers that must be there.
    pub fn need(&self, name: &str, passed: Option<&Bound<'py, PyAny>>) -> PyResult<Given<'py>> {
        match (passed, &self.table) {
            (Some(object), _) => number(name, object),
            (None, Some(table)) => floats(name, &table.need(name)?).map(Given::Many),
            (None, None) => Err(missing(name)),
        }
    }

    /// Numbers that stand for `default` where they are not there.
    pub fn optional(&self, name: &str, passed: Option<&Bound<'py, PyAny>>, default: f64) -> PyResult<Given<'py>> {
        match (passed, &self.table) {
            (Some(object), _) => number(name, object),
            (None, Some(table)) => match table.get(name)? {
                Some(column) => floats(name, &column).map(Given::Many),
                None => Ok(Given::One(default)),
            },
            (None, None) => Ok(Given::One(default)),
        }
    }

    /// Numbers that may be missing altogether.
    pub fn perhaps(&self, name: &str, passed: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Given<'py>>> {
        match (passed, &self.table) {
            (Some(object), _) => number(name, object).map(Some),
            (None, Some(table)) => table.get(name)?.map(|column| floats(name, &column).map(Given::Many)).transpose(),
            (None, None) => Ok(None),
        }
    }

    /// Calls and puts, or buys and sales, as signs.
    pub fn signs(&self, name: &str, passed: Option<&Bound<'py, PyAny>>, words: &Words) -> PyResult<Given<'py>> {
        match (passed, &self.table) {
            (Some(object), _) => sign(name, object, words),
            (None, Some(table)) => signs(name, &table.need(name)?, words).map(Given::Many),
            (None, None) => Err(missing(name)),
        }
    }

    /// A column as it is, if there is one.
    pub fn column(&self, name: &str, passed: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Column<'py>>> {
        match (passed, &self.table) {
            (Some(object), _) => Column::new(name, object).map(Some),
            (None, Some(table)) => table.get(name),
            (None, None) => Ok(None),
        }
    }
}

pub fn missing(name: &str) -> PyErr {
    schema_error(format!("'{name}' is missing: pass it, or one table that has it as a column"))
}

/// The number of rows that all columns agree on; `None` if there is no column.
pub fn rows(all: &[(&str, &Given<'_>)]) -> PyResult<Option<usize>> {
    let mut found: Option<(&str, usize)> = None;
    for (name, given) in all {
        let Some(rows) = given.rows() else { continue };
        match found {
            None => found = Some((name, rows)),
            Some((first, expected)) if expected != rows => {
                return Err(option_error(format!(
                    "column '{name}' has {rows} rows, but '{first}' has {expected}: pass columns of equal length, or single numbers"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(found.map(|(_, rows)| rows))
}

/// One number, or a column.
pub fn number<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Given<'py>> {
    if is_column(object)? {
        return floats(name, &Column::new(name, object)?).map(Given::Many);
    }
    // Text is no number here, although float() would take it.
    match object.extract::<f64>() {
        Ok(value) if !object.is_instance_of::<PyString>() => Ok(Given::One(value)),
        _ => Err(Column::new(name, object).err().unwrap_or_else(|| missing(name))),
    }
}

/// Whether an object is an array with rows, not a number (NumPy's numbers have no rows).
fn is_column(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    if arrays::is_loaded(py)
        && let Ok(array) = object.cast::<PyUntypedArray>()
    {
        return Ok(array.ndim() > 0);
    }
    Ok(object.hasattr(intern!(py, "__arrow_c_array__"))? || object.hasattr(intern!(py, "__arrow_c_stream__"))?)
}

/// The column as floats; nulls become NaN.
pub fn floats<'py>(name: &str, column: &Column<'py>) -> PyResult<Values<'py, f64>> {
    match column {
        Column::Numpy(array) => {
            if array.ndim() == 1 && array.cast::<PyArray1<f64>>().is_err() && "iufb".contains(kind(array)?) {
                let made = array.call_method1(intern!(array.py(), "astype"), (intern!(array.py(), "f8"),))?;
                return readonly(name, made.cast::<PyArray1<f64>>().map_err(PyErr::from)?);
            }
            match array.cast::<PyArray1<f64>>() {
                Ok(typed) => readonly(name, typed),
                Err(_) => Err(wrong(name, column, "numbers")),
            }
        }
        Column::Arrow(kind, chunks) => {
            if !(kind.is_numeric() || matches!(kind, DataType::Null | DataType::Boolean)) {
                return Err(wrong(name, column, "numbers"));
            }
            if let ([chunk], DataType::Float64) = (chunks.as_slice(), kind)
                && chunk.null_count() == 0
            {
                return Ok(Values::Arrow(chunk.as_primitive::<Float64Type>().values().clone()));
            }
            let mut all = Vec::with_capacity(chunks.iter().map(|chunk| chunk.len()).sum());
            for chunk in chunks {
                let made = cast(chunk, &DataType::Float64).map_err(|error| schema_error(error.to_string()))?;
                all.extend(made.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
            }
            Ok(Values::Owned(all))
        }
    }
}

fn readonly<'py>(name: &str, array: &Bound<'py, PyArray1<f64>>) -> PyResult<Values<'py, f64>> {
    let Ok(values): Result<PyReadonlyArray1<'py, f64>, _> = array.try_readonly() else {
        return Err(schema_error(format!("column '{name}' is being written to by another call")));
    };
    if values.as_slice().is_ok() {
        return Ok(Values::Numpy(values));
    }
    Ok(Values::Owned(values.as_array().iter().copied().collect()))
}

pub fn kind(array: &Bound<'_, PyUntypedArray>) -> PyResult<char> {
    array.dtype().getattr(intern!(array.py(), "kind"))?.extract()
}

fn wrong(name: &str, column: &Column<'_>, wanted: &str) -> PyErr {
    let found = match column {
        Column::Numpy(array) if array.ndim() != 1 => format!("an array of {} dimensions", array.ndim()),
        Column::Numpy(array) => array.dtype().to_string(),
        Column::Arrow(kind, _) => kind.to_string(),
    };
    schema_error(format!("column '{name}' is {found}, expected {wanted}: convert it first"))
}

/// One word or sign, or a column of them, as signs.
fn sign<'py>(name: &str, object: &Bound<'py, PyAny>, words: &Words) -> PyResult<Given<'py>> {
    if is_column(object)? {
        return signs(name, &Column::new(name, object)?, words).map(Given::Many);
    }
    if let Ok(text) = object.cast::<PyString>() {
        let sign = words.sign(text.to_cow()?.as_bytes());
        if sign == 0.0 {
            let ([plus, _], [minus, _]) = (words.plus, words.minus);
            return Err(option_error(format!("{name} {text:?} is unknown: use {plus:?} or {minus:?}, 1 or -1")));
        }
        return Ok(Given::One(sign));
    }
    if let Ok(plus) = object.cast::<PyBool>() {
        return Ok(Given::One(if plus.is_true() { 1.0 } else { -1.0 }));
    }
    number(name, object)
}

/// A column of words or signs as signs; null is NaN, anything unknown 0.
fn signs<'py>(name: &str, column: &Column<'py>, words: &Words) -> PyResult<Values<'py, f64>> {
    match column {
        Column::Numpy(array) if array.ndim() == 1 => match kind(array)? {
            'U' => numpy_text::<u32>(array, "u4", words).map(Values::Owned),
            'S' => numpy_text::<u8>(array, "u1", words).map(Values::Owned),
            'O' => objects(array, words).map(Values::Owned),
            'b' => Ok(Values::Owned(floats(name, column)?.iter().map(|call| 2.0 * call - 1.0).collect())),
            _ => floats(name, column),
        },
        Column::Arrow(kind, chunks) if is_text(kind) => {
            let mut all = Vec::new();
            for chunk in chunks {
                texts(chunk, words, &mut all)?;
            }
            Ok(Values::Owned(all))
        }
        Column::Arrow(DataType::Boolean, _) => {
            Ok(Values::Owned(floats(name, column)?.iter().map(|call| 2.0 * call - 1.0).collect()))
        }
        _ => floats(name, column),
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn texts(chunk: &ArrayRef, words: &Words, all: &mut Vec<f64>) -> PyResult<()> {
    let made = cast(chunk, &DataType::Utf8).map_err(|error| schema_error(error.to_string()))?;
    let texts = made.as_string::<i32>();
    all.extend(texts.iter().map(|text| text.map_or(f64::NAN, |text| words.sign(text.as_bytes()))));
    Ok(())
}

/// Fixed-width text of NumPy, which lies row by row, padded with zeros.
fn numpy_text<T>(array: &Bound<'_, PyUntypedArray>, unit: &str, words: &Words) -> PyResult<Vec<f64>>
where
    T: numpy::Element + Copy + TryInto<u8>,
{
    let py = array.py();
    let rows = array.len();
    if rows == 0 {
        return Ok(Vec::new());
    }
    let whole = py.import(intern!(py, "numpy"))?.call_method1(intern!(py, "ascontiguousarray"), (array,))?;
    let units = whole.call_method1(intern!(py, "view"), (unit,))?.call_method1(intern!(py, "reshape"), (rows, -1))?;
    let units = units
        .cast::<PyArray2<T>>()
        .map_err(PyErr::from)?
        .try_readonly()
        .map_err(|error| schema_error(error.to_string()))?;
    let mut text = Vec::with_capacity(8);
    let read = units.as_array();
    Ok(read
        .rows()
        .into_iter()
        .map(|row| {
            text.clear();
            text.extend(row.iter().map(|unit| (*unit).try_into().unwrap_or(b'?')).take_while(|byte| *byte != 0));
            words.sign(&text)
        })
        .collect())
}

/// Python's own objects, one at a time.
fn objects(array: &Bound<'_, PyUntypedArray>, words: &Words) -> PyResult<Vec<f64>> {
    array
        .try_iter()?
        .map(|object| {
            let object = object?;
            if let Ok(text) = object.cast::<PyString>() {
                return Ok(words.sign(text.to_cow()?.as_bytes()));
            }
            Ok(if object.is_none() { f64::NAN } else { object.extract::<f64>().unwrap_or(0.0) })
        })
        .collect()
}

/// Stamps in UTC nanoseconds; dates are their midnight.
pub fn stamps<'py>(name: &str, column: Column<'py>) -> PyResult<Values<'py, i64>> {
    match &column {
        Column::Arrow(DataType::Date32 | DataType::Date64, chunks) => {
            let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
            let made: Result<Vec<ArrayRef>, _> = chunks.iter().map(|chunk| cast(chunk, &nanos)).collect();
            Column::Arrow(nanos.clone(), made.map_err(|error| schema_error(error.to_string()))?).stamps(name)
        }
        Column::Numpy(array) if kind(array)? == 'M' => {
            let made = array.call_method1(intern!(array.py(), "astype"), (intern!(array.py(), "M8[ns]"),))?;
            Column::new(name, &made)?.stamps(name)
        }
        _ => column.stamps(name),
    }
}
