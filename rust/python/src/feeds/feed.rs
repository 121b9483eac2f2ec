//! Feeds as Python sees them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use exuvia_market::wire::feed::{Context, Feed, Numbers, Row, Spec, SpecError, Unit};
use exuvia_market::wire::polygon::{encode_auth, encode_subscribe, encode_unsubscribe, socket_spec};
use exuvia_market::wire::projectx::MarketHub;
use exuvia_market::wire::signalr::{Hub, encode_invocation};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::hub::HubMessage;
use super::record::{Record, Shape, Value, tuple, values};
use super::{Frame, frame_of, table};
use crate::failure::Failure;
use crate::gate::{self, locked};
use crate::quotes::export;
use crate::words::Words;

/// Frames that are messages, or parts of SignalR's stream of records.
enum Source {
    Messages(Box<Feed>),
    Hub(Box<MarketHub>),
}

impl Source {
    fn feed(&mut self, frame: &[u8], context: Context<'_>) -> usize {
        match self {
            Self::Messages(feed) => feed.feed(frame, context),
            Self::Hub(hub) => hub.feed(frame, context),
        }
    }

    fn read(&mut self, frame: &[u8], context: Context<'_>, record: impl FnMut(Row<'_>)) -> usize {
        match self {
            Self::Messages(feed) => feed.read(frame, context, record),
            Self::Hub(hub) => hub.read(frame, context, record),
        }
    }

    fn decoder(&self) -> &Feed {
        match self {
            Self::Messages(feed) => feed,
            Self::Hub(hub) => hub.decoder(),
        }
    }

    fn decoder_mut(&mut self) -> &mut Feed {
        match self {
            Self::Messages(feed) => feed,
            Self::Hub(hub) => hub.decoder_mut(),
        }
    }
}

/// What is built of a record.
pub enum Maker {
    Record(Arc<Shape>),
    Tuple,
    Call(Py<PyAny>),
}

impl Maker {
    /// One for each kind of `feed`, as `record` says: nothing, one for all, or a mapping by kind.
    pub fn all(py: Python<'_>, feed: &Feed, record: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Self>> {
        let by_kind = record.and_then(|record| record.cast::<PyDict>().ok());
        if let Some(by_kind) = by_kind {
            let kinds: Vec<_> = feed.kinds().collect();
            for kind in by_kind.keys() {
                let kind: String = kind.extract()?;
                if !kinds.contains(&kind.as_str()) {
                    let known = kinds.join(", ");
                    return Err(refused(&format!("record names the kind {kind:?}: this feed has {known}")));
                }
            }
        }
        let shapes = Shape::all(py, feed).into_iter().zip(feed.kinds());
        shapes
            .map(|(shape, kind)| {
                let own = match by_kind {
                    Some(by_kind) => by_kind.get_item(kind)?,
                    None => record.cloned(),
                };
                Ok(match own {
                    None => Self::Record(shape),
                    Some(own) if own.is(py.get_type::<PyTuple>()) => Self::Tuple,
                    Some(own) => Self::Call(own.unbind()),
                })
            })
            .collect()
    }

    /// Builds what the user asked for.
    pub fn make<'py>(&self, py: Python<'py>, values: Box<[Value]>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Record(shape) => Ok(Bound::new(py, Record::from_parts(shape.clone(), values))?.into_any()),
            Self::Tuple => Ok(tuple(py, &values)?.into_any()),
            Self::Call(call) => call.bind(py).call1(tuple(py, &values)?),
        }
    }
}

pub fn refused(words: &str) -> PyErr {
    Failure::text("ValueRangeError", words).into()
}

pub fn unsaid(error: SpecError) -> PyErr {
    Failure::new("FeedSpecError", &error).into()
}

pub fn numbers_of(name: &str) -> PyResult<Numbers> {
    Numbers::named(name).map_err(unsaid)
}

/// Reads a JSON feed by a declaration; `help(exuvia.feeds)` shows how one is written.
///
/// What breaks a rule is left out and counted (`skips`, `last_skip`), the rest goes on: a frame that is not JSON, a row that
/// is null, NaN, more than nine decimals, a price that is not above zero, a time of another unit.
///
/// Args:
///     spec: The declaration: a dict (of TOML, say), or JSON text.
///     record: What `read` builds: `tuple`, or what is called with the values of the fields in order; or a dict of such by
///         kind. `Record` if not given.
///     strict: Whether a call after which something new was left out raises.
#[pyclass(frozen, weakref, subclass, module = "exuvia.feeds")]
pub struct JsonFeed {
    inner: Mutex<Inner>,
    makers: Vec<Maker>,
    strict: bool,
}

