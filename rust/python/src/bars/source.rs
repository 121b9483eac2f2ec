//! Columns from Python without a copy: NumPy arrays, Arrow arrays, or the columns of any Arrow table.
//! A copy is made only where memory is not one piece (strides, chunks) or the unit of time is not ns.

use std::ops::Deref;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt32Type,
};
use exuvia_model::{MICROSECOND, MILLISECOND, SECOND, Time};
use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::input::AnyArray;

use crate::failure::Failure;
use crate::{arrays, tables};

/// How NumPy writes NaT.
const NOT_A_TIME: i64 = i64::MIN;
/// Units of stamps: how many nanoseconds, and their names.
const MICROSECONDS: (i64, &str) = (MICROSECOND, "µs");
const MILLISECONDS: (i64, &str) = (MILLISECOND, "ms");
const SECONDS: (i64, &str) = (SECOND, "s");

/// Units that stamps are often in by mistake, and their nanoseconds.
const COARSE: [(&str, i64); 3] = [("seconds", SECOND), ("milliseconds", MILLISECOND), ("microseconds", MICROSECOND)];

/// Values of one column, borrowed where they lie.
pub enum Values<'py, T: Element + ArrowNativeType> {
    /// Memory of a NumPy array.
    Numpy(PyReadonlyArray1<'py, T>),
    /// Memory of an Arrow array.
    Arrow(ScalarBuffer<T>),
    /// Gathered from pieces.
    Owned(Vec<T>),
}

impl<T: Element + ArrowNativeType> Deref for Values<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            // Only arrays that are one piece are kept as NumPy.
            Self::Numpy(array) => array.as_slice().unwrap_or_default(),
            Self::Arrow(buffer) => buffer,
            Self::Owned(values) => values,
        }
    }
}

/// A column of numbers: floats, or fixed point at 10⁻⁹ in 64-bit integers.
pub enum Numbers<'py> {
    /// `float64`.
    Floats(Values<'py, f64>),
    /// `int64`.
    Fixed(Values<'py, i64>),
}

/// A column as it came, before its type is known to fit.
pub enum Column<'py> {
    /// A one-dimensional NumPy array.
    Numpy(Bound<'py, PyUntypedArray>),
    /// Chunks of an Arrow array and their type.
    Arrow(DataType, Vec<ArrayRef>),
}

/// Where columns are looked up by name: a dict of arrays, or a table.
pub enum Source<'py> {
    /// A dict of arrays.
    Dict(Bound<'py, PyDict>),
    /// Anything with the Arrow PyCapsule interface.
    Table(Vec<RecordBatch>, SchemaRef),
}

impl<'py> Source<'py> {
    /// Takes a dict or a table.
    pub fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(dict) = object.cast::<PyDict>() {
            return Ok(Self::Dict(dict.clone()));
        }
        let (batches, schema) = tables::table(object)?.ok_or_else(|| {
            schema_error(format!(
                "{} is no table: pass a dict of arrays, or a table of pyarrow, polars, pandas, DuckDB or arro3",
                type_name(object)
            ))
        })?;
        Ok(Self::Table(batches, schema))
    }

    /// The column of that name, if there is one.
    pub fn get(&self, name: &str) -> PyResult<Option<Column<'py>>> {
        match self {
            Self::Dict(dict) => dict.get_item(name)?.map(|object| Column::new(name, &object)).transpose(),
            Self::Table(batches, schema) => {
                let Some((index, field)) = schema.column_with_name(name) else { return Ok(None) };
                let count = schema.fields().iter().filter(|field| field.name() == name).count();
                if count > 1 {
                    return Err(schema_error(format!(
                        "the table has {count} columns named '{name}': rename or drop all but one"
                    )));
                }
                let chunks = batches.iter().map(|batch| batch.column(index).clone()).collect();
                Ok(Some(Column::Arrow(field.data_type().clone(), chunks)))
            }
        }
    }

    /// The column of that name.
    pub fn need(&self, name: &str) -> PyResult<Column<'py>> {
        let names = || match self {
            Self::Dict(dict) => dict.keys().to_string(),
            Self::Table(_, schema) => {
                let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                format!("{names:?}")
            }
        };
        self.get(name)?.ok_or_else(|| {
            schema_error(format!("column '{name}' is missing, the table has {}: rename or select it first", names()))
        })
    }
}

