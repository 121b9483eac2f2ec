//! Accounts: cash by currency, what is held, what working orders may still need, and whether one more fits in.
//!
//! What an instrument has done to the cash is one rounding of an exact sum, not a sum of roundings: so cash and the value of what is
//! held balance to 10⁻⁹ after any number of executions.

use std::collections::BTreeMap;

use exuvia_model::{ModelError, Money, Price, Quantity, Side, Symbol};

use super::{Listing, Refusal, Settlement};
use crate::holding::{Value, worth};
use crate::{Currency, Holding, Instrument};

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Anything.
    Unchecked,
    /// Buys what its cash pays, sells what it has.
    Cash,
    /// Positions and orders up to so many times its equity.
    Margin {
        /// How much one unit of equity carries, positive.
        leverage: u32,
        /// Whether it may sell what it does not have.
        short: bool,
    },
}

/// An account to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTerms {
    /// Its number.
    pub id: u32,
    /// Cash at the start.
    pub cash: Vec<(Currency, Money)>,
    /// What it may do.
    pub power: Power,
}

/// What working orders of one instrument may still need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Open {
    buys: i128,
    sells: i128,
    /// Price × amount of the buys, at the prices they were reckoned by.
    reserved: Value,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperAccount {
    power: Power,
    cash: BTreeMap<Currency, Money>,
    holdings: BTreeMap<Symbol, Holding>,
    open: BTreeMap<Symbol, Open>,
}

/// What the check must know of the other instruments: their terms and prices.
pub(super) trait Prices {
    /// The terms of an instrument and its price now, if it has one.
    fn priced(&self, symbol: Symbol) -> Option<(&Listing, Option<Price>)>;
}

/// What an order wants to reserve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) side: Side,
    pub(super) amount: Quantity,
    /// At which price, if there is one.
    pub(super) reckoned: Option<Price>,
    pub(super) fee: Money,
}

/// What an execution would make of an account.
#[derive(Debug)]
pub(super) struct Booking {
    symbol: Symbol,
    currency: Currency,
    holding: Holding,
    cash: Money,
}

impl PaperAccount {
    pub(super) fn new(terms: &AccountTerms) -> Result<Self, ModelError> {
        let mut cash = BTreeMap::<Currency, Money>::new();
        for (currency, amount) in &terms.cash {
            let sum = cash.entry(*currency).or_default();
            *sum = sum.checked_add(*amount)?;
        }
        Ok(Self { power: terms.power, cash, holdings: BTreeMap::new(), open: BTreeMap::new() })
    }

    /// Cash in a currency, after fees.
    #[must_use]
    pub fn cash(&self, currency: Currency) -> Money {
        self.cash.get(&currency).copied().unwrap_or_default()
    }

