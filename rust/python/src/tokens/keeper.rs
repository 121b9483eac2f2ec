//! The keeper with a Python callable as its way to the venue.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use exuvia_engine::tokens::{
    Holder, Keeper, Pair, Paths, Ports, RefreshError, Refresher, Renewal, Settings, Tick, TokenError, read_answer,
};
use exuvia_model::SECOND;
use exuvia_net::{SystemClock, SystemFiles, SystemRandom};
use exuvia_ports::Response;
use pyo3::exceptions::{PyConnectionRefusedError, PyException};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::{PyToken, PyTokens};
use crate::failure::Failure;
use crate::gate;

type Raised = Arc<Mutex<Option<PyErr>>>;

/// One turn of a keeper: what it told (code, words, loud), and seconds to wait; None when it has stopped.
type Turn = (Vec<(&'static str, String, bool)>, Option<f64>);

#[derive(Debug)]
struct Callable {
    refresh: Py<PyAny>,
    single_use: bool,
    /// What must not be swallowed: Ctrl-C, `SystemExit`.
    raised: Raised,
}

impl Refresher for Callable {
    fn refresh(&mut self, pair: &Pair) -> Result<Renewal, RefreshError> {
        Python::attach(|py| {
            let token = PyToken::of(pair.clone());
            let answer = self.refresh.bind(py).call1((token,)).map_err(|error| self.failed(py, error))?;
            read(py, &answer)
        })
    }

    fn is_single_use(&self) -> bool {
        self.single_use
    }
}

impl Callable {
    /// Only the name of an exception is told: its words may hold what was sent.
    fn failed(&self, py: Python<'_>, error: PyErr) -> RefreshError {
        let name = error.get_type(py).name().map_or_else(|_| "an exception".to_owned(), |name| name.to_string());
        let reason = format!("the callable raised {name}");
        if error.is_instance_of::<PyConnectionRefusedError>(py) {
            return RefreshError::NotSent { reason };
        }
        if !error.is_instance_of::<PyException>(py) {
            *gate::locked(&self.raised) = Some(error);
        }
        RefreshError::NotAnswered { reason }
    }
}

/// A pair `(status, body)` or `(status, body, retry_after)` is judged as an answer of OAuth 2; a dict is one of success.
fn read(py: Python<'_>, answer: &Bound<'_, PyAny>) -> Result<Renewal, RefreshError> {
    let nonsense = |why: &str| RefreshError::Nonsense { status: 200, why: why.to_owned() };
    if answer.is_instance_of::<PyDict>() {
        let text = py.import("json").and_then(|json| json.call_method1("dumps", (answer,))?.extract::<String>());
        let text = text.map_err(|_| nonsense("the callable gave a dict that is no JSON"))?;
        return Renewal::from_json(text.as_bytes()).map_err(|why| nonsense(&why));
    }
    let with_wait = answer.extract::<(u16, Bound<'_, PyAny>, Option<i64>)>();
    let judged =
        with_wait.or_else(|_| answer.extract::<(u16, Bound<'_, PyAny>)>().map(|(status, body)| (status, body, None)));
    let Ok((status, body, wait)) = judged else {
        return Err(nonsense("the callable gave neither a dict nor (status, body)"));
    };
    let bytes = match body.cast::<PyBytes>() {
        Ok(bytes) => bytes.as_bytes().to_vec(),
        Err(_) => body.extract::<String>().map_err(|_| nonsense("the body is neither bytes nor str"))?.into_bytes(),
    };
    let mut response = Response::new(status, bytes);
    response.headers.extend(wait.map(|wait| ("Retry-After".to_owned(), wait.to_string())));
    read_answer(Ok(&response))
}

/// The loop of a keeper, a turn at a time; `exuvia.tokens.Keeper` runs it in a thread.
#[pyclass(frozen, name = "TokenKeeper", module = "exuvia._exuvia")]
pub struct PyKeeper {
    keeper: Mutex<Keeper>,
    raised: Raised,
}

#[pymethods]
impl PyKeeper {
    #[new]
    #[pyo3(signature = (path, refresh, holder, spans, single_use, retry_lost, takeover))]
    fn new(
        path: PathBuf,
        refresh: Py<PyAny>,
        holder: (String, String, u32),
        spans: [f64; 5],
        single_use: bool,
        retry_lost: bool,
        takeover: Option<(String, String)>,
    ) -> PyResult<Self> {
        gate::refuse_fork()?;
        gate::stay(|| {
            let [margin, jitter, lifetime, beat, stale] = spans.map(|seconds| (seconds * SECOND as f64) as i64);
            let settings =
                Settings { margin, jitter, lifetime, beat, stale, retry_lost, takeover, ..Settings::default() };
            let ports = Ports {
                files: Arc::new(SystemFiles),
                clock: Arc::new(SystemClock::new()),
                random: Arc::new(SystemRandom),
            };
            let raised = Raised::default();
            let way = Callable { refresh, single_use, raised: Arc::clone(&raised) };
            let (name, host, pid) = holder;
            let holder = Holder { name, host, pid };
            let keeper = Keeper::new(ports, Paths::canonical(&path), holder, settings, Box::new(way))?;
            Ok::<_, TokenError>(Self { keeper: Mutex::new(keeper), raised })
        })
    }

    /// Does what is due; returns what it told, and seconds to wait, or None when it has stopped for good.
    fn tick(&self, py: Python<'_>) -> PyResult<Turn> {
        self.turn(py, Keeper::tick)
    }

    /// Writes what is not written, gives the lease back and stops.
    fn close(&self, py: Python<'_>) -> PyResult<Turn> {
        self.turn(py, Keeper::close)
    }

    /// A broker was answered 401.
    fn unauthorized(&self, py: Python<'_>) -> PyResult<()> {
        gate::enter_threaded(py, || {
            gate::locked(&self.keeper).unauthorized();
            Ok::<_, Failure>(())
        })
    }

    /// What readers of this process ask.
    fn tokens(&self, py: Python<'_>) -> PyResult<PyTokens> {
        gate::enter_threaded(py, || Ok::<_, Failure>(PyTokens::of(gate::locked(&self.keeper).tokens())))
    }

    /// The keeper's counts and state as JSON.
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        gate::enter_threaded(py, || {
            let text = serde_json::to_string(gate::locked(&self.keeper).status());
            text.map_err(|error| Failure::new("TokenError", &error))
        })
    }

    fn __repr__(&self) -> String {
        "TokenKeeper(***)".to_owned()
    }
}

impl PyKeeper {
    fn turn(&self, py: Python<'_>, step: impl FnOnce(&mut Keeper) -> Tick + Send) -> PyResult<Turn> {
        let tick = gate::enter_threaded(py, || Ok::<_, Failure>(step(&mut gate::locked(&self.keeper))))?;
        if let Some(error) = gate::locked(&self.raised).take() {
            return Err(error);
        }
        let events = tick.events.into_iter().map(|event| (event.code, event.words, event.loud)).collect();
        Ok((events, tick.wait.map(|wait| wait as f64 / SECOND as f64)))
    }
}
