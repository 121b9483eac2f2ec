//! One infoprices element, whole or partial: which of the known fields are there, and what they say.
//! Fields that are not known are validated as JSON and passed over.

use exuvia_model::{Price, Quantity, Symbol, SymbolTable, Time};

use super::said::{Said, Span};
use super::skip::Side;
use crate::wire::instant::Date;
use crate::wire::json::{JsonError, Number, Reader, Text};

/// A number as which prices are read: `f64` for columns, [`Price`] where money is computed.
pub trait Reading: Copy + Default + PartialOrd + std::fmt::Debug + std::fmt::Display {
    /// As which amounts are read.
    type Size: Copy + Default + PartialEq + std::fmt::Debug;

    /// Reads a price; `None` if it is not finite or does not fit exactly.
    fn price(number: &Number<'_>) -> Option<Self>;

    /// Reads an amount; `None` if it is not finite or does not fit exactly.
    fn size(number: &Number<'_>) -> Option<Self::Size>;

    /// Whether it is above zero.
    fn is_positive(self) -> bool {
        self > Self::default()
    }
}

impl Reading for f64 {
    type Size = Self;

    fn price(number: &Number<'_>) -> Option<Self> {
        number.to_f64()
    }

    fn size(number: &Number<'_>) -> Option<Self> {
        number.to_f64()
    }
}

impl Reading for Price {
    type Size = Quantity;

    fn price(number: &Number<'_>) -> Option<Self> {
        number.to_price().ok()
    }

    fn size(number: &Number<'_>) -> Option<Quantity> {
        number.to_quantity().ok()
    }
}

/// A field of a partial object.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Field<T> {
    /// Not sent: as before.
    #[default]
    Absent,
    /// Sent, but with no value of its type: a null, a boolean, a text for a number.
    Cleared,
    /// Sent with a value that may not be used, such as NaN; the element is refused.
    Refused,
    /// Sent.
    Set(T),
}

impl<T: Copy> Field<T> {
    /// The value, if there is one.
    pub const fn get(self) -> Option<T> {
        if let Self::Set(value) = self { Some(value) } else { None }
    }

    /// What the field is once `delta` came.
    #[must_use]
    pub const fn merged(self, delta: Self) -> Self {
        if matches!(delta, Self::Absent) { self } else { delta }
    }

    fn value(value: Option<T>) -> Self {
        value.map_or(Self::Cleared, Self::Set)
    }
}

/// The fields of an infoprices object that a trading system uses; a row of the book, or a delta to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QuoteRow<N: Reading> {
    /// `AssetType`.
    pub asset_type: Field<Symbol>,
    /// `LastUpdated`.
    pub last_updated: Field<Time>,
    /// `PriceSource`.
    pub price_source: Field<Symbol>,
    /// The group `Quote`.
    pub quote: QuoteGroup<N>,
    /// The group `PriceInfoDetails`.
    pub details: DetailsGroup<N>,
}

/// The field group `Quote`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QuoteGroup<N: Reading> {
    /// `Amount`: what the quote holds for.
    pub amount: Field<N::Size>,
    /// `Ask`.
    pub ask: Field<N>,
    /// `Bid`.
    pub bid: Field<N>,
    /// `Mid`.
    pub mid: Field<N>,
    /// `AskSize`.
    pub ask_size: Field<N::Size>,
    /// `BidSize`.
    pub bid_size: Field<N::Size>,
    /// `MarketState`.
    pub market_state: Field<Symbol>,
    /// `PriceTypeAsk`.
    pub price_type_ask: Field<Symbol>,
    /// `PriceTypeBid`.
    pub price_type_bid: Field<Symbol>,
    /// `DelayedByMinutes`.
    pub delayed_by_minutes: Field<i64>,
    /// `ErrorCode`.
    pub error_code: Field<Symbol>,
}

/// The field group `PriceInfoDetails`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DetailsGroup<N: Reading> {
    /// `AskSize`.
    pub ask_size: Field<N::Size>,
    /// `BidSize`.
    pub bid_size: Field<N::Size>,
    /// `LastTraded`.
    pub last_traded: Field<N>,
    /// `LastTradedSize`.
    pub last_traded_size: Field<N::Size>,
    /// `Volume`.
    pub volume: Field<N::Size>,
}

