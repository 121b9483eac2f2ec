//! Verdicts and differences as frozen Python values.

use pyo3::prelude::*;

/// One difference: where, of what kind, both values as text, and the rule that was in force.
#[pyclass(frozen, eq, hash, get_all, module = "exuvia._exuvia")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Where, for instance `$.fills[3].price`.
    path: String,
    /// The same with every index as `[*]`.
    place: String,
    /// `type`, `value`, `tolerance-exceeded`, `missing`, `extra`, `order-only`, `length`, …
    kind: String,
    /// Legacy's value as text, cut.
    legacy: String,
    /// The candidate's value as text, cut.
    candidate: String,
    /// The rule in force at the path.
    rule: String,
}

#[pymethods]
impl Difference {
    #[new]
    #[pyo3(text_signature = "(path, place, kind, legacy, candidate, rule)")]
    fn new(path: String, place: String, kind: String, legacy: String, candidate: String, rule: String) -> Self {
        Self { path, place, kind, legacy, candidate, rule }
    }

    fn __repr__(&self) -> String {
        format!(
            "Difference({}: {}, legacy {}, candidate {}, rule {})",
            self.path, self.kind, self.legacy, self.candidate, self.rule
        )
    }

    fn __getnewargs__(&self) -> (&str, &str, &str, &str, &str, &str) {
        (&self.path, &self.place, &self.kind, &self.legacy, &self.candidate, &self.rule)
    }
}

impl From<exuvia_migrate::Difference> for Difference {
    fn from(found: exuvia_migrate::Difference) -> Self {
        Self {
            path: found.path,
            place: found.place,
            kind: found.kind.name().to_owned(),
            legacy: found.legacy,
            candidate: found.candidate,
            rule: found.rule,
        }
    }
}

/// The outcome of one comparison. It is true when something was compared and nothing differed.
#[pyclass(frozen, eq, get_all, module = "exuvia._exuvia")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The first differences.
    differences: Vec<Difference>,
    /// How many there were in all.
    total: usize,
    /// How many leaves were compared.
    compared: usize,
    /// Ignored differences: path of the rule, rule, hits.
    ignored: Vec<(String, String, usize)>,
    /// What was seen but is no difference.
    notes: Vec<String>,
}

#[pymethods]
impl Verdict {
    #[new]
    #[pyo3(text_signature = "(differences, total, compared, ignored, notes)")]
    fn new(
        differences: Vec<PyRef<'_, Difference>>,
        total: usize,
        compared: usize,
        ignored: Vec<(String, String, usize)>,
        notes: Vec<String>,
    ) -> Self {
        let differences = differences.iter().map(|found| Difference::clone(found)).collect();
        Self { differences, total, compared, ignored, notes }
    }

    /// Whether something was compared and nothing differed.
    #[getter]
    fn equal(&self) -> bool {
        self.total == 0 && self.compared > 0
    }

    fn __bool__(&self) -> bool {
        self.equal()
    }

    fn __repr__(&self) -> String {
        if self.total == 0 {
            return format!("<Verdict equal, {} values compared>", self.compared);
        }
        let first = self.differences.first().map(|first| format!(", first at {}: {}", first.path, first.kind));
        format!("<Verdict {} differences{}>", self.total, first.unwrap_or_default())
    }

    #[allow(clippy::type_complexity)]
    fn __getnewargs__(&self) -> (Vec<Difference>, usize, usize, Vec<(String, String, usize)>, Vec<String>) {
        (self.differences.clone(), self.total, self.compared, self.ignored.clone(), self.notes.clone())
    }
}

impl Verdict {
    /// Nothing differed.
    pub(super) fn of_equal(compared: usize) -> Self {
        Self { differences: Vec::new(), total: 0, compared, ignored: Vec::new(), notes: Vec::new() }
    }
}

impl From<exuvia_migrate::Verdict> for Verdict {
    fn from(found: exuvia_migrate::Verdict) -> Self {
        Self {
            differences: found.differences.into_iter().map(Difference::from).collect(),
            total: found.total,
            compared: found.compared,
            ignored: found.ignored,
            notes: found.notes,
        }
    }
}
