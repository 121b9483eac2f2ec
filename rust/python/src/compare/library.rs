//! Values of the standard library, of NumPy, pandas and polars that are neither builtin types nor tables: a deque,
//! an array, a series with its labels. What the items alone do not show (a length, a unit, a format) is part of
//! the class, so that it differs where the class differs and paths stay those of the items.

use std::sync::Arc;

use exuvia_migrate::{Cells, Class, Column, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyMapping, PySlice, PyString, PyType};

use super::arrays;
use super::convert::{Converter, foreign, text};

/// How objects of these classes are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Library {
    Deque,
    /// A view of a dict.
    Mapping,
    /// `array.array`.
    Array,
    View,
    Bytearray,
    /// NumPy's `datetime64` and `timedelta64`: a number of units.
    Instant,
    /// A pandas index.
    Labels,
    Frame,
    /// A series of pandas.
    Series,
    /// A series of polars, which has a name and no labels.
    Named,
    /// What is only a plan of a value.
    Plan,
}

/// Classes by module and name; the first that fits counts.
pub(super) const LIBRARY: [(&str, &str, Library); 12] = [
    ("collections", "deque", Library::Deque),
    ("types", "MappingProxyType", Library::Mapping),
    ("array", "array", Library::Array),
    ("builtins", "memoryview", Library::View),
    ("builtins", "bytearray", Library::Bytearray),
    ("numpy", "datetime64", Library::Instant),
    ("numpy", "timedelta64", Library::Instant),
    ("pandas", "Index", Library::Labels),
    ("pandas", "DataFrame", Library::Frame),
    ("pandas", "Series", Library::Series),
    ("polars", "Series", Library::Named),
    ("polars", "LazyFrame", Library::Plan),
];

impl Library {
    /// Whether values of the class can be compared.
    pub(super) const fn readable(self) -> bool {
        !matches!(self, Self::Plan)
    }
}

/// An object of one of these classes as a value; `None` for a plan.
pub(super) fn value<'py>(
    converter: &mut Converter<'py>,
    object: &Bound<'py, PyAny>,
    class: Class,
    kind: Library,
) -> PyResult<Option<Value>> {
    Ok(Some(match kind {
        Library::Deque => {
            let most = object.getattr("maxlen")?;
            let class = if most.is_none() { class } else { told(&class, &format!("maxlen={most}")) };
            sub(class, items(converter, object)?)
        }
        Library::Mapping => {
            let entries = PyDict::new(object.py());
            entries.update(object.cast::<PyMapping>()?)?;
            sub(class, converter.entries(&entries)?)
        }
        Library::Array => {
            let code = object.getattr("typecode")?;
            sub(told(&class, &format!("'{code}'")), items(converter, object)?)
        }
        Library::View => {
            let (format, shape) = (object.getattr("format")?, object.getattr("shape")?);
            sub(told(&class, &format!("'{format}', {shape}")), bytes(&object.call_method0("tobytes")?)?)
        }
        Library::Bytearray => sub(class, bytes(&object.py().get_type::<PyBytes>().call1((object,))?)?),
        Library::Instant => {
            let unit = object.getattr("dtype")?.str()?;
            sub(told(&class, &text(&unit)?), converter.value(&object.call_method0("item")?)?)
        }
        Library::Labels => labels(converter, object, class)?,
        Library::Frame => frame(converter, object, &class)?,
        Library::Series => {
            let index = object.getattr("index")?;
            let of_index = super::convert::class_of(&index.get_type())?;
            let fields = [
                ("name", converter.value(&object.getattr("name")?)?),
                ("index", labels(converter, &index, of_index)?),
                ("values", series(converter, object)?),
            ];
            record(class, fields)
        }
        Library::Named => {
            let name = converter.value(&object.getattr("name")?)?;
            record(class, [("name", name), ("values", arrays::arrow_array(object)?)])
        }
        Library::Plan => return Ok(None),
    }))
}

fn sub(class: Class, of: Value) -> Value {
    Value::Sub { class, of: Box::new(of) }
}

fn record<const N: usize>(class: Class, fields: [(&str, Value); N]) -> Value {
    Value::Record { class, fields: fields.into_iter().map(|(name, value)| (Arc::from(name), value)).collect() }
}

fn items<'py>(converter: &mut Converter<'py>, object: &Bound<'py, PyAny>) -> PyResult<Value> {
    Ok(Value::List(object.try_iter()?.map(|item| converter.value(&item?)).collect::<PyResult<_>>()?))
}