/// A row: its kind, and its values.
type Taken = (usize, Box<[Value]>);

struct Inner {
    source: Source,
    words: Words,
}

impl JsonFeed {
    fn build(py: Python<'_>, source: Source, record: Option<&Bound<'_, PyAny>>, strict: bool) -> PyResult<Self> {
        let makers = Maker::all(py, source.decoder(), record)?;
        Ok(Self { inner: Mutex::new(Inner { source, words: Words::default() }), makers, strict })
    }

    /// Runs `work`; in a strict feed what was left out on the way is an error.
    fn checked<T>(&self, inner: &mut Inner, work: impl FnOnce(&mut Inner) -> T) -> Result<T, Failure> {
        let before = inner.source.decoder().skips().total();
        let done = work(inner);
        let skips = inner.source.decoder().skips();
        match skips.last() {
            Some(skip) if self.strict && skips.total() > before => Err(Failure::text("DecodeError", skip.to_string())),
            _ => Ok(done),
        }
    }

    /// The rows of a frame, taken out of it. What builds records of them is the user's code and may come back to this feed,
    /// so it is called later, outside of the lock.
    fn rows_of(&self, py: Python<'_>, frame: &Bound<'_, PyAny>, context: Context<'_>) -> PyResult<Vec<Taken>> {
        let frame = frame_of(frame)?;
        let mut rows = Vec::new();
        gate::stay(|| {
            self.checked(&mut locked(&self.inner), |inner| {
                let Inner { source, words } = inner;
                source.read(&frame, context, |row| rows.push((row.kind, values(py, &row, words))))
            })
        })?;
        Ok(rows)
    }

    fn make<'py>(&self, py: Python<'py>, (kind, values): Taken) -> PyResult<Bound<'py, PyAny>> {
        let maker = self.makers.get(kind).ok_or_else(|| refused("a record of no kind"))?;
        maker.make(py, values)
    }

    fn kind_of(feed: &Feed, kind: &str) -> Result<usize, Failure> {
        feed.kinds().position(|known| known == kind).ok_or_else(|| {
            let known = feed.kinds().collect::<Vec<_>>().join(", ");
            Failure::text("ValueRangeError", format!("kind {kind:?} is unknown: this feed has {known}"))
        })
    }

    fn by_kind<T>(&self, value: impl Fn(&Feed, usize) -> T) -> BTreeMap<String, T> {
        let inner = locked(&self.inner);
        let feed = inner.source.decoder();
        feed.kinds().enumerate().map(|(index, kind)| (kind.to_owned(), value(feed, index))).collect()
    }
}

#[pymethods]
impl JsonFeed {
    #[new]
    #[pyo3(signature = (spec, record = None, strict = false))]
    fn new(spec: &Bound<'_, PyAny>, record: Option<&Bound<'_, PyAny>>, strict: bool) -> PyResult<Self> {
        let py = spec.py();
        let text = match spec.cast::<PyString>() {
            Ok(text) => text.to_string(),
            Err(_) => py.import("json")?.call_method1("dumps", (spec,))?.extract()?,
        };
        let spec = Spec::from_json(text.as_bytes()).map_err(unsaid)?;
        let feed = Feed::new(&spec).map_err(unsaid)?;
        Self::build(py, Source::Messages(Box::new(feed)), record, strict)
    }

    /// Read one frame into the columns.
    ///
    /// Args:
    ///     frame: A whole WebSocket frame (str, bytes, bytearray or memoryview); of a SignalR feed any part of the stream.
    ///     received: When it was received, UTC nanoseconds, for fields that are declared so.
    ///     symbol: Which symbol it is about, for fields that are declared so.
    ///
    /// Returns:
    ///     How many records came out.
    ///
    /// Raises:
    ///     DecodeError: In a strict feed, if something was left out; the rest of the frame was read.
    #[pyo3(signature = (frame, received = None, symbol = None))]
    fn feed(&self, frame: &Bound<'_, PyAny>, received: Option<i64>, symbol: Option<&str>) -> PyResult<usize> {
        let frame = frame_of(frame)?;
        let context = Context { received, symbol };
        gate::stay(|| self.checked(&mut locked(&self.inner), |inner| inner.source.feed(&frame, context)))
    }

