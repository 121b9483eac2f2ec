//! Live Python objects as value trees. Exact builtin types take the short way; everything else is
//! classified once a class (`shape`).

use std::sync::Arc;

use exuvia_migrate::{Class, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use super::shape::{Builtin, Shape, shape_of};
use super::{arrays, library};
use crate::failure::Failure;
use crate::tables;

pub(super) const DEEPEST: usize = 100;
/// Values of one side; beyond them a comparison would take more memory than a sample is worth.
pub(super) const MOST: usize = 4_000_000;

/// What the library of a table raised, as a `CompareError`.
pub(super) fn foreign(object: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    tables::told("CompareError", "as an Arrow table", object, error)
}

/// Converts objects of one comparison.
pub(super) struct Converter<'py> {
    py: Python<'py>,
    depth: usize,
    count: usize,
    /// Whether objects without fields are wanted by their repr.
    reprs: bool,
}

impl<'py> Converter<'py> {
    pub(super) fn new(py: Python<'py>, reprs: bool) -> Self {
        Self { py, depth: 0, count: 0, reprs }
    }

    /// An object as a value tree.
    ///
    /// # Errors
    /// `CompareError` for an object nested deeper than 100 or of more than 4 million values.
    pub(super) fn value(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        self.count += 1;
        if self.count > MOST {
            let text = format!("more than {MOST} values in one result cannot be compared: compare an array or a table");
            return Err(Failure::text("CompareError", text).into());
        }
        if let Some(value) = scalar(object)? {
            return Ok(value);
        }
        if self.depth >= DEEPEST {
            let text =
                format!("a {} nested deeper than {DEEPEST} levels, or inside itself, cannot be compared", kind(object));
            return Err(Failure::text("CompareError", text).into());
        }
        self.depth += 1;
        let value = self.container(object);
        self.depth -= 1;
        value
    }

    /// An exception, with those of its attributes that rules name.
    ///
    /// # Errors
    /// As for `value`; what reading an attribute raises.
    pub(super) fn raised(&mut self, error: &Bound<'py, PyAny>, (names, all): (&[&str], bool)) -> PyResult<Value> {
        let mut value = self.value(error)?;
        let Value::Raised { fields, .. } = &mut value else { return Ok(value) };
        for name in names {
            if let Some(found) = error.getattr_opt(*name)? {
                fields.push((Arc::from(*name), self.value(&found)?));
            }
        }
        if all
            && let Some(own) = error.getattr_opt("__dict__")?
            && let Ok(own) = own.cast::<PyDict>()
        {
            for (key, found) in own.iter() {
                let key = text(&key.str()?)?;
                if !names.contains(&key.as_str()) {
                    fields.push((Arc::from(key), self.value(&found)?));
                }
            }
        }
        Ok(value)
    }

    /// An object as a value for showing only: what cannot be converted is shown by its type.
    pub(super) fn shown(&mut self, object: &Bound<'py, PyAny>) -> Value {
        self.value(object).unwrap_or_else(|_| Value::Text(format!("a {}", kind(object))))
    }

    fn container(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        if let Ok(items) = object.cast_exact::<PyList>() {
            return Ok(Value::List(items.iter().map(|item| self.value(&item)).collect::<PyResult<_>>()?));
        }
        if let Ok(entries) = object.cast_exact::<PyDict>() {
            return self.entries(entries);
        }
        if let Ok(items) = object.cast_exact::<PyTuple>() {
            return Ok(Value::Tuple(items.iter().map(|item| self.value(&item)).collect::<PyResult<_>>()?));
        }
        if object.is_exact_instance_of::<PySet>() || object.is_exact_instance_of::<PyFrozenSet>() {
            return self.set(object);
        }
        self.shaped(object)
    }

    pub(super) fn entries(&mut self, entries: &Bound<'py, PyDict>) -> PyResult<Value> {
        let mut pairs = Vec::with_capacity(entries.len());
        for (key, value) in entries.iter() {
            pairs.push((self.value(&key)?, self.value(&value)?));
        }
        Ok(Value::Dict(pairs))
    }

    fn set(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        let items = object.try_iter()?.map(|item| self.value(&item?)).collect::<PyResult<_>>()?;
        Ok(Value::Set { frozen: object.is_instance_of::<PyFrozenSet>(), items })
    }

