//! What a record says, and how one is written.

use thiserror::Error;

use super::SEPARATOR;
use crate::wire::json::{JsonError, Reader};
use crate::wire::saxo::encode_text;

/// The first record of a client: JSON, version 1.
pub const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

/// One record. Arguments, items and results are JSON texts as they stand in the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hub {
    /// The answer to the handshake; with an error the server closes.
    Handshake {
        /// Why it was refused.
        error: Option<String>,
    },
    /// Type 1: a call, or an event.
    Invocation {
        /// The method or event.
        target: String,
        /// The array of arguments, as JSON.
        arguments: String,
        /// Set if a completion is expected.
        id: Option<String>,
    },
    /// Type 2: an item of a stream.
    StreamItem {
        /// Which stream.
        id: String,
        /// The item, as JSON.
        item: String,
    },
    /// Type 3: the answer to an invocation.
    Completion {
        /// Which invocation.
        id: String,
        /// The result, as JSON; `None` if there is none.
        result: Option<String>,
        /// Why it failed.
        error: Option<String>,
    },
    /// Type 6: the peer lives.
    Ping,
    /// Type 7: the peer closes.
    Close {
        /// Why.
        error: Option<String>,
        /// Whether the client may connect again by itself.
        allow_reconnect: bool,
    },
    /// Another type: to be ignored.
    Other {
        /// The number.
        kind: i64,
    },
}

/// A record that is no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubError {
    /// It is not JSON.
    #[error("SignalR record: {0}")]
    Json(#[from] JsonError),
    /// It is JSON, but no message.
    #[error("SignalR record of type {kind} has no {field}: {shown}")]
    Field {
        /// The type.
        kind: i64,
        /// What is missing.
        field: &'static str,
        /// How the record starts.
        shown: String,
    },
}

#[derive(Default)]
struct Parts<'r> {
    kind: Option<i64>,
    target: Option<String>,
    arguments: Option<&'r str>,
    id: Option<String>,
    item: Option<&'r str>,
    result: Option<&'r str>,
    error: Option<String>,
    allow_reconnect: bool,
}

