//! Info prices of the one instrument: full objects, and deltas against what a subscriber was shown last.

use exuvia_market::wire::saxo::{QuoteChange, QuoteElement, QuoteFull, encode_quote_full, encode_quotes};
use exuvia_model::{Price, Time};
use serde_json::Value;

use super::instrument::{ASSET_TYPE, UIC};
use crate::ticks::{Beat, What};

/// The market as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Market {
    pub(super) time: Time,
    pub(super) open: bool,
    /// Bid and ask; none before the first tick.
    pub(super) prices: Option<(Price, Price)>,
}

impl Market {
    pub(super) const fn apply(&mut self, beat: &Beat) {
        self.time = beat.time;
        match beat.what {
            What::Tick { bid, ask } => self.prices = Some((bid, ask)),
            What::Session { open } => self.open = open,
        }
    }

    const fn state(&self) -> &'static str {
        if self.open { "Open" } else { "Closed" }
    }

    /// The whole quote; bid and ask are left out while there are none.
    fn quote(&self) -> QuoteFull<'static> {
        let (bid, ask) = self.prices.unzip();
        let kind = if self.prices.is_some() { "Tradable" } else { "Pending" };
        QuoteFull {
            market_state: self.state(),
            price_type_bid: kind,
            price_type_ask: kind,
            ..QuoteFull::new(UIC, ASSET_TYPE, "SIM", self.time, bid, ask)
        }
    }

    /// The middle of bid and ask.
    pub(super) fn mid(&self) -> Option<Price> {
        self.quote().mid()
    }

    /// The whole info price.
    pub(super) fn full(&self) -> Value {
        let mut text = Vec::new();
        encode_quote_full(&mut text, &self.quote());
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The payload that takes a subscriber from `shown` to this market; all of it if nothing was shown yet.
    ///
    /// After a crossed quote both sides are sent, changed or not: a client that refuses a crossed quote has
    /// not taken its half of it.
    pub(super) fn payload(&self, shown: Option<&Self>) -> Vec<u8> {
        let element = match shown.map(|shown| (shown, shown.prices)) {
            Some((shown, Some((bid, ask)))) => {
                let mut before = shown.quote();
                if bid > ask {
                    (before.bid, before.ask) = (None, None);
                }
                QuoteElement::Delta(QuoteChange::between(&before, &self.quote()))
            }
            _ => QuoteElement::Full(self.quote()),
        };
        encode_quotes([&element])
    }
}

/// A price as a JSON number: its text has at most fifteen digits, which the float keeps.
pub(super) fn decimal(price: Price) -> Value {
    price.to_f64().into()
}
