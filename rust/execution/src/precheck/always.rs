//! The six that every profile has: sanity, instrument, size, position, duplicates, cash.

use exuvia_model::{Money, OrderIntent, OrderStatus, Quantity, Side};

use super::context::counts;
use super::look::Look;
use super::rules::{Basis, Variant};
use super::{Check, cost};
use crate::{Instrument, Order, OrderError, checks};

/// An order that can be.
pub(super) fn sanity(look: &mut Look<'_>) {
    let rule = &look.profile().sanity;
    let (intent, now) = (look.intent, look.context.now);
    let sound = match rule.variant {
        Variant::Legacy => checks::well_formed(intent),
        Variant::Exact => amount(intent).and_then(|()| checks::complete(intent)),
    };
    if let Err(error) = sound {
        let remedy = "correct the order";
        look.refuse(Check::Sanity, error.code(), error.to_string(), "an order that can be".to_owned(), remedy);
    }
    if rule.variant == Variant::Legacy || look.changed.is_some() {
        return;
    }
    if intent.decided.0.saturating_sub(now.0) > rule.ahead.nanos() {
        let value = format!("decided at {}, now is {now}", intent.decided);
        let remedy = "set the clock: it went back, or the decision comes from another machine";
        look.refuse(Check::Sanity, "decided_ahead", value, format!("{} ahead", rule.ahead), remedy);
    }
    if let Some(limit) = rule.max_age.filter(|limit| now.0.saturating_sub(intent.decided.0) > limit.nanos()) {
        let value = format!("decided at {}, now is {now}", intent.decided);
        look.refuse(Check::Sanity, "decided_long_ago", value, format!("{limit} old"), "decide it anew");
    }
}

fn amount(intent: &OrderIntent) -> Result<(), OrderError> {
    if intent.quantity > Quantity::ZERO {
        return Ok(());
    }
    Err(OrderError::BadAmount { scenario: intent.scenario.clone(), amount: intent.quantity.to_string() })
}

/// An instrument that is known, its tick and its lot.
pub(super) fn instrument(look: &mut Look<'_>) {
    let rule = &look.profile().instrument;
    let intent = look.intent;
    let Some(instrument) = look.context.instrument else {
        let value = format!("symbol {} not known", intent.symbol.0);
        let remedy = "list the instrument with its terms before it is traded";
        look.refuse(Check::Instrument, "unlisted", value, "a listed instrument".to_owned(), remedy);
        return;
    };
    if let Err(error) = instrument.on_lot(intent.quantity) {
        let value = format!("amount {}", intent.quantity);
        let limit = format!("multiples of {}", instrument.lot);
        look.refuse(Check::Instrument, error.code(), value, limit, "use a multiple of the lot");
    }
    for price in [intent.limit, intent.stop].into_iter().flatten() {
        if let Err(error) = instrument.on_tick(price) {
            let (limit, remedy) = tick(&error, instrument);
            look.refuse(Check::Instrument, error.code(), format!("price {price}"), limit, remedy);
        }
    }
    match look.context.isin.map(|isin| (isin, is_isin(isin))) {
        None if rule.isin => look.missing(Check::Instrument, "isin_unknown", rule.on_missing, "ISIN"),
        Some((isin, false)) if rule.isin => {
            let limit = "two letters, nine letters or digits and their check digit".to_owned();
            let remedy = "correct it where the instrument was listed";
            look.refuse(Check::Instrument, "bad_isin", format!("ISIN {isin:?}"), limit, remedy);
        }
        _ => {}
    }
}

fn tick(error: &OrderError, instrument: &Instrument) -> (String, &'static str) {
    match error {
        OrderError::OffTick { below, above, .. } => {
            (format!("multiples of {}: {below} or {above}", instrument.tick), "use one of the two")
        }
        _ => ("more than 0".to_owned(), "where prices below zero trade, list the instrument with negative_prices"),
    }
}

/// ISO 6166: the check digit by doubling every second digit from the right, letters as 10 to 35.
fn is_isin(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(country), Some(rest), Some(last)) = (bytes.get(..2), bytes.get(2..12), bytes.last()) else {
        return false;
    };
    let known = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    if bytes.len() != 12
        || !country.iter().all(u8::is_ascii_uppercase)
        || !rest.iter().all(known)
        || !last.is_ascii_digit()
    {
        return false;
    }
    let mut sum = 0_u32;
    let mut twice = false;
    let mut add = |digit: u32| {
        let value = if twice { digit * 2 } else { digit };
        sum += value / 10 + value % 10;
        twice = !twice;
    };
    for byte in bytes.iter().rev() {
        let value = char::from(*byte).to_digit(36).unwrap_or_default();
        add(value % 10);
        if value > 9 {
            add(value / 10);
        }
    }
    sum.is_multiple_of(10)
}

/// The amount of one order.
pub(super) fn size(look: &mut Look<'_>) {
    let (value, limit) = (look.intent.quantity, look.profile().size.max);
    if value > limit && !look.is_no_larger() {
        let remedy = "make it smaller, or raise size.max of the profile";
        look.refuse(Check::Size, "size", value.to_string(), limit.to_string(), remedy);
    }
}

