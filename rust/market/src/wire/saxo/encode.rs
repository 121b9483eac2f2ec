//! Writes infoprices elements as the venue sends them: a full element first, then deltas that hold
//! only what changed. Prices go out as exact decimal text, never through a float.

use exuvia_model::{Price, Quantity, Time};

/// All that the `Quote` field group of an infoprices element says.
///
/// ```
/// use exuvia_market::wire::saxo::{QuoteFull, encode_quotes};
/// let (bid, ask) = ("1.39286".parse()?, "1.39298".parse()?);
/// let quote = QuoteFull::new(21, "FxSpot", "SIM", "2014-05-07T00:00:07.135Z".parse()?, Some(bid), Some(ask));
/// let text = String::from_utf8(encode_quotes([&quote.into()])).unwrap_or_default();
/// assert!(text.contains(r#""Ask":1.39298,"Bid":1.39286,"Mid":1.39292,"#), "{text}");
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuoteFull<'a> {
    /// The instrument.
    pub uic: i64,
    /// Such as `FxSpot`.
    pub asset_type: &'a str,
    /// When the quote was made.
    pub last_updated: Time,
    /// Who made it.
    pub price_source: &'a str,
    /// The amount that it holds for.
    pub amount: Quantity,
    /// Best price to sell at; absent where there is no market or no access.
    pub bid: Option<Price>,
    /// Best price to buy at; absent where there is no market or no access.
    pub ask: Option<Price>,
    /// Age of delayed prices.
    pub delayed_by_minutes: u32,
    /// `None` in words if all is well.
    pub error_code: &'a str,
    /// Such as `Open` or `Closed`.
    pub market_state: &'a str,
    /// Such as `Tradable` or `NoMarket`.
    pub price_type_bid: &'a str,
    /// Such as `Tradable` or `NoMarket`.
    pub price_type_ask: &'a str,
}

impl<'a> QuoteFull<'a> {
    /// A tradable quote of an open market for an amount of 1,000.
    #[must_use]
    pub const fn new(
        uic: i64,
        asset_type: &'a str,
        price_source: &'a str,
        last_updated: Time,
        bid: Option<Price>,
        ask: Option<Price>,
    ) -> Self {
        Self {
            uic,
            asset_type,
            last_updated,
            price_source,
            amount: Quantity::from_raw(1_000 * exuvia_model::NANO),
            bid,
            ask,
            delayed_by_minutes: 0,
            error_code: "None",
            market_state: "Open",
            price_type_bid: "Tradable",
            price_type_ask: "Tradable",
        }
    }

    /// The middle of bid and ask, to 10⁻⁹ (half a unit is rounded down).
    #[must_use]
    pub const fn mid(&self) -> Option<Price> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) => {
                // The sum of the halves and the half of both remainders: cannot overflow.
                let (bid, ask) = (bid.raw(), ask.raw());
                Some(Price::from_raw(
                    bid.div_euclid(2) + ask.div_euclid(2) + (bid.rem_euclid(2) + ask.rem_euclid(2)) / 2,
                ))
            }
            _ => None,
        }
    }
}

/// What of a quote changed: `None` is "as before" and is not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuoteChange<'a> {
    /// The instrument.
    pub uic: i64,
    /// When the change was made; always sent.
    pub last_updated: Time,
    /// The new bid.
    pub bid: Option<Price>,
    /// The new ask.
    pub ask: Option<Price>,
    /// The new middle.
    pub mid: Option<Price>,
    /// The new state of the market.
    pub market_state: Option<&'a str>,
}

impl<'a> QuoteChange<'a> {
    /// What `after` says that `before` did not. A price that goes away cannot be told by a delta: send a full element.
    #[must_use]
    pub fn between(before: &QuoteFull<'_>, after: &QuoteFull<'a>) -> Self {
        fn changed<T: PartialEq + Copy>(before: Option<T>, after: Option<T>) -> Option<T> {
            if before == after { None } else { after }
        }
        Self {
            uic: after.uic,
            last_updated: after.last_updated,
            bid: changed(before.bid, after.bid),
            ask: changed(before.ask, after.ask),
            mid: changed(before.mid(), after.mid()),
            market_state: (before.market_state != after.market_state).then_some(after.market_state),
        }
    }
}