/// Takes each named field of `$delta` that was sent.
macro_rules! merge {
    ($row:expr, $delta:expr, $($field:ident),+) => {
        $($row.$field = $row.$field.merged($delta.$field);)+
    };
}

impl<N: Reading> QuoteRow<N> {
    /// The field that came with a value that may not be used (bid and ask are judged where they are merged).
    pub(super) const fn refused(&self) -> Option<(&'static str, usize)> {
        if matches!(self.last_updated, Field::Refused) {
            return Some(("LastUpdated", TIME));
        }
        if matches!(self.quote.market_state, Field::Refused) { Some(("MarketState", STATE)) } else { None }
    }

    /// Takes what `element` says; the rest stays.
    pub(super) fn merge(&mut self, element: &Element<N>) {
        let (delta, quote, details) = (&element.row, &element.row.quote, &element.row.details);
        merge!(self, delta, asset_type, last_updated, price_source);
        if element.quote_cleared {
            self.quote = QuoteGroup { bid: Field::Cleared, ask: Field::Cleared, ..QuoteGroup::default() };
        }
        merge!(self.quote, quote, amount, ask, bid, mid, ask_size, bid_size, market_state);
        merge!(self.quote, quote, price_type_ask, price_type_bid, delayed_by_minutes, error_code);
        if element.details_cleared {
            self.details = DetailsGroup::default();
        }
        merge!(self.details, details, ask_size, bid_size, last_traded, last_traded_size, volume);
    }
}

/// One element as it came.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Element<N: Reading> {
    pub uic: Option<i64>,
    pub deleted: bool,
    /// `Quote` was sent, but is no object.
    pub quote_cleared: bool,
    /// `PriceInfoDetails` was sent, but is no object.
    pub details_cleared: bool,
    pub row: QuoteRow<N>,
    /// Where the values stand that were no whole number, no price, no instant, no text.
    pub bad: [Span; 5],
}

/// Indices of [`Element::bad`].
const UIC: usize = 0;
const BID: usize = 1;
const ASK: usize = 2;
const TIME: usize = 3;
const STATE: usize = 4;

impl<N: Reading> Element<N> {
    /// What stands in `payload` where the uic should be.
    pub fn said_uic(&self, payload: &[u8]) -> Option<Said> {
        self.said(UIC, payload)
    }

    /// What stands in `payload` where the price of that side should be.
    pub fn said_price(&self, side: Side, payload: &[u8]) -> Option<Said> {
        self.said(if side == Side::Bid { BID } else { ASK }, payload)
    }

    /// What stands in `payload` where the market state should be.
    pub fn said_state(&self, payload: &[u8]) -> Option<Said> {
        self.said(STATE, payload)
    }

    /// What stands in `payload` where the field should be that [`QuoteRow::refused`] gave.
    pub fn said(&self, index: usize, payload: &[u8]) -> Option<Said> {
        self.bad.get(index).and_then(|span| span.said(payload))
    }

    /// Reads an element; `other` gets each top-level key that is not known and must read or skip its value. What is no
    /// object has no Uic. Of a key that comes twice the last one counts, as in Python.
    pub fn read<'a>(
        reader: &mut Reader<'a>,
        names: &mut SymbolTable,
        date: &mut Date,
        mut other: impl FnMut(&mut Reader<'a>, &Text<'a>) -> Result<(), JsonError>,
    ) -> Result<Self, JsonError> {
        let mut element = Self::default();
        let (row, [bad_uic, bad_bid, bad_ask, bad_time, bad_state]) = (&mut element.row, &mut element.bad);
        reader.object(|reader, key| {
            let from = reader.offset();
            match key.bytes().as_ref() {
                b"Uic" => {
                    element.uic = reader.number()?.and_then(|number| number.to_i64());
                    if element.uic.is_none() {
                        *bad_uic = Span::new(from, reader.offset());
                    }
                }
                b"AssetType" => row.asset_type = name(reader, names)?,
                b"LastUpdated" => {
                    let text = reader.text()?.and_then(|text| text.decode());
                    row.last_updated = text.and_then(|text| date.instant(&text)).map_or(Field::Refused, Field::Set);
                    if matches!(row.last_updated, Field::Refused) {
                        *bad_time = Span::new(from, reader.offset());
                    }
                }
                b"PriceSource" => row.price_source = name(reader, names)?,
                b"Quote" => {
                    row.quote = QuoteGroup::default();
                    element.quote_cleared = !row.quote.read(reader, names, [bad_bid, bad_ask, bad_state])?;
                }
                b"PriceInfoDetails" => {
                    row.details = DetailsGroup::default();
                    element.details_cleared = !row.details.read(reader)?;
                }
                b"__meta_deleted" => element.deleted = reader.flag()? == Some(true),
                _ => other(reader, key)?,
            }
            Ok(())
        })?;
        Ok(element)
    }
}

