//! Frames: bytes in, messages out, and back; control messages.

use exuvia_market::wire::saxo;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple, PyType};

use super::bytes_of;
use crate::failure::Failure;
use crate::{gate, integers};

/// One message of a frame.
///
/// Args:
///     message_id: Opaque position in the stream, for `messageid=` at a reconnect.
///     reference_id: The subscription that it belongs to; control messages start with `_`.
///     payload_format: 0 is JSON, 1 protocol buffers.
///     payload: The payload as it came.
#[pyclass(frozen, module = "exuvia.quotes")]
pub struct Message {
    /// Opaque position in the stream.
    #[pyo3(get)]
    message_id: u64,
    /// The subscription that the message belongs to.
    #[pyo3(get)]
    reference_id: Py<PyString>,
    /// 0 is JSON, 1 protocol buffers.
    #[pyo3(get)]
    payload_format: u8,
    /// The payload as it came.
    #[pyo3(get)]
    payload: Py<PyBytes>,
}

type Parts<'a> = (u64, &'a Py<PyString>, u8, &'a Py<PyBytes>);

impl Message {
    /// A message that was kept.
    pub fn of(py: Python<'_>, kept: &saxo::Payload) -> Self {
        let (reference_id, payload) =
            (PyString::new(py, &kept.reference).unbind(), PyBytes::new(py, &kept.bytes).unbind());
        Self { message_id: kept.id, reference_id, payload_format: kept.format, payload }
    }

    fn parts(&self) -> Parts<'_> {
        (self.message_id, &self.reference_id, self.payload_format, &self.payload)
    }
}

#[pymethods]
impl Message {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str) {
        ("message_id", "reference_id", "payload_format", "payload")
    }

    #[new]
    #[pyo3(signature = (message_id, reference_id, payload_format, payload))]
    fn new(
        #[pyo3(from_py_with = integers::message_id)] message_id: u64,
        reference_id: Py<PyString>,
        #[pyo3(from_py_with = integers::payload_format)] payload_format: u8,
        payload: Py<PyBytes>,
    ) -> Self {
        Self { message_id, reference_id, payload_format, payload }
    }

    fn __eq__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<bool> {
        self.parts().into_pyobject(py)?.eq(other.parts())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.parts().into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (name, payload) = (self.reference_id.bind(py).repr()?, self.payload.bind(py).repr()?);
        let (id, format) = (self.message_id, self.payload_format);
        Ok(format!("Message(message_id={id}, reference_id={name}, payload_format={format}, payload={payload})"))
    }

    fn __reduce__<'py>(&'py self, py: Python<'py>) -> (Bound<'py, PyType>, Parts<'py>) {
        (py.get_type::<Self>(), self.parts())
    }
}

/// What the server says about the stream itself.
///
/// Args:
///     kind: `heartbeat`, `resetsubscriptions`, `disconnect`, `reconnect`, `connectionheartbeat`, `probe`, or the
///         reference id of a control message that is not known.
///     targets: The subscriptions to delete and create again; empty means all of them. Only for `resetsubscriptions`.
///     heartbeats: Pairs of reference id and reason (`NoNewData`, `SubscriptionTemporarilyDisabled`,
///         `SubscriptionPermanentlyDisabled`). Only for `heartbeat`.
#[pyclass(frozen, eq, hash, get_all, module = "exuvia.quotes")]
#[derive(PartialEq, Eq, Hash)]
pub struct Control {
    /// What kind of control message it is.
    kind: String,
    /// The subscriptions to delete and create again.
    targets: Names,
    /// Pairs of reference id and reason.
    heartbeats: Pairs,
}

/// Strings that Python sees as a tuple.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Names(Vec<String>);

/// Pairs that Python sees as a tuple of tuples.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Pairs(Vec<(String, String)>);

impl<'py> IntoPyObject<'py> for &Names {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.0)
    }
}

impl<'py> IntoPyObject<'py> for &Pairs {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.0)
    }
}

impl From<saxo::Control> for Control {
    fn from(control: saxo::Control) -> Self {
        let (mut targets, mut heartbeats) = (Vec::new(), Vec::new());
        let kind = match control {
            saxo::Control::Heartbeat(beats) => {
                heartbeats = beats.into_iter().map(|beat| (beat.reference, beat.reason.as_str().to_owned())).collect();
                "heartbeat".to_owned()
            }
            saxo::Control::ResetSubscriptions(names) => {
                targets = names;
                "resetsubscriptions".to_owned()
            }
            saxo::Control::Disconnect => "disconnect".to_owned(),
            saxo::Control::Reconnect => "reconnect".to_owned(),
            saxo::Control::ConnectionHeartbeat => "connectionheartbeat".to_owned(),
            saxo::Control::Probe { .. } => "probe".to_owned(),
            saxo::Control::Other(name) => name,
        };
        Self { kind, targets: Names(targets), heartbeats: Pairs(heartbeats) }
    }
}

