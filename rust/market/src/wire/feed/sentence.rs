//! What is said of what was left out: the place, the value, and what to do.

use super::cell::{Cell, unit_that_fits};
use super::plan::Field;
use super::scan::{Found, Slot};
use super::skips::Reason;
use super::spec::{FieldKind, Numbers};

/// How much of a message is shown where it is kept as an example.
const SHOWN: usize = 160;

/// What was wrong, where, and what to do.
pub(super) fn sentence(kind: &str, field: &Field, reason: Reason, slot: &Slot, frame: &[u8]) -> String {
    let (place, kind) = (format!("{kind}.{}", field.name), field.kind);
    let value = match slot.found {
        Found::Absent => "nothing".to_owned(),
        Found::Null => "null".to_owned(),
        Found::True => "true".to_owned(),
        Found::False => "false".to_owned(),
        Found::Nested => "an object or array".to_owned(),
        Found::Number => shown(slot.bytes(frame)),
        Found::Text | Found::Escaped => format!("{:?}", shown(slot.bytes(frame))),
    };
    match reason {
        Reason::Missing => format!("{place} is not there or null: mark it optional ({kind}?) if that may be"),
        Reason::Type if value.contains(',') && value.starts_with('"') => {
            format!("{place} {value} is no {kind}: a number has a decimal point, no comma")
        }
        Reason::Type => format!("{place} {value} is no {kind}"),
        Reason::NotFinite => format!("{place} {value} is not finite: a feed that has no value should leave it out"),
        Reason::TooPrecise => {
            format!(
                "{place} {value} has more decimals than fit ({}): declare keep as wide or float, or round",
                match field.keep {
                    Numbers::Wide => 18,
                    _ => 9,
                }
            )
        }
        Reason::OutOfRange => {
            format!("{place} {value} does not fit: beyond 9.2e9 declare keep as wide, beyond 1.7e20 as float")
        }
        Reason::NotPositive => {
            format!("{place} {value} is not above zero: declare zero = \"keep\" or \"null\" if that may be")
        }
        Reason::Negative => format!("{place} {value} is below zero, which no amount is"),
        Reason::Time => match (kind, unit_that_fits(slot, frame)) {
            (FieldKind::Time(unit), Some(fits)) if fits != unit => format!(
                "{place} {value} is outside 1980 to 2200 in {}: in {} it would be a time; declare time:{}",
                unit.name(),
                fits.name(),
                fits.name()
            ),
            _ => format!("{place} {value} is no {kind} of 1980 to 2200"),
        },
        Reason::Code => format!("{place} {value} is a code that the declaration does not name"),
        _ => format!("{place} {value}: {}", reason.name()),
    }
}

pub(super) fn show(cell: &Cell) -> String {
    match cell {
        Cell::Fixed(raw) => exuvia_model::Price::from_raw(*raw).to_string(),
        Cell::Wide(wide) => decimal(wide.raw(), 18),
        Cell::Float(value) => value.to_string(),
        _ => String::new(),
    }
}

/// A number scaled by a power of ten, as text without zeros at the end.
#[must_use]
pub fn decimal(raw: i128, places: usize) -> String {
    let digits = format!("{:0>width$}", raw.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let (sign, point) = (if raw < 0 { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
    format!("{sign}{whole}{point}{fraction}")
}

/// The start of some bytes, to be shown.
pub(super) fn shown(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(SHOWN)).unwrap_or_default();
    let text = String::from_utf8_lossy(cut);
    if cut.len() < bytes.len() { format!("{text}…") } else { text.into_owned() }
}
