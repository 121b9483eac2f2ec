//! A record as Python sees it: a frozen value whose fields are attributes, prices as exact `Decimal`s made when asked for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use exuvia_market::wire::feed::{Cell, Feed, Row, decimal};
use exuvia_market::wire::json::Reader;
use exuvia_model::{Price, Symbol};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyIterator, PyString, PyTuple, PyType};

use crate::failure::Failure;
use crate::words::Words;

/// One value.
#[derive(Debug)]
pub enum Value {
    Null,
    Fixed(i64),
    Wide(i128),
    Float(f64),
    Int(i64),
    Word(Py<PyString>),
    Flag(bool),
}

/// What the records of one kind have in common.
#[derive(Debug)]
pub struct Shape {
    kind: Py<PyString>,
    names: Vec<Py<PyString>>,
}

impl Shape {
    /// The shapes of a feed's kinds, in order.
    pub fn all(py: Python<'_>, feed: &Feed) -> Vec<Arc<Self>> {
        let intern = |word: &str| PyString::intern(py, word).unbind();
        let shape = |(index, kind): (usize, &str)| {
            Arc::new(Self { kind: intern(kind), names: feed.fields(index).map(|(name, _, _)| intern(name)).collect() })
        };
        feed.kinds().enumerate().map(shape).collect()
    }
}

/// Takes the values of a row out of the frame.
pub fn values(py: Python<'_>, row: &Row<'_>, words: &mut Words) -> Box<[Value]> {
    let value = |cell: &Cell| match *cell {
        Cell::Null => Value::Null,
        Cell::Fixed(raw) => Value::Fixed(raw),
        Cell::Wide(wide) => Value::Wide(wide.raw()),
        Cell::Float(value) => Value::Float(value),
        Cell::Int(value) | Cell::Time(value) => Value::Int(value),
        Cell::Symbol(symbol) => Value::Word(words.get(py, row.symbols(), Symbol(symbol))),
        Cell::Text(_) => Value::Word(PyString::new(py, &row.text(*cell).unwrap_or_default()).unbind()),
        Cell::Flag(flag) => Value::Flag(flag),
    };
    row.cells.iter().map(value).collect()
}

static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();

fn decimal_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    DECIMAL.import(py, "decimal", "Decimal")
}

impl Value {
    /// The value as Python has it.
    #[inline]
    pub fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Null => Ok(py.None().into_bound(py)),
            Self::Fixed(raw) => decimal_type(py)?.call1((Price::from_raw(*raw).to_string(),)),
            Self::Wide(raw) => decimal_type(py)?.call1((decimal(*raw, 18),)),
            Self::Float(value) => value.into_bound_py_any(py),
            Self::Int(value) => value.into_bound_py_any(py),
            Self::Word(word) => Ok(word.bind(py).clone().into_any()),
            Self::Flag(flag) => flag.into_bound_py_any(py),
        }
    }

    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if object.is_none() {
            return Ok(Self::Null);
        }
        if let Ok(flag) = object.cast::<PyBool>() {
            return Ok(Self::Flag(flag.is_true()));
        }
        if let Ok(word) = object.cast::<PyString>() {
            return Ok(Self::Word(word.clone().unbind()));
        }
        if object.is_instance_of::<PyInt>() {
            return Ok(Self::Int(object.extract()?));
        }
        if object.is_instance_of::<PyFloat>() {
            return Ok(Self::Float(object.extract()?));
        }
        if object.is_instance(decimal_type(py)?)? {
            let text = object.str()?;
            let text = text.to_str()?;
            if let Ok(price) = text.parse::<Price>() {
                return Ok(Self::Fixed(price.raw()));
            }
            let number = Reader::new(text.as_bytes()).number().ok().flatten();
            let wide =
                number.map_or_else(|| text.parse::<Price>().map(|price| price.raw().into()), |number| number.to_wide());
            return Ok(Self::Wide(wide.map_err(Failure::from)?));
        }
        let name = object.get_type().qualname()?;
        Err(PyTypeError::new_err(format!("a record holds None, Decimal, float, int, str and bool, got {name}")))
    }

    fn equals(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Fixed(one), Self::Fixed(two)) | (Self::Int(one), Self::Int(two)) => one == two,
            (Self::Fixed(one), Self::Wide(two)) | (Self::Wide(two), Self::Fixed(one)) => widened(*one) == *two,
            (Self::Wide(one), Self::Wide(two)) => one == two,
            (Self::Float(one), Self::Float(two)) => one == two,
            (Self::Flag(one), Self::Flag(two)) => one == two,
            (Self::Word(one), Self::Word(two)) => one.is(two) || one.bind(py).to_str()? == two.bind(py).to_str()?,
            _ => false,
        })
    }

    fn add_to(&self, py: Python<'_>, hasher: &mut DefaultHasher) -> PyResult<()> {
        match self {
            Self::Null => 0_u8.hash(hasher),
            // One number is one value, however it is kept.
            Self::Fixed(value) => widened(*value).hash(hasher),
            Self::Wide(value) => value.hash(hasher),
            Self::Int(value) => value.hash(hasher),
            // Zero of either sign is one value.
            Self::Float(value) => (value + 0.0).to_bits().hash(hasher),
            Self::Word(word) => word.bind(py).to_str()?.hash(hasher),
            Self::Flag(flag) => flag.hash(hasher),
        }
        Ok(())
    }
}