    /// Read many frames into the columns, with the GIL released.
    ///
    /// Args:
    ///     frames: Frames (str, bytes or bytearray), in order.
    ///
    /// Returns:
    ///     How many records came out.
    ///
    /// Raises:
    ///     DecodeError: In a strict feed, if something was left out; all frames were read.
    #[pyo3(signature = (frames))]
    fn feed_many(&self, py: Python<'_>, frames: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut held = Vec::with_capacity(frames.len().unwrap_or_default());
        for frame in frames.try_iter()? {
            held.push(Frame::of(&frame?)?);
        }
        gate::enter(py, || {
            self.checked(&mut locked(&self.inner), |inner| {
                held.iter().map(|frame| inner.source.feed(frame.bytes(), Context::default())).sum()
            })
        })
    }

    /// Read a capture, a message a line, into the columns, with the GIL released.
    ///
    /// Args:
    ///     capture: The lines (bytes or str).
    ///     stamps: If each line starts with the local time and a blank (or `: `), its unit: `s`, `ms`, `us` or `ns`. Fields
    ///         from `received` hold it.
    ///
    /// Returns:
    ///     How many records came out.
    ///
    /// Raises:
    ///     DecodeError: In a strict feed, if something was left out; all lines were read.
    #[pyo3(signature = (capture, stamps = None))]
    fn feed_lines(&self, py: Python<'_>, capture: &Bound<'_, PyAny>, stamps: Option<&str>) -> PyResult<usize> {
        let capture = Frame::of(capture)?;
        let stamps = stamps.map(Unit::named).transpose().map_err(unsaid)?;
        gate::enter(py, || {
            self.checked(&mut locked(&self.inner), |inner| match &mut inner.source {
                Source::Messages(feed) => feed.feed_lines(capture.bytes(), stamps),
                Source::Hub(hub) => hub.feed(capture.bytes(), Context::default()),
            })
        })
    }

