//! The ledger: position, cost, closed trades and equity of each scenario, in exact decimals whose text is
//! the one that Python's `decimal` would print.

use std::collections::HashMap;

use exuvia_model::{Quantity, Side, Symbol, Time};

use crate::{BookedFill, Decimal, DecimalError, OrderError};

/// Decimals of money.
const CENT: i32 = -2;
/// Decimals of an average price.
const PIPETTE: i32 = -5;

/// One scenario's share of the ledger; `cost` is what the open position cost, negative for a short one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Signed amount held, scaled by 10⁹.
    pub position: i128,
    /// Signed cost of what is held.
    pub cost: Decimal,
    /// Profit of the closed trades.
    pub realised: Decimal,
    /// How many trades were closed.
    pub closed_trades: u64,
    /// When the open position was entered.
    pub entry_time: Option<Time>,
    /// When the last one was left.
    pub last_exit: Option<Time>,
    /// Amount that opened the position, scaled by 10⁹.
    pub opened: i128,
    /// Price × amount of what opened it.
    pub opened_notional: Decimal,
    /// Price × amount of what closed it so far.
    pub closed_notional: Decimal,
}

/// A round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedTrade {
    /// Whose.
    pub scenario: String,
    /// Which instrument.
    pub symbol: Symbol,
    /// Buy for one that was long.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// When it was entered.
    pub entry_time: Time,
    /// Average entry price, to 10⁻⁵.
    pub entry_price: Decimal,
    /// When it was left.
    pub exit_time: Time,
    /// Average exit price, to 10⁻⁵.
    pub exit_price: Decimal,
    /// Profit, to 0.01.
    pub pnl: Decimal,
    /// Why it was closed.
    pub reason: String,
}

impl Account {
    fn new() -> Result<Self, DecimalError> {
        let none = Decimal::ZERO.quantized(PIPETTE)?;
        Ok(Self {
            position: 0,
            cost: none,
            realised: Decimal::ZERO.quantized(CENT)?,
            closed_trades: 0,
            entry_time: None,
            last_exit: None,
            opened: 0,
            opened_notional: none,
            closed_notional: none,
        })
    }

    /// Average price at which the open position was entered, to 10⁻⁵.
    ///
    /// # Errors
    /// `Decimal` if it does not fit.
    pub fn entry_price(&self) -> Result<Option<Decimal>, OrderError> {
        if self.opened == 0 { Ok(None) } else { average(&self.opened_notional, self.opened).map(Some) }
    }
}

/// Books fills of all scenarios; each starts with the same equity.
#[derive(Debug, Clone)]
pub struct Ledger {
    start: Decimal,
    accounts: HashMap<String, Account>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(start: Decimal) -> Self {
        Self { start, accounts: HashMap::new() }
    }

    /// The scenario's account; a new one if it has not traded.
    ///
    /// # Errors
    /// Never in practice.
    pub fn account(&self, scenario: &str) -> Result<Account, OrderError> {
        match self.accounts.get(scenario) {
            Some(account) => Ok(account.clone()),
            None => Ok(Account::new()?),
        }
    }

    /// Books a fill; gives the trade that it closed, with `reason` as why.
    ///
    /// # Errors
    /// `BadPrice` for a price at or below zero, `TurnsPosition` if it would turn a position to the other side, `Decimal` if a sum does not fit; nothing is booked then.
    pub fn on_fill(&mut self, fill: &BookedFill, reason: &str) -> Result<Option<ClosedTrade>, OrderError> {
        if fill.price.is_negative() || fill.price.is_zero() {
            return Err(OrderError::BadPrice { client_id: fill.client_id.clone(), price: fill.price });
        }
        let mut account = self.account(&fill.scenario)?;
        let before = account.position;
        let change = i128::from(fill.quantity.raw()) * i128::from(fill.side.sign());
        let closes = before.signum() * change.signum() < 0;
        if closes && change.abs() > before.abs() {
            return Err(OrderError::TurnsPosition {
                client_id: fill.client_id.clone(),
                change: crate::book::signed(change)?,
                position: crate::book::signed(before)?,
            });
        }
        let notional = fill.price.times(&Decimal::from(fill.quantity))?;
        account.position += change;
        account.cost = account.cost.plus(&fill.price.times(&crate::book::signed(change)?)?)?;
        let mut closed = None;
        if closes {
            account.closed_notional = account.closed_notional.plus(&notional)?;
            if account.position == 0 {
                let trade = close(&account, fill, reason)?;
                account = Account {
                    realised: account.realised.plus(&trade.pnl)?,
                    closed_trades: account.closed_trades + 1,
                    last_exit: Some(fill.time),
                    ..Account::new()?
                };
                closed = Some(trade);
            }
        } else {
            if before == 0 {
                account.entry_time = Some(fill.time);
            }
            account.opened += i128::from(fill.quantity.raw());
            account.opened_notional = account.opened_notional.plus(&notional)?;
        }
        self.accounts.insert(fill.scenario.clone(), account);
        Ok(closed)
    }

