//! What an order is worth and what it costs, exact; what does not come out even at 10⁻⁹ is taken up, against the order. `None` is a
//! number that fits nowhere.

use exuvia_model::{Money, NANO, Price};

use super::rules::Commission;
use super::{Reference, Sum};
use crate::{Currency, Instrument, Rate};
use exuvia_model::{OrderIntent, OrderType};

const NANO_WIDE: i128 = NANO as i128;
const BASIS_POINTS: i128 = 10_000;
const MILLION: i128 = 1_000_000;

/// |price| × amount × multiplier in the instrument's currency; `amount` is scaled by 10⁹ and not negative.
pub(super) fn worth(price: Price, amount: i128, instrument: &Instrument) -> Option<i128> {
    let value = i128::from(price.raw()).abs().checked_mul(amount)?;
    let multiplier = i128::from(instrument.multiplier.raw());
    // In two halves: price × amount and a multiplier together may not fit.
    let rest = up(value.rem_euclid(NANO_WIDE) * multiplier, NANO_WIDE);
    let sum = value.div_euclid(NANO_WIDE).checked_mul(multiplier)?.checked_add(rest)?;
    Some(up(sum, NANO_WIDE))
}

/// `each` × amount.
pub(super) fn times(each: Money, amount: i128) -> Option<i128> {
    Some(up(each.raw().checked_mul(amount)?, NANO_WIDE))
}

/// The commission of an order of this amount and worth.
pub(super) fn commission(rule: &Commission, amount: i128, worth: i128) -> Option<i128> {
    let share = up(worth.checked_mul(i128::from(rule.millionths))?, MILLION);
    rule.order.raw().checked_add(times(rule.unit, amount)?)?.checked_add(share)
}

/// The price with hundredths of a percent on top.
pub(super) fn slipped(price: Price, basis_points: u32) -> Option<Price> {
    let price = i128::from(price.raw());
    let raw = price + up(price.abs() * i128::from(basis_points), BASIS_POINTS);
    i64::try_from(raw).ok().map(Price::from_raw)
}

/// What an order is reckoned to be executed at, and whether the market may make it worse.
pub(super) fn price(intent: &OrderIntent, reference: Option<Reference>) -> Option<(Price, bool)> {
    match intent.order_type {
        OrderType::Limit | OrderType::StopLimit => intent.limit.map(|limit| (limit, false)),
        OrderType::Stop => intent.stop.map(|stop| (stop, true)),
        OrderType::TrailingStop | OrderType::Market => {
            intent.stop.or(reference.map(|reference| reference.price)).map(|price| (price, true))
        }
    }
}

/// An amount of the instrument's currency in another.
pub(super) fn converted(amount: i128, from: Currency, to: Currency, rate: Option<Rate>) -> Option<i128> {
    if from == to {
        return Some(amount);
    }
    let (money, currency) = rate?.convert(Money::from_raw(amount), from).ok()?;
    (currency == to).then(|| money.raw())
}

/// `amount` of a currency for a sentence.
pub(super) fn said(amount: i128, currency: Currency) -> String {
    format!("{} {currency}", Money::from_raw(amount))
}

impl Sum {
    pub(super) fn said(self) -> String {
        said(self.amount.raw(), self.currency)
    }
}

/// `value / by`, up to the next whole one.
fn up(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0)
}
