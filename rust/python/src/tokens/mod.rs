//! Bindings of `exuvia.tokens`: a look at a token's files, what brokers read, takeover and cutover, and the keeper.

mod keeper;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use exuvia_engine::tokens::{self as engine, Pair, Paths, TokenError};
use exuvia_model::Time;
use exuvia_net::{SystemClock, SystemFiles};
use exuvia_ports::{Clock as _, FilesError};
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::gate;

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let class = match &error {
            TokenError::Files(FilesError::NotFound { .. }) => "TokenMissingError",
            _ => "TokenError",
        };
        Self::new(class, &error)
    }
}

/// A pair of tokens as a file or an answer has it; its text shows no secret.
#[pyclass(frozen, name = "Token", module = "exuvia.tokens")]
pub struct PyToken(Arc<Pair>);

impl PyToken {
    fn of(pair: Pair) -> Self {
        Self(Arc::new(pair))
    }
}

#[pymethods]
impl PyToken {
    /// What a request is signed with. A secret: for the header, and for nothing that is printed or kept.
    #[getter]
    fn access_token(&self) -> &str {
        self.0.access.expose()
    }

    /// What the next pair is asked for with. A secret, and good once.
    #[getter]
    fn refresh_token(&self) -> Option<&str> {
        self.0.refresh.as_ref().map(engine::Secret::expose)
    }

    /// Until when the access token is good, in nanoseconds since 1970 UTC.
    #[getter]
    fn expires_at(&self) -> Option<i64> {
        self.0.expires.map(|time| time.0)
    }

    /// Until when the refresh token is good, in nanoseconds since 1970 UTC.
    #[getter]
    fn refresh_token_expires_at(&self) -> Option<i64> {
        self.0.refresh_expires.map(|time| time.0)
    }

    /// The number of the keeper that wrote it; None if another program did.
    #[getter]
    fn fencing_token(&self) -> Option<u64> {
        self.0.fence
    }

    fn __repr__(&self) -> String {
        let mut text = "Token(access_token=***".to_owned();
        if self.0.refresh.is_some() {
            text.push_str(", refresh_token=***");
        }
        if let Some(expires) = self.0.expires {
            // Writing into a String does not fail.
            let _ = write!(text, ", expires_at={expires}");
        }
        text.push(')');
        text
    }
}

/// The tokens of a file that a keeper renews; cheap enough to be asked before each request.
///
/// Args:
///     path: The token file.
#[pyclass(frozen, name = "Tokens", module = "exuvia.tokens")]
pub struct PyTokens(engine::Tokens);

impl PyTokens {
    fn of(tokens: engine::Tokens) -> Self {
        Self(tokens)
    }
}

#[pymethods]
impl PyTokens {
    #[new]
    #[pyo3(signature = (path))]
    fn new(path: PathBuf) -> Self {
        Self(engine::Tokens::of(Arc::new(SystemFiles), &path))
    }

    /// The pair of now: the file is read again if it is another one.
    ///
    /// Raises:
    ///     TokenMissingError: If there is no such file, and never was.
    ///     TokenError: If it holds no pair, and never did.
    fn current(&self, py: Python<'_>) -> PyResult<PyToken> {
        gate::enter(py, || self.0.current().map(PyToken))
    }

    fn __repr__(&self) -> String {
        "Tokens(***)".to_owned()
    }
}

/// What the files of a token say, as JSON without a secret.
#[pyfunction]
#[pyo3(signature = (path))]
fn token_look(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    gate::enter(py, || {
        let seen = engine::look(&SystemFiles, &Paths::canonical(&path), now()).map_err(TokenError::from)?;
        serde_json::to_string(&seen).map_err(|error| Failure::new("TokenError", &error))
    })
}

/// Takes the lease from whoever has it and leaves it free; the number that is now the largest.
#[pyfunction]
#[pyo3(signature = (path, by, reason))]
fn token_takeover(py: Python<'_>, path: PathBuf, by: &str, reason: &str) -> PyResult<u64> {
    gate::enter(py, || {
        let paths = Paths::canonical(&path);
        patiently(|| engine::takeover(&SystemFiles, &paths, by, reason, now())).map(|lease| lease.fencing_token)
    })
}

/// Puts the pair that was kept beside the canonical file into it.
#[pyfunction]
#[pyo3(signature = (path, by, reason))]
fn token_cutover(py: Python<'_>, path: PathBuf, by: &str, reason: &str) -> PyResult<u64> {
    gate::enter(py, || {
        let (parallel, canonical) = (Paths::parallel(&path), Paths::canonical(&path));
        patiently(|| engine::cutover(&SystemFiles, &parallel, &canonical, by, reason, now()))
            .map(|lease| lease.fencing_token)
    })
}

/// The name beside the canonical one under which a second keeper works.
#[pyfunction]
#[pyo3(signature = (path))]
fn token_parallel(path: PathBuf) -> PathBuf {
    Paths::parallel(&path).token().to_path_buf()
}

/// The text of a file that only its owner may read.
#[pyfunction]
#[pyo3(signature = (path))]
fn token_secret_file(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let secret = gate::enter(py, || engine::Secret::from_file(&SystemFiles, Path::new(&path)))?;
    Ok(secret.expose().to_owned())
}

/// Waits a moment for a change that another process is in the middle of; one that takes longer hangs, and is told.
fn patiently<T>(work: impl Fn() -> Result<T, TokenError>) -> Result<T, TokenError> {
    for _ in 0..20 {
        match work() {
            Err(TokenError::Files(FilesError::Locked { .. })) => std::thread::sleep(Duration::from_millis(50)),
            done => return done,
        }
    }
    work()
}

fn now() -> Time {
    SystemClock::new().utc()
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyToken>()?;
    module.add_class::<PyTokens>()?;
    module.add_class::<keeper::PyKeeper>()?;
    module.add_function(wrap_pyfunction!(token_look, module)?)?;
    module.add_function(wrap_pyfunction!(token_takeover, module)?)?;
    module.add_function(wrap_pyfunction!(token_cutover, module)?)?;
    module.add_function(wrap_pyfunction!(token_parallel, module)?)?;
    module.add_function(wrap_pyfunction!(token_secret_file, module)?)
}
