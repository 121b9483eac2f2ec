//! The checks by name, and what each does when it does not know what it needs to know.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pre-trade check. They run in this order, and the first that refuses decides; the first six are in every profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// An order that can be: an amount, the prices of its type, decided neither ahead of the clock nor too long ago.
    Sanity,
    /// A known instrument; prices on its tick, amounts on its lot.
    Instrument,
    /// The amount of one order.
    Size,
    /// The position once everything that is open was executed.
    Position,
    /// The same order a moment ago.
    Duplicates,
    /// What the order costs, with its commission, and what there is.
    Cash,
    /// The same symbol and side a moment ago, whatever the terms. Never bypassed.
    SameSide,
    /// The exchange's hours.
    Hours,
    /// Time since the symbol was last bought.
    Cooldown,
    /// Time since what is sold was last bought.
    Hold,
    /// Trades of the account: time between them, how many in a day and in a week.
    Frequency,
    /// An open order on the same symbol.
    Pending,
    /// Distance of a price from the market.
    Collar,
    /// What the order is worth.
    Notional,
    /// How many orders are open.
    OpenOrders,
    /// What the day has lost.
    DailyLoss,
}

impl Check {
    /// All checks, in the order in which they run.
    pub const ALL: [Self; 16] = [
        Self::Sanity,
        Self::Instrument,
        Self::Size,
        Self::Position,
        Self::Duplicates,
        Self::Cash,
        Self::SameSide,
        Self::Hours,
        Self::Cooldown,
        Self::Hold,
        Self::Frequency,
        Self::Pending,
        Self::Collar,
        Self::Notional,
        Self::OpenOrders,
        Self::DailyLoss,
    ];

    /// The name, as a declaration and a refusal have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sanity => "sanity",
            Self::Instrument => "instrument",
            Self::Size => "size",
            Self::Position => "position",
            Self::Duplicates => "duplicates",
            Self::Cash => "cash",
            Self::SameSide => "same_side",
            Self::Hours => "hours",
            Self::Cooldown => "cooldown",
            Self::Hold => "hold",
            Self::Frequency => "frequency",
            Self::Pending => "pending",
            Self::Collar => "collar",
            Self::Notional => "notional",
            Self::OpenOrders => "open_orders",
            Self::DailyLoss => "daily_loss",
        }
    }

    /// Whether an emergency that somebody answers for may pass it by.
    #[must_use]
    pub const fn can_be_bypassed(self) -> bool {
        matches!(self, Self::Cooldown | Self::Hold | Self::Frequency)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What a check does when its data are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// It refuses.
    #[default]
    Closed,
    /// It lets the order pass, and [`Passed`](super::Passed) says so.
    Open,
}

/// Some of the checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CheckSet(u16);

impl CheckSet {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) const fn insert(&mut self, check: Check) {
        self.0 |= 1 << check as u16;
    }

    /// Whether the check is one of them.
    #[must_use]
    pub const fn contains(self, check: Check) -> bool {
        self.0 & (1 << check as u16) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The checks in their order.
    pub fn iter(self) -> impl Iterator<Item = Check> {
        Check::ALL.into_iter().filter(move |check| self.contains(*check))
    }
}
