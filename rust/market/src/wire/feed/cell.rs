//! One value: from where it stands to what it is, exactly, or why not.

use std::borrow::Cow;

use exuvia_model::{MICROSECOND, MILLISECOND, ModelError, Money, SECOND, SymbolTable, Time};

use super::plan::Field;
use super::scan::{Found, Slot};
use super::skips::Reason;
use super::spec::{FieldKind, Numbers, Unit, Zero};
use crate::wire::instant::Date;
use crate::wire::json::{Number, Plain, Reader};

/// A value of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Cell {
    /// None.
    #[default]
    Null,
    /// A price, size or number at 10⁻⁹.
    Fixed(i64),
    /// A price, size or number at 10⁻¹⁸.
    Wide(Wide),
    /// A price, size or number as the nearest `f64`.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// UTC nanoseconds.
    Time(i64),
    /// A word, by its number in the feed's table.
    Symbol(u32),
    /// A text, by where it stands in the frame.
    Text(Span),
    /// True or false.
    Flag(bool),
}

/// An `i128` in two halves, so that a cell stays small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wide(i64, u64);

impl Wide {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    const fn new(value: i128) -> Self {
        Self((value >> 64) as i64, value as u64)
    }

    /// The number, scaled by 10¹⁸.
    #[must_use]
    pub const fn raw(self) -> i128 {
        ((self.0 as i128) << 64) | self.1 as i128
    }
}

/// Where a text stands in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(u32, u32, bool);

impl Span {
    /// The text; half of a surrogate pair has no characters and gives none.
    #[must_use]
    pub fn text<'a>(&self, frame: &'a [u8]) -> Cow<'a, str> {
        let raw = frame.get(self.0 as usize..self.1 as usize).unwrap_or_default();
        crate::wire::json::Text::from_raw(raw, self.2).decode().unwrap_or_default()
    }
}

/// The earliest and the latest instant that a feed may send: a wrong unit lands outside.
const FIRST: i64 = 315_532_800 * SECOND;
const LAST: i64 = 7_258_118_400 * SECOND;
/// The most symbols that are kept.
const SYMBOLS: usize = 1 << 20;

/// What reading needs besides the frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools {
    pub symbols: SymbolTable,
    pub rounded: u64,
    date: Date,
    /// Symbols that came lately, by a quick look at their bytes.
    recent: Recent,
}

#[derive(Debug, Clone)]
struct Recent([u32; 256]);

impl Default for Recent {
    fn default() -> Self {
        Self([u32::MAX; 256])
    }
}

impl Tools {
    /// Reads the value of a field; what is absent or null is not asked for.
    pub fn read(&mut self, field: &Field, slot: &Slot, frame: &[u8]) -> Result<Cell, Reason> {
        match field.kind {
            FieldKind::Price | FieldKind::Size | FieldKind::Number | FieldKind::Float => {
                self.number(field, slot, frame)
            }
            FieldKind::Int => match plain(slot, frame).and_then(Plain::to_i64) {
                Some(value) => Ok(Cell::Int(value)),
                None => number(slot, frame)?.to_i64().map(Cell::Int).ok_or(Reason::Type),
            },
            FieldKind::Time(unit) => self.time(unit, slot, frame).map(Cell::Time),
            FieldKind::Symbol => self.symbol(field, slot, frame),
            FieldKind::Text => match slot.found {
                Found::Escaped => match slot.text(frame).decode() {
                    Some(_) => Ok(Cell::Text(slot.span(true))),
                    None => Err(Reason::Type),
                },
                Found::Text | Found::Number => Ok(Cell::Text(slot.span(false))),
                _ => Err(Reason::Type),
            },
            FieldKind::Flag => match slot.found {
                Found::True => Ok(Cell::Flag(true)),
                Found::False => Ok(Cell::Flag(false)),
                _ => Err(Reason::Type),
            },
            FieldKind::Constant => Err(Reason::Missing),
        }
    }