/// The class, and what it is called with.
type Reduced<'py> = (Bound<'py, PyType>, (Py<PyString>, Bound<'py, PyDict>));

fn widened(raw: i64) -> i128 {
    i128::from(raw) * i128::from(exuvia_model::NANO)
}

/// One record of a feed, frozen: its fields are attributes.
///
/// A price, size or number is a `Decimal` (or a `float`, if the feed keeps floats), a time UTC nanoseconds, a field that
/// was not sent None. Iterating gives the values in order.
///
/// Args:
///     kind: Which kind of record, such as `trade`.
///     fields: The values by name, in order.
#[pyclass(frozen, module = "exuvia.feeds")]
pub struct Record {
    shape: Arc<Shape>,
    values: Box<[Value]>,
}

impl Record {
    pub const fn from_parts(shape: Arc<Shape>, values: Box<[Value]>) -> Self {
        Self { shape, values }
    }

    fn find(&self, py: Python<'_>, name: &Bound<'_, PyString>) -> PyResult<Option<&Value>> {
        // Names of attributes are interned, and so are ours.
        let same = self.shape.names.iter().position(|own| own.is(name));
        let place = match same {
            Some(place) => Some(place),
            None => {
                let text = name.to_str()?;
                let mut names = self.shape.names.iter();
                names.position(|own| own.bind(py).to_str().is_ok_and(|own| own == text))
            }
        };
        Ok(place.and_then(|place| self.values.get(place)))
    }

    fn field(&self, py: Python<'_>, name: &Bound<'_, PyString>) -> PyResult<&Value> {
        self.find(py, name)?.ok_or_else(|| {
            let names: Vec<_> = self.shape.names.iter().map(|name| name.bind(py).to_string()).collect();
            PyKeyError::new_err(format!("{} has no field {name}: it has {}", self.shape.kind, names.join(", ")))
        })
    }
}

#[pymethods]
impl Record {
    #[new]
    #[pyo3(signature = (kind, fields))]
    fn new(kind: &Bound<'_, PyString>, fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = kind.py();
        let mut names = Vec::with_capacity(fields.len());
        let mut values = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            names.push(PyString::intern(py, name.cast::<PyString>()?.to_str()?).unbind());
            values.push(Value::of(&value)?);
        }
        Ok(Self { shape: Arc::new(Shape { kind: kind.clone().unbind(), names }), values: values.into() })
    }

    fn __getattribute__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        if let Some(place) = this.shape.names.iter().position(|own| own.is(name))
            && let Some(value) = this.values.get(place)
        {
            return value.object(py);
        }
        // SAFETY: both are live objects of this interpreter, and the answer is a new reference or null with an exception.
        let found = unsafe {
            Bound::from_owned_ptr_or_err(py, pyo3::ffi::PyObject_GenericGetAttr(slf.as_ptr(), name.as_ptr()))
        };
        match found {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => match this.find(py, name)? {
                Some(value) => value.object(py),
                None => Err(error),
            },
            found => found,
        }
    }

    /// Which kind of record it is.
    #[getter]
    fn kind(&self, py: Python<'_>) -> Py<PyString> {
        self.shape.kind.clone_ref(py)
    }

    /// The names of the fields, in order.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.shape.names)
    }

    /// Return a number as an int: a price, size or number at 1e-9 (kept wide: at 1e-18), a time in nanoseconds.
    ///
    /// Args:
    ///     name: Which field.
    ///
    /// Returns:
    ///     The int, or None if the field was not sent.
    ///
    /// Raises:
    ///     KeyError: If there is no such field.
    ///     TypeError: If it is no fixed-point or whole number.
    #[pyo3(signature = (name))]
    fn raw(&self, name: &Bound<'_, PyString>) -> PyResult<Option<i128>> {
        match self.field(name.py(), name)? {
            Value::Fixed(value) | Value::Int(value) => Ok(Some(i128::from(*value))),
            Value::Wide(value) => Ok(Some(*value)),
            Value::Null => Ok(None),
            _ => Err(PyTypeError::new_err(format!("{name} is no fixed-point or whole number"))),
        }
    }

    /// Return a number as the nearest float.
    ///
    /// Args:
    ///     name: Which field.
    ///
    /// Returns:
    ///     The float, or None if the field was not sent.
    ///
    /// Raises:
    ///     KeyError: If there is no such field.
    ///     TypeError: If it is no price, size or number.
    #[pyo3(signature = (name))]
    fn float(&self, name: &Bound<'_, PyString>) -> PyResult<Option<f64>> {
        match self.field(name.py(), name)? {
            Value::Fixed(value) => Ok(Some(Price::from_raw(*value).to_f64())),
            Value::Wide(value) => Ok(decimal(*value, 18).parse().ok()),
            Value::Float(value) => Ok(Some(*value)),
            Value::Null => Ok(None),
            _ => Err(PyTypeError::new_err(format!("{name} is no price, size or number"))),
        }
    }

    /// Return the fields as a dict, in order.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in self.shape.names.iter().zip(&self.values) {
            dict.set_item(name, value.object(py)?)?;
        }
        Ok(dict)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        tuple(py, &self.values)?.try_iter()
    }

    fn __len__(&self) -> usize {
        self.values.len()
    }

    fn __eq__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<bool> {
        if !Arc::ptr_eq(&self.shape, &other.shape) {
            let word = |word: &Py<PyString>| word.bind(py).to_string();
            let names = |shape: &Shape| shape.names.iter().map(word).collect::<Vec<_>>();
            if word(&self.shape.kind) != word(&other.shape.kind) || names(&self.shape) != names(&other.shape) {
                return Ok(false);
            }
        }
        for (one, two) in self.values.iter().zip(&other.values) {
            if !one.equals(py, two)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        self.shape.kind.bind(py).to_str()?.hash(&mut hasher);
        for value in &self.values {
            value.add_to(py, &mut hasher)?;
        }
        Ok(hasher.finish())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Record({}, {})", self.shape.kind.bind(py).repr()?, self.as_dict(py)?.repr()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        Ok((py.get_type::<Self>(), (self.shape.kind.clone_ref(py), self.as_dict(py)?)))
    }
}

/// The values as a plain tuple.
pub fn tuple<'py>(py: Python<'py>, values: &[Value]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, values)
}

impl<'py> IntoPyObject<'py> for &Value {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.object(py)
    }
}
