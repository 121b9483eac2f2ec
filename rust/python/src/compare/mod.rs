//! The comparator's binding: live objects become value trees, verdicts become frozen Python values.
//! Everything runs with the GIL held, since it reads live objects.

mod arrays;
mod convert;
mod copy;
mod library;
mod quick;
mod shape;
mod verdict;

use exuvia_migrate::{Adding, Comparator as Inner, Decode, Divergence, Kind, Rules, Sum, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::failure::Failure;
use crate::gate;
use convert::Converter;
pub use verdict::{Difference, Verdict};

/// Differences that a verdict keeps; all are counted.
const KEPT: usize = 20;

struct Surroundings {
    today: i64,
}

impl Decode for Surroundings {
    fn parquet(&self, bytes: &[u8]) -> Result<Value, String> {
        arrays::parquet(bytes)
    }

    fn today(&self) -> i64 {
        self.today
    }
}

/// Compares values under rules by path: `Comparator({"$[*].price": "tick:0.01"})`.
///
/// >>> from exuvia._exuvia import Comparator
/// >>> Comparator({"$.price": "tick:0.01"}).compare({"price": 1.0}, {"price": 1.01}).differences[0].path
/// '$.price'
/// >>> orders = Comparator({"$.id": "ids"})
/// >>> orders.compare({"id": "A-1"}, {"id": "A-7"}).equal, orders.compare({"id": "A-1"}, {"id": "A-8"}).equal
/// (True, False)
///
/// Args:
///     rules: Rules by path; `exuvia.migrate.compare` lists them.
///     limit: Differences that a verdict keeps; all are counted.
///     divergences: Declared differences: objects with `path`, `legacy`, `candidate`, `owner`, `reason`,
///         `expires` (a date) and `budget`, as the configuration has them.
///     share: A comparator of the same unit: one renaming of ids and one count of hits for both.
///
/// Raises:
///     CompareError: For a path, rule or divergence that cannot be read.
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct Comparator {
    inner: Inner,
    written: Vec<(String, String)>,
    limit: usize,
    divergences: Vec<Py<PyAny>>,
}

#[pymethods]
impl Comparator {
    #[new]
    #[pyo3(
        signature = (rules = None, limit = KEPT, divergences = None, share = None),
        text_signature = "(rules=None, limit=20, divergences=None, share=None)"
    )]
    fn new(
        rules: Option<Bound<'_, PyAny>>,
        limit: usize,
        divergences: Option<Bound<'_, PyAny>>,
        share: Option<Bound<'_, Comparator>>,
    ) -> PyResult<Self> {
        let mut written: Vec<(String, String)> = Vec::new();
        if let Some(rules) = rules {
            for item in rules.call_method0("items")?.try_iter()? {
                written.push(item?.extract()?);
            }
        }
        let pairs = written.iter().map(|(path, rule)| (path.as_str(), rule.as_str()));
        let parsed = gate::stay(|| Rules::parse(pairs))?;
        let (mut ledger, mut kept) = (Vec::new(), Vec::new());
        if let Some(divergences) = divergences {
            for entry in divergences.try_iter()? {
                let entry = entry?;
                ledger.push(divergence(&entry)?);
                kept.push(entry.unbind());
            }
        }
        let mut inner = Inner::new(parsed, limit).with_ledger(ledger);
        if let Some(share) = share {
            inner = inner.sharing(&share.get().inner);
        }
        Ok(Self { inner, written, limit, divergences: kept })
    }

    /// The rules as they were written: pairs of path and rule.
    #[getter]
    fn rules(&self) -> Vec<(String, String)> {
        self.written.clone()
    }

    /// The declared divergences as they stand: a dict for each with its `path`, `rule`, `owner`, `reason`, `expires`,
    /// `budget` and `hits` so far in this process.
    ///
    /// >>> from exuvia._exuvia import Comparator
    /// >>> Comparator().ledger()
    /// []
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let mut rows = Vec::new();
        for (entry, hits) in self.inner.ledger() {
            let row = PyDict::new(py);
            row.set_item("path", entry.path.text())?;
            row.set_item("rule", entry.name())?;
            row.set_item("owner", &entry.owner)?;
            row.set_item("reason", &entry.reason)?;
            row.set_item("expires", &entry.expires)?;
            row.set_item("budget", entry.budget)?;
            row.set_item("hits", hits)?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Compares two results below `root`: `$`, `$args` (arguments after the call), `$self`.
    ///
    /// Raises:
    ///     CompareError: For an object without fields, cycles, and more than four million values.
    #[pyo3(signature = (legacy, candidate, root = "$"), text_signature = "(self, legacy, candidate, root='$')")]
    fn compare(&self, legacy: &Bound<'_, PyAny>, candidate: &Bound<'_, PyAny>, root: &str) -> PyResult<Verdict> {
        gate::guard(|| self.values(legacy, candidate, root))
    }

    /// Compares two outcomes `(result, exception)`; the exception is `None` where the call returned.
    fn compare_outcomes(&self, legacy: &Bound<'_, PyTuple>, candidate: &Bound<'_, PyTuple>) -> PyResult<Verdict> {
        gate::guard(|| self.outcomes(legacy, candidate))
    }

    /// Compares what a call did to the world, in order: `effect-missing`, `effect-extra`, `effect-different`.
    ///
    /// >>> from exuvia._exuvia import Comparator
    /// >>> Comparator().compare_effects([{"order": 1}, {"order": 2}], [{"order": 2}]).differences[0].kind
    /// 'effect-missing'
    ///
    /// Args:
    ///     legacy: Legacy's effects, as values.
    ///     candidate: The candidate's intents.
    fn compare_effects(&self, legacy: Vec<Bound<'_, PyAny>>, candidate: Vec<Bound<'_, PyAny>>) -> PyResult<Verdict> {
        gate::guard(|| {
            let (one, two) = (self.all(&legacy)?, self.all(&candidate)?);
            self.told(|around| self.inner.compare_effects(&one, &two, around), legacy.first())
        })
    }

    /// Compares what a call read: each read of the candidate must be one that legacy made, else `extra-read`.
    ///
    /// >>> from exuvia._exuvia import Comparator
    /// >>> Comparator().compare_reads(["GET /a"], ["GET /a", "GET /b"]).differences[0].kind
    /// 'extra-read'
    ///
    /// Args:
    ///     legacy: Legacy's reads, as values.
    ///     candidate: The candidate's.
    fn compare_reads(&self, legacy: Vec<Bound<'_, PyAny>>, candidate: Vec<Bound<'_, PyAny>>) -> PyResult<Verdict> {
        gate::guard(|| {
            let (one, two) = (self.all(&legacy)?, self.all(&candidate)?);
            self.told(|around| self.inner.compare_reads(&one, &two, around), legacy.first())
        })
    }

    /// The verdict of one difference that was seen elsewhere: a panic, a time-out, an effect. The ledger may know it.
    ///
    /// >>> from exuvia._exuvia import Comparator
    /// >>> Comparator().differs("timeout", 3, "no answer in 1 s")
    /// <Verdict 1 differences, first at $: timeout>
    ///
    /// Args:
    ///     kind: One of the kinds of a difference.
    ///     legacy: Legacy's result.
    ///     candidate: What is to be shown for the candidate.
    ///     root: Where.
    ///
    /// Raises:
    ///     CompareError: For an unknown kind.
    #[pyo3(signature = (kind, legacy, candidate, root = "$"), text_signature = "(self, kind, legacy, candidate, root='$')")]
    fn differs(
        &self,
        kind: &str,
        legacy: &Bound<'_, PyAny>,
        candidate: &Bound<'_, PyAny>,
        root: &str,
    ) -> PyResult<Verdict> {
        gate::guard(|| {
            let kind = Kind::of(kind).ok_or_else(|| {
                let known = Kind::ALL.map(Kind::name).join(", ");
                Failure::text("CompareError", format!("kind {kind:?} is unknown: one of {known}"))
            })?;
            let mut converter = self.converter(legacy.py());
            let (one, two) = (converter.shown(legacy), converter.shown(candidate));
            self.told(|around| self.inner.differs(root, kind, &one, &two, around), None)
        })
    }

    fn __repr__(&self) -> String {
        format!("<Comparator of {} rules>", self.written.len())
    }

    /// What is remembered between calls stays in this process.
    #[allow(clippy::type_complexity)]
    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>, usize, Vec<Py<PyAny>>))> {
        let this = slf.get();
        let rules = PyDict::new(slf.py());
        for (path, rule) in &this.written {
            rules.set_item(path, rule)?;
        }
        let divergences = this.divergences.iter().map(|entry| entry.clone_ref(slf.py())).collect();
        Ok((slf.get_type().into_any(), (rules.into_any(), this.limit, divergences)))
    }
}

