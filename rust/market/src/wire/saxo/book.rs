//! The quote book: payloads of an infoprices subscription in, quotes out. A snapshot and each delta are
//! merged into one row for each instrument.

use std::collections::BTreeMap;

use exuvia_model::{Symbol, SymbolTable, Time};
use thiserror::Error;

use super::oddity::{Oddities, Oddity};
use super::quote::{Element, Field, QuoteRow, Reading};
use super::skip::{Gap, Side, Skip, Skips};
use crate::wire::instant::Date;
use crate::wire::json::{JsonError, Reader};

/// A payload of which nothing was merged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuoteError {
    /// The payload is not JSON.
    #[error("price payload: {0}")]
    Json(#[from] JsonError),
    /// The payload is JSON, but neither an array nor an object.
    #[error(
        "price payload holds no quotes at byte {at}: expected an array, an object with a Data array, or one infoprices object"
    )]
    NoCollection {
        /// Where the array should be.
        at: usize,
    },
}

/// Bid and ask of an instrument after an update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoteTick<N> {
    /// The instrument.
    pub uic: i64,
    /// `LastUpdated`.
    pub time: Time,
    /// Best price to sell at.
    pub bid: N,
    /// Best price to buy at.
    pub ask: N,
    /// `MarketState`, a name of [`QuoteBook::names`]; `Unknown` if the venue did not say.
    pub market_state: Symbol,
}

/// Merges infoprices payloads, keyed by Uic, and gives out a quote for each element that leaves both prices known.
///
/// An element is counted in [`Self::skips`], with its reason, and nothing of it merged, if it has no whole `Uic`, a price that is not finite,
/// not positive (unless the book allows that) or crossed, or a `LastUpdated` that is no instant. An element after which
/// bid, ask or time are still missing is merged and counted too. A quote older than the one it replaces is taken as it
/// comes, unless the book refuses it, and counted in [`Self::oddities`].
///
/// ```
/// use exuvia_market::wire::saxo::QuoteBook;
/// let mut book = QuoteBook::<f64>::new(false);
/// let mut quotes = Vec::new();
/// book.apply(br#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07Z","Quote":{"Bid":1.392,"Ask":1.393}}]"#, &mut quotes)?;
/// book.apply(br#"[{"Uic":21,"LastUpdated":"2014-05-07T00:00:08Z","Quote":{"Ask":1.394}}]"#, &mut quotes)?;
/// assert_eq!((quotes[1].bid, quotes[1].ask), (1.392, 1.394));
/// # Ok::<(), exuvia_market::wire::saxo::QuoteError>(())
/// ```
#[derive(Debug, Clone)]
pub struct QuoteBook<N: Reading> {
    rows: BTreeMap<i64, Kept<N>>,
    names: SymbolTable,
    date: Date,
    unknown: Symbol,
    allow_negative: bool,
    refuse_older: bool,
    skips: Skips<N>,
    oddities: Oddities,
    parsed: Vec<Element<N>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Kept<N: Reading> {
    row: QuoteRow<N>,
    last: Option<QuoteTick<N>>,
}

impl<N: Reading> QuoteBook<N> {
    /// An empty book. `allow_negative` takes prices of zero and below, for instruments that permit them.
    #[must_use]
    pub fn new(allow_negative: bool) -> Self {
        let mut names = SymbolTable::default();
        let unknown = names.intern("Unknown");
        let (rows, date, parsed) = (BTreeMap::new(), Date::default(), Vec::new());
        let (skips, oddities) = (Skips::default(), Oddities::default());
        Self { rows, names, date, unknown, allow_negative, refuse_older: false, skips, oddities, parsed }
    }

    /// The book with a rule for a quote whose `LastUpdated` is before that of the one it would replace: refuse it, or
    /// (as a new book does) take it.
    #[must_use]
    pub fn refusing_older(mut self, refuse: bool) -> Self {
        self.refuse_older = refuse;
        self
    }

    /// Merges one payload: an array of elements, an object with a `Data` array, or one element. Quotes are appended to
    /// `out` in the order of the elements; the answer is how many.
    ///
    /// # Errors
    /// If the payload is not JSON or no collection; then nothing was merged, counted or appended.
    pub fn apply(&mut self, payload: &[u8], out: &mut Vec<QuoteTick<N>>) -> Result<usize, QuoteError> {
        self.parsed.clear();
        self.parse(payload)?;
        let before = out.len();
        let parsed = std::mem::take(&mut self.parsed);
        for element in &parsed {
            match self.merge(element, payload) {
                Outcome::Quote(tick) => out.push(tick),
                Outcome::Skipped(skip) => self.skips.note(skip),
                Outcome::Deleted => {}
            }
        }
        self.parsed = parsed;
        Ok(out.len() - before)
    }

    /// The last quote of `uic`, if there was one since its row came.
    #[must_use]
    pub fn get(&self, uic: i64) -> Option<QuoteTick<N>> {
        self.rows.get(&uic)?.last
    }

    /// How many elements gave no quote.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skips.total()
    }

    /// Why they gave none: counts by reason, and the last one with its values.
    #[must_use]
    pub const fn skips(&self) -> &Skips<N> {
        &self.skips
    }

