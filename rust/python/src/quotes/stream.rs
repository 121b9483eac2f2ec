//! Streams of frames into columns, as Python sees them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_market::wire::saxo;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;

use super::message::{Control, Message};
use super::{bytes_of, refuses, table};
use crate::failure::Failure;
use crate::gate::{self, locked};

/// Reads frames of price subscriptions straight into columns, without a Python object for each message.
///
/// A message that cannot be read is counted in `broken` (see `last_error`) and the others go on; elements that give no quote
/// are counted in `skipped`, messages of other subscriptions in `foreign`.
///
/// Args:
///     references: Reference ids of the subscriptions to read; every subscription if empty.
///     allow_negative: Whether prices of zero and below are taken, for instruments that permit them.
///     older: What becomes of a quote whose `LastUpdated` is before that of the one it replaces: "take" it, counted in
///         `oddities`, or "refuse" it, counted in `skips`.
#[pyclass(frozen, weakref, module = "exuvia.quotes")]
pub struct QuoteStream {
    inner: Mutex<saxo::QuoteStream>,
}

fn refused(error: &saxo::FrameError) -> Failure {
    Failure::new("DecodeError", error)
}

#[pymethods]
impl QuoteStream {
    #[new]
    #[pyo3(signature = (references = Vec::new(), allow_negative = false, older = "take"), text_signature = "(references=(), allow_negative=False, older='take')")]
    fn new(references: Vec<String>, allow_negative: bool, older: &str) -> PyResult<Self> {
        let stream = saxo::QuoteStream::new(references, allow_negative).refusing_older(refuses(older)?);
        Ok(Self { inner: Mutex::new(stream) })
    }

    /// Read one frame.
    ///
    /// Args:
    ///     frame: One whole WebSocket frame.
    ///
    /// Returns:
    ///     How many quotes came out.
    ///
    /// Raises:
    ///     DecodeError: If the frame itself is broken; then nothing of it was read.
    #[pyo3(signature = (frame))]
    fn feed(&self, frame: &Bound<'_, PyAny>) -> PyResult<usize> {
        let frame = bytes_of(frame)?;
        gate::stay(|| locked(&self.inner).feed(&frame).map_err(|error| refused(&error)))
    }

    /// Read many frames with the GIL released.
    ///
    /// Args:
    ///     frames: Whole WebSocket frames (bytes or bytearray), in order.
    ///
    /// Returns:
    ///     How many quotes came out.
    ///
    /// Raises:
    ///     DecodeError: If a frame is broken; the message names its index, the frames before it were read.
    #[pyo3(signature = (frames))]
    fn feed_many(&self, py: Python<'_>, frames: Vec<PyBackedBytes>) -> PyResult<usize> {
        gate::enter(py, || {
            let mut stream = locked(&self.inner);
            let mut quotes = 0;
            for (index, frame) in frames.iter().enumerate() {
                quotes += stream.feed(frame).map_err(|error| {
                    Failure::text("DecodeError", format!("frame {index} of {}: {error}", frames.len()))
                })?;
            }
            Ok::<_, Failure>(quotes)
        })
    }

    /// Merge the snapshot that came with the answer to a subscription.
    ///
    /// Args:
    ///     payload: JSON: the `Snapshot`, an array of infoprices objects, or one of them.
    ///
    /// Returns:
    ///     How many quotes came out.
    ///
    /// Raises:
    ///     DecodeError: If it is not such JSON; then nothing was merged.
    #[pyo3(signature = (payload))]
    fn snapshot(&self, payload: &Bound<'_, PyAny>) -> PyResult<usize> {
        let payload = bytes_of(payload)?;
        let merge = || locked(&self.inner).snapshot(&payload);
        gate::stay(|| merge().map_err(|error| Failure::new("DecodeError", &error)))
    }

