//! Copies of arguments for the candidate: what cannot change is shared, containers are copied here,
//! the rest by `copy.deepcopy` with one memo, so that aliases and cycles stay what they are.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::gate;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMappingProxy, PyString, PyTuple, PyType,
};

/// A copy that shares nothing mutable with `value`, and whether there was anything to copy.
///
/// >>> from exuvia._exuvia import detached_copy
/// >>> prices = [1.0]; copied, mutable = detached_copy((prices, prices, "EURUSD"))
/// >>> copied[0] is copied[1], copied[0] is prices, mutable
/// (True, False, True)
/// >>> detached_copy((1, "EURUSD"))[1]
/// False
#[pyfunction]
#[pyo3(text_signature = "(value)")]
pub(super) fn detached_copy<'py>(value: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let mut copier = Copier { memo: PyDict::new(value.py()), depth: 0 };
    let copied = gate::guard(|| copier.copy(value))?;
    let mutable = !copied.is(value);
    Ok((copied, mutable))
}

struct Copier<'py> {
    memo: Bound<'py, PyDict>,
    depth: usize,
}

/// Below this depth `copy.deepcopy` takes over, whose recursion Python bounds.
const DEEPEST: usize = 200;

impl<'py> Copier<'py> {
    fn copy(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if is_atom(value)? {
            return Ok(value.clone());
        }
        let key = value.as_ptr() as usize;
        if let Some(known) = self.memo.get_item(key)? {
            return Ok(known);
        }
        if self.depth >= DEEPEST {
            return self.deep(value);
        }
        self.depth += 1;
        let copied = self.container(value, key);
        self.depth -= 1;
        copied
    }

    fn container(&mut self, value: &Bound<'py, PyAny>, key: usize) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        if let Ok(items) = value.cast_exact::<PyList>() {
            let fresh = PyList::empty(py);
            self.memo.set_item(key, &fresh)?;
            for item in items.iter() {
                fresh.append(self.copy(&item)?)?;
            }
            return Ok(fresh.into_any());
        }
        if let Ok(entries) = value.cast_exact::<PyDict>() {
            let fresh = PyDict::new(py);
            self.memo.set_item(key, &fresh)?;
            for (name, item) in entries.iter() {
                fresh.set_item(self.copy(&name)?, self.copy(&item)?)?;
            }
            return Ok(fresh.into_any());
        }
        if let Ok(items) = value.cast_exact::<PyTuple>() {
            let mut changed = false;
            let mut fresh = Vec::with_capacity(items.len());
            for item in items.iter() {
                let copied = self.copy(&item)?;
                changed |= !copied.is(&item);
                fresh.push(copied);
            }
            if !changed {
                return Ok(value.clone());
            }
            // A tuple inside its own list was made while its items were copied.
            if let Some(known) = self.memo.get_item(key)? {
                return Ok(known);
            }
            let fresh = PyTuple::new(py, fresh)?.into_any();
            self.memo.set_item(key, &fresh)?;
            return Ok(fresh);
        }
        if is_frozen_record(value)? && self.is_unchanged(value)? {
            return Ok(value.clone());
        }
        self.deep(value)
    }

    /// Whether every field of a frozen dataclass is immutable all the way down.
    fn is_unchanged(&mut self, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        let fields = value.getattr(intern!(value.py(), "__dataclass_fields__"))?.cast_into::<PyDict>()?;
        for name in fields.keys() {
            let field = value.getattr(name.cast::<PyString>()?)?;
            if is_atom(&field)? {
                continue;
            }
            let fixed = field.is_exact_instance_of::<PyTuple>() || is_frozen_record(&field)?;
            if !fixed || !self.copy(&field)?.is(&field) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn deep(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        static DEEPCOPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = value.py();
        let deepcopy = DEEPCOPY.get_or_try_init(py, || py.import("copy")?.getattr("deepcopy").map(Bound::unbind))?;
        deepcopy.bind(py).call1((value, &self.memo))
    }
}

fn is_atom(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if value.is_none()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyBytes>()
    {
        return Ok(true);
    }
    static ATOMS: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let py = value.py();
    let atoms = ATOMS.get_or_try_init(py, || {
        let mut classes = vec![py.get_type::<PyType>().into_any(), py.get_type::<PyMappingProxy>().into_any()];
        for (module, names) in [
            ("decimal", ["Decimal"].as_slice()),
            ("datetime", &["date", "time", "timedelta", "timezone"]),
            ("fractions", &["Fraction"]),
            ("uuid", &["UUID"]),
            ("zoneinfo", &["ZoneInfo"]),
            ("enum", &["Enum"]),
            ("types", &["FunctionType", "BuiltinFunctionType", "ModuleType"]),
        ] {
            for name in names {
                classes.push(py.import(module)?.getattr(*name)?);
            }
        }
        Ok::<_, PyErr>(PyTuple::new(py, classes)?.unbind())
    })?;
    if value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyTuple>()
    {
        return Ok(false);
    }
    if value.is_exact_instance_of::<PyFrozenSet>() {
        for item in value.try_iter()? {
            if !is_atom(&item?)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    value.is_instance(atoms.bind(py))
}

fn is_frozen_record(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    match value.getattr_opt(intern!(py, "__dataclass_params__"))? {
        Some(params) => params.getattr(intern!(py, "frozen"))?.extract(),
        None => Ok(false),
    }
}