/// Reads a record; an object without a `type` is the answer to the handshake.
///
/// ```
/// use exuvia_market::wire::signalr::{Hub, parse_record};
/// let hub = parse_record(br#"{"type":3,"invocationId":"1","result":null}"#)?;
/// assert_eq!(hub, Hub::Completion { id: "1".to_owned(), result: Some("null".to_owned()), error: None });
/// # Ok::<(), exuvia_market::wire::signalr::HubError>(())
/// ```
///
/// # Errors
/// If it is not JSON, no object, or a known type lacks what it must have.
pub fn parse_record(record: &[u8]) -> Result<Hub, HubError> {
    let mut parts = Parts::default();
    let mut reader = Reader::new(record);
    let is_object = reader.object(|reader, key| {
        match key.bytes().as_ref() {
            b"type" => parts.kind = reader.number()?.and_then(|number| number.to_i64()).or(Some(-1)),
            b"target" => parts.target = text(reader)?,
            b"invocationId" => parts.id = text(reader)?,
            b"error" => parts.error = text(reader)?,
            b"arguments" => parts.arguments = Some(raw(record, reader)?),
            b"item" => parts.item = Some(raw(record, reader)?),
            b"result" => parts.result = Some(raw(record, reader)?),
            b"allowReconnect" => parts.allow_reconnect = reader.flag()? == Some(true),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    reader.end()?;
    let shown: String = String::from_utf8_lossy(record).chars().take(120).collect();
    let Parts { kind, target, arguments, id, item, result, error, allow_reconnect } = parts;
    let Some(kind) = kind.filter(|_| is_object) else {
        return if is_object {
            Ok(Hub::Handshake { error })
        } else {
            Err(HubError::Field { kind: -1, field: "type", shown })
        };
    };
    let lacks = |field| HubError::Field { kind, field, shown: shown.clone() };
    let owned = |text: &str| text.to_owned();
    Ok(match kind {
        1 => Hub::Invocation {
            target: target.ok_or_else(|| lacks("target"))?,
            arguments: arguments.filter(|text| text.starts_with('[')).map(owned).ok_or_else(|| lacks("arguments"))?,
            id,
        },
        2 => Hub::StreamItem {
            id: id.ok_or_else(|| lacks("invocationId"))?,
            item: item.map(owned).ok_or_else(|| lacks("item"))?,
        },
        3 => Hub::Completion { id: id.ok_or_else(|| lacks("invocationId"))?, result: result.map(owned), error },
        6 => Hub::Ping,
        7 => Hub::Close { error, allow_reconnect },
        kind => Hub::Other { kind },
    })
}

fn text(reader: &mut Reader<'_>) -> Result<Option<String>, JsonError> {
    Ok(reader.text()?.and_then(|text| text.decode()).map(std::borrow::Cow::into_owned))
}

/// The next value as it stands.
fn raw<'r>(record: &'r [u8], reader: &mut Reader<'_>) -> Result<&'r str, JsonError> {
    reader.peek()?;
    let from = reader.offset();
    reader.skip()?;
    let bytes = record.get(from..reader.offset()).unwrap_or_default();
    // Validated as JSON, which is UTF-8.
    Ok(std::str::from_utf8(bytes).unwrap_or_default())
}

/// Writes a call; `arguments` is a JSON array. With an `id` the server answers with one completion, without it never.
///
/// ```
/// use exuvia_market::wire::signalr::encode_invocation;
/// let call = encode_invocation("SubscribeContractQuotes", r#"["CON.F.US.ENQ.H26"]"#, Some("1"))?;
/// let wanted = b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"SubscribeContractQuotes\",\"arguments\":[\"CON.F.US.ENQ.H26\"]}\x1e";
/// assert_eq!(call, wanted);
/// # Ok::<(), exuvia_market::wire::signalr::HubError>(())
/// ```
///
/// # Errors
/// If `arguments` is no JSON array.
pub fn encode_invocation(target: &str, arguments: &str, id: Option<&str>) -> Result<Vec<u8>, HubError> {
    checked(arguments)?;
    if !arguments.trim_start().starts_with('[') {
        return Err(HubError::Field {
            kind: 1,
            field: "array of arguments",
            shown: arguments.chars().take(120).collect(),
        });
    }
    let mut out = b"{\"type\":1".to_vec();
    if let Some(id) = id {
        field(&mut out, "invocationId", |out| encode_text(out, id));
    }
    field(&mut out, "target", |out| encode_text(out, target));
    field(&mut out, "arguments", |out| out.extend_from_slice(arguments.as_bytes()));
    Ok(closed(out))
}

/// Writes the answer to an invocation: an error, or a result as JSON, or nothing.
///
/// # Errors
/// If `result` is not JSON.
pub fn encode_completion(id: &str, result: Option<&str>, error: Option<&str>) -> Result<Vec<u8>, HubError> {
    let mut out = b"{\"type\":3".to_vec();
    field(&mut out, "invocationId", |out| encode_text(out, id));
    match (error, result) {
        (Some(error), _) => field(&mut out, "error", |out| encode_text(out, error)),
        (None, Some(result)) => {
            checked(result)?;
            field(&mut out, "result", |out| out.extend_from_slice(result.as_bytes()));
        }
        (None, None) => {}
    }
    Ok(closed(out))
}

/// Writes a ping: to be sent when nothing was sent for 15 s.
#[must_use]
pub fn encode_ping() -> Vec<u8> {
    b"{\"type\":6}\x1e".to_vec()
}

/// Writes a close.
#[must_use]
pub fn encode_close(error: Option<&str>, allow_reconnect: bool) -> Vec<u8> {
    let mut out = b"{\"type\":7".to_vec();
    if let Some(error) = error {
        field(&mut out, "error", |out| encode_text(out, error));
    }
    if allow_reconnect {
        field(&mut out, "allowReconnect", |out| out.extend_from_slice(b"true"));
    }
    closed(out)
}

/// Writes a server's answer to the handshake.
#[must_use]
pub fn encode_handshake_answer(error: Option<&str>) -> Vec<u8> {
    let mut out = b"{".to_vec();
    if let Some(error) = error {
        out.extend_from_slice(b"\"error\":");
        encode_text(&mut out, error);
    }
    closed(out)
}

fn checked(json: &str) -> Result<(), HubError> {
    let mut reader = Reader::new(json.as_bytes());
    reader.skip()?;
    Ok(reader.end()?)
}

fn field(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    value(out);
}

fn closed(mut out: Vec<u8>) -> Vec<u8> {
    out.extend_from_slice(&[b'}', SEPARATOR]);
    out
}
