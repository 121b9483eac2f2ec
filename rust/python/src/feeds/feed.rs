//! Feeds as Python sees them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_market::wire::feed::{Context, Feed, Spec, Unit};
use exuvia_market::wire::signalr::Hub;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::maker::Maker;
use super::record::{Value, values};
use super::source::Source;
use super::{Frame, frame_of, refused, table, unsaid};
use crate::failure::Failure;
use crate::gate::{self, locked};
use crate::quotes::export;
use crate::words::Words;

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
    pub fn build(py: Python<'_>, source: Source, record: Option<&Bound<'_, PyAny>>, strict: bool) -> PyResult<Self> {
        let makers = Maker::all(py, source.decoder(), record)?;
        Ok(Self { inner: Mutex::new(Inner { source, words: Words::default() }), makers, strict })
    }

    /// What came on a hub that is no event; a feed of messages has none.
    pub fn take_controls(&self) -> Vec<Hub> {
        match &mut locked(&self.inner).source {
            Source::Hub(hub) => hub.take_controls(),
            Source::Messages(_) => Vec::new(),
        }
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
