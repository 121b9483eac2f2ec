//! Frames of a price stream straight into columns: no object a message, for whoever wants the day as a
//! table. What the server says about the stream itself is kept apart.

use std::collections::VecDeque;

use thiserror::Error;

use super::{Control, FORMAT_JSON, FrameError, Message, Messages, QuoteBook, QuoteError, QuoteTick, parse_control};
use crate::wire::json::JsonError;

/// How many control messages wait to be taken; older ones go first.
const KEPT_CONTROLS: usize = 1024;

/// Quotes in order of arrival, a vector for each field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuoteColumns {
    /// Time of the quote, UTC nanoseconds.
    pub ts: Vec<i64>,
    /// The instrument.
    pub uic: Vec<i64>,
    /// Best price to sell at.
    pub bid: Vec<f64>,
    /// Best price to buy at.
    pub ask: Vec<f64>,
    /// Index of the market state in the names of the book.
    pub market_state: Vec<u32>,
}

impl QuoteColumns {
    fn push(&mut self, tick: &QuoteTick<f64>) {
        self.ts.push(tick.time.0);
        self.uic.push(tick.uic);
        self.bid.push(tick.bid);
        self.ask.push(tick.ask);
        self.market_state.push(tick.market_state.0);
    }
}

/// Why one message gave nothing, while the stream went on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// A price payload that could not be read.
    #[error("message {id}: {source}")]
    Quotes {
        /// Id of the message.
        id: u64,
        /// What was wrong.
        source: QuoteError,
    },
    /// A control message that could not be read.
    #[error("control message {id} {reference}: {source}")]
    Control {
        /// Id of the message.
        id: u64,
        /// Which control message.
        reference: String,
        /// What was wrong.
        source: JsonError,
    },
    /// A payload in a format that cannot be read here.
    #[error("message {id}: payload format {format} is not JSON: subscribe with Format application/json")]
    Format {
        /// Id of the message.
        id: u64,
        /// The format byte.
        format: u8,
    },
}

/// A payload that is not JSON, handed through as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Payload {
    /// Id of the message.
    pub id: u64,
    /// The subscription that it belongs to.
    pub reference: String,
    /// The format byte: 1 is protocol buffers.
    pub format: u8,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Reads frames of one or more price subscriptions into columns.
///
/// ```
/// use exuvia_market::wire::saxo::{Message, QuoteStream, encode_frame};
/// let payload = br#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid":1.392,"Ask":1.393}}]"#;
/// let mut stream = QuoteStream::new(vec!["prices".to_owned()], false);
/// stream.feed(&encode_frame(&[Message { id: 1, reference: "prices", format: 0, payload }])?)?;
/// assert_eq!(stream.take().bid, [1.392]);
/// # Ok::<(), exuvia_market::wire::saxo::FrameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct QuoteStream {
    references: Vec<String>,
    book: QuoteBook<f64>,
    columns: QuoteColumns,
    controls: VecDeque<Control>,
    payloads: VecDeque<Payload>,
    ticks: Vec<QuoteTick<f64>>,
    last_message: Option<u64>,
    foreign: u64,
    broken: u64,
    last_error: Option<MessageError>,
}

impl QuoteStream {
    /// A stream that reads the subscriptions named by `references`; every subscription if there is none.
    #[must_use]
    pub fn new(references: Vec<String>, allow_negative: bool) -> Self {
        Self {
            references,
            book: QuoteBook::new(allow_negative),
            columns: QuoteColumns::default(),
            controls: VecDeque::new(),
            payloads: VecDeque::new(),
            ticks: Vec::new(),
            last_message: None,
            foreign: 0,
            broken: 0,
            last_error: None,
        }
    }

    /// The stream with the rule of [`QuoteBook::refusing_older`].
    #[must_use]
    pub fn refusing_older(mut self, refuse: bool) -> Self {
        self.book = self.book.refusing_older(refuse);
        self
    }

    /// Reads one whole frame; answers how many quotes came out. A message that cannot be read is counted in `broken` and
    /// the others go on.
    ///
    /// # Errors
    /// If the frame itself is broken; then nothing of it was read.
    pub fn feed(&mut self, frame: &[u8]) -> Result<usize, FrameError> {
        for message in Messages::new(frame) {
            message?;
        }
        let before = self.columns.ts.len();
        for message in Messages::new(frame).flatten() {
            if let Err(error) = self.read(&message) {
                self.broken += 1;
                self.last_error = Some(error);
            }
        }
        Ok(self.columns.ts.len() - before)
    }

    /// Merges a snapshot that came with the answer to the subscription; answers how many quotes came out.
    ///
    /// # Errors
    /// If it is not JSON or no collection.
    pub fn snapshot(&mut self, payload: &[u8]) -> Result<usize, QuoteError> {
        self.ticks.clear();
        let read = self.book.apply(payload, &mut self.ticks)?;
        for tick in &self.ticks {
            self.columns.push(tick);
        }
        Ok(read)
    }

    /// Hands out the columns and starts new ones; the book stays.
    pub fn take(&mut self) -> QuoteColumns {
        std::mem::take(&mut self.columns)
    }

    /// How many quotes wait to be taken.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.columns.ts.len()
    }

    /// Hands out the control messages that came since the last call, oldest first; at most the last 1,024.
    pub fn take_controls(&mut self) -> Vec<Control> {
        std::mem::take(&mut self.controls).into()
    }

    /// Hands out the payloads of these subscriptions that are not JSON, such as protocol buffers, as they came since the last
    /// call; at most the last 1,024. Each is counted in [`Self::broken`] too, since no quote came of it.
    pub fn take_payloads(&mut self) -> Vec<Payload> {
        std::mem::take(&mut self.payloads).into()
    }

    /// The book that the deltas were merged into.
    #[must_use]
    pub const fn book(&self) -> &QuoteBook<f64> {
        &self.book
    }

    /// The id of the last message, for `messageid=` at a reconnect.
    #[must_use]
    pub const fn last_message(&self) -> Option<u64> {
        self.last_message
    }

    /// How many messages belonged to other subscriptions.
    #[must_use]
    pub const fn foreign(&self) -> u64 {
        self.foreign
    }

    /// How many messages could not be read.
    #[must_use]
    pub const fn broken(&self) -> u64 {
        self.broken
    }

    /// Why the last of them could not.
    #[must_use]
    pub const fn last_error(&self) -> Option<&MessageError> {
        self.last_error.as_ref()
    }

    fn read(&mut self, message: &Message<'_>) -> Result<(), MessageError> {
        let Message { id, reference, format, payload } = *message;
        if reference.starts_with('_') {
            let control = parse_control(reference, payload);
            let control =
                control.map_err(|source| MessageError::Control { id, reference: reference.to_owned(), source })?;
            // A connection heartbeat has no id to come back to.
            if control != Some(Control::ConnectionHeartbeat) {
                self.last_message = Some(id);
            }
            if self.controls.len() == KEPT_CONTROLS {
                self.controls.pop_front();
            }
            self.controls.extend(control);
            return Ok(());
        }
        self.last_message = Some(id);
        if !self.references.is_empty() && !self.references.iter().any(|name| name.eq_ignore_ascii_case(reference)) {
            self.foreign += 1;
            return Ok(());
        }
        if format != FORMAT_JSON {
            if self.payloads.len() == KEPT_CONTROLS {
                self.payloads.pop_front();
            }
            self.payloads.push_back(Payload { id, reference: reference.to_owned(), format, bytes: payload.to_vec() });
            return Err(MessageError::Format { id, format });
        }
        self.snapshot(payload).map(drop).map_err(|source| MessageError::Quotes { id, source })
    }
}
