//! What is held of an instrument: amount, average price, profit realised and not, fees. The cost is kept at 10⁻¹⁸, so
//! products of price and amount are exact; only the share of a cost that a part of a position takes with it is
//! rounded, below 10⁻¹⁸ each time, and nothing at all once the position is closed. What is shown is exact to 10⁻⁹.
//!
//! Average cost, as brokers show it: adding moves the average, reducing does not, a fill beyond zero opens the other side at its price.

use std::collections::BTreeMap;

use exuvia_model::{ModelError, Money, NANO, Price, Quantity, Side};

use crate::{Currency, Instrument};

/// A sum of price × amount at 10⁻¹⁸.
pub(crate) type Value = i128;

const NANO_WIDE: i128 = NANO as i128;

/// A position in one instrument with its history of profit and fees.
///
/// ```
/// use exuvia_execution::{Holding, Instrument};
/// use exuvia_model::{Quantity, Side};
/// let mes = Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?;
/// let held = Holding::default()
///     .after(Side::Buy, Quantity::from_whole(3)?, "6000.25".parse()?)?
///     .after(Side::Sell, Quantity::from_whole(1)?, "6002.25".parse()?)?;
/// assert_eq!(held.average_price(), Some("6000.25".parse()?));
/// assert_eq!(held.realised(&mes)?, "10".parse()?);
/// assert_eq!(held.unrealised(&mes, "6001".parse()?)?, "7.5".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    quantity: Quantity,
    cost: Value,
    realised: Value,
    fees: BTreeMap<Currency, Money>,
}

impl Holding {
    /// Signed amount; short is negative.
    #[must_use]
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// What the open position was entered at on average, to the nearest 10⁻⁹; none while flat.
    #[must_use]
    pub fn average_price(&self) -> Option<Price> {
        let held = i128::from(self.quantity.raw());
        let price = (held != 0).then(|| half_even(0, self.cost * held.signum(), held.abs()))?;
        i64::try_from(price).ok().map(Price::from_raw)
    }

    /// Profit of what was closed, before fees, in the instrument's currency.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn realised(&self, instrument: &Instrument) -> Result<Money, ModelError> {
        worth(self.realised, instrument)
    }

    /// What was paid for it in all, less what was received; it stays exact whatever was closed.
    pub(crate) const fn paid(&self) -> Value {
        self.cost.saturating_sub(self.realised)
    }

    /// Profit of what is open if it were closed at `price`, before fees, in the instrument's currency.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn unrealised(&self, instrument: &Instrument, price: Price) -> Result<Money, ModelError> {
        let now = i128::from(self.quantity.raw()) * i128::from(price.raw());
        worth(now.checked_sub(self.cost).ok_or_else(|| too_large("unrealised profit", &price))?, instrument)
    }

    /// The fees, by the currency in which they were taken; positive was paid.
    #[must_use]
    pub const fn fees(&self) -> &BTreeMap<Currency, Money> {
        &self.fees
    }

    /// The holding after an execution of a positive amount.
    ///
    /// # Errors
    /// `OutOfRange`; the holding is as before then.
    pub fn after(&self, side: Side, quantity: Quantity, price: Price) -> Result<Self, ModelError> {
        self.after_value(side, quantity, i128::from(quantity.raw()) * i128::from(price.raw()))
    }

    /// The same with price × amount, for executions whose price has more than nine decimals; an amount of zero corrects the
    /// price of what was taken before, where it went to: into the cost if this side opened what is held, else into the profit.
    pub(crate) fn after_value(&self, side: Side, quantity: Quantity, value: Value) -> Result<Self, ModelError> {
        let (held, fill) = (i128::from(self.quantity.raw()), i128::from(quantity.raw()));
        let signed = Quantity::from_raw(quantity.raw().saturating_mul(side.sign()));
        let after = self.quantity.checked_add(signed)?;
        let paid = value * i128::from(side.sign());
        let closing = if held.signum() * i128::from(side.sign()) < 0 { held.abs().min(fill) } else { 0 };
        let opens = held.signum() == i128::from(side.sign());
        let paid_closing = if fill == 0 && !opens { paid } else { share(paid, closing, fill) };
        let released = share(self.cost, closing, held.abs());
        // What was paid for the closing part, less what it had cost: a sale's payment is negative.
        let sums = (|| {
            let realised = self.realised.checked_sub(paid_closing.checked_add(released)?)?;
            Some((self.cost.checked_sub(released)?.checked_add(paid.checked_sub(paid_closing)?)?, realised))
        })();
        let (cost, realised) = sums.ok_or_else(|| too_large("position", &quantity))?;
        Ok(Self { quantity: after, cost, realised, fees: self.fees.clone() })
    }

    /// The holding after a fee; negative is a rebate.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn after_fee(&self, currency: Currency, fee: Money) -> Result<Self, ModelError> {
        let mut after = self.clone();
        let sum = after.fees.entry(currency).or_default();
        *sum = sum.checked_add(fee)?;
        Ok(after)
    }
}

