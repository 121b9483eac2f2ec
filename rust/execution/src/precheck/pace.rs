//! Checks of time: the same side a moment ago, cooldown, hold, frequency; and of an order that is open already.

use exuvia_model::{DAY, Quantity, Side, Time};

use super::context::{counts, is_open, traded, tried};
use super::look::Look;
use super::{Check, Span, WaitRule};

const HISTORY: &str = "what was ordered before, here or at the venue,";

/// The same symbol and side a moment ago, whatever became of it. Never bypassed.
pub(super) fn same_side(look: &mut Look<'_>) {
    let Some(rule) = look.profile().same_side.as_ref().filter(|_| look.changed.is_none()) else { return };
    let (symbol, side, now) = (look.intent.symbol, look.intent.side, look.context.now);
    let Some((orders, elsewhere)) = look.everywhere() else {
        return look.missing(Check::SameSide, "same_side_unknown", rule.on_missing, HISTORY);
    };
    let ours = orders.filter(|order| (order.intent().symbol, order.intent().side) == (symbol, side) && tried(order));
    let ours = ours.map(|order| order.intent().decided.max(traded(order)));
    let seen = elsewhere.iter().filter(|seen| (seen.symbol, seen.side) == (symbol, side)).map(|seen| seen.time);
    if let Some(last) = ours.chain(seen).max() {
        let remedy = "wait: this is never bypassed";
        wait(
            look,
            rule,
            Check::SameSide,
            "same_side",
            last,
            format!("a {side} of the same symbol at {last}, now is {now}"),
            remedy,
        );
    }
}

/// Time since the symbol was last bought.
pub(super) fn cooldown(look: &mut Look<'_>) {
    let Some(rule) = look.profile().cooldown.as_ref() else { return };
    if look.changed.is_some() || look.intent.side == Side::Sell {
        return;
    }
    let Some(last) = last_purchase(look, false) else {
        return look.missing(Check::Cooldown, "cooldown_unknown", rule.on_missing, HISTORY);
    };
    if let Some(last) = last {
        wait(
            look,
            rule,
            Check::Cooldown,
            "cooldown",
            last,
            format!("last bought at {last}"),
            "wait, or let somebody answer for it",
        );
    }
}

/// Time since what is sold was last bought.
pub(super) fn hold(look: &mut Look<'_>) {
    let Some(rule) = look.profile().hold.as_ref() else { return };
    if look.is_no_larger() || look.intent.side == Side::Buy || look.held.is_some_and(|held| held <= 0) {
        return;
    }
    let Some(last) = last_purchase(look, true) else {
        return look.missing(Check::Hold, "hold_unknown", rule.on_missing, HISTORY);
    };
    if let Some(last) = last {
        wait(
            look,
            rule,
            Check::Hold,
            "hold",
            last,
            format!("last bought at {last}"),
            "hold it, or let somebody answer for it",
        );
    }
}

fn wait(
    look: &mut Look<'_>,
    rule: &WaitRule,
    check: Check,
    code: &'static str,
    last: Time,
    value: String,
    remedy: &'static str,
) {
    if rule.wait.covers(last, look.context.now) {
        look.refuse(check, code, value, format!("{} later", rule.wait), remedy);
    }
}

/// When the symbol was last bought, of what is known; `executed` leaves out what only may be.
fn last_purchase(look: &Look<'_>, executed: bool) -> Option<Option<Time>> {
    let symbol = look.intent.symbol;
    let (orders, elsewhere) = look.everywhere()?;
    let bought = |order: &&crate::Order| {
        let was = if executed { order.state().filled() > Quantity::ZERO } else { counts(order) };
        was && (order.intent().symbol, order.intent().side) == (symbol, Side::Buy)
    };
    let seen =
        elsewhere.iter().filter(|seen| (seen.symbol, seen.side) == (symbol, Side::Buy) && !(executed && seen.open));
    Some(orders.filter(bought).map(traded).chain(seen.map(|seen| seen.time)).max())
}

/// Trades of the account: time between them, how many in a day and in a week.
pub(super) fn frequency(look: &mut Look<'_>) {
    let Some(rule) = look.profile().frequency.as_ref().filter(|_| look.changed.is_none()) else { return };
    let now = look.context.now;
    let Some((orders, elsewhere)) = look.everywhere() else {
        return look.missing(Check::Frequency, "frequency_unknown", rule.on_missing, HISTORY);
    };
    let times = orders.filter(|order| counts(order)).map(traded).chain(elsewhere.iter().map(|seen| seen.time));
    let (mut last, mut today, mut this_week) = (None, 0_u32, 0_u32);
    for time in times {
        last = last.max(Some(time));
        today += u32::from(Span::days(1).covers(time, now));
        this_week += u32::from(Span::from_nanos(7 * DAY).covers(time, now));
    }
    let remedy = "wait, or let somebody answer for it";
    if let Some(last) = last.filter(|last| rule.apart.covers(*last, now)) {
        let value = format!("last trade at {last}, now is {now}");
        look.refuse(Check::Frequency, "too_soon", value, format!("{} apart", rule.apart), remedy);
    }
    if today >= rule.a_day {
        let (value, limit) = (format!("{today} trades in 24 hours"), format!("{} a day", rule.a_day));
        look.refuse(Check::Frequency, "too_many_today", value, limit, remedy);
    }
    if this_week >= rule.a_week {
        let (value, limit) = (format!("{this_week} trades in 7 days"), format!("{} a week", rule.a_week));
        look.refuse(Check::Frequency, "too_many_this_week", value, limit, remedy);
    }
}

/// An open order on the same symbol, of whatever side and scenario.
pub(super) fn pending(look: &mut Look<'_>) {
    let Some(rule) = look.profile().pending.as_ref().filter(|_| look.changed.is_none()) else { return };
    let symbol = look.intent.symbol;
    let Some((mut orders, elsewhere)) = look.everywhere() else {
        return look.missing(Check::Pending, "pending_unknown", rule.on_missing, HISTORY);
    };
    let ours = orders.find(|order| order.intent().symbol == symbol && is_open(order));
    let value = match ours {
        Some(order) => format!("{} is {}", order.client_id(), order.status()),
        None if elsewhere.iter().any(|seen| seen.symbol == symbol && seen.open) => {
            "one at the venue that is not of this desk".to_owned()
        }
        None => return,
    };
    let remedy = "cancel that one, or wait for its end";
    look.refuse(Check::Pending, "pending", value, "no other open order on the symbol".to_owned(), remedy);
}
