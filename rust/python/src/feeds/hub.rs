//! SignalR as Python sees it.

use std::sync::Mutex;

use exuvia_market::wire::signalr::{
    HANDSHAKE, Hub, Records, encode_close, encode_completion, encode_handshake_answer, encode_invocation, encode_ping,
    parse_record,
};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use super::frame_of;
use crate::failure::Failure;
use crate::gate::{self, locked};

/// One message of a SignalR hub.
///
/// Args:
///     kind: `handshake`, `invocation`, `stream_item`, `completion`, `ping`, `close` or `other`.
///     target: The method or event of an invocation.
///     arguments: Its arguments, as the text of a JSON array.
///     invocation_id: Which invocation or stream it belongs to; None where nobody answers.
///     result: The result of a completion, or the item of a stream, as JSON text.
///     error: Why a handshake, an invocation or a connection ended.
///     allow_reconnect: Of a close, whether the client may connect again by itself.
#[pyclass(frozen, eq, hash, get_all, module = "exuvia.feeds")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubMessage {
    /// What kind of message it is.
    kind: String,
    /// The method or event.
    target: Option<String>,
    /// The arguments, as JSON text.
    arguments: Option<String>,
    /// Which invocation or stream it belongs to.
    invocation_id: Option<String>,
    /// The result or item, as JSON text.
    result: Option<String>,
    /// Why something ended.
    error: Option<String>,
    /// Whether the client may connect again by itself.
    allow_reconnect: bool,
}

impl From<Hub> for HubMessage {
    fn from(hub: Hub) -> Self {
        let mut out = Self {
            kind: String::new(),
            target: None,
            arguments: None,
            invocation_id: None,
            result: None,
            error: None,
            allow_reconnect: false,
        };
        let kind = match hub {
            Hub::Handshake { error } => {
                out.error = error;
                "handshake"
            }
            Hub::Invocation { target, arguments, id } => {
                (out.target, out.arguments, out.invocation_id) = (Some(target), Some(arguments), id);
                "invocation"
            }
            Hub::StreamItem { id, item } => {
                (out.invocation_id, out.result) = (Some(id), Some(item));
                "stream_item"
            }
            Hub::Completion { id, result, error } => {
                (out.invocation_id, out.result, out.error) = (Some(id), result, error);
                "completion"
            }
            Hub::Ping => "ping",
            Hub::Close { error, allow_reconnect } => {
                (out.error, out.allow_reconnect) = (error, allow_reconnect);
                "close"
            }
            Hub::Other { .. } => "other",
        };
        kind.clone_into(&mut out.kind);
        out
    }
}

#[pymethods]
impl HubMessage {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("kind", "target", "arguments")
    }

    #[new]
    #[pyo3(signature = (kind, target = None, arguments = None, invocation_id = None, result = None, error = None, allow_reconnect = false))]
    const fn new(
        kind: String,
        target: Option<String>,
        arguments: Option<String>,
        invocation_id: Option<String>,
        result: Option<String>,
        error: Option<String>,
        allow_reconnect: bool,
    ) -> Self {
        Self { kind, target, arguments, invocation_id, result, error, allow_reconnect }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let names = ["kind", "target", "arguments", "invocation_id", "result", "error", "allow_reconnect"];
        let values = self.parts().into_pyobject(py)?;
        let shown = names.into_iter().zip(values.iter()).filter(|(_, value)| !value.is_none());
        let shown = shown.filter(|(name, _)| *name != "allow_reconnect" || self.allow_reconnect);
        let fields: PyResult<Vec<_>> = shown.map(|(name, value)| Ok(format!("{name}={}", value.repr()?))).collect();
        Ok(format!("HubMessage({})", fields?.join(", ")))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>(), self.parts().into_pyobject(py)?))
    }
}

type Parts<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>, bool);

impl HubMessage {
    fn parts(&self) -> Parts<'_> {
        (
            &self.kind,
            self.target.as_deref(),
            self.arguments.as_deref(),
            self.invocation_id.as_deref(),
            self.result.as_deref(),
            self.error.as_deref(),
            self.allow_reconnect,
        )
    }
}