impl<N: Reading> QuoteGroup<N> {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        names: &mut SymbolTable,
        [bad_bid, bad_ask, bad_state]: [&mut Span; 3],
    ) -> Result<bool, JsonError> {
        reader.object(|reader, key| {
            match key.bytes().as_ref() {
                b"Bid" => self.bid = noted(reader, bad_bid, price)?,
                b"Ask" => self.ask = noted(reader, bad_ask, price)?,
                b"Mid" => self.mid = Field::value(reader.number()?.and_then(|mid| N::price(&mid))),
                b"Amount" => self.amount = size::<N>(reader)?,
                b"AskSize" => self.ask_size = size::<N>(reader)?,
                b"BidSize" => self.bid_size = size::<N>(reader)?,
                b"MarketState" => self.market_state = noted(reader, bad_state, |reader| state(reader, names))?,
                b"PriceTypeAsk" => self.price_type_ask = name(reader, names)?,
                b"PriceTypeBid" => self.price_type_bid = name(reader, names)?,
                b"DelayedByMinutes" => {
                    self.delayed_by_minutes = Field::value(reader.number()?.and_then(|number| number.to_i64()));
                }
                b"ErrorCode" => self.error_code = name(reader, names)?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }
}

impl<N: Reading> DetailsGroup<N> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        reader.object(|reader, key| {
            match key.bytes().as_ref() {
                b"AskSize" => self.ask_size = size::<N>(reader)?,
                b"BidSize" => self.bid_size = size::<N>(reader)?,
                b"LastTraded" => self.last_traded = Field::value(reader.number()?.and_then(|last| N::price(&last))),
                b"LastTradedSize" => self.last_traded_size = size::<N>(reader)?,
                b"Volume" => self.volume = size::<N>(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }
}

/// Reads a field, and notes where it stands if it has no value that can be used.
fn noted<'a, T: Copy>(
    reader: &mut Reader<'a>,
    bad: &mut Span,
    read: impl FnOnce(&mut Reader<'a>) -> Result<Field<T>, JsonError>,
) -> Result<Field<T>, JsonError> {
    let from = reader.offset();
    let field = read(reader)?;
    if field.get().is_none() {
        *bad = Span::new(from, reader.offset());
    }
    Ok(field)
}

/// A bid or ask: a number that cannot be a price refuses the element.
fn price<N: Reading>(reader: &mut Reader<'_>) -> Result<Field<N>, JsonError> {
    let number = reader.number()?;
    Ok(number.map_or(Field::Cleared, |number| N::price(&number).map_or(Field::Refused, Field::Set)))
}

fn size<N: Reading>(reader: &mut Reader<'_>) -> Result<Field<N::Size>, JsonError> {
    Ok(Field::value(reader.number()?.and_then(|number| N::size(&number))))
}

/// A word that repeats, such as an asset type.
fn name(reader: &mut Reader<'_>, names: &mut SymbolTable) -> Result<Field<Symbol>, JsonError> {
    let word = reader.text()?.and_then(|text| text.decode());
    Ok(Field::value(word.map(|word| names.intern(&word))))
}

/// The market state goes into quotes: one that is no text in Unicode (half of a surrogate pair) refuses the element.
fn state(reader: &mut Reader<'_>, names: &mut SymbolTable) -> Result<Field<Symbol>, JsonError> {
    Ok(reader
        .text()?
        .map_or(Field::Cleared, |text| text.decode().map_or(Field::Refused, |word| Field::Set(names.intern(&word)))))
}