fn bytes(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    Ok(Value::Bytes(object.cast::<PyBytes>()?.as_bytes().to_vec()))
}

/// The class with more said of it: another class to whoever compares (FNV-1a of what is said, on the identity).
fn told(class: &Class, more: &str) -> Class {
    let mixed = more.bytes().fold(class.id, |hash, byte| (hash ^ usize::from(byte)).wrapping_mul(0x0100_0193));
    Class { id: mixed, name: format!("{}({more})", class.name).into() }
}

/// Labels of a pandas index: their names, type (which knows the time zone) and values.
fn labels<'py>(converter: &mut Converter<'py>, index: &Bound<'py, PyAny>, class: Class) -> PyResult<Value> {
    let names = items(converter, &index.getattr("names")?)?;
    let dtype = Value::Text(index.getattr("dtype")?.str()?.to_string());
    let values = converter.value(&index.call_method0("to_numpy")?)?;
    Ok(record(class, [("names", names), ("dtype", dtype), ("values", values)]))
}

/// Values of a pandas series: as Arrow sees them, item by item where they have no one type.
fn series<'py>(converter: &mut Converter<'py>, object: &Bound<'py, PyAny>) -> PyResult<Value> {
    let dtype = object.getattr("dtype")?;
    if of_numpy(&dtype, "f")? {
        // Arrow's reader of pandas takes NaN for a value that is missing.
        return converter.value(&object.call_method0("to_numpy")?);
    }
    match arrays::arrow_array(object) {
        Ok(Value::Array { shape, mut column }) if of_numpy(&dtype, "O")? => {
            tell_missing(converter, &mut column, object)?;
            Ok(Value::Array { shape, column })
        }
        Ok(value) if own(&dtype)? => {
            let class = super::convert::class_of(&dtype.get_type())?;
            Ok(sub(told(&class, &text(&dtype.str()?)?), value))
        }
        Ok(value) => Ok(value),
        Err(error) if mixed(object.py(), &error)? => converter.value(&objects(object)?),
        Err(error) => Err(error),
    }
}

/// The items of a series or index as NumPy holds objects.
fn objects<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let kind = PyDict::new(object.py());
    kind.set_item("dtype", "object")?;
    object.call_method("to_numpy", (), Some(&kind))
}

/// Whether a column is NumPy's own of this kind: `f` for floats, in which NaN is a value, `O` for objects.
fn of_numpy(dtype: &Bound<'_, PyAny>, kind: &str) -> PyResult<bool> {
    let numpy = dtype.py().import("numpy")?.getattr("dtype")?;
    Ok(dtype.is_instance(&numpy)? && dtype.getattr("kind")?.extract::<String>()? == kind)
}

/// Says of each cell that Arrow's reader of pandas takes for missing which object it is: None, NaN, NaT and NA are
/// four values, and a column of objects holds any of them.
fn tell_missing<'py>(converter: &mut Converter<'py>, column: &mut Column, object: &Bound<'py, PyAny>) -> PyResult<()> {
    let empty = column.kind == "Null";
    if !empty && column.valid.is_none() {
        return Ok(());
    }
    let cells = objects(object)?
        .call_method0("tolist")?
        .try_iter()?
        .enumerate()
        .map(|(at, item)| {
            if !empty && column.is_valid(at) {
                return Ok(column.cell(at));
            }
            let item = item?;
            // Of whatever class of floats: they are alike where they are no NaN, too.
            item.cast::<PyFloat>().map_or_else(|_| converter.value(&item), |number| Ok(Value::Float(number.value())))
        })
        .collect::<PyResult<_>>()?;
    (column.cells, column.valid) = (Cells::Any(cells), None);
    Ok(())
}

/// Whether a type of pandas keeps a mask for what is missing (`Int64`, `Float64`, `boolean`, those of Arrow): what is
/// reckoned with it goes otherwise, and Arrow shows it as any other.
fn own(dtype: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = dtype.get_type();
    let (module, name) = (class.module()?.to_string(), class.name()?.to_string());
    let stem = name.strip_suffix("Dtype").unwrap_or_default().trim_end_matches(|at: char| at.is_ascii_digit());
    Ok(module.starts_with("pandas") && matches!(stem, "Int" | "UInt" | "Float" | "Boolean" | "Arrow"))
}

