//! Where the records of a feed come from.

use exuvia_market::wire::feed::{Context, Feed, Row};
use exuvia_market::wire::projectx::MarketHub;

/// Frames that are messages, or parts of SignalR's stream of records.
pub enum Source {
    Messages(Box<Feed>),
    Hub(Box<MarketHub>),
}

impl Source {
    pub fn feed(&mut self, frame: &[u8], context: Context<'_>) -> usize {
        match self {
            Self::Messages(feed) => feed.feed(frame, context),
            Self::Hub(hub) => hub.feed(frame, context),
        }
    }

    pub fn read(&mut self, frame: &[u8], context: Context<'_>, record: impl FnMut(Row<'_>)) -> usize {
        match self {
            Self::Messages(feed) => feed.read(frame, context, record),
            Self::Hub(hub) => hub.read(frame, context, record),
        }
    }

    pub fn decoder(&self) -> &Feed {
        match self {
            Self::Messages(feed) => feed,
            Self::Hub(hub) => hub.decoder(),
        }
    }

    pub fn decoder_mut(&mut self) -> &mut Feed {
        match self {
            Self::Messages(feed) => feed,
            Self::Hub(hub) => hub.decoder_mut(),
        }
    }
}
