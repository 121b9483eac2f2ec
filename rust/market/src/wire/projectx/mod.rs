//! The market hub of ProjectX gateways (TopstepX): quotes, trades and depth out of SignalR records.
//!
//! A quote event names only what changed, so quotes are merged by contract; trades and depth come as one object or as an
//! array, in which elements may be null.

use std::collections::VecDeque;

use super::feed::{Context, Feed, Numbers, Reason, Row, Spec, SpecError};
use super::signalr::{Hub, Records, parse_record};

/// How many control messages are kept for whoever asks.
const KEPT: usize = 1_024;

/// The declaration of the hub's events.
const EVENTS: &str = r#"{"records": {
    "quote": {
        "when": {"$.type": 1, "$.target": "GatewayQuote"},
        "rows": "$.arguments[1]",
        "merge": true,
        "crossed": ["bid", "ask"],
        "fields": {
            "symbol": "symbol $.arguments[0]",
            "ts": "time:iso @.timestamp | @.lastUpdated",
            "bid": {"from": "price @.bestBid", "zero": "keep"},
            "ask": {"from": "price @.bestAsk", "zero": "keep"},
            "last": {"from": "price? @.lastPrice", "zero": "keep"},
            "volume": "size? @.volume",
            "open": {"from": "price? @.open", "zero": "keep"},
            "high": {"from": "price? @.high", "zero": "keep"},
            "low": {"from": "price? @.low", "zero": "keep"},
            "change": "number? @.change",
            "change_percent": "float? @.changePercent"
        }
    },
    "trade": {
        "when": {"$.type": 1, "$.target": "GatewayTrade"},
        "rows": "$.arguments[1]",
        "fields": {
            "symbol": "symbol $.arguments[0]",
            "ts": "time:iso @.timestamp",
            "price": {"from": "price @.price", "zero": "keep"},
            "size": "size @.volume",
            "side": {"from": "symbol? @.type", "codes": {"0": "buy", "1": "sell"}}
        }
    },
    "depth": {
        "when": {"$.type": 1, "$.target": "GatewayDepth"},
        "rows": "$.arguments[1]",
        "fields": {
            "symbol": "symbol $.arguments[0]",
            "ts": "time:iso @.timestamp",
            "type": {"from": "symbol @.type", "codes": {"0": "unknown", "1": "ask", "2": "bid", "3": "best_ask",
                "4": "best_bid", "5": "trade", "6": "reset", "7": "low", "8": "high", "9": "new_best_bid",
                "10": "new_best_ask", "11": "fill"}},
            "price": {"from": "price? @.price", "zero": "keep"},
            "size": "size? @.volume",
            "resting": "size? @.currentVolume",
            "index": "int? @.index"
        }
    }
}}"#;

/// The declaration of the market hub's events, to be changed or read.
///
/// # Errors
/// Never for the text that is compiled in.
pub fn spec(numbers: Numbers) -> Result<Spec, SpecError> {
    Spec::from_json(EVENTS.as_bytes()).map(|spec| Spec { numbers, ..spec })
}

/// Reads frames of the market hub: quotes, trades and depth into columns or one by one, the rest as control messages.
///
/// ```
/// use exuvia_market::wire::feed::{Context, Numbers, Values};
/// use exuvia_market::wire::projectx::MarketHub;
/// let mut hub = MarketHub::new(Numbers::Exact)?;
/// let frame = b"{\"type\":1,\"target\":\"GatewayTrade\",\"arguments\":[\"CON.F.US.ENQ.H26\",[{\"price\":21010.25,\"timestamp\":\"2026-02-03T14:30:00+00:00\",\"type\":0,\"volume\":2},null]]}\x1e{\"type\":6}\x1e";
/// assert_eq!(hub.feed(frame, Context::default()), 1);
/// assert_eq!(hub.decoder().skips().counts().collect::<Vec<_>>(), [("no row", 1)]);
/// assert_eq!(hub.take_controls().len(), 1);
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MarketHub {
    records: Records,
    feed: Feed,
    controls: VecDeque<Hub>,
}

impl MarketHub {
    /// A decoder at the start of a connection.
    ///
    /// # Errors
    /// Never for the declaration that is compiled in.
    pub fn new(numbers: Numbers) -> Result<Self, SpecError> {
        Ok(Self { records: Records::default(), feed: Feed::new(&spec(numbers)?)?, controls: VecDeque::new() })
    }

    /// Reads bytes as they come into the columns; answers how many records came out.
    pub fn feed(&mut self, bytes: &[u8], context: Context<'_>) -> usize {
        self.split(bytes, |feed, record| feed.feed(record, context))
    }

    /// Reads bytes as they come, record by record; answers how many came out.
    pub fn read(&mut self, bytes: &[u8], context: Context<'_>, mut each: impl FnMut(Row<'_>)) -> usize {
        self.split(bytes, |feed, record| feed.read(record, context, &mut each))
    }

    fn split(&mut self, bytes: &[u8], mut read: impl FnMut(&mut Feed, &[u8]) -> usize) -> usize {
        let Self { records, feed, controls } = self;
        let mut rows = 0;
        let outcome = records.feed(bytes, |record| {
            let before = feed.unmatched();
            rows += read(feed, record);
            if feed.unmatched() > before {
                match parse_record(record) {
                    // An event of another hub or of tomorrow, or a type to be ignored: counted as unmatched.
                    Ok(Hub::Invocation { .. } | Hub::Other { .. }) => {}
                    Ok(control) => {
                        feed.forgive_unmatched();
                        if controls.len() == KEPT {
                            controls.pop_front();
                        }
                        controls.push_back(control);
                    }
                    Err(error) => feed.note(Reason::Broken, error.to_string()),
                }
            }
        });
        if let Err(error) = outcome {
            feed.note(Reason::Broken, error.to_string());
        }
        rows
    }

    /// Hands out handshake answers, completions, pings and closes that came since the last call; the last 1,024 are kept.
    pub fn take_controls(&mut self) -> Vec<Hub> {
        std::mem::take(&mut self.controls).into()
    }

    /// The decoder of the events, for columns and counts.
    #[must_use]
    pub const fn decoder(&self) -> &Feed {
        &self.feed
    }

    /// The decoder of the events, to take columns from.
    pub const fn decoder_mut(&mut self) -> &mut Feed {
        &mut self.feed
    }

    /// How many bytes of a record came whose end did not.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.records.waiting()
    }

    /// Forgets half a record and merged quotes: call it after a reconnect, when the first quote is whole again.
    pub fn reset(&mut self) {
        self.records.reset();
        self.feed.reset();
    }
}