    /// Start + realised + the open position at the price at which it could be closed, to 0.01.
    ///
    /// # Errors
    /// `Decimal` if a price is no number or a sum does not fit.
    pub fn equity(&self, scenario: &str, bid_ask: Option<(f64, f64)>) -> Result<Decimal, OrderError> {
        let account = self.account(scenario)?;
        let mut value = self.start.plus(&account.realised)?;
        if let (true, Some((bid, ask))) = (account.position != 0, bid_ask) {
            let price = Decimal::from_shortest(if account.position > 0 { bid } else { ask })?;
            let worth = crate::book::signed(account.position)?.times(&price)?;
            value = value.plus(&worth.minus(&account.cost)?)?;
        }
        Ok(value.quantized(CENT)?)
    }
}

fn close(account: &Account, fill: &BookedFill, reason: &str) -> Result<ClosedTrade, OrderError> {
    Ok(ClosedTrade {
        scenario: fill.scenario.clone(),
        symbol: fill.symbol,
        side: fill.side.opposite(),
        quantity: crate::book::fitting("quantity", account.opened)?,
        entry_time: account.entry_time.unwrap_or(fill.time),
        entry_price: average(&account.opened_notional, account.opened)?,
        exit_time: fill.time,
        exit_price: average(&account.closed_notional, account.opened)?,
        pnl: account.cost.negated().quantized(CENT)?,
        reason: reason.to_owned(),
    })
}

fn average(notional: &Decimal, raw: i128) -> Result<Decimal, OrderError> {
    Ok(notional.divided(&crate::book::signed(raw)?, PIPETTE)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fill(side: Side, amount: i64, price: &str, second: i64) -> BookedFill {
        BookedFill {
            client_id: format!("LB-{second}"),
            scenario: "trend".into(),
            symbol: Symbol(21),
            side,
            quantity: Quantity::from_whole(amount).unwrap(),
            price: price.parse().unwrap(),
            time: Time(second),
        }
    }

    fn ledger(fills: &[BookedFill]) -> Ledger {
        let mut ledger = Ledger::new("10000.00".parse().unwrap());
        for fill in fills {
            ledger.on_fill(fill, "signal").unwrap();
        }
        ledger
    }

    #[test]
    fn the_entry_price_is_the_mean_of_what_opened_and_does_not_move_while_it_closes() {
        let price = |fills: &[BookedFill]| {
            let account = ledger(fills).account("trend").unwrap();
            account.entry_price().unwrap().map(|price| price.to_string())
        };
        let fills = [
            fill(Side::Sell, 1_000, "1.10", 1),
            fill(Side::Sell, 3_000, "1.20", 2),
            fill(Side::Buy, 500, "1.00", 3),
            fill(Side::Buy, 3_500, "1.05", 4),
        ];
        assert_eq!(price(&[]), None);
        assert_eq!(price(&fills[..1]).as_deref(), Some("1.10000"));
        assert_eq!(price(&fills[..2]).as_deref(), Some("1.17500"));
        assert_eq!(price(&fills[..3]).as_deref(), Some("1.17500"));
        assert_eq!(price(&fills), None, "flat again");
    }

    #[test]
    fn a_round_trip_that_is_no_amount_is_refused_in_units_and_books_nothing() {
        let mut fills = vec![fill(Side::Buy, 5_000_000_000, "1.10", 1)];
        for second in 2..5 {
            fills.push(fill(Side::Sell, 4_000_000_000, "1.10", second));
            fills.push(fill(Side::Buy, 4_000_000_000, "1.10", second));
        }
        let mut ledger = ledger(&fills);
        let before = ledger.account("trend").unwrap();
        let error = ledger.on_fill(&fill(Side::Sell, 5_000_000_000, "1.20", 9), "signal").unwrap_err();
        assert!(error.to_string().contains("quantity 17000000000"), "{error}");
        assert_eq!(ledger.account("trend").unwrap(), before);
    }

    #[test]
    fn a_position_that_is_no_amount_is_refused_in_units_when_it_is_valued() {
        let fills = [fill(Side::Buy, 9_000_000_000, "1.10", 1), fill(Side::Buy, 9_000_000_000, "1.10", 2)];
        let error = ledger(&fills).equity("trend", Some((1.1, 1.2))).unwrap_err();
        assert!(error.to_string().contains("position 18000000000"), "{error}");
    }
}