impl Comparator {
    fn converter<'py>(&self, py: Python<'py>) -> Converter<'py> {
        Converter::new(py, self.inner.rules().wants_repr())
    }

    fn values(&self, legacy: &Bound<'_, PyAny>, candidate: &Bound<'_, PyAny>, root: &str) -> PyResult<Verdict> {
        if self.inner.rules().is_plain(root)
            && let Some(compared) = quick::same(legacy, candidate)?
        {
            return Ok(Verdict::of_equal(compared));
        }
        let mut converter = self.converter(legacy.py());
        let one = converter.value(legacy)?;
        let two = self.converter(legacy.py()).value(candidate)?;
        self.told(|around| self.inner.compare_at(root, &one, &two, around), Some(legacy))
    }

    fn all(&self, values: &[Bound<'_, PyAny>]) -> PyResult<Vec<Value>> {
        values.iter().map(|value| self.converter(value.py()).value(value)).collect()
    }

    /// Runs a comparison; an object that it could not read is an error.
    fn told(
        &self,
        compare: impl FnOnce(&Surroundings) -> exuvia_migrate::Verdict,
        at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Verdict> {
        let today = if self.inner.expires() { Python::attach(today)? } else { i64::MIN };
        let found = compare(&Surroundings { today });
        let Some((class, place)) = found.unreadable else { return Ok(found.into()) };
        let whole = at.map(|value| format!(" of a {}", convert::kind(value))).unwrap_or_default();
        let text = format!(
            "{place}{whole}: a value of class {class} has no fields that can be read: give it __slots__ or make it a dataclass, tell how by register({class}, to_plain), or put the rule repr or ignore(owner, reason) on {place}"
        );
        Err(Failure::text("CompareError", text).into())
    }

    fn outcomes(&self, legacy: &Bound<'_, PyTuple>, candidate: &Bound<'_, PyTuple>) -> PyResult<Verdict> {
        let py = legacy.py();
        let (result, raised) = (legacy.get_item(0)?, legacy.get_item(1)?);
        let (other, other_raised) = (candidate.get_item(0)?, candidate.get_item(1)?);
        if raised.is_none() && other_raised.is_none() {
            return self.values(&result, &other, "$");
        }
        let mut converter = self.converter(py);
        let panicked = is_panic(&other_raised)? && !is_panic(&raised)?;
        if !raised.is_none() && !other_raised.is_none() && !panicked {
            let (names, all) = self.inner.rules().attributes();
            let wanted = (names.as_slice(), all);
            let (one, two) = (converter.raised(&raised, wanted)?, converter.raised(&other_raised, wanted)?);
            return self.told(|around| self.inner.compare_raised(&one, &two, around), Some(&raised));
        }
        let one = if raised.is_none() { &result } else { &raised };
        let two = if other_raised.is_none() { &other } else { &other_raised };
        let (one, two) = (converter.shown(one), converter.shown(two));
        let kind = if panicked { Kind::Panic } else { Kind::Exception };
        self.told(|around| self.inner.one_raised(&one, &two, kind, around), None)
    }
}

fn is_panic(raised: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(raised.get_type().name()?.to_str()?.contains("Panic"))
}

/// Today as the ledger sees it, in days since 1970.
fn today(py: Python<'_>) -> PyResult<i64> {
    let today = py.import("exuvia.migrate.comparator.ledger")?.call_method0("today")?;
    Ok(today.call_method0("toordinal")?.extract::<i64>()? - 719_163)
}

fn divergence(entry: &Bound<'_, PyAny>) -> PyResult<Divergence> {
    let read = |name: &str| -> PyResult<String> { Ok(entry.getattr(name)?.str()?.to_str()?.to_owned()) };
    let side = |name: &str| -> PyResult<Option<String>> {
        let value = entry.getattr(name)?;
        if value.is_none() { Ok(None) } else { Ok(Some(value.str()?.to_str()?.to_owned())) }
    };
    let (path, owner, reason, expires) = (read("path")?, read("owner")?, read("reason")?, read("expires")?);
    let values = (side("legacy")?, side("candidate")?);
    let budget: u64 = entry.getattr("budget")?.extract()?;
    gate::stay(|| Divergence::new(&path, values, (&owner, &reason), &expires, budget))
}

/// How far apart two sums of the same numbers can be, by how they were added: γ(h)·Σ|x| for each side, where h
/// is the longest way from a term to the sum (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §4.2).
///
/// >>> from exuvia._exuvia import sum_bound
/// >>> 2e-11 < sum_bound("any", "pairwise", 390, 1e3) < 1e-10
/// True
///
/// Args:
///     legacy: "any" (one after the other, or in any order), "pairwise" (as NumPy) or "compensated".
///     candidate: The same for the other side.
///     n: Number of terms.
///     total: The sum of their absolute values.
///
/// Raises:
///     CompareError: For another way of adding.
#[pyfunction]
#[pyo3(text_signature = "(legacy, candidate, n, total)")]
fn sum_bound(legacy: &str, candidate: &str, n: u64, total: f64) -> PyResult<f64> {
    gate::stay(|| {
        let way = |name: &str| {
            Adding::of(name).ok_or_else(|| {
                Failure::text("CompareError", format!("{name:?} is no way of adding: any, pairwise or compensated"))
            })
        };
        Ok::<_, Failure>(Sum::new((way(legacy)?, way(candidate)?), n, total, 0, false).bound())
    })
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Comparator>()?;
    module.add_class::<Verdict>()?;
    module.add_class::<Difference>()?;
    module.add_function(wrap_pyfunction!(shape::register, module)?)?;
    module.add_function(wrap_pyfunction!(shape::unregister, module)?)?;
    module.add_function(wrap_pyfunction!(shape::is_readable, module)?)?;
    module.add_function(wrap_pyfunction!(sum_bound, module)?)?;
    module.add_function(wrap_pyfunction!(copy::detached_copy, module)?)
}