    /// Cash of all currencies that the account ever had.
    pub fn currencies(&self) -> impl Iterator<Item = (Currency, Money)> + '_ {
        self.cash.iter().map(|(currency, cash)| (*currency, *cash))
    }

    /// What is held of an instrument, with its profit and fees.
    #[must_use]
    pub fn holding(&self, symbol: Symbol) -> Holding {
        self.holdings.get(&symbol).cloned().unwrap_or_default()
    }

    /// All that was ever held.
    #[must_use]
    pub const fn holdings(&self) -> &BTreeMap<Symbol, Holding> {
        &self.holdings
    }

    /// What an execution makes of it; nothing is changed yet.
    pub(super) fn booking(
        &self,
        listing: &Listing,
        side: Side,
        amount: Quantity,
        price: Price,
        fee: Money,
    ) -> Result<Booking, ModelError> {
        let Listing { symbol, instrument, rules, .. } = listing;
        let before = self.holding(*symbol);
        let currency = instrument.currency;
        let holding = before.after(side, amount, price)?.after_fee(currency, fee)?;
        let moved = cash_of(&holding, instrument, rules.settlement)?.checked_sub(cash_of(
            &before,
            instrument,
            rules.settlement,
        )?)?;
        let cash = self.cash(currency).checked_add(moved)?.checked_sub(fee)?;
        Ok(Booking { symbol: *symbol, currency, holding, cash })
    }

    pub(super) fn book(&mut self, booking: Booking) {
        self.holdings.insert(booking.symbol, booking.holding);
        self.cash.insert(booking.currency, booking.cash);
    }

    /// Notes what a working order may still need, or with a negative amount no longer does.
    pub(super) fn reserve(&mut self, symbol: Symbol, side: Side, amount: i64, reckoned: Price) {
        let open = self.open.entry(symbol).or_default();
        match side {
            Side::Buy => {
                open.buys += i128::from(amount);
                open.reserved += i128::from(amount) * i128::from(reckoned.raw());
            }
            Side::Sell => open.sells += i128::from(amount),
        }
    }

    /// Whether one more order fits in.
    pub(super) fn check(&self, listing: &Listing, wish: Wish, prices: &impl Prices) -> Result<(), Refusal> {
        let instrument = &listing.instrument;
        let too_much = || Refusal::TooMuch { instrument: instrument.name.clone(), amount: wish.amount };
        let held = i128::from(self.holding(listing.symbol).quantity().raw());
        let open = self.open.get(&listing.symbol).copied().unwrap_or_default();
        let amount = i128::from(wish.amount.raw());
        let with = held + i128::from(wish.side.sign()) * amount;
        let worst = (with + open.buys).abs().max((with - open.sells).abs());
        if i64::try_from(worst).is_err() {
            return Err(too_much());
        }
        let short = !matches!(self.power, Power::Unchecked | Power::Margin { short: true, .. });
        if short && wish.side == Side::Sell && amount + open.sells > held.max(0) {
            let narrow = |raw: i128| Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX));
            let (selling, held) = (narrow(open.sells), narrow(held));
            return Err(Refusal::Short { instrument: instrument.name.clone(), amount: wish.amount, selling, held });
        }
        let price = || wish.reckoned.ok_or_else(|| Refusal::NoPrice { instrument: instrument.name.clone() });
        match self.power {
            Power::Margin { leverage, .. } if worst > held.abs() => {
                self.check_margin(listing, price()?, worst, leverage, prices)?.ok_or_else(too_much)
            }
            Power::Cash if wish.side == Side::Buy => {
                self.check_cash(instrument, wish, price()?, prices)?.ok_or_else(too_much)
            }
            Power::Unchecked | Power::Cash | Power::Margin { .. } => Ok(()),
        }
    }

    /// `Ok(None)` if a sum leaves its range.
    fn check_cash(
        &self,
        instrument: &Instrument,
        wish: Wish,
        price: Price,
        prices: &impl Prices,
    ) -> Result<Option<()>, Refusal> {
        let currency = instrument.currency;
        let reserved =
            self.open.iter().filter_map(|(symbol, open)| Some((&prices.priced(*symbol)?.0.instrument, open.reserved)));
        let sums = (|| {
            let mut available = self.cash(currency);
            for (other, reserved) in reserved.filter(|(other, _)| other.currency == currency) {
                available = available.checked_sub(worth(reserved, other)?)?;
            }
            let value = i128::from(wish.amount.raw()) * i128::from(price.raw());
            Ok::<_, ModelError>((worth(value, instrument)?.checked_add(wish.fee)?, available))
        })();
        let Ok((needed, available)) = sums else { return Ok(None) };
        if needed > available { Err(Refusal::Cash { needed, available, currency }) } else { Ok(Some(())) }
    }

    /// The worst of position and orders of each instrument, all in the currency of this one, against its equity.
    fn check_margin(
        &self,
        listing: &Listing,
        reckoned: Price,
        worst: i128,
        leverage: u32,
        prices: &impl Prices,
    ) -> Result<Option<()>, Refusal> {
        let currency = listing.instrument.currency;
        let own = prices.priced(listing.symbol).and_then(|(_, price)| price).unwrap_or(reckoned);
        let sums = (|| {
            let mut exposure = worth(worst * i128::from(own.raw()).abs(), &listing.instrument)?;
            for (symbol, open) in self.open.iter().filter(|(symbol, _)| **symbol != listing.symbol) {
                let Some((other, Some(price))) = prices.priced(*symbol) else { continue };
                if other.instrument.currency == currency {
                    let held = i128::from(self.holding(*symbol).quantity().raw());
                    let worst = (held + open.buys).abs().max((held - open.sells).abs());
                    exposure =
                        exposure.checked_add(worth(worst * i128::from(price.raw()).abs(), &other.instrument)?)?;
                }
            }
            Ok::<_, ModelError>((exposure, self.equity(currency, prices)?))
        })();
        let Ok((exposure, equity)) = sums else { return Ok(None) };
        let Some(carried) = equity.raw().checked_mul(i128::from(leverage)) else { return Ok(None) };
        if exposure.raw() > carried {
            Err(Refusal::Margin { exposure, equity, leverage, currency })
        } else {
            Ok(Some(()))
        }
    }

    /// Cash and what is held in a currency, at the prices of now; what has no price counts as it was entered.
    pub(super) fn equity(&self, currency: Currency, prices: &impl Prices) -> Result<Money, ModelError> {
        let mut equity = self.cash(currency);
        for (symbol, holding) in &self.holdings {
            let Some((listing, price)) = prices.priced(*symbol) else { continue };
            let instrument = &listing.instrument;
            let price = price.or_else(|| holding.average_price()).unwrap_or_default();
            if instrument.currency == currency {
                equity = equity.checked_add(match listing.rules.settlement {
                    Settlement::Paid => {
                        worth(i128::from(holding.quantity().raw()) * i128::from(price.raw()), instrument)?
                    }
                    Settlement::Margined => holding.unrealised(instrument, price)?,
                })?;
            }
        }
        Ok(equity)
    }
}

/// What an instrument has done to the cash so far, without fees.
fn cash_of(holding: &Holding, instrument: &Instrument, settlement: Settlement) -> Result<Money, ModelError> {
    match settlement {
        Settlement::Paid => worth(-holding.paid(), instrument),
        Settlement::Margined => holding.realised(instrument),
    }
}
