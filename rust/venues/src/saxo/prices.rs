//! Info prices of the one instrument: full objects, and deltas against what a subscriber was shown last.

use std::io::Write;

use exuvia_model::{Price, Time};
use serde_json::{Value, json};

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

    /// The whole info price; bid, ask and mid are left out while there are none.
    pub(super) fn full(&self) -> Value {
        let mut quote = json!({"Amount": 1000});
        if let Some((bid, ask)) = self.prices {
            quote["Ask"] = decimal(ask);
            quote["Bid"] = decimal(bid);
            quote["Mid"] = decimal(mid(bid, ask));
        }
        let kind = if self.prices.is_some() { "Tradable" } else { "Pending" };
        quote["DelayedByMinutes"] = 0.into();
        quote["ErrorCode"] = "None".into();
        quote["MarketState"] = self.state().into();
        quote["PriceSource"] = "SIM".into();
        quote["PriceTypeAsk"] = kind.into();
        quote["PriceTypeBid"] = kind.into();
        json!({
            "Uic": UIC, "AssetType": ASSET_TYPE, "LastUpdated": self.time.to_string(), "PriceSource": "SIM",
            "Quote": quote,
        })
    }

    /// The payload that takes a subscriber from `shown` to this market.
    ///
    /// After a crossed quote both sides are sent, changed or not: a client that refuses a crossed quote has
    /// not taken its half of it.
    pub(super) fn delta(&self, shown: &Self) -> Vec<u8> {
        let (Some((bid, ask)), Some((shown_bid, shown_ask))) = (self.prices, shown.prices) else {
            return json!([self.full()]).to_string().into_bytes();
        };
        let both = shown_bid > shown_ask;
        let mut fields = Vec::with_capacity(64);
        let mut number = |name: &str, price: Price, changed: bool| {
            if changed {
                // Writing to a vector cannot fail.
                let _ = write!(fields, "{}\"{name}\":{price}", if fields.is_empty() { "" } else { "," });
            }
        };
        number("Ask", ask, both || ask != shown_ask);
        number("Bid", bid, both || bid != shown_bid);
        number("Mid", mid(bid, ask), mid(bid, ask) != mid(shown_bid, shown_ask));
        if self.open != shown.open {
            let comma = if fields.is_empty() { "" } else { "," };
            let _ = write!(fields, "{comma}\"MarketState\":\"{}\"", self.state());
        }
        let mut payload = Vec::with_capacity(fields.len() + 80);
        let _ = write!(payload, "[{{\"Uic\":{UIC},\"LastUpdated\":\"{}\"", self.time);
        if !fields.is_empty() {
            payload.extend_from_slice(b",\"Quote\":{");
            payload.append(&mut fields);
            payload.push(b'}');
        }
        payload.extend_from_slice(b"}]");
        payload
    }
}

/// Half of bid and ask, exact: prices have at most eight decimals here; a half beyond 10⁻⁹ is cut.
pub(super) fn mid(bid: Price, ask: Price) -> Price {
    Price::from_raw(bid.raw() / 2 + ask.raw() / 2 + (bid.raw() % 2 + ask.raw() % 2) / 2)
}

/// A price as a JSON number: its text has at most fifteen digits, which the float keeps.
pub(super) fn decimal(price: Price) -> Value {
    price.to_f64().into()
}