/// An element of an infoprices payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteElement<'a> {
    /// Everything.
    Full(QuoteFull<'a>),
    /// Only what changed.
    Delta(QuoteChange<'a>),
}

impl<'a> From<QuoteFull<'a>> for QuoteElement<'a> {
    fn from(full: QuoteFull<'a>) -> Self {
        Self::Full(full)
    }
}

impl<'a> From<QuoteChange<'a>> for QuoteElement<'a> {
    fn from(change: QuoteChange<'a>) -> Self {
        Self::Delta(change)
    }
}

/// Writes the array payload of a message.
#[must_use]
pub fn encode_quotes<'a>(elements: impl IntoIterator<Item = &'a QuoteElement<'a>>) -> Vec<u8> {
    let mut out = vec![b'['];
    for element in elements {
        if out.len() > 1 {
            out.push(b',');
        }
        match element {
            QuoteElement::Full(full) => encode_quote_full(&mut out, full),
            QuoteElement::Delta(change) => encode_quote_delta(&mut out, change),
        }
    }
    out.push(b']');
    out
}

/// Appends a full element, without the brackets of the array.
pub fn encode_quote_full(out: &mut Vec<u8>, quote: &QuoteFull<'_>) {
    let mut object = Fields::open(out);
    object.raw("Uic", quote.uic);
    object.text("AssetType", quote.asset_type);
    object.time("LastUpdated", quote.last_updated);
    object.text("PriceSource", quote.price_source);
    object.object("Quote", |fields| {
        fields.raw("Amount", quote.amount);
        fields.some("Ask", quote.ask);
        fields.some("Bid", quote.bid);
        fields.some("Mid", quote.mid());
        fields.raw("DelayedByMinutes", quote.delayed_by_minutes);
        fields.text("ErrorCode", quote.error_code);
        fields.text("MarketState", quote.market_state);
        fields.text("PriceSource", quote.price_source);
        fields.text("PriceTypeAsk", quote.price_type_ask);
        fields.text("PriceTypeBid", quote.price_type_bid);
    });
    object.close();
}

/// Appends a delta, without the brackets of the array.
pub fn encode_quote_delta(out: &mut Vec<u8>, change: &QuoteChange<'_>) {
    let mut object = Fields::open(out);
    object.raw("Uic", change.uic);
    object.time("LastUpdated", change.last_updated);
    if change.bid.is_some() || change.ask.is_some() || change.mid.is_some() || change.market_state.is_some() {
        object.object("Quote", |fields| {
            fields.some("Bid", change.bid);
            fields.some("Ask", change.ask);
            fields.some("Mid", change.mid);
            if let Some(state) = change.market_state {
                fields.text("MarketState", state);
            }
        });
    }
    object.close();
}

/// The fields of one object, in the order in which they are written.
pub(super) struct Fields<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Fields<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        self.key(key);
        display(self.out, value);
    }

    fn some(&mut self, key: &str, value: Option<Price>) {
        if let Some(value) = value {
            self.raw(key, value);
        }
    }

    fn time(&mut self, key: &str, value: Time) {
        self.key(key);
        self.out.push(b'"');
        display(self.out, value);
        self.out.push(b'"');
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        encode_text(self.out, value);
    }

    fn object(&mut self, key: &str, fields: impl FnOnce(&mut Fields<'_>)) {
        self.key(key);
        let mut inner = Fields::open(self.out);
        fields(&mut inner);
        inner.close();
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing into a Vec cannot fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}

/// Appends a JSON string with what must be escaped escaped.
pub fn encode_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for char in text.chars() {
        match char {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            control if control < ' ' => display(out, format_args!("\\u{:04x}", u32::from(control))),
            plain => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
