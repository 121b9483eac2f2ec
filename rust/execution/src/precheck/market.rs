//! Checks against the market and the account: hours, collar, notional, open orders, daily loss.

use exuvia_model::{Price, Side};

use super::context::is_open;
use super::look::Look;
use super::{Check, CollarRule, cost};

/// The exchange's hours.
pub(super) fn hours(look: &mut Look<'_>) {
    let Some(rule) = look.profile().hours.as_ref() else { return };
    let changes = look.changed.is_none_or(|changed| changed.enlarges || changed.reprices);
    if !changes || (rule.sells_always && look.intent.side == Side::Sell) {
        return;
    }
    let now = look.context.now;
    let found = look.context.exchange.and_then(|exchange| Some((exchange, look.checks.calendar(exchange)?)));
    let Some((exchange, calendar)) = found else {
        return look.missing(Check::Hours, "hours_unknown", rule.on_missing, "exchange, or its calendar,");
    };
    match calendar.is_open(now) {
        Ok(true) => {}
        Ok(false) => {
            let opens = calendar.next_open(now).ok().flatten();
            let limit = opens.map_or_else(|| "its hours".to_owned(), |opens| format!("its hours, next from {opens}"));
            let remedy = "order when it is open";
            look.refuse(Check::Hours, "market_closed", format!("{exchange} is closed at {now}"), limit, remedy);
        }
        Err(_) => look.missing(Check::Hours, "hours_unknown", rule.on_missing, "session of this day"),
    }
}

/// Distance of its prices from the market.
pub(super) fn collar(look: &mut Look<'_>) {
    let Some(rule) = look.profile().collar.as_ref() else { return };
    let changes = look.changed.is_none_or(|changed| changed.enlarges || changed.reprices);
    let prices = [look.intent.limit, look.intent.stop];
    if !changes || prices == [None, None] {
        return;
    }
    let now = look.context.now;
    let young = |time: exuvia_model::Time| now.0.saturating_sub(time.0) <= rule.max_age.nanos();
    let Some(reference) = look.context.reference.filter(|reference| young(reference.time)) else {
        return look.missing(Check::Collar, "collar_unknown", rule.on_missing, "reference price that is young enough");
    };
    for price in prices.into_iter().flatten().filter(|price| is_outside(rule, *price, reference.price)) {
        let value = format!("price {price} with the market at {}", reference.price);
        let limit = format!("{} bp from it", rule.basis_points);
        look.refuse(
            Check::Collar,
            "collar",
            value,
            limit,
            "correct the price, or widen collar.basis_points of the profile",
        );
    }
}

fn is_outside(rule: &CollarRule, price: Price, reference: Price) -> bool {
    let (price, reference) = (i128::from(price.raw()), i128::from(reference.raw()));
    (price - reference).abs() * 10_000 > reference.abs() * i128::from(rule.basis_points)
}

/// What the order is worth.
pub(super) fn notional(look: &mut Look<'_>) {
    let Some(rule) = look.profile().notional.as_ref() else { return };
    let changes = look.changed.is_none_or(|changed| changed.enlarges || changed.reprices);
    let Some(instrument) = look.context.instrument.filter(|_| changes && look.opening() > 0) else { return };
    let Some((price, _)) = cost::price(look.intent, look.context.reference) else {
        return look.missing(Check::Notional, "notional_unknown", rule.on_missing, "price");
    };
    let remedy = "make it smaller, or raise notional.max of the profile";
    let Some(worth) = cost::worth(price, i128::from(look.quantity.raw().max(0)), instrument) else {
        let value = format!("{} at {price}, more than can be reckoned", look.quantity);
        return look.refuse(Check::Notional, "notional", value, rule.max.said(), remedy);
    };
    let Some(worth) = cost::converted(worth, instrument.currency, rule.max.currency, look.context.rate) else {
        return look.missing(Check::Notional, "notional_unknown", rule.on_missing, "rate of exchange");
    };
    if worth > rule.max.amount.raw() {
        let value = cost::said(worth, rule.max.currency);
        look.refuse(Check::Notional, "notional", value, rule.max.said(), remedy);
    }
}

/// How many orders are open.
pub(super) fn open_orders(look: &mut Look<'_>) {
    let Some(rule) = look.profile().open_orders.as_ref().filter(|_| look.changed.is_none()) else { return };
    let Some((orders, elsewhere)) = look.everywhere().filter(|_| look.opening() > 0) else {
        if look.opening() > 0 {
            look.missing(
                Check::OpenOrders,
                "open_orders_unknown",
                rule.on_missing,
                "open orders, here or at the venue,",
            );
        }
        return;
    };
    let count = orders.filter(|order| is_open(order)).count() + elsewhere.iter().filter(|seen| seen.open).count();
    let count = count + look.own.len().max(1);
    if count > rule.max as usize {
        let remedy = "cancel one, or raise open_orders.max of the profile";
        look.refuse(Check::OpenOrders, "open_orders", format!("{count} with this one"), rule.max.to_string(), remedy);
    }
}

/// What the day has lost; what closes a position goes all the same.
pub(super) fn daily_loss(look: &mut Look<'_>) {
    let Some(rule) = look.profile().daily_loss.as_ref() else { return };
    if look.is_no_larger() || look.opening() <= 0 {
        return;
    }
    let Some(result) = look.context.day_result else {
        return look.missing(Check::DailyLoss, "daily_loss_unknown", rule.on_missing, "result of the day");
    };
    let made = cost::converted(result.amount.raw(), result.currency, rule.max.currency, look.context.rate);
    let Some(made) = made else {
        return look.missing(Check::DailyLoss, "daily_loss_unknown", rule.on_missing, "rate of exchange");
    };
    if made <= -rule.max.amount.raw() {
        let value = format!("{} made today", cost::said(made, rule.max.currency));
        let remedy = "open nothing more today; what closes a position may go";
        look.refuse(Check::DailyLoss, "daily_loss", value, format!("{} lost", rule.max.said()), remedy);
    }
}