/// A rate of exchange that knows its direction: one unit of `base` is worth `price` units of `quote`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The currency of which one unit is priced.
    pub base: Currency,
    /// The currency in which it is priced.
    pub quote: Currency,
    /// How much one unit costs, positive.
    pub price: Price,
}

impl Rate {
    /// An amount in the other currency of the pair, to the nearest 10⁻⁹, ties to even.
    ///
    /// ```
    /// use exuvia_execution::Rate;
    /// let usdhkd = Rate { base: "USD".parse()?, quote: "HKD".parse()?, price: "7.8".parse()? };
    /// assert_eq!(usdhkd.convert("78".parse()?, "HKD".parse()?)?, ("10".parse()?, "USD".parse()?));
    /// assert_eq!(usdhkd.convert("10".parse()?, "USD".parse()?)?, ("78".parse()?, "HKD".parse()?));
    /// # Ok::<(), exuvia_model::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// `Unknown` for a currency that is not of the pair, `BadTick` for a rate that is not positive, `OutOfRange`.
    pub fn convert(&self, amount: Money, from: Currency) -> Result<(Money, Currency), ModelError> {
        if self.price <= Price::ZERO {
            return Err(ModelError::BadTick(self.price.to_string()));
        }
        let price = i128::from(self.price.raw());
        let (factor, by, to) = match from {
            from if from == self.base => (price, NANO_WIDE, self.quote),
            from if from == self.quote => (NANO_WIDE, price, self.base),
            _ => {
                let known = "the two currencies of the pair";
                return Err(ModelError::Unknown { what: "currency of this rate", text: from.to_string(), known });
            }
        };
        let product = amount.raw().checked_mul(factor).ok_or_else(|| too_large("amount to convert", &amount))?;
        Ok((Money::from_raw(half_even(0, product, by)), to))
    }
}

/// A sum of price × amount as money: × what a point is worth, to the nearest 10⁻⁹, ties to even.
pub(crate) fn worth(value: Value, instrument: &Instrument) -> Result<Money, ModelError> {
    let multiplier = i128::from(instrument.multiplier.raw());
    // In two halves: a large sum and a large multiplier together would not fit.
    let (whole, rest) = (value.div_euclid(NANO_WIDE), value.rem_euclid(NANO_WIDE) * multiplier);
    let whole = whole.checked_mul(multiplier).ok_or_else(|| too_large("profit", &instrument.name))?;
    let rest = whole.rem_euclid(NANO_WIDE) * NANO_WIDE + rest;
    Ok(Money::from_raw(half_even(whole.div_euclid(NANO_WIDE), rest, NANO_WIDE * NANO_WIDE)))
}

/// `total · part / whole` without overflow, towards zero; nothing of nothing.
pub(crate) const fn share(total: i128, part: i128, whole: i128) -> i128 {
    if whole == 0 { 0 } else { (total / whole) * part + (total % whole) * part / whole }
}

/// `base + value / by`, ties to the even neighbour.
pub(crate) fn half_even(base: i128, value: i128, by: i128) -> i128 {
    let (quotient, rest) = (base + value.div_euclid(by), value.rem_euclid(by));
    let up = rest > by - rest || (rest == by - rest && quotient % 2 != 0);
    quotient + i128::from(up)
}

fn too_large(what: &'static str, value: &impl ToString) -> ModelError {
    ModelError::OutOfRange { what, text: value.to_string() }
}
