//! `Scanner`: scenarios and their closes held in Rust.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use exuvia_engine as engine;
use exuvia_model::Time;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString};

use super::decide::build;
use super::scenario::Scenario;
use super::strategies::Held;
use super::{Refusal, read};
use crate::failure::Failure;
use crate::{gate, integers};

/// Scenarios with the closes that they look at, kept in Rust: a cycle passes no lists.
///
/// Args:
///     scenarios: `Scenario` objects, or the bot's own with the same attributes; they are read once.
///     record: What to build for each intent, as in `decide`.
///     keep: How many closes to keep of each instrument.
///
/// Raises:
///     ScanError: If a scenario's parameter makes no sense, or its strategy looks at more closes than are kept.
#[pyclass(frozen, weakref, module = "exuvia.scan")]
pub struct Scanner {
    scenarios: Vec<engine::Scenario<Held>>,
    /// Never locked while Python runs: a strategy or a property may call back into this scanner.
    rings: Mutex<HashMap<i64, engine::Ring>>,
    record: Option<Py<PyAny>>,
    keep: usize,
}

impl Scanner {
    fn locked(&self) -> MutexGuard<'_, HashMap<i64, engine::Ring>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self, py: Python<'_>, scenario: &engine::Scenario<Held>, position: i64) -> PyResult<Option<i64>> {
        let rings = self.locked();
        let closes = rings.get(&scenario.uic).map(engine::Ring::last).unwrap_or_default();
        match &scenario.strategy {
            Held::Native(strategy) => strategy.target(closes, position).map_err(|source| {
                Refusal::from(engine::ScanError::Strategy { scenario: scenario.name.clone(), source }).into()
            }),
            Held::Python(strategy) => {
                let closes = closes.to_vec();
                drop(rings);
                let closes = PyList::new(py, closes)?;
                strategy.bind(py).call_method1(intern!(py, "target"), (closes, position))?.extract()
            }
        }
    }
}

#[pymethods]
impl Scanner {
    #[new]
    #[pyo3(signature = (scenarios, record = None, keep = 240))]
    fn new(
        scenarios: &Bound<'_, PyAny>,
        record: Option<Py<PyAny>>,
        #[pyo3(from_py_with = integers::keep)] keep: usize,
    ) -> PyResult<Self> {
        let py = scenarios.py();
        let mut held = Vec::new();
        for scenario in scenarios.try_iter()? {
            let scenario = scenario?;
            let parsed = match scenario.cast_exact::<Scenario>() {
                Ok(ours) => {
                    let ours = ours.get();
                    engine::Scenario {
                        name: ours.name().to_owned(),
                        uic: ours.uic(),
                        rules: ours.rules(),
                        strategy: Held::of(ours.strategy().bind(py)),
                    }
                }
                Err(_) => {
                    let name: String = scenario.getattr(intern!(py, "name"))?.extract()?;
                    engine::Scenario {
                        uic: scenario.getattr(intern!(py, "uic"))?.extract()?,
                        rules: read::rules(&scenario, &name)?,
                        strategy: Held::of(&scenario.getattr(intern!(py, "strategy"))?),
                        name,
                    }
                }
            };
            if let Held::Native(strategy) = &parsed.strategy
                && strategy.lookback() > keep
            {
                let text = format!(
                    "keep {keep} is fewer than the {} closes that the strategy of scenario {:?} looks at: it would never trade",
                    strategy.lookback(),
                    parsed.name
                );
                return Err(Failure::text("ScanError", text).into());
            }
            held.push(parsed);
        }
        Ok(Self { scenarios: held, rings: Mutex::new(HashMap::new()), record, keep })
    }

    /// Add the close of a bar.
    ///
    /// Args:
    ///     uic: The instrument.
    ///     value: The close; that of a spread may be zero or negative.
    ///
    /// Raises:
    ///     ScanError: If it is not finite.
    ///     ValueRangeError: If the instrument's number does not fit.
    #[pyo3(signature = (uic, value))]
    fn push_close(&self, #[pyo3(from_py_with = integers::uic)] uic: i64, value: f64) -> PyResult<()> {
        if !value.is_finite() {
            return Err(Refusal::from(engine::ScanError::BadClose { uic: Some(uic), at: None, value }).into());
        }
        self.locked().entry(uic).or_insert_with(|| engine::Ring::new(self.keep)).push(value);
        Ok(())
    }

    /// Return the closes that are kept of an instrument, oldest first.
    ///
    /// Args:
    ///     uic: The instrument.
    #[pyo3(signature = (uic))]
    fn closes(&self, #[pyo3(from_py_with = integers::uic)] uic: i64) -> Vec<f64> {
        self.locked().get(&uic).map(|ring| ring.last().to_vec()).unwrap_or_default()
    }

    /// Decide at one instant, as the function `decide` does, with the closes that were pushed.
    ///
    /// Args:
    ///     views: A `ScenarioView` for each scenario's name.
    ///     quotes: The last quote of each instrument, by uic.
    ///     now: The instant, UTC nanoseconds.
    ///
    /// Returns:
    ///     The intents.
    ///
    /// Raises:
    ///     ScanError: If a price is NaN or not positive, or a scenario has no view.
    #[pyo3(signature = (views, quotes, now))]
    fn decide<'py>(
        &self,
        views: &Bound<'py, PyDict>,
        quotes: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = integers::now)] now: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = views.py();
        gate::guard(|| {
            let decided = engine::decide::<_, Refusal>(
                &self.scenarios,
                Time(now),
                |uic| {
                    let found = read::look_up(quotes, PyInt::new(py, uic).as_any())?;
                    Ok(found.map(|quote| read::quote(&quote)).transpose()?)
                },
                |name| {
                    let found = read::look_up(views, PyString::new(py, name).as_any())?;
                    let view = found.ok_or_else(|| engine::ScanError::NoView(name.to_owned()))?;
                    Ok(read::view(&view)?)
                },
                |scenario, view| Ok(self.wanted(py, scenario, view.position)?),
            )?;
            let intents = PyList::empty(py);
            for intent in decided {
                intents.append(build(py, intent, self.record.as_ref().map(|record| record.bind(py)))?)?;
            }
            Ok(intents)
        })
    }

    fn __len__(&self) -> usize {
        self.scenarios.len()
    }

    fn __repr__(&self) -> String {
        format!("<Scanner of {} scenarios>", self.scenarios.len())
    }
}
