//! The switch of a migrated unit: which side serves a call, and how often each did. In goes the
//! legacy callable, its candidate and the observer of shadow mode; out comes one callable that a
//! trampoline or a module attribute holds. `callable` is the heap type that pays for itself in
//! nanoseconds; this file is its safe face.

mod callable;
mod canary;
#[cfg(unix)]
mod lasting;
mod page;
mod plain;
mod rescue;
mod shared;
#[cfg(unix)]
mod truncated;
mod turnout;
mod watched;
mod within;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exuvia_migrate::page::{Caps, MOST};
use exuvia_migrate::{Mode, within};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use self::callable::Sides;
use self::canary::{Canary, Place, Written};
use self::page::ControlPage;
use self::shared::Shared;
use crate::failure::Failure;
use crate::gate;

impl From<exuvia_migrate::MigrateError> for Failure {
    fn from(error: exuvia_migrate::MigrateError) -> Self {
        match &error {
            exuvia_migrate::MigrateError::Mode { .. } => Self::new("MigrateError", &error),
            _ => Self::new("CompareError", &error),
        }
    }
}

/// One unit's switch: `legacy` serves in modes legacy and shadow, `candidate` in mode rust, and in mode
/// canary whichever the call's key chooses. A sampled call that legacy serves in shadow or canary goes to
/// `observer`, which must return what legacy returns; one that the candidate serves in canary or rust goes to
/// `reverse`, if there is one, which must return what the candidate returns. `raised`, if there is one, is asked whether
/// both sides raised the same where legacy was to answer for the candidate: `raised(legacy's, the candidate's, args,
/// kwargs, observed)` puts that on record and returns a bool, or `None` if it cannot tell; the error is then said.
/// Without it two errors of one class are the same.
///
/// >>> from exuvia._exuvia import Switch
/// >>> switch = Switch(len, sum, len)
/// >>> switch.callable([3, 4])
/// 2
/// >>> switch.set_mode("rust")
/// >>> switch.callable([3, 4]), switch.counts()["candidate_calls"]
/// (7, 1)
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct Switch {
    shared: Arc<Shared>,
    callable: Py<PyAny>,
}

#[pymethods]
impl Switch {
    #[new]
    #[pyo3(signature = (legacy, candidate, observer, reverse = None, raised = None), text_signature = "(legacy, candidate, observer, reverse=None, raised=None)")]
    fn new(
        py: Python<'_>,
        legacy: Bound<'_, PyAny>,
        candidate: Bound<'_, PyAny>,
        observer: Bound<'_, PyAny>,
        reverse: Option<Bound<'_, PyAny>>,
        raised: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let shared = Arc::new(Shared { sample: AtomicU64::new(u64::MAX), ..Shared::default() });
        let sides = callables(legacy, candidate, observer, reverse, raised)?;
        let callable = callable::make(py, Arc::clone(&shared), sides, false)?;
        Ok(Self { shared, callable })
    }

    /// Another callable of this unit, with sides of its own: one mode and one set of counters for both.
    #[pyo3(signature = (legacy, candidate, observer, reverse = None, raised = None))]
    fn part(
        &self,
        py: Python<'_>,
        legacy: Bound<'_, PyAny>,
        candidate: Bound<'_, PyAny>,
        observer: Bound<'_, PyAny>,
        reverse: Option<Bound<'_, PyAny>>,
        raised: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        callable::make(py, Arc::clone(&self.shared), callables(legacy, candidate, observer, reverse, raised)?, false)
    }

    /// The callable that a trampoline or a module attribute holds.
    #[getter]
    fn callable(&self, py: Python<'_>) -> Py<PyAny> {
        self.callable.clone_ref(py)
    }

