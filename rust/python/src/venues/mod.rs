//! Bindings of `exuvia.venues`, the simulated Saxo venue's server and its tick sources as a table, and of
//! `exuvia.brokers` (`paper`).

mod paper;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use exuvia_model::Money;
use exuvia_venues::VenueError;
use exuvia_venues::saxo::SaxoVenue;
use exuvia_venues::server::SaxoServer;
use exuvia_venues::ticks::{self, What};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::failure::Failure;
use crate::{gate, integers};

impl From<VenueError> for Failure {
    fn from(error: VenueError) -> Self {
        Self::new("VenueError", &error)
    }
}

/// A Saxo-shaped venue on 127.0.0.1 whose clock the client moves; see `exuvia.venues`.
#[pyclass(frozen, name = "SaxoVenue", module = "exuvia.venues")]
struct PySaxoVenue {
    source: String,
    address: SocketAddr,
    server: Mutex<Option<SaxoServer>>,
}

impl PySaxoVenue {
    fn server(&self) -> MutexGuard<'_, Option<SaxoServer>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        self.server().as_ref().is_some_and(SaxoServer::is_open)
    }
}

impl Drop for PySaxoVenue {
    /// A forked child leaves the server to its parent: the threads to wait for are there.
    fn drop(&mut self) {
        if gate::is_forked() {
            std::mem::forget(self.server.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

#[pymethods]
impl PySaxoVenue {
    #[new]
    #[pyo3(signature = (source, port = 0, *, cash = 1_000_000, host = "127.0.0.1"))]
    fn new(
        py: Python<'_>,
        source: String,
        #[pyo3(from_py_with = port_of)] port: u16,
        #[pyo3(from_py_with = integers::cash)] cash: i64,
        host: &str,
    ) -> PyResult<Self> {
        let host: IpAddr = match host {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            other => other.parse().map_err(|_| {
                Failure::text("VenueError", format!("host {other:?} is not 127.0.0.1, where a simulated venue serves"))
            })?,
        };
        gate::enter_threaded(py, move || {
            // The address is refused before a large source is read.
            let address = SocketAddr::new(host, port);
            if !address.ip().is_loopback() {
                return Err(Failure::from(VenueError::NotLoopback { address }));
            }
            let venue = SaxoVenue::new(ticks::read(&source)?, Money::from_whole(cash)?);
            let server = SaxoServer::start(venue, address)?;
            Ok(Self { source, address: server.address(), server: Mutex::new(Some(server)) })
        })
    }

    /// Base address, such as `http://127.0.0.1:51234`; REST is below `/sim/openapi`.
    #[getter]
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that it listens on.
    #[getter]
    fn port(&self) -> u16 {
        self.address.port()
    }

    /// The tick source as it was given.
    #[getter]
    fn source(&self) -> &str {
        &self.source
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        gate::refuse_fork()?;
        Ok(!self.is_open())
    }

    /// Stops the server and drops its connections; a second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        gate::enter_threaded(py, || {
            if let Some(server) = self.server().as_mut() {
                server.close();
            }
            Ok::<_, Failure>(())
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        let state = if gate::is_forked() {
            " of the parent process"
        } else if self.is_open() {
            ""
        } else {
            " closed"
        };
        format!("<SaxoVenue {:?} at {}{state}>", self.source, self.url())
    }
}

fn port_of(object: &Bound<'_, PyAny>) -> PyResult<u16> {
    let port: i64 = integers::whole(object, "port")?;
    u16::try_from(port).map_err(|_| {
        Failure::text("ValueRangeError", format!("port {port} is out of range: it must be 0 (a free one) to 65535"))
            .into()
    })
}

/// The ticks of a source as columns `ts` (UTC nanoseconds), `bid`, `ask`.
#[pyfunction]
fn read_ticks(py: Python<'_>, source: String) -> PyResult<Py<PyAny>> {
    let batch = gate::enter(py, move || {
        let beats = ticks::read(&source)?;
        let rows = beats.iter().filter_map(|beat| match beat.what {
            What::Tick { bid, ask } => Some((beat.time.0, bid.to_f64(), ask.to_f64())),
            What::Session { .. } => None,
        });
        let (mut times, mut bids, mut asks) = (Vec::new(), Vec::new(), Vec::new());
        for (time, bid, ask) in rows {
            times.push(time);
            bids.push(bid);
            asks.push(ask);
        }
        let schema = Schema::new(vec![
            Field::new("ts", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), false),
            Field::new("bid", DataType::Float64, false),
            Field::new("ask", DataType::Float64, false),
        ]);
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC")),
                Arc::new(Float64Array::from(bids)),
                Arc::new(Float64Array::from(asks)),
            ],
        )
        .map_err(|error| Failure::new("VenueError", &error))
    })?;
    let schema = batch.schema();
    Ok(PyTable::try_new(vec![batch], schema)?.into_arro3(py)?.unbind())
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    paper::register(module)?;
    module.add_class::<PySaxoVenue>()?;
    module.add_function(wrap_pyfunction!(read_ticks, module)?)
}
