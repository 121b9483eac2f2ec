//! Columns of options from Python: floats, whole numbers or decimals, nulls as NaN, a single number for all rows; and rights, as
//! text or as signs.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use exuvia_market::options::Input;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use super::option_error;
use crate::arrays;
use crate::bars::source::{Column, Source, Values, schema_error};

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

    /// Calls and puts as signs.
    pub fn rights(&self, name: &str, passed: Option<&Bound<'py, PyAny>>) -> PyResult<Given<'py>> {
        match (passed, &self.table) {
            (Some(object), _) => right(name, object),
            (None, Some(table)) => rights(name, &table.need(name)?).map(Given::Many),
            (None, None) => Err(missing(name)),
        }
    }
}

fn missing(name: &str) -> PyErr {
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
            if array.ndim() == 1 && !array.cast::<PyArray1<f64>>().is_ok() && "iufb".contains(kind(array)?) {
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

fn kind(array: &Bound<'_, PyUntypedArray>) -> PyResult<char> {
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

/// One right, or a column of them, as signs.
fn right<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Given<'py>> {
    if is_column(object)? {
        return rights(name, &Column::new(name, object)?).map(Given::Many);
    }
    if let Ok(text) = object.cast::<PyString>() {
        let sign = sign_of(text.to_cow()?.as_bytes());
        if sign == 0.0 {
            return Err(option_error(format!("{name} {text} is neither call nor put: use \"C\" or \"P\"")));
        }
        return Ok(Given::One(sign));
    }
    if let Ok(call) = object.cast::<PyBool>() {
        return Ok(Given::One(if call.is_true() { 1.0 } else { -1.0 }));
    }
    number(name, object)
}

/// +1 for a call, −1 for a put, 0 for anything else.
fn sign_of(text: &[u8]) -> f64 {
    if text.eq_ignore_ascii_case(b"c") || text.eq_ignore_ascii_case(b"call") {
        1.0
    } else if text.eq_ignore_ascii_case(b"p") || text.eq_ignore_ascii_case(b"put") {
        -1.0
    } else {
        0.0
    }
}

/// A column of rights as signs; null is NaN, anything unknown 0.
pub fn rights<'py>(name: &str, column: &Column<'py>) -> PyResult<Values<'py, f64>> {
    match column {
        Column::Numpy(array) if array.ndim() == 1 => match kind(array)? {
            'U' => numpy_text::<u32>(array, "u4").map(Values::Owned),
            'S' => numpy_text::<u8>(array, "u1").map(Values::Owned),
            'O' => objects(array).map(Values::Owned),
            'b' => Ok(Values::Owned(floats(name, column)?.iter().map(|call| 2.0 * call - 1.0).collect())),
            _ => floats(name, column),
        },
        Column::Arrow(kind, chunks) if is_text(kind) => {
            let mut all = Vec::new();
            for chunk in chunks {
                texts(chunk, &mut all)?;
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

fn texts(chunk: &ArrayRef, all: &mut Vec<f64>) -> PyResult<()> {
    let made = cast(chunk, &DataType::Utf8).map_err(|error| schema_error(error.to_string()))?;
    let texts = made.as_string::<i32>();
    all.extend(texts.iter().map(|text| text.map_or(f64::NAN, |text| sign_of(text.as_bytes()))));
    Ok(())
}

/// Fixed-width text of NumPy, which lies row by row, padded with zeros.
fn numpy_text<T>(array: &Bound<'_, PyUntypedArray>, unit: &str) -> PyResult<Vec<f64>>
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
            sign_of(&text)
        })
        .collect())
}

/// Python's own objects, one at a time.
fn objects(array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<f64>> {
    array
        .try_iter()?
        .map(|object| {
            let object = object?;
            if let Ok(text) = object.cast::<PyString>() {
                return Ok(sign_of(text.to_cow()?.as_bytes()));
            }
            Ok(if object.is_none() { f64::NAN } else { object.extract::<f64>().unwrap_or(0.0) })
        })
        .collect()
}