    /// What was strange about elements that gave a quote: counts by kind, and the last one with its values.
    #[must_use]
    pub const fn oddities(&self) -> &Oddities {
        &self.oddities
    }

    /// The rows in order of Uic.
    pub fn rows(&self) -> impl Iterator<Item = (i64, &QuoteRow<N>)> {
        self.rows.iter().map(|(uic, kept)| (*uic, &kept.row))
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The words that rows and quotes name by [`Symbol`].
    #[must_use]
    pub const fn names(&self) -> &SymbolTable {
        &self.names
    }

    fn parse(&mut self, payload: &[u8]) -> Result<(), QuoteError> {
        let mut reader = Reader::new(payload);
        let (parsed, names, date) = (&mut self.parsed, &mut self.names, &mut self.date);
        let mut data = None;
        match reader.peek()? {
            b'[' => elements(&mut reader, parsed, names, date)?,
            b'{' => {
                let element = Element::read(&mut reader, names, date, |reader, key| {
                    if key.is("Data") {
                        data = Some(reader.clone());
                    }
                    reader.skip()
                })?;
                parsed.push(element);
            }
            _ => {
                let at = reader.offset();
                reader.skip()?;
                reader.end()?;
                return Err(QuoteError::NoCollection { at });
            }
        }
        reader.end()?;
        if let Some(mut data) = data {
            parsed.clear();
            if data.peek()? != b'[' {
                return Err(QuoteError::NoCollection { at: data.offset() });
            }
            elements(&mut data, parsed, names, date)?;
        }
        Ok(())
    }

    fn merge(&mut self, element: &Element<N>, payload: &[u8]) -> Outcome<N> {
        let Some(uic) = element.uic else {
            return Outcome::Skipped(Skip::NoUic { said: element.said_uic(payload) });
        };
        if element.deleted {
            self.rows.remove(&uic);
            return Outcome::Deleted;
        }
        let (delta, known) = (&element.row, self.rows.get_mut(&uic));
        let (bid, ask) = match &known {
            Some(kept) if !element.quote_cleared => {
                let quote = &kept.row.quote;
                (quote.bid.merged(delta.quote.bid), quote.ask.merged(delta.quote.ask))
            }
            _ => (delta.quote.bid, delta.quote.ask),
        };
        let refused = |side: Side, price: Field<N>| match price {
            Field::Refused => Some(Skip::NoPrice { uic, side, said: element.said_price(side, payload) }),
            Field::Set(price) if !self.allow_negative && !price.is_positive() => {
                Some(Skip::NotPositive { uic, side, price })
            }
            Field::Set(_) | Field::Absent | Field::Cleared => None,
        };
        if let Some(skip) = refused(Side::Bid, bid).or_else(|| refused(Side::Ask, ask)) {
            return Outcome::Skipped(skip);
        }
        if let Some((field, index)) = delta.refused() {
            return Outcome::Skipped(Skip::Field { uic, field, said: element.said(index, payload) });
        }
        if let (Field::Set(bid), Field::Set(ask)) = (bid, ask)
            && bid > ask
        {
            return Outcome::Skipped(Skip::Crossed { uic, bid, ask });
        }
        let held = known.as_ref().and_then(|kept| kept.last).map(|tick| tick.time);
        let older = held.zip(delta.last_updated.get()).filter(|(held, time)| time < held);
        if let Some((held, time)) = older.filter(|_| self.refuse_older) {
            return Outcome::Skipped(Skip::Older { uic, time, held });
        }
        let kept = match known {
            Some(kept) => kept,
            None => self.rows.entry(uic).or_default(),
        };
        kept.row.merge(element);
        let (Some(bid), Some(ask), Some(time)) = (bid.get(), ask.get(), kept.row.last_updated.get()) else {
            let gap = |side: Side, price: Field<N>| match price {
                Field::Set(_) => Gap::Known,
                Field::Absent if element.quote_cleared => Gap::NoObject,
                Field::Absent => Gap::NotYet,
                Field::Cleared | Field::Refused => Gap::NoNumber(element.said_price(side, payload)),
            };
            let (bid, ask) = (gap(Side::Bid, bid), gap(Side::Ask, ask));
            return Outcome::Skipped(Skip::Incomplete {
                uic,
                bid,
                ask,
                no_time: kept.row.last_updated.get().is_none(),
            });
        };
        let market_state = kept.row.quote.market_state.get().unwrap_or(self.unknown);
        let tick = QuoteTick { uic, time, bid, ask, market_state };
        kept.last = Some(tick);
        if let Some((held, time)) = older {
            self.oddities.note(Oddity::Older { uic, time, held });
        }
        if matches!(delta.quote.market_state, Field::Cleared) {
            self.oddities.note(Oddity::State { uic, said: element.said_state(payload) });
        }
        Outcome::Quote(tick)
    }
}

enum Outcome<N> {
    Quote(QuoteTick<N>),
    Skipped(Skip<N>),
    Deleted,
}

fn elements<N: Reading>(
    reader: &mut Reader<'_>,
    parsed: &mut Vec<Element<N>>,
    names: &mut SymbolTable,
    date: &mut Date,
) -> Result<(), JsonError> {
    reader.array(|reader| {
        parsed.push(Element::read(reader, names, date, |reader, _| reader.skip())?);
        Ok(())
    })?;
    Ok(())
}