#[pymethods]
impl Control {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("kind", "targets", "heartbeats")
    }

    #[new]
    #[pyo3(signature = (kind, targets = Vec::new(), heartbeats = Vec::new()), text_signature = "(kind, targets=(), heartbeats=())")]
    fn new(kind: String, targets: Vec<String>, heartbeats: Vec<(String, String)>) -> Self {
        Self { kind, targets: Names(targets), heartbeats: Pairs(heartbeats) }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let kind = PyString::new(py, &self.kind);
        let (targets, heartbeats) = (self.targets.into_pyobject(py)?, self.heartbeats.into_pyobject(py)?);
        let (kind, targets, heartbeats) = (kind.repr()?, targets.repr()?, heartbeats.repr()?);
        Ok(format!("Control(kind={kind}, targets={targets}, heartbeats={heartbeats})"))
    }

    fn __reduce__<'py>(&'py self, py: Python<'py>) -> (Bound<'py, PyType>, (&'py str, &'py Names, &'py Pairs)) {
        (py.get_type::<Self>(), (&self.kind, &self.targets, &self.heartbeats))
    }
}

/// Split a binary frame into its messages.
///
/// Args:
///     frame: One whole WebSocket frame (bytes, bytearray or memoryview).
///     record: What to build for each message, called with message id, reference id, payload format and payload; your own
///         dataclass for example. `Message` if not given.
///
/// Returns:
///     The messages in order.
///
/// Raises:
///     DecodeError: If the frame breaks off, or a reference id is not ASCII; the message names the byte.
#[pyfunction]
#[pyo3(signature = (frame, record = None))]
pub fn decode_frame<'py>(
    py: Python<'py>,
    frame: &Bound<'py, PyAny>,
    record: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    let frame = bytes_of(frame)?;
    let messages = gate::stay(|| saxo::decode_frame(&frame).map_err(|error| Failure::new("DecodeError", &error)))?;
    // Messages of one subscription come in runs: one string serves the run.
    let mut last: Option<(&str, Bound<'py, PyString>)> = None;
    let mut made = Vec::with_capacity(messages.len());
    for message in &messages {
        let name = match &last {
            Some((text, name)) if *text == message.reference => name.clone(),
            _ => PyString::intern(py, message.reference),
        };
        last = Some((message.reference, name.clone()));
        let payload = PyBytes::new(py, message.payload);
        made.push(match record {
            Some(record) => record.call1((message.id, name, message.format, payload))?,
            None => {
                Bound::new(py, Message::new(message.id, name.unbind(), message.format, payload.unbind()))?.into_any()
            }
        });
    }
    PyList::new(py, made)
}

/// Write messages into one binary frame.
///
/// Args:
///     messages: Messages, or other objects with `message_id`, `reference_id`, `payload_format` and `payload`.
///
/// Returns:
///     The frame.
///
/// Raises:
///     DecodeError: If a reference id is not ASCII or too long, or a payload too large.
#[pyfunction]
#[pyo3(signature = (messages))]
pub fn encode_frame<'py>(py: Python<'py>, messages: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let mut frame = Vec::new();
    for item in messages.try_iter()? {
        let item = item?;
        let id: u64 = integers::message_id(&item.getattr("message_id")?)?;
        let reference: String = item.getattr("reference_id")?.extract()?;
        let format: u8 = integers::payload_format(&item.getattr("payload_format")?)?;
        let payload = item.getattr("payload")?;
        let payload = bytes_of(&payload)?;
        let message = saxo::Message { id, reference: &reference, format, payload: &payload };
        gate::stay(|| message.write(&mut frame).map_err(|error| Failure::new("DecodeError", &error)))?;
    }
    Ok(PyBytes::new(py, &frame))
}

/// Read a control message.
///
/// Args:
///     reference_id: The reference id of the message.
///     payload: Its payload.
///
/// Returns:
///     What the server says, or None if the message belongs to a subscription.
///
/// Raises:
///     DecodeError: If the payload is not JSON.
#[pyfunction]
#[pyo3(signature = (reference_id, payload))]
pub fn read_control(reference_id: &str, payload: &Bound<'_, PyAny>) -> PyResult<Option<Control>> {
    let payload = bytes_of(payload)?;
    let read = || saxo::parse_control(reference_id, &payload).map_err(|error| Failure::new("DecodeError", &error));
    Ok(gate::stay(read)?.map(Control::from))
}
