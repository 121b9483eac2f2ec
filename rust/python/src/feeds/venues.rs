//! The feeds that are declared already: ProjectX's market hub, and Polygon's WebSocket.

use std::collections::HashMap;

use exuvia_market::wire::feed::Feed;
use exuvia_market::wire::polygon::{encode_auth, encode_subscribe, encode_unsubscribe, socket_spec};
use exuvia_market::wire::projectx::MarketHub;
use exuvia_market::wire::signalr::encode_invocation;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::feed::JsonFeed;
use super::hub::HubMessage;
use super::source::Source;
use super::{numbers_of, refused, unsaid};

/// The market hub of a ProjectX gateway (TopstepX): kinds `quote`, `trade` and `depth`.
///
/// Frames are SignalR records; one may hold several, and one may come in parts. Quotes are sparse and are merged by contract.
/// Handshake answers, completions, pings and closes come by `take_controls`.
///
/// Args:
///     numbers: How prices and sizes are kept: `exact`, `wide` or `float`.
///     record: As for `JsonFeed`.
///     strict: As for `JsonFeed`.
#[pyclass(frozen, extends = JsonFeed, subclass, module = "exuvia.feeds")]
pub struct ProjectXFeed;

#[pymethods]
impl ProjectXFeed {
    #[new]
    #[pyo3(signature = (numbers = "exact", record = None, strict = false))]
    fn new(
        py: Python<'_>,
        numbers: &str,
        record: Option<&Bound<'_, PyAny>>,
        strict: bool,
    ) -> PyResult<PyClassInitializer<Self>> {
        let hub = MarketHub::new(numbers_of(numbers)?).map_err(unsaid)?;
        let feed = JsonFeed::build(py, Source::Hub(Box::new(hub)), record, strict)?;
        Ok(PyClassInitializer::from(feed).add_subclass(Self))
    }

    /// Take the handshake answers, completions, pings and closes that came since the last call; the last 1,024 are kept.
    fn take_controls(slf: &Bound<'_, Self>) -> Vec<HubMessage> {
        slf.as_super().get().take_controls().into_iter().map(HubMessage::from).collect()
    }

    /// Write the calls that subscribe a contract.
    ///
    /// Args:
    ///     contract: Such as `CON.F.US.ENQ.H26`.
    ///     events: Which of `quotes`, `trades` and `depth`.
    ///     subscribe: False to end the subscriptions.
    ///
    /// Returns:
    ///     The text frame to send.
    ///
    /// Raises:
    ///     ValueRangeError: If an event is none of these.
    #[staticmethod]
    #[pyo3(signature = (contract, events = None, subscribe = true), text_signature = "(contract, events=('quotes', 'trades', 'depth'), subscribe=True)")]
    fn subscription(contract: &Bound<'_, PyString>, events: Option<Vec<String>>, subscribe: bool) -> PyResult<String> {
        let known = HashMap::from([("quotes", "Quotes"), ("trades", "Trades"), ("depth", "MarketDepth")]);
        let events = events.unwrap_or_else(|| ["quotes", "trades", "depth"].map(ToOwned::to_owned).into());
        let arguments: String = contract.py().import("json")?.call_method1("dumps", ((contract,),))?.extract()?;
        let mut frame = String::new();
        for event in events {
            let name = known.get(event.as_str());
            let name =
                name.ok_or_else(|| refused(&format!("event {event:?} is unknown: use quotes, trades or depth")))?;
            let target = format!("{}SubscribeContract{name}", if subscribe { "" } else { "Un" });
            let target = if subscribe { target } else { target.replace("UnSubscribe", "Unsubscribe") };
            let call = encode_invocation(&target, &arguments, None).map_err(|error| refused(&error.to_string()))?;
            frame.push_str(&String::from_utf8_lossy(&call));
        }
        Ok(frame)
    }
}

/// The WebSocket of Polygon (Massive): kinds `trade`, `quote`, `bar`, `forex_quote`, `forex_bar`, `depth`, `value`, `status`.
///
/// A frame is an array of events. A side without a quote (a price of zero) is None. Volumes, averages and day values are floats.
///
/// Args:
///     numbers: How prices and sizes are kept: `exact`, `wide` or `float`.
///     record: As for `JsonFeed`.
///     strict: As for `JsonFeed`.
#[pyclass(frozen, extends = JsonFeed, subclass, module = "exuvia.feeds")]
pub struct PolygonFeed;

#[pymethods]
impl PolygonFeed {
    #[new]
    #[pyo3(signature = (numbers = "exact", record = None, strict = false))]
    fn new(
        py: Python<'_>,
        numbers: &str,
        record: Option<&Bound<'_, PyAny>>,
        strict: bool,
    ) -> PyResult<PyClassInitializer<Self>> {
        let spec = socket_spec(numbers_of(numbers)?).map_err(unsaid)?;
        let feed = Feed::new(&spec).map_err(unsaid)?;
        let feed = JsonFeed::build(py, Source::Messages(Box::new(feed)), record, strict)?;
        Ok(PyClassInitializer::from(feed).add_subclass(Self))
    }

    /// Write the first message of a connection.
    ///
    /// Args:
    ///     key: The API key.
    ///
    /// Returns:
    ///     The text frame to send.
    #[staticmethod]
    #[pyo3(signature = (key))]
    fn auth(key: &str) -> String {
        String::from_utf8_lossy(&encode_auth(key)).into_owned()
    }

    /// Write a subscription.
    ///
    /// Args:
    ///     *topics: Such as `T.AAPL`, `Q.AAPL`, `AM.*`.
    ///
    /// Returns:
    ///     The text frame to send.
    #[staticmethod]
    #[pyo3(signature = (*topics))]
    fn subscribe(topics: Vec<String>) -> String {
        String::from_utf8_lossy(&encode_subscribe(&topics.join(","))).into_owned()
    }

    /// Write the end of a subscription.
    ///
    /// Args:
    ///     *topics: As for `subscribe`.
    ///
    /// Returns:
    ///     The text frame to send.
    #[staticmethod]
    #[pyo3(signature = (*topics))]
    fn unsubscribe(topics: Vec<String>) -> String {
        String::from_utf8_lossy(&encode_unsubscribe(&topics.join(","))).into_owned()
    }
}
