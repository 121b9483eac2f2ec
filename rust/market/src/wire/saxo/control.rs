//! Control messages: what the streaming server says about the stream itself. Their reference id
//! starts with `_`, their payload is a JSON array with one object (or none).

use super::encode::{Fields, encode_text};
use crate::wire::json::{JsonError, Reader};

/// What the server says about the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Control {
    /// Subscriptions that live but have no data.
    Heartbeat(Vec<Heartbeat>),
    /// Delete and create again the named subscriptions; all of them if the list is empty.
    ResetSubscriptions(Vec<String>),
    /// The session ends: new token, new connection, all subscriptions again.
    Disconnect,
    /// Connect the transport again.
    Reconnect,
    /// The connection lives; carries no usable message id.
    ConnectionHeartbeat,
    /// A diagnostic that needs no answer.
    Probe {
        /// The id as it stands, if there is one.
        id: Option<String>,
    },
    /// A control message of another kind, by its reference id: to be counted, not to be acted on.
    Other(String),
}

/// The state of one subscription in a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// Reference id of the subscription.
    pub reference: String,
    /// Why there is a heartbeat and no data.
    pub reason: HeartbeatReason,
}

/// Why a subscription sends a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HeartbeatReason {
    /// Alive; nothing changed.
    NoNewData,
    /// No data for now; keep it.
    SubscriptionTemporarilyDisabled,
    /// Delete and create it again, or give up.
    SubscriptionPermanentlyDisabled,
    /// A reason that the documents do not name.
    Other(String),
}

impl HeartbeatReason {
    /// The reason as the wire spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NoNewData => "NoNewData",
            Self::SubscriptionTemporarilyDisabled => "SubscriptionTemporarilyDisabled",
            Self::SubscriptionPermanentlyDisabled => "SubscriptionPermanentlyDisabled",
            Self::Other(reason) => reason,
        }
    }

    fn from_text(reason: String) -> Self {
        match reason.as_str() {
            "NoNewData" => Self::NoNewData,
            "SubscriptionTemporarilyDisabled" => Self::SubscriptionTemporarilyDisabled,
            "SubscriptionPermanentlyDisabled" => Self::SubscriptionPermanentlyDisabled,
            _ => Self::Other(reason),
        }
    }
}

/// Reads a control message; `None` if `reference` is that of a subscription.
///
/// ```
/// use exuvia_market::wire::saxo::{Control, parse_control};
/// let payload = br#"[{"ReferenceId":"_resetsubscriptions","TargetReferenceIds":["prices"]}]"#;
/// let control = parse_control("_resetsubscriptions", payload)?;
/// assert_eq!(control, Some(Control::ResetSubscriptions(vec!["prices".to_owned()])));
/// # Ok::<(), exuvia_market::wire::json::JsonError>(())
/// ```
///
/// # Errors
/// If the payload is not JSON.
pub fn parse_control(reference: &str, payload: &[u8]) -> Result<Option<Control>, JsonError> {
    if !reference.starts_with('_') {
        return Ok(None);
    }
    let mut body = Body::default();
    let mut reader = Reader::new(payload);
    if reader.peek()? == b'[' {
        reader.array(|reader| body.read(reader))?;
    } else {
        body.read(&mut reader)?;
    }
    reader.end()?;
    // Reference ids are not case-sensitive.
    Ok(Some(match reference.to_ascii_lowercase().as_str() {
        "_heartbeat" => Control::Heartbeat(body.heartbeats),
        "_resetsubscriptions" => Control::ResetSubscriptions(body.targets),
        "_disconnect" => Control::Disconnect,
        "_reconnect" => Control::Reconnect,
        "_connectionheartbeat" => Control::ConnectionHeartbeat,
        "_probe" => Control::Probe { id: body.probe },
        _ => Control::Other(reference.to_owned()),
    }))
}

#[derive(Default)]
struct Body {
    heartbeats: Vec<Heartbeat>,
    targets: Vec<String>,
    probe: Option<String>,
}

impl Body {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        reader.object(|reader, key| match key.bytes().as_ref() {
            b"Heartbeats" => {
                self.heartbeats.clear();
                reader.array(|reader| self.heartbeat(reader)).map(drop)
            }
            b"TargetReferenceIds" => {
                self.targets.clear();
                reader.array(|reader| {
                    self.targets.extend(word(reader)?);
                    Ok(())
                })?;
                Ok(())
            }
            b"ProbeId" => {
                self.probe = if reader.peek()? == b'"' {
                    word(reader)?
                } else {
                    reader.number()?.map(|number| number.as_str().to_owned())
                };
                Ok(())
            }
            _ => reader.skip(),
        })?;
        Ok(())
    }

    fn heartbeat(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        let (mut reference, mut reason) = (None, None);
        reader.object(|reader, key| {
            match key.bytes().as_ref() {
                b"OriginatingReferenceId" => reference = word(reader)?,
                b"Reason" => reason = word(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        if let (Some(reference), Some(reason)) = (reference, reason) {
            self.heartbeats.push(Heartbeat { reference, reason: HeartbeatReason::from_text(reason) });
        }
        Ok(())
    }
}

fn word(reader: &mut Reader<'_>) -> Result<Option<String>, JsonError> {
    Ok(reader.text()?.and_then(|text| text.decode()).map(std::borrow::Cow::into_owned))
}

/// Writes the payload of a `_heartbeat` message: each subscription with its reason.
#[must_use]
pub fn encode_heartbeat(heartbeats: &[Heartbeat]) -> Vec<u8> {
    let mut out = b"[{\"ReferenceId\":\"_heartbeat\",\"Heartbeats\":[".to_vec();
    for (index, heartbeat) in heartbeats.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut fields = Fields::open(&mut out);
        fields.text("OriginatingReferenceId", &heartbeat.reference);
        fields.text("Reason", heartbeat.reason.as_str());
        fields.close();
    }
    out.extend_from_slice(b"]}]");
    out
}

/// Writes the payload of a `_resetsubscriptions` message; no targets means all.
#[must_use]
pub fn encode_reset(targets: &[&str]) -> Vec<u8> {
    let mut out = b"[{\"ReferenceId\":\"_resetsubscriptions\",\"TargetReferenceIds\":[".to_vec();
    for (index, target) in targets.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        encode_text(&mut out, target);
    }
    out.extend_from_slice(b"]}]");
    out
}
