//! What kind of object a class makes, decided once for each class; and how users say what a class is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use exuvia_migrate::Class;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::library::{LIBRARY, Library};
use crate::failure::Failure;
use crate::gate;

/// A builtin type that a subclass stands on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Builtin {
    Int,
    Float,
    Text,
    Bytes,
    List,
    Tuple,
    Dict,
    Set,
}

/// Field names, as text and as the interned object that `getattr` takes.
pub(super) type Names = Vec<(Arc<str>, Py<PyString>)>;

/// How objects of a class are read.
pub(super) enum Shape {
    Enum,
    Decimal,
    Moment,
    /// Its repr determines it.
    Text,
    Subclass(Builtin),
    /// A NumPy scalar.
    Scalar,
    Raised,
    /// All of these fields, in this order.
    Fields(Names),
    /// These slots where set, and the instance's dict.
    Attributes(Names),
    /// Of the standard library, NumPy, pandas or polars.
    Library(Library),
    Array,
    Table,
    Column,
    /// What this function makes of it.
    Plain(Py<PyAny>),
    Unknown,
}

/// A class that was looked at: kept alive, so that its address stays its own.
struct Known {
    _class_object: Py<PyType>,
    class: Class,
    shape: Arc<Shape>,
}

static KNOWN: Mutex<BTreeMap<usize, Known>> = Mutex::new(BTreeMap::new());
/// Programs have hundreds of classes; one that makes them without end must not keep them all alive.
const MOST: usize = 4_096;

/// The class of an object and how it is read; looked at once.
pub(super) fn shape_of(class_object: &Bound<'_, PyType>) -> PyResult<(Class, Arc<Shape>)> {
    let id = class_object.as_ptr() as usize;
    if let Some(known) = gate::locked(&KNOWN).get(&id) {
        return Ok((known.class.clone(), Arc::clone(&known.shape)));
    }
    let class = super::convert::class_of(class_object)?;
    let shape = Arc::new(classify(class_object)?);
    let known = Known { _class_object: class_object.clone().unbind(), class: class.clone(), shape: Arc::clone(&shape) };
    let mut all = gate::locked(&KNOWN);
    let crowd = if all.len() >= MOST { std::mem::take(&mut *all) } else { BTreeMap::new() };
    let before = all.insert(id, known);
    drop(all);
    // Classes may end here, which runs Python: not under the lock.
    drop((crowd, before));
    Ok((class, shape))
}

/// What users registered: functions by class.
fn registered(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static REGISTERED: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    Ok(REGISTERED.get_or_init(py, || PyDict::new(py).unbind()).bind(py))
}

fn forget_shapes() {
    let all = std::mem::take(&mut *gate::locked(&KNOWN));
    drop(all);
}

/// Says how values of a class are compared: by what `to_plain` makes of them.
///
/// >>> from exuvia._exuvia import Comparator, register, unregister
/// >>> class Price:
/// ...     def __init__(self, ticks): self.__ticks = ticks
/// ...     def ticks(self): return self.__ticks
/// >>> register(Price, Price.ticks)
/// >>> Comparator().compare([Price(4)], [Price(5)]).differences[0].legacy
/// '4'
/// >>> unregister(Price)
/// True
///
/// Args:
///     cls: The class; its subclasses follow, unless they are registered themselves.
///     to_plain: Takes a value and returns what it is to be compared by: a dict, a tuple, a number …
///
/// Raises:
///     CompareError: If `to_plain` cannot be called.
#[pyfunction]
#[pyo3(text_signature = "(cls, to_plain)")]
pub(super) fn register(cls: &Bound<'_, PyType>, to_plain: &Bound<'_, PyAny>) -> PyResult<()> {
    gate::guard(|| {
        if !to_plain.is_callable() {
            let text = format!("register({}, …) needs a function of a value, not {}", cls.name()?, to_plain.repr()?);
            return Err(Failure::text("CompareError", text).into());
        }
        registered(cls.py())?.set_item(cls, to_plain)?;
        forget_shapes();
        Ok(())
    })
}

