//! A profile: which checks an order passes, and with which limits. Six of them are fields that are always there, so no profile
//! can be without them; the rest are there where it says so.

use exuvia_model::{DAY, Money, Quantity};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rules::{
    Basis, CashRule, CollarRule, Commission, DuplicatesRule, FrequencyRule, HoursRule, InstrumentRule, MoneyRule,
    OpenOrdersRule, PendingRule, PositionRule, SanityRule, SizeRule, Variant, WaitRule,
};
use super::{Check, OnMissing, Span};
use crate::Limits;

/// The version of the declaration that this writes; it reads this one and older.
const FORMAT: u32 = 1;

/// Which checks, with which limits.
///
/// ```
/// use exuvia_execution::Limits;
/// use exuvia_execution::precheck::{Check, Profile};
/// let profile = Profile::futures_bot(Limits::whole(5, 10, 60)?);
/// assert_eq!(Profile::from_json(&profile.to_json()?)?, profile);
/// assert!(profile.has(Check::Cash) && !profile.has(Check::Cooldown));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of the declaration.
    pub format: u32,
    /// Its name, which refusals carry.
    pub name: String,
    /// Always.
    #[serde(default)]
    pub sanity: SanityRule,
    /// Always.
    #[serde(default)]
    pub instrument: InstrumentRule,
    /// Always.
    pub size: SizeRule,
    /// Always.
    pub position: PositionRule,
    /// Always.
    pub duplicates: DuplicatesRule,
    /// Always.
    #[serde(default)]
    pub cash: CashRule,
    /// The same symbol and side a moment ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_side: Option<WaitRule>,
    /// The exchange's hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursRule>,
    /// Between two purchases of a symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<WaitRule>,
    /// Between a purchase and a sale of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<WaitRule>,
    /// Trades of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<FrequencyRule>,
    /// An open order on the same symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingRule>,
    /// Distance from the market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collar: Option<CollarRule>,
    /// What one order is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<MoneyRule>,
    /// How many orders are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_orders: Option<OpenOrdersRule>,
    /// What the day may lose before nothing new is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_loss: Option<MoneyRule>,
}

/// A profile that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// It cannot be read.
    #[error("the declaration of the checks cannot be read: {0}; docs/checks.md has its fields")]
    Unreadable(String),
    /// A newer version wrote it.
    #[error(
        "profile {name:?} has format {found}, this version reads up to {known}: use the version that wrote it, or newer"
    )]
    TooNew {
        /// Which profile.
        name: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// A limit that would let everything or nothing pass.
    #[error("profile {name:?}: {check}.{field} is {value}, it must be {rule}")]
    BadLimit {
        /// Which profile.
        name: String,
        /// Which check.
        check: Check,
        /// Which number of it.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// An exchange whose calendar is not known.
    #[error("profile {name:?}: hours.exchanges has calendar {calendar:?} for {exchange}: {why}")]
    BadCalendar {
        /// Which profile.
        name: String,
        /// Which exchange.
        exchange: String,
        /// The calendar.
        calendar: String,
        /// Why not.
        why: String,
    },
}

impl ProfileError {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_profile",
            Self::TooNew { .. } => "newer_profile",
            Self::BadLimit { .. } => "bad_profile_limit",
            Self::BadCalendar { .. } => "bad_profile_calendar",
        }
    }
}

impl Profile {
    /// The six that are always there and nothing else; cash pays the full price.
    #[must_use]
    pub fn least(name: impl Into<String>, limits: Limits) -> Self {
        Self {
            format: FORMAT,
            name: name.into(),
            sanity: SanityRule::default(),
            instrument: InstrumentRule::default(),
            size: SizeRule { max: limits.max_amount },
            position: PositionRule {
                max: limits.max_position,
                shorts: true,
                on_missing: OnMissing::Closed,
                variant: Variant::Exact,
            },
            duplicates: DuplicatesRule {
                window: Span::from_nanos(limits.duplicate_window),
                on_missing: OnMissing::Closed,
                variant: Variant::Exact,
            },
            cash: CashRule::default(),
            same_side: None,
            hours: None,
            cooldown: None,
            hold: None,
            frequency: None,
            pending: None,
            collar: None,
            notional: None,
            open_orders: None,
            daily_loss: None,
        }
    }

    /// The options desk: the six, premium paid in full.
    #[must_use]
    pub fn options_desk(limits: Limits) -> Self {
        Self::least("options_desk", limits)
    }

    /// The futures bot: the six, cash is margin.
    #[must_use]
    pub fn futures_bot(limits: Limits) -> Self {
        let cash = CashRule { basis: Basis::Margin, ..CashRule::default() };
        Self { cash, ..Self::least("futures_bot", limits) }
    }