    /// Read one frame record by record.
    ///
    /// Args:
    ///     frame: As for `feed`.
    ///     received: As for `feed`.
    ///     symbol: As for `feed`.
    ///
    /// Returns:
    ///     The records in order, as `record` builds them.
    ///
    /// Raises:
    ///     DecodeError: In a strict feed, if something was left out.
    #[pyo3(signature = (frame, received = None, symbol = None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        frame: &Bound<'py, PyAny>,
        received: Option<i64>,
        symbol: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let rows = self.rows_of(py, frame, Context { received, symbol })?;
        let made = rows.into_iter().map(|row| self.make(py, row)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, made)
    }

    /// Read one frame that holds at most one record.
    ///
    /// Args:
    ///     frame: As for `feed`.
    ///     received: As for `feed`.
    ///     symbol: As for `feed`.
    ///
    /// Returns:
    ///     The record, as `record` builds it; None if there is none.
    ///
    /// Raises:
    ///     DecodeError: If there are several; or in a strict feed, if something was left out.
    #[pyo3(signature = (frame, received = None, symbol = None))]
    fn read_one<'py>(
        &self,
        py: Python<'py>,
        frame: &Bound<'py, PyAny>,
        received: Option<i64>,
        symbol: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let frame = frame_of(frame)?;
        let context = Context { received, symbol };
        let mut row = None;
        let count = gate::stay(|| {
            self.checked(&mut locked(&self.inner), |inner| {
                let Inner { source, words } = inner;
                source.read(&frame, context, |found| row = Some((found.kind, values(py, &found, words))))
            })
        })?;
        match row {
            None => Ok(None),
            Some(row) if count == 1 => self.make(py, row).map(Some),
            Some(_) => {
                let words = format!("the frame holds {count} records: read and feed take all of them");
                Err(Failure::text("DecodeError", words).into())
            }
        }
    }

    /// Take the records of one kind that were read since the last take, as a table.
    ///
    /// Args:
    ///     kind: Which kind, such as `trade`.
    ///
    /// Returns:
    ///     An `arro3.core.Table`: exact numbers as `decimal128(19, 9)` (wide ones: 38, 18), floats as `float64`, times as UTC nanoseconds, symbols
    ///     as dictionaries, null where nothing was sent.
    ///
    /// Raises:
    ///     ValueRangeError: If there is no such kind.
    #[pyo3(signature = (kind))]
    fn take_arrow<'py>(&self, py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyAny>> {
        let batch = gate::stay(|| {
            let mut inner = locked(&self.inner);
            let index = Self::kind_of(inner.source.decoder(), kind)?;
            let names: Vec<String> = inner.source.decoder().fields(index).map(|(name, _, _)| name.to_owned()).collect();
            let columns = inner.source.decoder_mut().take(index).unwrap_or_default();
            table::batch(columns, &names, inner.source.decoder().symbols())
        })?;
        export(py, batch)
    }

    /// Forget what was merged, half a record and sequence numbers: call it after a reconnect. Columns and counts stay.
    fn reset(&self) {
        match &mut locked(&self.inner).source {
            Source::Messages(feed) => feed.reset(),
            Source::Hub(hub) => hub.reset(),
        }
    }

    /// The kinds of records, in order, each with the types of its fields.
    #[getter]
    fn kinds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = locked(&self.inner);
        let feed = inner.source.decoder();
        let kinds = PyDict::new(py);
        for (index, kind) in feed.kinds().enumerate() {
            let fields = PyDict::new(py);
            for (name, held, _) in feed.fields(index) {
                fields.set_item(name, held.to_string())?;
            }
            kinds.set_item(kind, fields)?;
        }
        Ok(kinds)
    }

    /// How many messages held records of each kind.
    #[getter]
    fn messages(&self) -> BTreeMap<String, u64> {
        self.by_kind(|feed, kind| feed.tally(kind).messages)
    }

    /// How many records of each kind were read.
    #[getter]
    fn rows(&self) -> BTreeMap<String, u64> {
        self.by_kind(|feed, kind| feed.tally(kind).rows)
    }

    /// How many messages of each kind repeated the sequence number before, for their symbol.
    #[getter]
    fn repeated(&self) -> BTreeMap<String, u64> {
        self.by_kind(|feed, kind| feed.tally(kind).repeated)
    }

    /// How many messages of each kind had a sequence number below the one before.
    #[getter]
    fn reordered(&self) -> BTreeMap<String, u64> {
        self.by_kind(|feed, kind| feed.tally(kind).reordered)
    }

    /// How many records of each kind wait to be taken.
    #[getter]
    fn waiting(&self) -> BTreeMap<String, usize> {
        self.by_kind(Feed::waiting)
    }

    /// How many messages no record took, such as acknowledgements.
    #[getter]
    fn unmatched(&self) -> u64 {
        locked(&self.inner).source.decoder().unmatched()
    }

    /// The start of the last frame with such a message; None if there was none.
    #[getter]
    fn last_unmatched(&self) -> Option<String> {
        locked(&self.inner).source.decoder().last_unmatched().map(ToOwned::to_owned)
    }

    /// How many frames, messages and rows were left out.
    #[getter]
    fn skipped(&self) -> u64 {
        locked(&self.inner).source.decoder().skips().total()
    }

    /// How many were left out, by reason: `broken` (no JSON), `no row`, `missing`, `type`, `not finite`, `too precise`,
    /// `out of range`, `not positive`, `negative`, `time`, `code`, `crossed`, `repeated`, `incomplete`, `too many symbols`.
    #[getter]
    fn skips(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).source.decoder().skips().counts().collect()
    }

    /// Why the last one was left out, with place and value; None if none was.
    #[getter]
    fn last_skip(&self) -> Option<String> {
        locked(&self.inner).source.decoder().skips().last().map(ToString::to_string)
    }

    /// How many numbers were rounded to nine decimals, where that was declared.
    #[getter]
    fn rounded(&self) -> u64 {
        locked(&self.inner).source.decoder().rounded()
    }

    fn __len__(&self) -> usize {
        let inner = locked(&self.inner);
        let feed = inner.source.decoder();
        (0..feed.kinds().count()).map(|kind| feed.waiting(kind)).sum()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name: String = slf.get_type().name()?.extract()?;
        let this = slf.get();
        let (waiting, skipped) = (this.__len__(), this.skipped());
        Ok(format!("<{name} of {waiting} records, {skipped} skipped>"))
    }
}

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
        let controls = match &mut locked(&slf.as_super().get().inner).source {
            Source::Hub(hub) => hub.take_controls(),
            Source::Messages(_) => Vec::<Hub>::new(),
        };
        controls.into_iter().map(HubMessage::from).collect()
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