/// Takes a registered class out again; says whether it was registered.
#[pyfunction]
#[pyo3(text_signature = "(cls)")]
pub(super) fn unregister(cls: &Bound<'_, PyType>) -> PyResult<bool> {
    gate::guard(|| {
        let all = registered(cls.py())?;
        let known = all.contains(cls)?;
        if known {
            all.del_item(cls)?;
        }
        forget_shapes();
        Ok(known)
    })
}

/// Whether values of a class can be compared: by their own fields, or as they were registered.
///
/// >>> from exuvia._exuvia import is_readable
/// >>> is_readable(dict), is_readable(object)
/// (True, False)
#[pyfunction]
#[pyo3(text_signature = "(cls)")]
pub(super) fn is_readable(cls: &Bound<'_, PyType>) -> PyResult<bool> {
    gate::guard(|| {
        let scalar = ["bool", "NoneType"].contains(&cls.name()?.to_str()?) && cls.module()?.to_str()? == "builtins";
        Ok(scalar
            || match &*shape_of(cls)?.1 {
                Shape::Unknown => false,
                Shape::Library(kind) => kind.readable(),
                _ => true,
            })
    })
}

/// Classes that their repr determines. Addresses and networks also keep what they once worked out, which is no state.
const BY_TEXT: [(&str, &str); 16] = [
    ("datetime", "date"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "tzinfo"),
    ("uuid", "UUID"),
    ("pathlib", "PurePath"),
    ("fractions", "Fraction"),
    ("builtins", "complex"),
    ("builtins", "range"),
    ("builtins", "slice"),
    ("types", "EllipsisType"),
    ("types", "NotImplementedType"),
    ("ipaddress", "_BaseAddress"),
    ("ipaddress", "_BaseNetwork"),
    ("pandas", "Period"),
    ("pandas", "Interval"),
];

/// Classifies `class`.
fn classify(class: &Bound<'_, PyType>) -> PyResult<Shape> {
    let py = class.py();
    let declared = registered(py)?;
    if !declared.is_empty() {
        for base in class.mro().iter() {
            if let Some(to_plain) = declared.get_item(base)? {
                return Ok(Shape::Plain(to_plain.unbind()));
            }
        }
    }
    let is = |module: &str, name: &str| -> PyResult<bool> {
        // A class of a module that was never imported cannot have instances.
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>().map_err(PyErr::from)?;
        match modules.get_item(module)? {
            // Nor has one of a module that is still being imported.
            Some(module) => module.getattr_opt(name)?.map_or(Ok(false), |known| class.is_subclass(&known)),
            None => Ok(false),
        }
    };
    if is("enum", "Enum")? {
        return Ok(Shape::Enum);
    }
    if is("decimal", "Decimal")? || is("_pydecimal", "Decimal")? {
        return Ok(Shape::Decimal);
    }
    if is("datetime", "datetime")? {
        // pandas has an instant that is none.
        return Ok(if class.name()?.to_str()? == "NaTType" { Shape::Text } else { Shape::Moment });
    }
    for (module, name) in BY_TEXT {
        if is(module, name)? {
            return Ok(Shape::Text);
        }
    }
    for (module, name, kind) in LIBRARY {
        if is(module, name)? {
            return Ok(Shape::Library(kind));
        }
    }
    if is("builtins", "BaseException")? {
        return Ok(Shape::Raised);
    }
    if is("numpy", "ndarray")? {
        return Ok(Shape::Array);
    }
    if is("numpy", "generic")? {
        return Ok(Shape::Scalar);
    }
    if let Some(names) = named_tuple(class)? {
        return Ok(Shape::Fields(names));
    }
    for (name, builtin) in [
        ("int", Builtin::Int),
        ("float", Builtin::Float),
        ("str", Builtin::Text),
        ("bytes", Builtin::Bytes),
        ("list", Builtin::List),
        ("tuple", Builtin::Tuple),
        ("dict", Builtin::Dict),
        ("set", Builtin::Set),
        ("frozenset", Builtin::Set),
    ] {
        if is("builtins", name)? {
            return Ok(Shape::Subclass(builtin));
        }
    }
    if let Some(fields) = class.getattr_opt("__dataclass_fields__")? {
        let names = fields.cast::<PyDict>()?.keys();
        return Ok(Shape::Fields(interned(names.into_any())?));
    }
    if class.hasattr("__arrow_c_stream__")? {
        // Tables and record batches have a schema of columns, chunked arrays a type.
        let table = class.hasattr("column_names")? || class.hasattr("columns")? || class.hasattr("num_columns")?;
        return Ok(if table { Shape::Table } else { Shape::Column });
    }
    if class.hasattr("__arrow_c_array__")? {
        let table = class.hasattr("column_names")? || class.hasattr("num_columns")?;
        return Ok(if table { Shape::Table } else { Shape::Column });
    }
    if is_callable_or_module(class)? {
        return Ok(Shape::Unknown);
    }
    own_attributes(class)
}