    #[inline]
    fn number(&mut self, field: &Field, slot: &Slot, frame: &[u8]) -> Result<Cell, Reason> {
        let plain = plain(slot, frame);
        let (cell, sign) = match field.keep {
            Numbers::Exact => {
                let raw = match plain.and_then(Plain::scaled) {
                    Some(raw) => raw,
                    None => self.fixed(field, &number(slot, frame)?)?,
                };
                (Cell::Fixed(raw), raw.signum())
            }
            Numbers::Float => {
                let value = match plain.and_then(Plain::to_f64) {
                    Some(value) => value,
                    None => float(&number(slot, frame)?)?,
                };
                (Cell::Float(value), i64::from(value > 0.0) - i64::from(value < 0.0))
            }
            Numbers::Wide => {
                let number = number(slot, frame)?;
                let raw = number.to_wide().map_err(|error| reason(&error, &number))?;
                (Cell::Wide(Wide::new(raw)), i64::from(raw > 0) - i64::from(raw < 0))
            }
        };
        match (field.kind, sign, field.zero) {
            (FieldKind::Price, 0, Zero::Null) => Ok(Cell::Null),
            (FieldKind::Price, ..=0, Zero::Skip | Zero::Null) => Err(Reason::NotPositive),
            (FieldKind::Size, -1, _) => Err(Reason::Negative),
            _ => Ok(cell),
        }
    }

    /// Fixed point, the long way.
    #[cold]
    fn fixed(&mut self, field: &Field, number: &Number<'_>) -> Result<i64, Reason> {
        if !field.round {
            return number.to_price().map(exuvia_model::Price::raw).map_err(|error| reason(&error, number));
        }
        let (price, rounded) = number.to_rounded().map_err(|error| reason(&error, number))?;
        self.rounded += u64::from(rounded);
        Ok(price.raw())
    }

    fn time(&mut self, unit: Unit, slot: &Slot, frame: &[u8]) -> Result<i64, Reason> {
        if unit == Unit::Iso {
            if slot.found == Found::Text
                && let Some(time) = self.date.instant_or_offset(slot.bytes(frame))
            {
                return sensible(time.0);
            }
            let text = match slot.found {
                Found::Text | Found::Escaped => slot.text(frame).decode().ok_or(Reason::Type)?,
                _ => return Err(Reason::Type),
            };
            let time = text.parse::<Time>();
            return sensible(time.map_err(|_| Reason::Time)?.0);
        }
        if let Some(whole) = plain(slot, frame).and_then(Plain::to_i64) {
            return sensible(whole.checked_mul(size(unit)).ok_or(Reason::Time)?);
        }
        let number = number(slot, frame)?;
        sensible(nanoseconds(&number, unit).ok_or(Reason::Time)?)
    }

    fn symbol(&mut self, field: &Field, slot: &Slot, frame: &[u8]) -> Result<Cell, Reason> {
        let plain = match slot.found {
            Found::Text | Found::Number => slot.bytes(frame),
            Found::True if !field.codes.is_empty() => b"true",
            Found::False if !field.codes.is_empty() => b"false",
            Found::Escaped => {
                let word = slot.text(frame).decode().ok_or(Reason::Type)?;
                return self.named(field, &word);
            }
            _ => return Err(Reason::Type),
        };
        if field.codes.is_empty() {
            if let Some(symbol) = self.seen(plain) {
                return Ok(Cell::Symbol(symbol));
            }
        } else if let Some((_, symbol)) = field.codes.iter().find(|(code, _)| code.as_bytes() == plain) {
            return Ok(Cell::Symbol(*symbol));
        }
        self.named(field, std::str::from_utf8(plain).map_err(|_| Reason::Type)?)
    }

    fn named(&mut self, field: &Field, word: &str) -> Result<Cell, Reason> {
        if field.codes.is_empty() {
            return self.intern(word).map(Cell::Symbol);
        }
        let code = field.codes.iter().find(|(code, _)| code == word);
        code.map(|(_, symbol)| Cell::Symbol(*symbol)).ok_or(Reason::Code)
    }

    /// The symbol of these bytes, if they came lately.
    #[inline]
    fn seen(&self, word: &[u8]) -> Option<u32> {
        let symbol = *self.recent.0.get(glance(word))?;
        let name = self.symbols.name(exuvia_model::Symbol(symbol)).ok()?;
        (name.as_bytes() == word).then_some(symbol)
    }

    pub fn intern(&mut self, word: &str) -> Result<u32, Reason> {
        if self.symbols.len() >= SYMBOLS && self.symbols.get(word).is_none() {
            return Err(Reason::Symbols);
        }
        let symbol = self.symbols.intern(word).0;
        if let Some(place) = self.recent.0.get_mut(glance(word.as_bytes())) {
            *place = symbol;
        }
        Ok(symbol)
    }
}