    fn shaped(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        let class_object = object.get_type();
        let (class, shape) = shape_of(&class_object)?;
        Ok(match &*shape {
            Shape::Enum => Value::Enum { class, name: member_name(object)? },
            Shape::Decimal => Value::Decimal(text(&object.str()?)?),
            // It counts nanoseconds, and what is reckoned with it is another class again.
            Shape::Moment if class.name.starts_with("pandas.") => Value::Sub { class, of: Box::new(moment(object)?) },
            Shape::Moment => moment(object)?,
            Shape::Text => Value::Named { class, text: text(&object.repr()?)? },
            Shape::Subclass(builtin) => Value::Sub { class, of: Box::new(self.underneath(object, *builtin)?) },
            Shape::Scalar => {
                let item = object.call_method0("item")?;
                if item.get_type().is(&class_object) {
                    // Wider than any number of Python's own.
                    return Ok(Value::Named { class, text: text(&object.repr()?)? });
                }
                Value::Sub { class, of: Box::new(self.value(&item)?) }
            }
            Shape::Library(kind) => match library::value(self, object, class.clone(), *kind)? {
                Some(value) => value,
                None => Value::Opaque { class, repr: self.repr(object)? },
            },
            Shape::Raised => {
                let args = object.getattr("args")?.cast_into::<PyTuple>().map_err(PyErr::from)?;
                let args = args.iter().map(|arg| self.shown(&arg)).collect();
                Value::Raised { class, base: builtin_base(&class_object)?, args, fields: Vec::new() }
            }
            Shape::Fields(names) => {
                let mut fields = Vec::with_capacity(names.len());
                for (name, key) in names {
                    let value = object.getattr(key.bind(self.py))?;
                    fields.push((Arc::clone(name), self.value(&value)?));
                }
                Value::Record { class, fields }
            }
            Shape::Attributes(names) => self.attributes(object, class, names)?,
            // Its fields are attributes too.
            Shape::Array if class.name.ends_with("recarray") => {
                Value::Sub { class, of: Box::new(arrays::numpy(self, object)?) }
            }
            Shape::Array => arrays::numpy(self, object)?,
            Shape::Table => arrays::arrow_table(object).map_err(|error| foreign(object, error))?,
            Shape::Column => arrays::arrow_array(object).map_err(|error| foreign(object, error))?,
            Shape::Plain(to_plain) => {
                let plain = to_plain.bind(self.py).call1((object,))?;
                if plain.is(object) {
                    let text =
                        format!("what was registered for {} returns the value itself: return its parts", class.name);
                    return Err(Failure::text("CompareError", text).into());
                }
                Value::Sub { class, of: Box::new(self.value(&plain)?) }
            }
            Shape::Unknown => Value::Opaque { class, repr: self.repr(object)? },
        })
    }

    /// The repr of an object without fields, if a rule asks for it; one that names an address says nothing.
    fn repr(&self, object: &Bound<'py, PyAny>) -> PyResult<Option<String>> {
        if !self.reprs {
            return Ok(None);
        }
        let shown = text(&object.repr()?)?;
        if shown.contains(" at 0x") {
            let what = format!("the repr of a {} names its address, {shown}: register the class instead", kind(object));
            return Err(Failure::text("CompareError", what).into());
        }
        Ok(Some(shown))
    }

    /// Slots that are set, then the instance's own dict; private names count as well.
    fn attributes(
        &mut self,
        object: &Bound<'py, PyAny>,
        class: Class,
        slots: &[(Arc<str>, Py<PyString>)],
    ) -> PyResult<Value> {
        let mut fields = Vec::new();
        for (name, key) in slots {
            if let Some(value) = object.getattr_opt(key.bind(self.py))? {
                fields.push((Arc::clone(name), self.value(&value)?));
            }
        }
        if let Some(own) = object.getattr_opt("__dict__")?
            && let Ok(own) = own.cast::<PyDict>()
        {
            for (key, value) in own.iter() {
                fields.push((Arc::from(text(&key.str()?)?), self.value(&value)?));
            }
        }
        Ok(Value::Record { class, fields })
    }

