//! The comparator's binding: live objects become value trees, verdicts become frozen Python values.
//! Everything runs with the GIL held, since it reads live objects.

mod arrays;
mod convert;
mod copy;
mod shape;
mod verdict;

use exuvia_migrate::{Comparator as Inner, Decode, Kind, Rules, Value};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::gate;
use convert::Converter;
pub use verdict::{Difference, Verdict};

/// Differences that a verdict keeps; all are counted.
const KEPT: usize = 20;

struct Decoder;

impl Decode for Decoder {
    fn parquet(&self, bytes: &[u8]) -> Result<Value, String> {
        arrays::parquet(bytes)
    }
}

/// Compares values under rules by path: `Comparator({"$[*].price": "tick:0.01"})`.
///
/// >>> from exuvia._exuvia import Comparator
/// >>> Comparator({"$.price": "tick:0.01"}).compare({"price": 1.0}, {"price": 1.01}).differences[0].path
/// '$.price'
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct Comparator {
    inner: Inner,
    written: Vec<(String, String)>,
}

#[pymethods]
impl Comparator {
    #[new]
    #[pyo3(signature = (rules = None, limit = KEPT), text_signature = "(rules=None, limit=20)")]
    fn new(rules: Option<Bound<'_, PyAny>>, limit: usize) -> PyResult<Self> {
        let mut written: Vec<(String, String)> = Vec::new();
        if let Some(rules) = rules {
            for item in rules.call_method0("items")?.try_iter()? {
                written.push(item?.extract()?);
            }
        }
        let pairs = written.iter().map(|(path, rule)| (path.as_str(), rule.as_str()));
        let parsed = gate::stay(|| Rules::parse(pairs))?;
        Ok(Self { inner: Inner::new(parsed, limit), written })
    }

    /// The rules as they were written: pairs of path and rule.
    #[getter]
    fn rules(&self) -> Vec<(String, String)> {
        self.written.clone()
    }

    /// Compares two results below `root`: `$`, `$args` (arguments after the call), `$self`.
    #[pyo3(signature = (legacy, candidate, root = "$"), text_signature = "(self, legacy, candidate, root='$')")]
    fn compare(&self, legacy: &Bound<'_, PyAny>, candidate: &Bound<'_, PyAny>, root: &str) -> PyResult<Verdict> {
        gate::guard(|| {
            let mut converter = Converter::new(legacy.py());
            let (one, two) = (converter.value(legacy)?, converter.value(candidate)?);
            Ok(self.inner.compare_at(root, &one, &two, &Decoder).into())
        })
    }

    /// Compares two outcomes `(result, exception)`; the exception is `None` where the call returned.
    fn compare_outcomes(&self, legacy: &Bound<'_, PyTuple>, candidate: &Bound<'_, PyTuple>) -> PyResult<Verdict> {
        gate::guard(|| self.outcomes(legacy, candidate))
    }

    fn __repr__(&self) -> String {
        format!("<Comparator of {} rules>", self.written.len())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
        let rules = pyo3::types::PyDict::new(slf.py());
        for (path, rule) in &slf.get().written {
            rules.set_item(path, rule)?;
        }
        Ok((slf.get_type().into_any(), (rules.into_any(),)))
    }
}

impl Comparator {
    fn outcomes(&self, legacy: &Bound<'_, PyTuple>, candidate: &Bound<'_, PyTuple>) -> PyResult<Verdict> {
        let py = legacy.py();
        let (result, raised) = (legacy.get_item(0)?, legacy.get_item(1)?);
        let (other, other_raised) = (candidate.get_item(0)?, candidate.get_item(1)?);
        let mut converter = Converter::new(py);
        match (raised.is_none(), other_raised.is_none()) {
            (true, true) => self.compare(&result, &other, "$"),
            (false, false) => {
                let (one, two) = (converter.value(&raised)?, converter.value(&other_raised)?);
                Ok(self.inner.compare_raised(&one, &two, &Decoder).into())
            }
            (returned, _) => {
                let (one, two) = if returned { (&result, &other_raised) } else { (&raised, &other) };
                let (one, two) = (converter.shown(one), converter.shown(two));
                let panicked = returned && other_raised.get_type().name()?.to_str()?.contains("Panic");
                let kind = if panicked { Kind::Panic } else { Kind::Exception };
                Ok(self.inner.one_raised(&one, &two, kind).into())
            }
        }
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Comparator>()?;
    module.add_class::<Verdict>()?;
    module.add_class::<Difference>()?;
    module.add_function(wrap_pyfunction!(copy::detached_copy, module)?)
}