/// The records of any SignalR hub with the JSON protocol, both ways; for events of ProjectX's market hub see `ProjectXFeed`.
///
/// A record that is no message is counted in `broken` (see `last_error`), and the others go on.
#[pyclass(frozen, weakref, module = "exuvia.feeds")]
#[derive(Default)]
pub struct SignalR {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    records: Records,
    broken: u64,
    last_error: Option<String>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[pymethods]
impl SignalR {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Read what came, a frame or any part of the stream.
    ///
    /// Args:
    ///     frame: str, bytes, bytearray or memoryview.
    ///
    /// Returns:
    ///     The messages that are whole now, in order.
    #[pyo3(signature = (frame))]
    fn feed(&self, frame: &Bound<'_, PyAny>) -> PyResult<Vec<HubMessage>> {
        let frame = frame_of(frame)?;
        gate::stay(|| {
            let mut inner = locked(&self.inner);
            let Inner { records, broken, last_error } = &mut *inner;
            let mut messages = Vec::new();
            let outcome = records.feed(&frame, |record| match parse_record(record) {
                Ok(hub) => messages.push(HubMessage::from(hub)),
                Err(error) => {
                    *broken += 1;
                    *last_error = Some(error.to_string());
                }
            });
            if let Err(error) = outcome {
                *broken += 1;
                *last_error = Some(error.to_string());
            }
            Ok::<_, Failure>(messages)
        })
    }

    /// Forget half a record: call it after a reconnect.
    fn reset(&self) {
        locked(&self.inner).records.reset();
    }

    /// How many records could not be read.
    #[getter]
    fn broken(&self) -> u64 {
        locked(&self.inner).broken
    }

    /// Why the last of them could not; None if all could.
    #[getter]
    fn last_error(&self) -> Option<String> {
        locked(&self.inner).last_error.clone()
    }

    /// How many bytes of a record came whose end did not.
    #[getter]
    fn waiting(&self) -> usize {
        locked(&self.inner).records.waiting()
    }

    /// Write the first record of a client.
    #[staticmethod]
    fn handshake() -> String {
        text(HANDSHAKE)
    }

    /// Write a server's answer to the handshake.
    ///
    /// Args:
    ///     error: Why it is refused; None to go on.
    #[staticmethod]
    #[pyo3(signature = (error = None))]
    fn handshake_answer(error: Option<&str>) -> String {
        text(&encode_handshake_answer(error))
    }

    /// Write an invocation.
    ///
    /// Args:
    ///     target: The method.
    ///     *arguments: What `json.dumps` can write.
    ///     invocation_id: If given, the server answers with one completion of this id.
    ///
    /// Returns:
    ///     The text frame to send.
    #[staticmethod]
    #[pyo3(signature = (target, *arguments, invocation_id = None))]
    fn invocation(target: &str, arguments: &Bound<'_, PyTuple>, invocation_id: Option<&str>) -> PyResult<String> {
        let json: String = arguments.py().import("json")?.call_method1("dumps", (arguments,))?.extract()?;
        let made = || encode_invocation(target, &json, invocation_id);
        gate::stay(|| made().map(|bytes| text(&bytes)).map_err(|error| Failure::new("DecodeError", &error)))
    }

    /// Write the answer to an invocation.
    ///
    /// Args:
    ///     invocation_id: Which.
    ///     result: The result as JSON text; None if there is none.
    ///     error: Why it failed, instead of a result.
    ///
    /// Returns:
    ///     The text frame to send.
    #[staticmethod]
    #[pyo3(signature = (invocation_id, result = None, error = None))]
    fn completion(invocation_id: &str, result: Option<&str>, error: Option<&str>) -> PyResult<String> {
        let made = || encode_completion(invocation_id, result, error);
        gate::stay(|| made().map(|bytes| text(&bytes)).map_err(|error| Failure::new("DecodeError", &error)))
    }

    /// Write a ping: due when nothing was sent for 15 s.
    #[staticmethod]
    fn ping() -> String {
        text(&encode_ping())
    }

    /// Write a close.
    ///
    /// Args:
    ///     error: Why.
    ///     allow_reconnect: Whether the peer may connect again by itself.
    #[staticmethod]
    #[pyo3(signature = (error = None, allow_reconnect = false))]
    fn close(error: Option<&str>, allow_reconnect: bool) -> String {
        text(&encode_close(error, allow_reconnect))
    }
}