impl<'py> Column<'py> {
    /// Takes a NumPy array or an Arrow array.
    pub fn new(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if arrays::is_loaded(object.py())
            && let Ok(array) = object.cast::<PyUntypedArray>()
        {
            // To ask NumPy's own kind of array for a mask would cost an AttributeError.
            if !object.is_exact_instance_of::<PyUntypedArray>() {
                unmasked(name, object)?;
            }
            return Ok(Self::Numpy(array.clone()));
        }
        let Ok(array) = object.extract::<AnyArray>() else {
            return Err(schema_error(format!(
                "column '{name}' is a {}: pass a NumPy array (numpy.asarray makes one) or an Arrow array",
                type_name(object)
            )));
        };
        let whole = array
            .into_chunked_array()
            .map_err(|error| tables::told("SchemaError", &format!("as column '{name}'"), object, error.into()));
        let (chunks, field) = whole?.into_inner();
        Ok(Self::Arrow(field.data_type().clone(), chunks))
    }

    /// The column as prices or amounts.
    pub fn numbers(self, name: &str) -> PyResult<Numbers<'py>> {
        match &self {
            Self::Numpy(array) if array.cast::<PyArray1<f64>>().is_ok() => {
                self.values::<Float64Type>(name).map(Numbers::Floats)
            }
            Self::Arrow(DataType::Float64, _) => self.values::<Float64Type>(name).map(Numbers::Floats),
            Self::Numpy(array) if array.cast::<PyArray1<i64>>().is_ok() => {
                self.values::<Int64Type>(name).map(Numbers::Fixed)
            }
            Self::Arrow(DataType::Int64, _) => self.values::<Int64Type>(name).map(Numbers::Fixed),
            _ => Err(self.wrong_type(name, "float64, or int64 for fixed point at 1e-9")),
        }
    }

    /// Its type in Arrow's words.
    pub fn kind(&self) -> PyResult<DataType> {
        match self {
            Self::Arrow(kind, _) => Ok(kind.clone()),
            Self::Numpy(array) => {
                let kind: String = array.dtype().getattr(intern!(array.py(), "str"))?.extract()?;
                Ok(match kind.trim_start_matches(['<', '=', '>', '|']) {
                    "u4" => DataType::UInt32,
                    "i4" => DataType::Int32,
                    "i8" => DataType::Int64,
                    "f8" => DataType::Float64,
                    "b1" => DataType::Boolean,
                    text if text.starts_with('U') => DataType::Utf8,
                    _ => DataType::Null,
                })
            }
        }
    }

    /// The column as numbers of symbols.
    pub fn unsigned(&self, name: &str) -> PyResult<Values<'py, u32>> {
        self.values::<UInt32Type>(name)
    }

    /// The column as short whole numbers.
    pub fn signed(&self, name: &str) -> PyResult<Values<'py, i32>> {
        self.values::<Int32Type>(name)
    }

    /// The column as counts.
    pub fn integers(self, name: &str) -> PyResult<Values<'py, i64>> {
        self.values::<Int64Type>(name)
    }

    /// The column as UTC nanoseconds.
    pub fn stamps(self, name: &str) -> PyResult<Values<'py, i64>> {
        const WANTED: &str = "int64 nanoseconds or a timestamp";
        let (stamps, (unit, unit_name)) = match &self {
            Self::Arrow(DataType::Int64, _) => return self.bare_stamps(name),
            Self::Arrow(DataType::Timestamp(unit, _), _) => match unit {
                TimeUnit::Nanosecond => return self.values::<TimestampNanosecondType>(name),
                TimeUnit::Microsecond => (self.values::<TimestampMicrosecondType>(name)?, MICROSECONDS),
                TimeUnit::Millisecond => (self.values::<TimestampMillisecondType>(name)?, MILLISECONDS),
                TimeUnit::Second => (self.values::<TimestampSecondType>(name)?, SECONDS),
            },
            Self::Arrow(..) => return Err(self.wrong_type(name, WANTED)),
            Self::Numpy(array) => {
                let kind: String = array.dtype().getattr(intern!(array.py(), "str"))?.extract()?;
                let unit = match kind.trim_start_matches(['<', '=', '>']) {
                    "i8" => return self.bare_stamps(name),
                    "M8[ns]" => (1, "ns"),
                    "M8[us]" => MICROSECONDS,
                    "M8[ms]" => MILLISECONDS,
                    "M8[s]" => SECONDS,
                    _ => return Err(self.wrong_type(name, WANTED)),
                };
                let stamps = array.call_method1(intern!(array.py(), "view"), (intern!(array.py(), "i8"),))?;
                let stamps = Self::new(name, &stamps)?.values::<Int64Type>(name)?;
                if let Some(row) = stamps.iter().position(|stamp| *stamp == NOT_A_TIME) {
                    return Err(bar_error(format!(
                        "column '{name}' is NaT in row {row}: drop or fill such rows first"
                    )));
                }
                if unit.0 == 1 {
                    return Ok(stamps);
                }
                (stamps, unit)
            }
        };
        let nanos = stamps.iter().map(|stamp| stamp.checked_mul(unit)).collect::<Option<Vec<i64>>>();
        nanos.map(Values::Owned).ok_or_else(|| {
            let far = stamps.iter().enumerate().find(|(_, stamp)| stamp.checked_mul(unit).is_none());
            let (row, value) = far.map_or((0, 0), |(row, stamp)| (row, *stamp));
            bar_error(format!(
                "column '{name}' has {value} {unit_name} in row {row}, which is outside 1677 to 2262: check the unit"
            ))
        })
    }

    /// Whole numbers without a unit: nanoseconds, unless they can only be meant as something coarser.
    fn bare_stamps(&self, name: &str) -> PyResult<Values<'py, i64>> {
        let stamps = self.values::<Int64Type>(name)?;
        let Some((first, last)) = stamps.first().zip(stamps.last()) else { return Ok(stamps) };
        let coarse = COARSE.iter().find(|(_, unit)| {
            // From 2008 to 2039 in that unit, which as nanoseconds is a moment, an hour or a month of 1970.
            let years = 1_200_000_000 * (SECOND / unit)..2_200_000_000 * (SECOND / unit);
            years.contains(first) && years.contains(last) && stamps.iter().any(|stamp| stamp != first && stamp != last)
        });
        match coarse {
            None => Ok(stamps),
            Some((word, unit)) => Err(Failure::text(
                "BarError",
                format!(
                    "column '{name}' goes from {first} to {last}, which as nanoseconds is {}: these look like {word}; multiply them by {unit}, or pass them as timestamps with a unit",
                    Time(*first)
                ),
            )
            .into()),
        }
    }

    /// The column as UTC nanoseconds, where some may be missing: null, or NumPy's NaT.
    pub fn nullable_stamps(self, name: &str) -> PyResult<Vec<Option<i64>>> {
        match self {
            Self::Numpy(array) => {
                let py = array.py();
                let kind: String = array.dtype().getattr(intern!(py, "kind"))?.extract()?;
                let nanos = if kind == "M" {
                    let nanos = array.call_method1(intern!(py, "astype"), ("M8[ns]",))?;
                    Self::new(name, &nanos.call_method1(intern!(py, "view"), ("i8",))?)?
                } else {
                    Self::Numpy(array)
                };
                let stamps = nanos.values::<Int64Type>(name)?;
                Ok(stamps.iter().map(|stamp| Some(*stamp).filter(|stamp| *stamp != NOT_A_TIME)).collect())
            }
            Self::Arrow(kind, chunks) => {
                let mut found = Vec::new();
                for chunk in chunks {
                    let nulls = chunk.logical_nulls();
                    let bare = chunk.to_data().into_builder().nulls(None).build();
                    let bare = arrow::array::make_array(bare.map_err(|error| schema_error(error.to_string()))?);
                    let values = Self::Arrow(kind.clone(), vec![bare]).stamps(name)?;
                    let is_there = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
                    found.extend(values.iter().enumerate().map(|(at, stamp)| is_there(at).then_some(*stamp)));
                }
                Ok(found)
            }
        }
    }

    fn values<A: ArrowPrimitiveType>(&self, name: &str) -> PyResult<Values<'py, A::Native>>
    where
        A::Native: Element,
    {
        let wanted = A::DATA_TYPE.to_string().to_lowercase();
        match self {
            Self::Numpy(array) => {
                let typed = array.cast::<PyArray1<A::Native>>().map_err(|_| self.wrong_type(name, &wanted))?;
                let Ok(readonly) = typed.try_readonly() else {
                    return Err(schema_error(format!("column '{name}' is being written to by another call")));
                };
                if readonly.as_slice().is_ok() {
                    return Ok(Values::Numpy(readonly));
                }
                Ok(Values::Owned(readonly.as_array().iter().copied().collect()))
            }
            Self::Arrow(_, chunks) => {
                let mut buffers = Vec::with_capacity(chunks.len());
                let mut row = 0;
                for chunk in chunks {
                    let array = chunk.as_primitive_opt::<A>().ok_or_else(|| self.wrong_type(name, &wanted))?;
                    if let Some(at) = (0..array.len()).find(|at| array.null_count() > 0 && array.is_null(*at)) {
                        let row = row + at;
                        return Err(bar_error(format!(
                            "column '{name}' is null in row {row}: drop or fill such rows first"
                        )));
                    }
                    row += array.len();
                    buffers.push(array.values().clone());
                }
                let mut pieces = buffers.into_iter();
                match (pieces.next(), pieces.len()) {
                    (None, _) => Ok(Values::Owned(Vec::new())),
                    (Some(only), 0) => Ok(Values::Arrow(only)),
                    (Some(first), _) => {
                        let mut all = first.to_vec();
                        pieces.for_each(|piece| all.extend_from_slice(&piece));
                        Ok(Values::Owned(all))
                    }
                }
            }
        }
    }

    fn wrong_type(&self, name: &str, wanted: &str) -> PyErr {
        let found = match self {
            Self::Numpy(array) if array.ndim() != 1 => format!("{} dimensions", array.ndim()),
            Self::Numpy(array) => array.dtype().to_string(),
            Self::Arrow(kind, _) => kind.to_string(),
        };
        schema_error(format!("column '{name}' is {found}, expected {wanted}: convert it first"))
    }
}

/// Refuses an array of NumPy's `ma` with a value that is masked: below the mask stands what is not meant.
fn unmasked(name: &str, array: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = array.py();
    let Some(mask) = array.getattr_opt(intern!(py, "mask"))? else { return Ok(()) };
    if !mask.call_method0(intern!(py, "any"))?.is_truthy()? {
        return Ok(());
    }
    let row: usize = mask.call_method0(intern!(py, "argmax"))?.extract()?;
    Err(bar_error(format!("column '{name}' is masked in row {row}: drop or fill such rows first")))
}

fn bar_error(message: String) -> PyErr {
    Failure::text("BarError", message).into()
}

pub fn schema_error(message: String) -> PyErr {
    Failure::text("SchemaError", message).into()
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