fn named_tuple(class: &Bound<'_, PyType>) -> PyResult<Option<Names>> {
    if !class.is_subclass_of::<PyTuple>()? {
        return Ok(None);
    }
    match class.getattr_opt("_fields")? {
        Some(fields) => Ok(Some(interned(fields)?)),
        None => Ok(None),
    }
}

fn is_callable_or_module(class: &Bound<'_, PyType>) -> PyResult<bool> {
    static REFUSED: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let py = class.py();
    let refused = REFUSED.get_or_try_init(py, || {
        let types = py.import("types")?;
        let builtins = py.import("builtins")?;
        let mut classes = vec![builtins.getattr("type")?];
        for name in [
            "FunctionType",
            "BuiltinFunctionType",
            "MethodType",
            "ModuleType",
            "GeneratorType",
            "CoroutineType",
            "AsyncGeneratorType",
        ] {
            classes.push(types.getattr(name)?);
        }
        Ok::<_, PyErr>(PyTuple::new(py, classes)?.unbind())
    })?;
    class.is_subclass(refused.bind(py))
}

/// Slots of the whole hierarchy, getters of exuvia's own classes, and whether there is a dict. What keeps
/// further state where no attribute shows it (`io.BytesIO`, `random.Random`) is not readable by attributes.
fn own_attributes(class: &Bound<'_, PyType>) -> PyResult<Shape> {
    let py = class.py();
    let mut slots: Vec<Bound<'_, PyAny>> = Vec::new();
    let mut readable = class.getattr("__dictoffset__")?.extract::<isize>()? != 0;
    let types = py.import("types")?;
    let (member, getter) = (types.getattr("MemberDescriptorType")?, types.getattr("GetSetDescriptorType")?);
    let size = |class: &Bound<'_, PyAny>, name: &str| class.getattr(name)?.extract::<isize>();
    let pointer = isize::try_from(size_of::<usize>()).unwrap_or(8);
    let mut hidden = size(class, "__basicsize__")? - size(&py.get_type::<PyAny>(), "__basicsize__")?;
    for offset in ["__dictoffset__", "__weakrefoffset__"] {
        hidden -= if size(class, offset)? > 0 { pointer } else { 0 };
    }
    let mut known = false;
    for base in class.mro().iter().collect::<Vec<_>>().into_iter().rev() {
        let base = base.cast_into::<PyType>().map_err(PyErr::from)?;
        let ours = base.module()?.to_str()?.split('.').next() == Some("exuvia");
        let builtin = base.module()?.to_str()? == "builtins";
        for entry in base.getattr("__dict__")?.call_method0("items")?.try_iter()? {
            let (name, descriptor): (Bound<'_, PyString>, Bound<'_, PyAny>) = entry?.extract()?;
            let dunder = name.to_str()?.starts_with("__");
            let slot = !builtin && descriptor.is_instance(&member)?;
            let field = ours && descriptor.is_instance(&getter)?;
            hidden -= if slot { pointer } else { 0 };
            known |= ours;
            if !dunder && (slot || field) {
                readable = true;
                slots.push(name.into_any());
            }
        }
    }
    if !readable || (hidden > 0 && !known) {
        return Ok(Shape::Unknown);
    }
    Ok(Shape::Attributes(interned(pyo3::types::PyList::new(py, slots)?.into_any())?))
}

fn interned(names: Bound<'_, PyAny>) -> PyResult<Names> {
    let mut all = Names::new();
    for name in names.try_iter()? {
        let name = name?.cast_into::<PyString>().map_err(PyErr::from)?;
        all.push((Arc::from(name.to_str()?), PyString::intern(name.py(), name.to_str()?).unbind()));
    }
    Ok(all)
}
