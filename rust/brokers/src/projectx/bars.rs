//! Bars of a contract: what is asked for, and pages of newest first turned round.

use exuvia_model::{Bar, Ohlc, Quantity, Time};

use super::ProjectXError;
use super::json::{Body, FieldError, Row};

/// The most bars of one request.
pub const MAX_BARS: u32 = 20_000;

/// The unit of a bar's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BarUnit {
    /// 1
    Second,
    /// 2
    Minute,
    /// 3
    Hour,
    /// 4
    Day,
    /// 5
    Week,
    /// 6
    Month,
}

impl BarUnit {
    /// The vendor's number.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 2,
            Self::Hour => 3,
            Self::Day => 4,
            Self::Week => 5,
            Self::Month => 6,
        }
    }
}

/// Which bars are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsWanted {
    /// Of which contract.
    pub contract: String,
    /// Not before this instant.
    pub start: Time,
    /// Not after this instant.
    pub end: Time,
    /// The unit of their length.
    pub unit: BarUnit,
    /// How many units long, positive.
    pub length: u32,
    /// The most bars, the newest of them; more than 20,000 takes several requests.
    pub most: u32,
    /// Whether the one that is not over yet is wanted too.
    pub partial: bool,
}

impl BarsWanted {
    /// Itself, if it can be asked for.
    pub(super) fn sound(&self) -> Result<(), ProjectXError> {
        if self.start < self.end && self.length > 0 && self.most > 0 {
            return Ok(());
        }
        let Self { start, end, length, most, .. } = self;
        let what = format!("{most} bars of {length} units from {start} to {end}");
        Err(ProjectXError::unfit(what, "the start must be before the end, length and number positive"))
    }

    /// One page of them, up to `end`.
    pub(super) fn body(&self, live: bool, end: Time, limit: u32) -> Vec<u8> {
        Body::new()
            .text("contractId", &self.contract)
            .flag("live", live)
            .stamp("startTime", Some(self.start))
            .stamp("endTime", Some(end))
            .whole("unit", self.unit.number())
            .whole("unitNumber", self.length)
            .whole("limit", limit)
            .flag("includePartialBar", self.partial)
            .end()
    }
}

/// One bar; prices are exact, `ticks` is not known and 0.
pub(super) fn bar(row: Row<'_>) -> Result<Bar<i64>, FieldError> {
    let price = |field| row.must(field, row.price(field)?).map(exuvia_model::Price::raw);
    let ohlc = Ohlc { open: price("o")?, high: price("h")?, low: price("l")?, close: price("c")? };
    let volume = row.quantity("v")?.map_or(0, Quantity::raw);
    Ok(Bar { start: row.must("t", row.time("t")?)?, ohlc, volume, ticks: 0 })
}

/// Adds a page of newest first to `bars`, which are oldest first, and gives the start of the oldest if the page had any that were new.
pub(super) fn turn_round(bars: &mut Vec<Bar<i64>>, page: Vec<Bar<i64>>) -> Option<Time> {
    let before = bars.len();
    let oldest = bars.first().map(|bar| bar.start);
    let mut all: Vec<Bar<i64>> =
        page.into_iter().filter(|bar| oldest.is_none_or(|oldest| bar.start < oldest)).collect();
    all.sort_by_key(|bar| bar.start);
    all.dedup_by_key(|bar| bar.start);
    all.append(bars);
    *bars = all;
    (bars.len() > before).then(|| bars.first().map(|bar| bar.start)).flatten()
}