    /// The portfolio: nothing is sold that is not held, cash pays the commission too, instruments are known by ISIN; hours by
    /// exchange (sells always), 30 days between purchases of a symbol, 90 days held, 60 minutes between trades, 4 a day, 10 a week,
    /// no order beside an open one, and the same symbol and side not within 5 minutes.
    #[must_use]
    pub fn portfolio(limits: Limits, commission: Commission, exchanges: &[(&str, &str)]) -> Self {
        let on_missing = OnMissing::Closed;
        let wait = |wait| Some(WaitRule { wait, on_missing });
        let least = Self::least("portfolio", limits);
        let exchanges = exchanges.iter().map(|(exchange, name)| ((*exchange).to_owned(), (*name).to_owned())).collect();
        Self {
            instrument: InstrumentRule { isin: true, on_missing },
            position: PositionRule { shorts: false, ..least.position },
            cash: CashRule { commission, ..least.cash },
            same_side: wait(Span::minutes(5)),
            hours: Some(HoursRule { exchanges, sells_always: true, on_missing }),
            cooldown: wait(Span::days(30)),
            hold: wait(Span::days(90)),
            frequency: Some(FrequencyRule { apart: Span::minutes(60), a_day: 4, a_week: 10, on_missing }),
            pending: Some(PendingRule { on_missing }),
            ..least
        }
    }

    /// The bot's own manager: size, position, duplicates and what an order must be, as it has them, gaps included.
    #[must_use]
    pub fn legacy(limits: Limits) -> Self {
        let variant = Variant::Legacy;
        let least = Self::least("legacy", limits);
        Self {
            sanity: SanityRule { variant, ..least.sanity },
            position: PositionRule { variant, ..least.position },
            duplicates: DuplicatesRule { variant, ..least.duplicates },
            ..least
        }
    }

    /// Reads a declaration in JSON.
    ///
    /// # Errors
    /// `Unreadable` with the line, `TooNew`, `BadLimit`.
    pub fn from_json(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(text).map_err(|error| ProfileError::Unreadable(error.to_string()))?;
        if profile.format > FORMAT {
            return Err(ProfileError::TooNew { name: profile.name, found: profile.format, known: FORMAT });
        }
        profile.sound()
    }

    /// Writes it as a declaration.
    ///
    /// # Errors
    /// `Unreadable`: a number cannot be written.
    pub fn to_json(&self) -> Result<String, ProfileError> {
        serde_json::to_string_pretty(self).map_err(|error| ProfileError::Unreadable(error.to_string()))
    }

    /// Whether it has the check.
    #[must_use]
    pub const fn has(&self, check: Check) -> bool {
        match check {
            Check::Sanity | Check::Instrument | Check::Size | Check::Position | Check::Duplicates | Check::Cash => true,
            Check::SameSide => self.same_side.is_some(),
            Check::Hours => self.hours.is_some(),
            Check::Cooldown => self.cooldown.is_some(),
            Check::Hold => self.hold.is_some(),
            Check::Frequency => self.frequency.is_some(),
            Check::Pending => self.pending.is_some(),
            Check::Collar => self.collar.is_some(),
            Check::Notional => self.notional.is_some(),
            Check::OpenOrders => self.open_orders.is_some(),
            Check::DailyLoss => self.daily_loss.is_some(),
        }
    }

    /// How far back orders and trades matter to it, in nanoseconds.
    #[must_use]
    pub fn looks_back(&self) -> i64 {
        let waits = [&self.same_side, &self.cooldown, &self.hold].into_iter().flatten().map(|rule| rule.wait.nanos());
        let week = self.frequency.iter().map(|rule| rule.apart.nanos().max(7 * DAY));
        waits.chain(week).fold(self.duplicates.window.nanos(), i64::max)
    }

    /// The profile, if its limits can be.
    ///
    /// # Errors
    /// `BadLimit`.
    pub fn sound(self) -> Result<Self, ProfileError> {
        let name = self.name.clone();
        let bad = |check, field, value: String, rule| ProfileError::BadLimit {
            name: name.clone(),
            check,
            field,
            value,
            rule,
        };
        let positive = "more than zero";
        if self.size.max <= Quantity::ZERO {
            return Err(bad(Check::Size, "max", self.size.max.to_string(), positive));
        }
        if self.position.max < Quantity::ZERO {
            return Err(bad(Check::Position, "max", self.position.max.to_string(), "zero or more"));
        }
        if self.duplicates.window.nanos() <= 0 {
            return Err(bad(Check::Duplicates, "window", self.duplicates.window.to_string(), positive));
        }
        for (check, rule) in [(Check::Notional, &self.notional), (Check::DailyLoss, &self.daily_loss)] {
            if let Some(rule) = rule.as_ref().filter(|rule| rule.max.amount <= Money::ZERO) {
                return Err(bad(check, "max", rule.max.amount.to_string(), positive));
            }
        }
        let Commission { order, unit, .. } = self.cash.commission;
        if let Some(fee) = [order, unit].into_iter().find(|fee| *fee < Money::ZERO) {
            return Err(bad(Check::Cash, "commission", fee.to_string(), "zero or more"));
        }
        Ok(self)
    }
}