    /// The mode in which the next call is served: the lower of this process's and the control page's.
    #[getter]
    fn mode(&self) -> &'static str {
        Mode::from_code(self.shared.mode()).name()
    }

    /// Changes the mode of this process; the next call in any thread follows it.
    ///
    /// It holds for the control page's word `accepted`, by default the one that stands there now: any other
    /// word can lower it again, at once.
    #[pyo3(signature = (mode, accepted = None))]
    fn set_mode(&self, mode: &str, accepted: Option<u64>) -> PyResult<()> {
        let mode: Mode = mode.parse().map_err(Failure::from)?;
        self.shared.own.store(mode.code(), Ordering::Relaxed);
        self.shared.accepted.store(accepted.unwrap_or_else(|| self.word()), Ordering::Relaxed);
        Ok(())
    }

    /// The control page's word for this unit as it stands there now, or 0.
    #[getter]
    fn word(&self) -> u64 {
        self.shared.attached.get().map_or(0, |attached| attached.slot.word().load(Ordering::Relaxed))
    }

    /// Whether the page says something else than what this process accepted.
    #[getter]
    fn unsettled(&self) -> bool {
        self.word() != self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Reads the unit's slot of a control page at every call from now on; returns whether there is one.
    fn attach(&self, page: &ControlPage, unit: &str) -> bool {
        let Some(attached) = page.attach(unit) else { return false };
        let word = attached.slot.word().load(Ordering::Relaxed);
        if self.shared.attached.get().is_none() {
            self.shared.accepted.store(word, Ordering::Relaxed);
        }
        self.shared.attached.set(attached).is_ok()
    }

    /// Observes a share of the calls; in shadow and canary the others of legacy's are counted as `unsampled`.
    ///
    /// `rust` is the share in mode rust, where at least `pause` seconds lie between two of them. `seed` starts a stream of numbers of its own: the program's is not touched.
    #[pyo3(signature = (share, seed = 0, *, rust = 0.0, pause = 0.0))]
    fn set_sampling(&self, share: f64, seed: u64, rust: f64, pause: f64) -> PyResult<()> {
        refuse_share(share)?;
        refuse_share(rust)?;
        let pause = std::time::Duration::try_from_secs_f64(pause)
            .map_err(|error| PyErr::from(Failure::text("MigrateError", format!("pause of {pause} s: {error}"))))?;
        self.shared.pause_rust.store(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.shared.sample_rust.store(within(rust), Ordering::Relaxed);
        self.shared.seed.store(seed, Ordering::Relaxed);
        self.shared.sample.store(within(share), Ordering::Relaxed);
        Ok(())
    }

    /// Whether legacy answers when the candidate raises, where nothing that it was given can have been changed by it;
    /// only ever for units that are pure.
    fn set_fallback(&self, fallback: bool) {
        self.shared.fallback.store(fallback, Ordering::Relaxed);
    }

    /// Declares the canary, once: the place of its key, its share of the keys, the unit's salt, caps a day.
    ///
    /// A place is `(position or None, name or None, [default], [steps])`. Amounts are in ten-thousandths. A
    /// second call may change the share only.
    #[pyo3(signature = (key, share, salt, *, calls = None, calls_a_key = None, amount = None, amount_a_key = None, amount_at = None))]
    #[allow(clippy::too_many_arguments)]
    fn set_canary(
        &self,
        key: Written<'_>,
        share: f64,
        salt: &[u8],
        calls: Option<u64>,
        calls_a_key: Option<u64>,
        amount: Option<u64>,
        amount_a_key: Option<u64>,
        amount_at: Option<Written<'_>>,
    ) -> PyResult<()> {
        refuse_share(share)?;
        let caps = Caps { calls, calls_a_key, amount, amount_a_key };
        if let Some(cap) = [calls, calls_a_key, amount, amount_a_key].into_iter().flatten().find(|cap| *cap > MOST) {
            return Err(
                Failure::text("MigrateError", format!("cap {cap} is above {MOST}, the most that is counted")).into()
            );
        }
        if amount_at.is_none() && (amount.is_some() || amount_a_key.is_some()) {
            return Err(Failure::text(
                "MigrateError",
                "a cap on amounts needs amount_at, the amount's place".to_owned(),
            )
            .into());
        }
        let half =
            |from: usize| salt.iter().skip(from).take(8).rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        let declared = Canary {
            key: Place::read(key)?,
            amount: amount_at.map(Place::read).transpose()?,
            salt: [half(0), half(8)],
            caps,
            share: AtomicU64::new(within(share)),
            keys: Default::default(),
        };
        if let Err(declared) = self.shared.canary.set(declared)
            && let Some(canary) = self.shared.canary.get()
        {
            canary.share.store(declared.share.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the marks of the keys that the candidate served as a canary since this was last asked: four words of 64
    /// bits. Two keys may share a bit, so there were at least as many keys as bits.
    fn served_keys(&self) -> [u64; 4] {
        self.shared
            .canary
            .get()
            .map_or([0; 4], |canary| canary.keys.each_ref().map(|word| word.swap(0, Ordering::Relaxed)))
    }

    /// Tells the day by which caps are counted, any number that changes at midnight.
    fn set_day(&self, day: u64) {
        self.shared.day.store(day, Ordering::Relaxed);
    }

    /// Records a call of the candidate that raised and that legacy answered outside of the callable.
    ///
    /// `answered` says that legacy returned, `same` that it raised the same; `text` is what there is to be said of it.
    #[pyo3(signature = (text, *, answered = false, same = false, panicked = false))]
    fn rescued(&self, text: Option<String>, answered: bool, same: bool, panicked: bool) {
        let shared = &self.shared;
        shared.note_fallback(panicked);
        shared.same_errors.fetch_add(u64::from(same), Ordering::Relaxed);
        shared.answered.fetch_add(u64::from(answered), Ordering::Relaxed);
        if let Some(text) = text {
            shared.note_error(|| text);
        }
    }

    /// Records a call of the candidate that raised and that legacy could not answer; legacy serves the next one.
    #[pyo3(signature = (text, *, panicked = false))]
    fn refused(&self, text: String, panicked: bool) {
        self.shared.note_refusal(text, panicked);
    }

    /// What made legacy serve since this was asked last: the last error that legacy could not answer for.
    fn fell(&self) -> Option<String> {
        gate::locked(&self.shared.fell).take()
    }

    /// The first errors of the candidate that legacy was asked to answer for, in words; each is returned once.
    fn troubles(&self) -> Vec<String> {
        std::mem::take(&mut *gate::locked(&self.shared.troubles))
    }

    /// Adds calls that one side served outside of the callable (methods of a replaced class).
    #[pyo3(signature = (*, legacy = 0, candidate = 0))]
    fn count(&self, legacy: u64, candidate: u64) {
        self.shared.legacy_calls.fetch_add(legacy, Ordering::Relaxed);
        self.shared.candidate_calls.fetch_add(candidate, Ordering::Relaxed);
    }

    /// A callable that serves `function` in every mode and counts it as the candidate's: for the methods
    /// of a candidate class. Calls whose first argument is a watched object go to `observer` instead.
    #[pyo3(signature = (function, observer = None))]
    fn counted(&self, function: Bound<'_, PyAny>, observer: Option<Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let py = function.py();
        let sides = callables(function.clone(), function.clone(), function, observer, None)?;
        callable::make(py, Arc::clone(&self.shared), sides, true)
    }

    /// Has the calls on the object at this address, its `id`, observed, until `unwatch`: before the object is gone.
    fn watch(&self, address: usize) {
        self.shared.watched.add(address);
    }

    /// Ends what `watch` began; nothing for an object that is not watched. A weak reference calls it with itself: so that
    /// no code of Python runs, in which what a signal's handler raises would be dropped.
    #[pyo3(signature = (address, gone = None))]
    fn unwatch(&self, address: usize, gone: Option<Bound<'_, PyAny>>) {
        drop(gone);
        self.shared.watched.remove(address);
    }

    /// Calls `function`, legacy's side of an observed call: meanwhile calls of the unit in this thread go straight to
    /// legacy and count as `unsampled`, so that a function that calls itself is observed once, from outside.
    fn serve(
        &self,
        function: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Py<PyAny>> {
        within::serve(&self.shared, function, args, kwargs)
    }

    /// Records one shadowed call: the time of both sides in ns and whether they differed.
    fn observed(&self, legacy_ns: u64, candidate_ns: u64, differed: bool) {
        let shared = &self.shared;
        shared.compared.fetch_add(1, Ordering::Relaxed);
        shared.differed.fetch_add(u64::from(differed), Ordering::Relaxed);
        shared.legacy_ns.fetch_add(legacy_ns, Ordering::Relaxed);
        shared.candidate_ns.fetch_add(candidate_ns, Ordering::Relaxed);
    }

    /// Records a sample that could not be compared: `error` for a defect, else merely skipped.
    fn unobserved(&self, error: bool) {
        let counter = if error { &self.shared.errors } else { &self.shared.skipped };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// All counters by name; times in nanoseconds, shadow mode only.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let shared = &self.shared;
        let counts = PyDict::new(py);
        for (name, counter) in [
            (intern!(py, "legacy_calls"), &shared.legacy_calls),
            (intern!(py, "candidate_calls"), &shared.candidate_calls),
            (intern!(py, "canary_calls"), &shared.canary_calls),
            (intern!(py, "unsampled"), &shared.unsampled),
            (intern!(py, "unkeyed"), &shared.unkeyed),
            (intern!(py, "capped"), &shared.capped),
            (intern!(py, "fallbacks"), &shared.fallbacks),
            (intern!(py, "answered"), &shared.answered),
            (intern!(py, "unanswered"), &shared.unanswered),
            (intern!(py, "same_errors"), &shared.same_errors),
            (intern!(py, "panics"), &shared.panics),
            (intern!(py, "compared"), &shared.compared),
            (intern!(py, "differed"), &shared.differed),
            (intern!(py, "errors"), &shared.errors),
            (intern!(py, "skipped"), &shared.skipped),
            (intern!(py, "legacy_ns"), &shared.legacy_ns),
            (intern!(py, "candidate_ns"), &shared.candidate_ns),
        ] {
            counts.set_item(name, counter.load(Ordering::Relaxed))?;
        }
        Ok(counts)
    }

    fn __repr__(&self) -> String {
        format!("<Switch {}>", self.mode())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callable)
    }
}

fn callables<'py>(
    legacy: Bound<'py, PyAny>,
    candidate: Bound<'py, PyAny>,
    observer: Bound<'py, PyAny>,
    reverse: Option<Bound<'py, PyAny>>,
    raised: Option<Bound<'py, PyAny>>,
) -> PyResult<Sides<'py>> {
    let roles = [
        ("legacy", Some(&legacy)),
        ("candidate", Some(&candidate)),
        ("observer", Some(&observer)),
        ("reverse", reverse.as_ref()),
        ("raised", raised.as_ref()),
    ];
    for (role, side) in roles {
        if let Some(side) = side.filter(|side| !side.is_callable()) {
            let text = format!("the {role} side {} cannot be called: name a function or class", side.repr()?);
            return Err(Failure::text("MigrateError", text).into());
        }
    }
    Ok(Sides { legacy, candidate, observer, reverse, raised })
}

fn refuse_share(share: f64) -> PyResult<()> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Failure::text("MigrateError", format!("share {share} is not in 0 … 1")).into())
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(turnout::turnout, module)?)?;
    module.add_function(wrap_pyfunction!(within::attempt, module)?)?;
    module.add_function(wrap_pyfunction!(plain::weigh_plain, module)?)?;
    #[cfg(unix)]
    module.add_function(wrap_pyfunction!(lasting::map_lasting, module)?)?;
    module.add_class::<ControlPage>()?;
    module.add_class::<Switch>()
}
