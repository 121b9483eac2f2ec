//! The rule of each check: its limit, what it does without data, and where the system that it replaces did otherwise, which of the two.

use std::collections::BTreeMap;

use exuvia_model::{Money, Quantity};
use serde::{Deserialize, Serialize};

use super::{OnMissing, Span, Sum};
use crate::text;

/// Whose rule a check follows where the two differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Ours.
    #[default]
    Exact,
    /// That of the bot's own manager, with its gaps. What differs is listed in `docs/checks.md`.
    Legacy,
}

/// Rule of [`Check::Sanity`](super::Check::Sanity).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SanityRule {
    /// How far ahead of the clock an order may have been decided.
    #[serde(with = "text")]
    pub ahead: Span,
    /// How old a decision may be; any age if none.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// Legacy: a limit must be positive also where the instrument trades below zero; when it was decided is not looked at.
    pub variant: Variant,
}

impl Default for SanityRule {
    fn default() -> Self {
        Self { ahead: Span::seconds(5), max_age: None, variant: Variant::Exact }
    }
}

/// Rule of [`Check::Instrument`](super::Check::Instrument). An instrument that is not known is refused in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstrumentRule {
    /// Whether it must be known by its ISIN, whose check digit must be right.
    pub isin: bool,
    /// If it must and is not.
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Size`](super::Check::Size).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeRule {
    /// The largest amount of one order, positive.
    #[serde(with = "text")]
    pub max: Quantity,
}

/// Rule of [`Check::Position`](super::Check::Position).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionRule {
    /// The largest position of a scenario in an instrument, long or short, once everything open was executed.
    #[serde(with = "text")]
    pub max: Quantity,
    /// Whether more may be sold than is held.
    #[serde(default)]
    pub shorts: bool,
    /// Without position or open orders.
    #[serde(default)]
    pub on_missing: OnMissing,
    /// Legacy: only orders whose reason is `entry` are looked at; open orders of both sides cancel each other out.
    #[serde(default)]
    pub variant: Variant,
}

/// Rule of [`Check::Duplicates`](super::Check::Duplicates).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuplicatesRule {
    /// How long the same order is a duplicate, positive.
    #[serde(with = "text")]
    pub window: Span,
    /// Without the desk's orders.
    #[serde(default)]
    pub on_missing: OnMissing,
    /// Legacy: prices are not compared; a filled order is none, a refused one is.
    #[serde(default)]
    pub variant: Variant,
}

/// What an order takes of the cash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Price × amount × multiplier of what it opens.
    #[default]
    Notional,
    /// The margin of what it opens.
    Margin,
}

/// What an order costs beside its price, in the instrument's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Commission {
    /// For each order.
    #[serde(with = "text")]
    pub order: Money,
    /// For each unit or contract.
    #[serde(with = "text")]
    pub unit: Money,
    /// Millionths of what the order is worth: 2000 are 0.2 %.
    pub millionths: u32,
}

/// Rule of [`Check::Cash`](super::Check::Cash).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CashRule {
    /// What is taken.
    pub basis: Basis,
    /// What comes on top.
    pub commission: Commission,
    /// How much worse than the market a Market or a stop may be executed, in hundredths of a percent.
    pub slippage_bp: u32,
    /// Without cash, price, margin or rate.
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Hours`](super::Check::Hours).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoursRule {
    /// The calendar of each exchange: XNYS, 24/7, FX24x5, CME, or one that [`Checks::with_calendar`](super::Checks::with_calendar) gives.
    pub exchanges: BTreeMap<String, String>,
    /// Whether sells go at any hour.
    pub sells_always: bool,
    /// Without the exchange or its calendar.
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Cooldown`](super::Check::Cooldown), [`Check::Hold`](super::Check::Hold) and [`Check::SameSide`](super::Check::SameSide).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRule {
    /// How long; at its end the order may go.
    #[serde(with = "text")]
    pub wait: Span,
    /// Without the desk's orders or what the venue shows beside them.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Frequency`](super::Check::Frequency). A day is 24 hours and a week 7 days before now, so no day of any zone has more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrequencyRule {
    /// Least time between two trades.
    #[serde(with = "text")]
    pub apart: Span,
    /// Most trades in a day.
    pub a_day: u32,
    /// Most trades in a week.
    pub a_week: u32,
    /// Without the desk's orders or what the venue shows beside them.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Pending`](super::Check::Pending).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PendingRule {
    /// Without the desk's orders or what the venue shows beside them.
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Collar`](super::Check::Collar).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollarRule {
    /// Largest distance of a limit or a stop from the reference price, either way, in hundredths of a percent of it.
    pub basis_points: u32,
    /// How old the reference price may be.
    #[serde(with = "text")]
    pub max_age: Span,
    /// Without a reference price that is young enough.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// Rule of [`Check::Notional`](super::Check::Notional) and [`Check::DailyLoss`](super::Check::DailyLoss).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyRule {
    /// The limit, positive.
    pub max: Sum,
    /// Without price or rate, or without the day's result.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// Rule of [`Check::OpenOrders`](super::Check::OpenOrders).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenOrdersRule {
    /// Most open orders, with the one that is checked.
    pub max: u32,
    /// Without the desk's orders or what the venue shows beside them.
    #[serde(default)]
    pub on_missing: OnMissing,
}