/// A place among 256 by length and a few bytes.
#[inline]
fn glance(word: &[u8]) -> usize {
    let byte = |at: usize| word.get(at).copied().unwrap_or_default();
    let (first, last) = (byte(0), byte(word.len().wrapping_sub(1)));
    let sum = byte(word.len() / 2).wrapping_mul(31).wrapping_add(first.wrapping_mul(7)).wrapping_add(last);
    usize::from(sum ^ byte(2).wrapping_mul(13) ^ word.len().to_le_bytes().first().copied().unwrap_or_default())
}

/// The number of a slot, if it has the common form.
#[inline]
fn plain(slot: &Slot, frame: &[u8]) -> Option<Plain> {
    match slot.found {
        Found::Number | Found::Text => Plain::read(slot.bytes(frame)),
        _ => None,
    }
}

#[cold]
fn float(number: &Number<'_>) -> Result<f64, Reason> {
    let fails = if number.is_finite() { Reason::OutOfRange } else { Reason::NotFinite };
    number.to_f64().ok_or(fails)
}

/// The number that stands in a slot, bare or as the whole of a text.
fn number<'a>(slot: &Slot, frame: &'a [u8]) -> Result<Number<'a>, Reason> {
    match slot.found {
        Found::Number | Found::Text => {
            let text = slot.bytes(frame);
            let mut reader = Reader::new(text);
            match text.first() {
                Some(b'-' | b'0'..=b'9' | b'N' | b'I') => {}
                _ => return Err(Reason::Type),
            }
            let number = reader.number().ok().flatten().ok_or(Reason::Type)?;
            if reader.offset() == text.len() { Ok(number) } else { Err(Reason::Type) }
        }
        _ => Err(Reason::Type),
    }
}

fn reason(error: &ModelError, number: &Number<'_>) -> Reason {
    match error {
        _ if !number.is_finite() => Reason::NotFinite,
        ModelError::TooPrecise { .. } => Reason::TooPrecise,
        ModelError::OutOfRange { .. } => Reason::OutOfRange,
        _ => Reason::Type,
    }
}

const fn size(unit: Unit) -> i64 {
    match unit {
        Unit::Seconds => SECOND,
        Unit::Millis => MILLISECOND,
        Unit::Micros => MICROSECOND,
        Unit::Nanos | Unit::Iso => 1,
    }
}

/// Nanoseconds since 1970; `None` if they do not fit or are no whole number.
fn nanoseconds(number: &Number<'_>, unit: Unit) -> Option<i64> {
    let size = size(unit);
    if let Some(whole) = number.to_i64() {
        return whole.checked_mul(size);
    }
    // A fraction, exactly: at 10⁻⁹ of the unit.
    let scaled = number.as_str().parse::<Money>().ok()?.raw().checked_mul(i128::from(size))?;
    let whole = i128::from(exuvia_model::NANO);
    (scaled % whole == 0).then(|| i64::try_from(scaled / whole).ok())?
}

/// Reads a time that stands outside of any message, such as the local stamp before a captured one.
pub(super) fn stamp(text: &[u8], unit: Unit) -> Option<i64> {
    let mut reader = Reader::new(text);
    let number = reader.number().ok().flatten()?;
    if reader.offset() != text.len() {
        return None;
    }
    sensible(nanoseconds(&number, unit)?).ok()
}

fn sensible(time: i64) -> Result<i64, Reason> {
    if (FIRST..LAST).contains(&time) { Ok(time) } else { Err(Reason::Time) }
}

/// Of a number that is no sensible time in `unit`, the unit in which it would be.
pub(super) fn unit_that_fits(slot: &Slot, frame: &[u8]) -> Option<Unit> {
    let number = number(slot, frame).ok()?;
    let fits = |unit: &Unit| nanoseconds(&number, *unit).is_some_and(|time| sensible(time).is_ok());
    [Unit::Seconds, Unit::Millis, Unit::Micros, Unit::Nanos].into_iter().find(fits)
}

impl Slot {
    fn span(&self, escaped: bool) -> Span {
        let (from, to) = self.range();
        Span(from, to, escaped)
    }
}