/// Whether pyarrow found no type that all items of a column have.
fn mixed(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    match py.import("pyarrow") {
        Ok(pyarrow) => Ok(error.is_instance(py, &pyarrow.getattr("ArrowException")?)),
        Err(_) => Ok(false),
    }
}

/// A pandas table with all that Arrow leaves out: labels of a range, labels of columns that are no text, and
/// columns whose items have no one type.
fn frame<'py>(converter: &mut Converter<'py>, object: &Bound<'py, PyAny>, class: &Class) -> PyResult<Value> {
    let py = object.py();
    let (index, columns) = (object.getattr("index")?, object.getattr("columns")?);
    let counted = counted(&index)?;
    let types = object.getattr("dtypes")?.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let mut owned = Vec::new();
    for (at, dtype) in types.iter().enumerate() {
        if own(dtype)? {
            owned.push(format!("{at}: {}", text(&dtype.str()?)?));
        }
    }
    let mut whole = || {
        let pyarrow = py.import("pyarrow")?;
        let keep = PyDict::new(py);
        keep.set_item("preserve_index", !counted)?;
        let mut table = pyarrow.getattr("Table")?.call_method("from_pandas", (object,), Some(&keep))?;
        for (at, dtype) in types.iter().enumerate() {
            if of_numpy(dtype, "f")? {
                // With NaN as a value; the reader of pandas takes it for a value that is missing.
                let values = object.getattr("iloc")?.get_item((PySlice::full(py), at))?.call_method0("to_numpy")?;
                let name = table.call_method1("field", (at,))?.getattr("name")?;
                table = table.call_method1("set_column", (at, name, pyarrow.call_method1("array", (values,))?))?;
            }
        }
        let mut read = arrays::arrow_table(&table)?;
        if let Value::Table { columns, .. } = &mut read {
            for (at, (_, column)) in columns.iter_mut().enumerate() {
                let own = match at.checked_sub(types.len()) {
                    None => object.getattr("iloc")?.get_item((PySlice::full(py), at))?,
                    Some(level) => index.call_method1("get_level_values", (level,))?,
                };
                if of_numpy(&own.getattr("dtype")?, "O")? {
                    tell_missing(converter, column, &own)?;
                }
            }
        }
        Ok(read)
    };
    let table = match whole() {
        Ok(table) => table,
        Err(error) if mixed(py, &error)? => {
            let all = if counted { object.clone() } else { object.call_method0("reset_index")? };
            by_column(converter, &all)?
        }
        Err(error) => return Err(foreign(object, error)),
    };
    let table =
        if owned.is_empty() { table } else { sub(told(class, &format!("columns {}", owned.join(", "))), table) };
    let names = columns.getattr("names")?.cast_into::<PyAny>().map_err(PyErr::from)?;
    let unnamed = names.try_iter()?.all(|name| name.is_ok_and(|name| name.is_none()));
    let plain = columns.try_iter()?.all(|label| label.is_ok_and(|label| label.is_instance_of::<PyString>()));
    Ok(if unnamed && plain {
        table
    } else {
        let said = columns.call_method0("to_list")?.repr()?;
        sub(told(class, &format!("columns {} {said}", PyList::new(py, names.try_iter()?.flatten())?.repr()?)), table)
    })
}

/// Whether rows are only counted, 0, 1, 2, …, and the count has no name.
fn counted(index: &Bound<'_, PyAny>) -> PyResult<bool> {
    let range = index.py().import("pandas")?.getattr("RangeIndex")?.cast_into::<PyType>().map_err(PyErr::from)?;
    Ok(index.is_instance(&range)?
        && index.getattr("start")?.extract::<i64>()? == 0
        && index.getattr("step")?.extract::<i64>()? == 1
        && index.getattr("name")?.is_none())
}

fn by_column<'py>(converter: &mut Converter<'py>, object: &Bound<'py, PyAny>) -> PyResult<Value> {
    let mut columns = Vec::new();
    for entry in object.call_method0("items")?.try_iter()? {
        let (name, one): (Bound<'py, PyAny>, Bound<'py, PyAny>) = entry?.extract()?;
        let read = match series(converter, &one)? {
            // Of which type it is the frame says.
            Value::Sub { of, .. } => *of,
            plain => plain,
        };
        if let Value::Array { column, .. } = read {
            columns.push((name.str()?.to_string(), column));
        }
    }
    Ok(Value::Table { columns, rows: object.len()? })
}
