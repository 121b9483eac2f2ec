//! The Rust strategies as Python sees them, and any strategy as the engine sees it.

use std::error::Error;

use exuvia_engine as engine;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::Refusal;
use super::closes::Closes;
use super::value::{value, value_methods};

use crate::integers;

/// Follow the trend: long while the fast mean is above the slow one, short while it is below.
///
/// Args:
///     fast: Closes in the fast mean.
///     slow: Closes in the slow mean, more than `fast`.
///
/// Raises:
///     ScanError: Unless 0 < fast < slow.
#[pyclass(frozen, module = "exuvia.scan")]
pub struct SmaCross(engine::SmaCross);

value!(SmaCross {
    fast => |this, _py| this.0.fast(),
    slow => |this, _py| this.0.slow(),
});

value_methods!(SmaCross {
    #[new]
    #[pyo3(signature = (fast, slow))]
    fn new(#[pyo3(from_py_with = integers::fast)] fast: usize, #[pyo3(from_py_with = integers::slow)] slow: usize) -> PyResult<Self> {
        Ok(Self(engine::SmaCross::new(fast, slow).map_err(Refusal::from)?))
    }

    /// Closes in the fast mean.
    #[getter]
    fn fast(&self) -> usize {
        self.0.fast()
    }

    /// Closes in the slow mean.
    #[getter]
    fn slow(&self) -> usize {
        self.0.slow()
    }

    /// Return the wanted direction, or None while there are fewer than `slow` closes.
    ///
    /// Args:
    ///     closes: Closes, oldest first: a list of floats, an array of float64.
    ///     position: Signed units held; this strategy does not look at it.
    ///
    /// Raises:
    ///     ScanError: If a close that it looks at is not finite.
    #[pyo3(signature = (closes, position = 0))]
    fn target(&self, closes: &Bound<'_, PyAny>, position: i64) -> PyResult<Option<i64>> {
        native(&self.0, closes, position)
    }
});

/// Fade extremes: enter against a close `entry` deviations from the mean, leave within `exit` deviations.
///
/// Args:
///     window: Closes that mean and deviation are taken over, at least 2.
///     entry: Deviations at which it enters.
///     exit: Deviations within which it leaves, below `entry`.
///
/// Raises:
///     ScanError: If a parameter makes no sense.
#[pyclass(frozen, module = "exuvia.scan")]
pub struct ZScoreReversion(engine::ZScoreReversion);

value!(ZScoreReversion {
    window => |this, _py| this.0.window(),
    entry => |this, _py| this.0.entry(),
    exit => |this, _py| this.0.exit(),
});

value_methods!(ZScoreReversion {
    #[new]
    #[pyo3(signature = (window, entry, exit))]
    fn new(#[pyo3(from_py_with = integers::window)] window: usize, entry: f64, exit: f64) -> PyResult<Self> {
        Ok(Self(engine::ZScoreReversion::new(window, entry, exit).map_err(Refusal::from)?))
    }

    /// Closes that mean and deviation are taken over.
    #[getter]
    fn window(&self) -> usize {
        self.0.window()
    }

    /// Deviations at which it enters.
    #[getter]
    fn entry(&self) -> f64 {
        self.0.entry()
    }

    /// Deviations within which it leaves.
    #[getter]
    fn exit(&self) -> f64 {
        self.0.exit()
    }

    /// Return the wanted direction, or None while there are fewer than `window` closes.
    ///
    /// Args:
    ///     closes: Closes, oldest first: a list of floats, an array of float64.
    ///     position: Signed units held; its direction is kept between `exit` and `entry`.
    ///
    /// Raises:
    ///     ScanError: If a close that it looks at is not finite.
    #[pyo3(signature = (closes, position = 0))]
    fn target(&self, closes: &Bound<'_, PyAny>, position: i64) -> PyResult<Option<i64>> {
        native(&self.0, closes, position)
    }
});

fn native(strategy: &dyn engine::Strategy, closes: &Bound<'_, PyAny>, position: i64) -> PyResult<Option<i64>> {
    let closes = Closes::of(closes)?;
    let mut scratch = Vec::new();
    let last = closes.last(closes.py(), strategy.lookback(), None, &mut scratch)?;
    strategy
        .target(last, position)
        .map_err(|source| Refusal::from(engine::ScanError::Strategy { scenario: String::new(), source }).into())
}

/// Runs `strategy` on closes as they came from Python: natively if it is one of ours, else by calling it.
pub fn wanted(
    strategy: &Bound<'_, PyAny>,
    closes: Option<&Bound<'_, PyAny>>,
    position: i64,
    uic: i64,
    scratch: &mut Vec<f64>,
) -> PyResult<Option<i64>> {
    let py = strategy.py();
    let native: &dyn engine::Strategy = if let Ok(cross) = strategy.cast_exact::<SmaCross>() {
        &cross.get().0
    } else if let Ok(fade) = strategy.cast_exact::<ZScoreReversion>() {
        &fade.get().0
    } else {
        let answer = match closes {
            Some(closes) => strategy.call_method1(intern!(py, "target"), (closes, position))?,
            None => strategy.call_method1(intern!(py, "target"), (PyList::empty(py), position))?,
        };
        return answer.extract();
    };
    let Some(closes) = closes else { return Ok(native.target(&[], position).map_err(failed)?) };
    let closes = Closes::of(closes)?;
    let last = closes.last(py, native.lookback(), Some(uic), scratch)?;
    Ok(native.target(last, position).map_err(failed)?)
}

fn failed(source: Box<dyn Error + Send + Sync>) -> Refusal {
    engine::ScanError::Strategy { scenario: String::new(), source }.into()
}

/// A strategy that a scanner holds.
pub enum Held {
    Native(Box<dyn engine::Strategy>),
    Python(Py<PyAny>),
}

impl Held {
    pub fn of(strategy: &Bound<'_, PyAny>) -> Self {
        if let Ok(cross) = strategy.cast_exact::<SmaCross>() {
            Self::Native(Box::new(cross.get().0))
        } else if let Ok(fade) = strategy.cast_exact::<ZScoreReversion>() {
            Self::Native(Box::new(fade.get().0))
        } else {
            Self::Python(strategy.clone().unbind())
        }
    }
}