/// The position once everything that is open was executed.
pub(super) fn position(look: &mut Look<'_>) {
    let rule = &look.profile().position;
    let (side, legacy) = (look.intent.side, rule.variant == Variant::Legacy);
    if look.is_no_larger() || (legacy && look.intent.reason != "entry") {
        return;
    }
    let (Some(held), Some(open)) = (look.held, look.open()) else {
        look.missing(
            Check::Position,
            "position_unknown",
            rule.on_missing,
            "position, or what open orders may do to it,",
        );
        return;
    };
    let quantity = i128::from(look.quantity.raw());
    let beside = if legacy { open.buys - open.sells } else { open.of(side) * i128::from(side.sign()) };
    let after = held + beside + quantity * i128::from(side.sign());
    let limit = i128::from(rule.max.raw());
    if !legacy && look.opening() == 0 {
        return;
    }
    if after.abs() > limit {
        let remedy = "make it smaller, close something first, or raise position.max of the profile";
        let value = Money::from_raw(after.abs()).to_string();
        look.refuse(Check::Position, "position", value, rule.max.to_string(), remedy);
    }
    if !rule.shorts && side == Side::Sell && after < 0 {
        let value = format!("{} sold with what is open", Money::from_raw(quantity + open.sells));
        let limit = format!("{} held", Money::from_raw(held.max(0)));
        look.refuse(Check::Position, "not_held", value, limit, "sell what is held, or cancel open sells first");
    }
}

/// The same order a moment ago.
pub(super) fn duplicates(look: &mut Look<'_>) {
    if look.changed.is_some() {
        return;
    }
    let rule = &look.profile().duplicates;
    let intent = look.intent;
    let Some(mut others) = look.others() else {
        look.missing(Check::Duplicates, "duplicates_unknown", rule.on_missing, "what was ordered before");
        return;
    };
    let earlier = others.find(|order| {
        let other = order.intent();
        let same = (intent.symbol, intent.side, intent.order_type, intent.quantity)
            == (other.symbol, other.side, other.order_type, other.quantity)
            && intent.scenario == other.scenario;
        same && rule.window.covers(other.decided, intent.decided)
            && match rule.variant {
                Variant::Legacy => counts_for_legacy(order),
                Variant::Exact => {
                    counts(order) && (intent.limit, intent.stop, intent.trail) == (other.limit, other.stop, other.trail)
                }
            }
    });
    if let Some(earlier) = earlier {
        let remedy = "if it is meant, order it again after that time";
        let (value, limit) = (earlier.client_id().to_owned(), format!("one in {}", rule.window));
        look.refuse(Check::Duplicates, "duplicate", value, limit, remedy);
    }
}

/// The bot forgets what was filled, and remembers what was refused for another reason than this one.
fn counts_for_legacy(order: &Order) -> bool {
    match order.status() {
        OrderStatus::Filled | OrderStatus::Cancelled | OrderStatus::Expired => false,
        OrderStatus::Rejected => !order.note().starts_with("duplicate: "),
        _ => true,
    }
}

/// What is paid and what there is. What only closes a position is never refused for want of cash.
pub(super) fn cash(look: &mut Look<'_>) {
    let rule = &look.profile().cash;
    let Some(instrument) = look.context.instrument.filter(|_| look.opening() > 0) else { return };
    let Some(needed) = needed(look, instrument) else {
        look.missing(Check::Cash, "cash_unknown", rule.on_missing, "price or margin");
        return;
    };
    if needed == 0 {
        return;
    }
    let Some(cash) = look.context.cash else {
        look.missing(Check::Cash, "cash_unknown", rule.on_missing, "cash");
        return;
    };
    let Some(needed) = cost::converted(needed, instrument.currency, cash.currency, look.context.rate) else {
        look.missing(Check::Cash, "cash_unknown", rule.on_missing, "rate of exchange");
        return;
    };
    if needed > cash.amount.raw() {
        let remedy = "make it smaller, or bring cash";
        look.refuse(Check::Cash, "cash", format!("{} needed", cost::said(needed, cash.currency)), cash.said(), remedy);
    }
}

/// What the order takes, in the instrument's currency; a change takes what it takes more.
fn needed(look: &Look<'_>, instrument: &Instrument) -> Option<i128> {
    let whole = taken(look, instrument, look.intent, look.quantity)?;
    let Some(changed) = look.changed else { return Some(whole) };
    let before = OrderIntent { limit: changed.limit, stop: changed.stop, ..look.intent.clone() };
    Some((whole - taken(look, instrument, &before, changed.quantity)?).max(0))
}

fn taken(look: &Look<'_>, instrument: &Instrument, intent: &OrderIntent, quantity: Quantity) -> Option<i128> {
    let rule = &look.profile().cash;
    let opening = super::context::opening(intent.side, quantity, look.held, look.open());
    let (at, may_slip) = cost::price(intent, look.context.reference).unzip();
    let at = match (at, intent.side) {
        (Some(at), Side::Buy) if may_slip == Some(true) => Some(cost::slipped(at, rule.slippage_bp)?),
        _ => at,
    };
    let opened = match rule.basis {
        Basis::Notional => cost::worth(at?, opening, instrument)?,
        Basis::Margin => cost::times(look.context.margin?, opening)?,
    };
    let amount = i128::from(quantity.raw());
    let worth = if rule.commission.millionths == 0 { 0 } else { cost::worth(at?, amount, instrument)? };
    opened.checked_add(cost::commission(&rule.commission, amount, worth)?)
}
