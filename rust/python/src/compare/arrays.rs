//! NumPy arrays and Arrow tables as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute;
use arrow::datatypes::{
    DataType, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use exuvia_migrate::{Cells, Column, Value, Words, same_floats};
use numpy::{Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use pyo3_arrow::input::AnyArray;

use super::convert::Converter;
use crate::failure::Failure;
use crate::tables;

/// Words of a NumPy array that lives at least as long.
struct Held<T> {
    _owner: Py<PyAny>,
    data: *const T,
    len: usize,
}

// SAFETY: the words are only read, and the array that owns them is kept alive by `_owner`, which is itself
// Send and Sync; as with any reader of NumPy's memory, who writes to the array meanwhile gets what he asked for.
unsafe impl<T: Sync> Send for Held<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Held<T> {}

impl<T> AsRef<[T]> for Held<T> {
    fn as_ref(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: `words` checked that `data` is aligned and that `len` contiguous words of this type start there.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

/// The words of a contiguous array of this very type, not copied.
fn words<T: Element + Sync + 'static>(array: &Bound<'_, PyAny>) -> PyResult<Words<T>> {
    let typed = array.cast::<PyArrayDyn<T>>()?;
    let data: *const T = typed.data();
    if !typed.is_c_contiguous() || !data.is_aligned() {
        let text = "an array that is neither contiguous nor aligned after ravel() cannot be compared";
        return Err(Failure::text("CompareError", text).into());
    }
    Ok(Words::shared(Held { _owner: array.clone().unbind(), data, len: typed.len() }))
}

/// Nanoseconds of one unit of a `datetime64`, where it has a fixed length.
fn instants(dtype: &Bound<'_, PyAny>) -> PyResult<Option<(i64, bool)>> {
    let numpy = dtype.py().import("numpy")?;
    let (unit, count): (String, i64) = numpy.call_method1("datetime_data", (dtype,))?.extract()?;
    let size = match unit.as_str() {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "D" => 86_400_000_000_000,
        "W" => 604_800_000_000_000,
        _ => return Ok(None),
    };
    Ok(i64::checked_mul(size, count).map(|size| (size, false)))
}

/// The short way for plain arrays of eight-byte numbers, which asks Python nothing.
fn plain(array: &Bound<'_, PyAny>) -> Option<Value> {
    let shape = array.cast_exact::<PyUntypedArray>().ok()?.shape().to_vec();
    let (kind, cells) = if let Ok(cells) = words::<f64>(array) {
        ("float64", Cells::Float(cells))
    } else if let Ok(cells) = words::<i64>(array) {
        ("int64", Cells::Int(cells))
    } else {
        ("uint64", Cells::Unsigned(words::<u64>(array).ok()?))
    };
    Some(Value::Array { shape, column: Column::new(kind, cells, None) })
}

/// The fields of a structured array as columns; `None` if one of them is an array itself, or it is masked.
fn fields<'py>(
    converter: &mut Converter<'py>,
    array: &Bound<'py, PyAny>,
    dtype: &Bound<'py, PyAny>,
) -> PyResult<Option<Vec<(String, Column)>>> {
    let mut columns = Vec::new();
    for name in dtype.getattr("names")?.try_iter()? {
        let name = name?;
        match numpy(converter, &array.get_item(&name)?)? {
            Value::Array { shape, column } if shape.len() == 1 => columns.push((name.extract()?, column)),
            _ => return Ok(None),
        }
    }
    Ok(Some(columns))
}

/// A NumPy array: words where they are numbers, shared if they have eight bytes, else cell by cell.
pub(super) fn numpy<'py>(converter: &mut Converter<'py>, array: &Bound<'py, PyAny>) -> PyResult<Value> {
    if let Some(value) = plain(array) {
        return Ok(value);
    }
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let dtype = array.getattr("dtype")?;
    if let (false, [rows]) = (dtype.getattr("names")?.is_none(), shape.as_slice())
        && let Some(columns) = fields(converter, array, &dtype)?
    {
        return Ok(Value::Table { columns, rows: *rows });
    }
    let kind = dtype.str()?.to_string();
    let code: String = dtype.getattr("kind")?.extract()?;
    // A view of a contiguous array, else a copy in C order, of the base class.
    let aligned = array.getattr("flags")?.getattr("aligned")?.extract::<bool>()?;
    let flat = array.call_method0("ravel")?;
    let flat = if aligned { flat } else { flat.call_method0("copy")? };
    let wide = |name: &str| {
        let options = [("copy", false)].into_py_dict(array.py())?;
        flat.call_method("astype", (name,), Some(&options))
    };
    let narrow = dtype.getattr("itemsize")?.extract::<usize>()? <= 8;
    let mut scale = None;
    let cells = match code.as_str() {
        "f" if narrow => Cells::Float(words(&wide("=f8")?)?),
        "i" | "b" => Cells::Int(words(&wide("=i8")?)?),
        "u" => Cells::Unsigned(words(&wide("=u8")?)?),
        "M" | "m" => {
            if code == "M" {
                scale = instants(&dtype)?;
            }
            let native = flat.call_method1("astype", (dtype.call_method1("newbyteorder", ("=",))?,))?;
            Cells::Int(words(&native.call_method1("view", ("i8",))?)?)
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
    Ok(Value::Array { shape, column: Column { kind, cells, valid, instants: scale } })
}

/// Whether two NumPy arrays hold the same bits in the same layout: how many cells, if so. Nothing is copied.
pub(super) fn same_numpy(one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>) -> Option<usize> {
    let (a, b) = (one.cast_exact::<PyUntypedArray>().ok()?, two.cast_exact::<PyUntypedArray>().ok()?);
    let (left, right) = (a.dtype(), b.dtype());
    let plain = b"fiubMm".contains(&left.kind()) && left.itemsize() <= 8;
    if !plain || !left.is_equiv_to(&right) || a.shape() != b.shape() || !a.is_c_contiguous() || !b.is_c_contiguous() {
        return None;
    }
    if a.is_empty() {
        return Some(0);
    }
    let bytes = a.len().checked_mul(left.itemsize())?;
    // SAFETY: both arrays are alive and contiguous, so `len * itemsize` bytes start at their data pointers.
    let (x, y) = unsafe {
        let start = |array: &Bound<'_, PyUntypedArray>| (*array.as_array_ptr()).fields.data.cast::<u8>().cast_const();
        (std::slice::from_raw_parts(start(a), bytes), std::slice::from_raw_parts(start(b), bytes))
    };
    if x == y {
        return Some(a.len());
    }
    let (a8, b8) = (one.cast::<PyArrayDyn<f64>>().ok()?, two.cast::<PyArrayDyn<f64>>().ok()?);
    let (x, y) = (words::<f64>(a8.as_any()).ok()?, words::<f64>(b8.as_any()).ok()?);
    same_floats(x.all(), y.all()).then_some(a.len())
}

/// Whether two Arrow tables have one schema and the same cells: how many columns and cells, if so. Chunks may
/// be cut in different places; nothing is copied.
pub(super) fn same_tables(one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>) -> PyResult<Option<(usize, usize)>> {
    let ((a, schema), (b, other)) = (batches(one)?, batches(two)?);
    let alike = schema.fields().len() == other.fields().len()
        && schema
            .fields()
            .iter()
            .zip(other.fields())
            .all(|(f, g)| f.name() == g.name() && f.data_type() == g.data_type());
    let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    if !alike || rows(&a) != rows(&b) {
        return Ok(None);
    }
    let columns = schema.fields().len();
    let same = (0..columns).all(|at| {
        let chunks =
            |batches: &[RecordBatch]| batches.iter().map(|batch| Arc::clone(batch.column(at))).collect::<Vec<_>>();
        same_chunks(&chunks(&a), &chunks(&b))
    });
    Ok(same.then_some((columns, rows(&a))))
}

/// As [`same_tables`], for one column.
pub(super) fn same_columns(one: &Bound<'_, PyAny>, two: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let (a, field) = one.extract::<AnyArray>()?.into_chunked_array()?.into_inner();
    let (b, other) = two.extract::<AnyArray>()?.into_chunked_array()?.into_inner();
    let rows = |chunks: &[ArrayRef]| chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
    let same = field.data_type() == other.data_type() && rows(&a) == rows(&b) && same_chunks(&a, &b);
    Ok(same.then(|| rows(&a)))
}

/// Whether two chunked arrays of one type and length hold the same cells; pieces are slices, which share.
fn same_chunks(one: &[ArrayRef], two: &[ArrayRef]) -> bool {
    let (mut left, mut right) = (one.iter(), two.iter());
    let (mut a, mut b) = (left.next().cloned(), right.next().cloned());
    loop {
        match (&a, &b) {
            (Some(x), _) if x.is_empty() => a = left.next().cloned(),
            (_, Some(y)) if y.is_empty() => b = right.next().cloned(),
            (Some(x), Some(y)) => {
                let piece = x.len().min(y.len());
                let (head, other) = (x.slice(0, piece), y.slice(0, piece));
                let bits = head.to_data() == other.to_data();
                let floats = || match (head.as_primitive_opt::<Float64Type>(), other.as_primitive_opt::<Float64Type>())
                {
                    (Some(f), Some(g)) => {
                        f.null_count() == 0 && g.null_count() == 0 && same_floats(f.values(), g.values())
                    }
                    _ => false,
                };
                if !bits && !floats() {
                    return false;
                }
                let rests = (x.slice(piece, x.len() - piece), y.slice(piece, y.len() - piece));
                (a, b) = (Some(rests.0), Some(rests.1));
            }
            _ => return true,
        }
    }
}

fn batches(object: &Bound<'_, PyAny>) -> PyResult<tables::Batches> {
    let none = || Failure::text("CompareError", format!("{} is no Arrow table", object.get_type()));
    tables::read(object)?.ok_or_else(|| none().into())
}

/// Any table with the Arrow PyCapsule interface; errors of its library come as they are.
pub(super) fn arrow_table(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let (batches, schema) = batches(object)?;
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
    let instants = match values.data_type() {
        DataType::Timestamp(unit, zone) => {
            let size = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            Some((size, zone.is_some()))
        }
        _ => None,
    };
    Ok(Column { kind, cells: cells(values)?, valid, instants })
}

fn cells(values: &ArrayRef) -> Result<Cells, String> {
    Ok(match values.data_type() {
        DataType::Float64 => Cells::Float(Words::shared(values.as_primitive::<Float64Type>().values().clone())),
        DataType::Float32 => Cells::Float(widened(values.as_primitive::<Float32Type>().values())),
        DataType::Float16 => Cells::Float(
            values.as_primitive::<Float16Type>().values().iter().map(|v| v.to_f64()).collect::<Vec<_>>().into(),
        ),
        DataType::Int64 => Cells::Int(Words::shared(values.as_primitive::<Int64Type>().values().clone())),
        DataType::Int32 => Cells::Int(widened(values.as_primitive::<Int32Type>().values())),
        DataType::Int16 => Cells::Int(widened(values.as_primitive::<Int16Type>().values())),
        DataType::Int8 => Cells::Int(widened(values.as_primitive::<Int8Type>().values())),
        DataType::UInt64 => Cells::Unsigned(Words::shared(values.as_primitive::<UInt64Type>().values().clone())),
        DataType::UInt32 => Cells::Unsigned(widened(values.as_primitive::<UInt32Type>().values())),
        DataType::UInt16 => Cells::Unsigned(widened(values.as_primitive::<UInt16Type>().values())),
        DataType::UInt8 => Cells::Unsigned(widened(values.as_primitive::<UInt8Type>().values())),
        DataType::Timestamp(..) | DataType::Time64(_) | DataType::Date64 | DataType::Duration(_) => {
            let plain = compute::cast(values, &DataType::Int64).map_err(|error| error.to_string())?;
            Cells::Int(Words::shared(plain.as_primitive::<Int64Type>().values().clone()))
        }
        DataType::Boolean => {
            let flags = values.as_boolean();
            Cells::Any((0..flags.len()).map(|at| Value::Bool(flags.value(at))).collect())
        }
        DataType::Decimal128(..) => {
            let decimals = values.as_primitive::<Decimal128Type>();
            Cells::Any((0..decimals.len()).map(|at| Value::Decimal(decimals.value_as_string(at))).collect())
        }
        _ => {
            let format = ArrayFormatter::try_new(values, &FormatOptions::default().with_null("null"))
                .map_err(|error| error.to_string())?;
            let show = |at: usize| format.value(at).try_to_string().map(Value::Text).map_err(|error| error.to_string());
            Cells::Any((0..values.len()).map(show).collect::<Result<_, _>>()?)
        }
    })
}

/// Words of eight bytes for narrower ones, which is exact.
fn widened<N: Copy, W: From<N> + Send + Sync + 'static>(narrow: &[N]) -> Words<W> {
    narrow.iter().map(|word| W::from(*word)).collect::<Vec<W>>().into()
}