    /// Take the quotes that were read since the last take, as NumPy arrays, without a copy.
    ///
    /// Returns:
    ///     `ts` (int64, UTC nanoseconds), `uic` (int64), `bid` and `ask` (float64), all of one length.
    fn take_numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        // Before the quotes are taken: they stay for take_arrow where NumPy is missing.
        crate::arrays::need(py, "QuoteStream.take_numpy")?;
        let columns = locked(&self.inner).take();
        let out = PyDict::new(py);
        out.set_item("ts", columns.ts.into_pyarray(py))?;
        out.set_item("uic", columns.uic.into_pyarray(py))?;
        out.set_item("bid", columns.bid.into_pyarray(py))?;
        out.set_item("ask", columns.ask.into_pyarray(py))?;
        Ok(out)
    }

    /// Take the quotes that were read since the last take, as a table.
    ///
    /// Returns:
    ///     An `arro3.core.Table` with `ts` (UTC nanoseconds), `uic`, `bid`, `ask` and `market_state` (dictionary).
    fn take_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let batch = gate::stay(|| {
            let mut stream = locked(&self.inner);
            let columns = stream.take();
            table::columns(columns, stream.book().names())
        })?;
        table::export(py, batch)
    }

    /// Take the control messages that came since the last call, oldest first; at most the last 1,024 are kept.
    fn take_controls(&self) -> Vec<Control> {
        locked(&self.inner).take_controls().into_iter().map(Control::from).collect()
    }

    /// Take the messages whose payload is not JSON, such as protocol buffers, that came since the last call; at most the last
    /// 1,024 are kept. Each is counted in `broken` too, since no quote came of it.
    fn take_payloads(&self, py: Python<'_>) -> Vec<Message> {
        locked(&self.inner).take_payloads().into_iter().map(|payload| Message::of(py, &payload)).collect()
    }

    /// How many elements gave no quote.
    #[getter]
    fn skipped(&self) -> u64 {
        locked(&self.inner).book().skipped()
    }

    /// How many elements gave no quote, by reason: `no uic`, `no price`, `not positive`, `crossed`, `field`,
    /// `incomplete`, `older`.
    #[getter]
    fn skips(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).book().skips().counts().collect()
    }

    /// Why the last element gave no quote, with the instrument and the values; None if each gave one.
    #[getter]
    fn last_skip(&self) -> Option<String> {
        locked(&self.inner).book().skips().last().map(|skip| skip.to_string())
    }

    /// What was strange about elements that gave a quote all the same, by kind: `older` (`LastUpdated` before that of
    /// the quote that was replaced), `state` (`MarketState` is no text: the quote says "Unknown").
    #[getter]
    fn oddities(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).book().oddities().counts().collect()
    }

    /// What was strange about the last such element, with the instrument and the values; None if nothing was.
    #[getter]
    fn last_oddity(&self) -> Option<String> {
        locked(&self.inner).book().oddities().last().map(|oddity| oddity.to_string())
    }

    /// How many messages could not be read.
    #[getter]
    fn broken(&self) -> u64 {
        locked(&self.inner).broken()
    }

    /// How many messages belonged to other subscriptions.
    #[getter]
    fn foreign(&self) -> u64 {
        locked(&self.inner).foreign()
    }

    /// Why the last broken message could not be read; None if there was none.
    #[getter]
    fn last_error(&self) -> Option<String> {
        locked(&self.inner).last_error().map(ToString::to_string)
    }

    /// The id of the last message, for `messageid=` at a reconnect; None before the first.
    #[getter]
    fn last_message_id(&self) -> Option<u64> {
        locked(&self.inner).last_message()
    }

    /// How many quotes wait to be taken.
    fn __len__(&self) -> usize {
        locked(&self.inner).waiting()
    }

    fn __repr__(&self) -> String {
        let inner = locked(&self.inner);
        let (waiting, skipped, broken) = (inner.waiting(), inner.book().skipped(), inner.broken());
        format!("<QuoteStream of {waiting} quotes, {skipped} skipped, {broken} broken>")
    }
}