    fn underneath(&mut self, object: &Bound<'py, PyAny>, builtin: Builtin) -> PyResult<Value> {
        let items = |this: &mut Self| object.try_iter()?.map(|item| this.value(&item?)).collect::<PyResult<Vec<_>>>();
        Ok(match builtin {
            Builtin::Int => integer(object.cast::<PyInt>()?)?,
            Builtin::Float => Value::Float(object.cast::<PyFloat>()?.value()),
            Builtin::Text => Value::Text(text(object.cast::<PyString>()?)?),
            Builtin::Bytes => Value::Bytes(object.cast::<PyBytes>()?.as_bytes().to_vec()),
            Builtin::List => Value::List(items(self)?),
            Builtin::Tuple => Value::Tuple(items(self)?),
            Builtin::Dict => self.entries(object.cast::<PyDict>()?)?,
            Builtin::Set => self.set(object)?,
        })
    }
}

/// A value of an exact builtin scalar type.
fn scalar(object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    Ok(Some(if let Ok(text_) = object.cast_exact::<PyString>() {
        Value::Text(text(text_)?)
    } else if let Ok(number) = object.cast_exact::<PyFloat>() {
        Value::Float(number.value())
    } else if let Ok(number) = object.cast_exact::<PyInt>() {
        integer(number)?
    } else if object.is_none() {
        Value::None
    } else if let Ok(flag) = object.cast_exact::<PyBool>() {
        Value::Bool(flag.is_true())
    } else if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        Value::Bytes(bytes.as_bytes().to_vec())
    } else {
        return Ok(None);
    }))
}

fn integer(number: &Bound<'_, PyInt>) -> PyResult<Value> {
    if let Ok(small) = number.extract::<i64>() {
        return Ok(Value::Int(i128::from(small)));
    }
    if let Ok(large) = number.extract::<i128>() {
        return Ok(Value::Int(large));
    }
    // Hexadecimal: Python limits the digits of decimal conversion.
    Ok(Value::BigInt(number.py().get_type::<PyInt>().getattr("__format__")?.call1((number, "#x"))?.extract()?))
}

/// Text, with lone surrogates kept apart from one another.
pub(super) fn text(text: &Bound<'_, PyString>) -> PyResult<String> {
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => {
            text.call_method1("encode", ("ascii", "backslashreplace"))?.call_method1("decode", ("ascii",))?.extract()
        }
    }
}

fn member_name(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let name = object.getattr("_name_")?;
    if name.is_none() { text(&object.repr()?) } else { name.extract() }
}

/// The instant in ns since 1970; pandas' Timestamp carries nanoseconds of its own.
fn moment(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let part = |name: &str| object.getattr(name)?.extract::<i128>();
    let days = object.call_method0("toordinal")?.extract::<i128>()? - 719_163;
    let seconds = ((days * 24 + part("hour")?) * 60 + part("minute")?) * 60 + part("second")?;
    let mut ns = (seconds * 1_000_000 + part("microsecond")?) * 1_000;
    if let Some(rest) = object.getattr_opt("nanosecond")? {
        ns += rest.extract::<i128>()?;
    }
    let offset = object.call_method0("utcoffset")?;
    if offset.is_none() {
        return Ok(Value::Moment { ns, aware: false });
    }
    let part = |name: &str| offset.getattr(name)?.extract::<i128>();
    let shift = (part("days")? * 86_400 + part("seconds")?) * 1_000_000 + part("microseconds")?;
    Ok(Value::Moment { ns: ns - shift * 1_000, aware: true })
}

pub(super) fn class_of(class: &Bound<'_, PyType>) -> PyResult<Class> {
    Ok(Class { id: class.as_ptr() as usize, name: full_name(class).into() })
}

fn full_name(class: &Bound<'_, PyType>) -> String {
    let name = class.qualname().map_or_else(|_| "?".to_owned(), |name| name.to_string_lossy().into_owned());
    match class.module() {
        Ok(module) if module.to_str().is_ok_and(|module| module != "builtins") => {
            format!("{}.{name}", module.to_string_lossy())
        }
        _ => name,
    }
}

fn builtin_base(class: &Bound<'_, PyType>) -> PyResult<Class> {
    for base in class.mro().iter() {
        let base = base.cast_into::<PyType>().map_err(PyErr::from)?;
        if base.module().is_ok_and(|module| module.to_str().is_ok_and(|name| name == "builtins")) {
            return class_of(&base);
        }
    }
    class_of(class)
}

pub(super) fn kind(object: &Bound<'_, PyAny>) -> String {
    full_name(&object.get_type())
}
