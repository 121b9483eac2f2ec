//! The paper exchange: orders and market data in, reports out in order of time. Orders are matched by price and time with what the
//! market shows and with each other; messages take time; fees, sessions and room in the account are as declared. It has no clock, no
//! socket and no float: the same calls with the same seed give the same reports. `docs/paper.md` has the models.
//!
//! ```
//! use exuvia_execution::exchange::{AccountTerms, Config, Event, Exchange, Listing, Placement, Power};
//! use exuvia_execution::Instrument;
//! use exuvia_model::{OrderIntent, OrderType, Quantity, Quote, Side, Symbol, Time, TimeInForce};
//! let es = Instrument::new("ESZ6", "0.25".parse()?, "50".parse()?, "USD".parse()?)?;
//! let account = AccountTerms { id: 1, cash: vec![("USD".parse()?, "100000".parse()?)], power: Power::Unchecked };
//! let config = Config { listings: vec![Listing::new(Symbol(0), es)], accounts: vec![account], ..Config::default() };
//! let mut exchange = Exchange::new(config, 7)?;
//! let two = Quantity::from_whole(2)?;
//! let quote = Quote { symbol: Symbol(0), time: Time(1), bid: "6000".parse()?, ask: "6000.25".parse()?, bid_size: two, ask_size: two };
//! exchange.on_quote(Time(1), &quote)?;
//! let intent = OrderIntent {
//!     scenario: "trend".into(), symbol: Symbol(0), side: Side::Buy, quantity: Quantity::from_whole(3)?, order_type: OrderType::Market,
//!     limit: None, stop: None, trail: None, duration: TimeInForce::ImmediateOrCancel, decided: Time(2), reason: "entry".into(),
//! };
//! exchange.place(Time(2), Placement { account: 1, client_id: "EX-trend-000001".into(), intent, legs: 1 })?;
//! let events: Vec<_> = exchange.take_reports(Time(2)).into_iter().map(|report| report.event).collect();
//! assert!(matches!(events[..], [Event::Accepted, Event::Executed { quantity, .. }, Event::Cancelled(_)] if quantity == two));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod arrive;
mod chance;
mod cross;
mod data;
mod fees;
mod fill;
mod latency;
mod market;
mod messages;
mod order;
mod refuse;
mod report;
mod rules;

use std::collections::BTreeMap;

use exuvia_model::{Price, Quantity, Symbol, Time};

pub use account::{AccountTerms, PaperAccount, Power};
pub use fees::{FeeRounding, Fees, Tariff};
pub use fill::{FillModel, PriceRounding};
pub use latency::{Delay, Latency};
pub use order::{PaperOrder, Placement};
pub use refuse::{ExchangeError, Refusal};
pub use report::{Event, Removal, Report, Role};
pub use rules::{
    Beyond, Closed, Depth, Entry, Feed, Level, Liquidity, Listing, MILLION, Queue, Refill, Resting, Rules, Settlement,
    Trigger,
};

use crate::{Amendment, Currency};
use account::Prices;
use chance::Chance;
use market::Market;

/// What becomes of two orders of one account that would meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// The later one is cancelled.
    #[default]
    CancelNewest,
    /// The earlier one is cancelled, and the later one goes on.
    CancelOldest,
    /// Both are cancelled.
    CancelBoth,
    /// They trade.
    Allow,
}

/// An exchange to be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// What it trades.
    pub listings: Vec<Listing>,
    /// Who trades.
    pub accounts: Vec<AccountTerms>,
    /// How long messages take.
    pub latency: Latency,
    /// Orders of one account that would meet.
    pub self_trade: SelfTrade,
    /// Whether orders meet the market only, and never each other.
    pub apart: bool,
}

/// What is on its way to the exchange, or due at it.
#[derive(Debug, Clone)]
enum Due {
    Place(u64),
    Replace(u32, u64, Amendment),
    Cancel(u32, u64),
    Expire(u64),
}

/// An account's place at the exchange.
#[derive(Debug, Clone)]
struct Seat {
    account: PaperAccount,
    /// The order of each client id.
    ids: BTreeMap<String, u64>,
    /// When its last request arrives, and its last report.
    sent: Time,
    heard: Time,
}

/// The paper exchange.
#[derive(Debug, Clone)]
pub struct Exchange {
    latency: Latency,
    self_trade: SelfTrade,
    apart: bool,
    chance: Chance,
    clock: Time,
    markets: BTreeMap<Symbol, Market>,
    seats: BTreeMap<u32, Seat>,
    orders: Vec<PaperOrder>,
    due: BTreeMap<(Time, u64), Due>,
    reports: BTreeMap<(Time, u64), Report>,
    /// Numbers requests, reports and ranks; what is later has a higher one.
    sequence: u64,
    /// All executions, as they were reported.
    executions: Vec<Report>,
    late: u64,
}

impl Prices for BTreeMap<Symbol, Market> {
    fn priced(&self, symbol: Symbol) -> Option<(&Listing, Option<Price>)> {
        self.get(&symbol).map(|market| (&market.listing, market.mark()))
    }
}

impl Exchange {
    /// An exchange without orders; what it draws follows from the seed.
    ///
    /// # Errors
    /// `BadConfig` names what cannot be: a number out of range, a symbol, name or account that is there twice.
    pub fn new(config: Config, seed: u64) -> Result<Self, ExchangeError> {
        let bad = |what: String, why: &str| Err(ExchangeError::BadConfig { what, why: why.to_owned() });
        let Latency { place, replace, cancel, report, .. } = config.latency;
        for (way, delay) in [("placing", place), ("replacing", replace), ("cancelling", cancel), ("reporting", report)]
        {
            if let Some(fault) = delay.fault() {
                return bad(format!("latency of {way}"), &fault);
            }
        }
        let mut markets = BTreeMap::<Symbol, Market>::new();
        for listing in config.listings {
            let listing = listing.sound()?;
            let name = &listing.instrument.name;
            if markets.contains_key(&listing.symbol)
                || markets.values().any(|other| other.listing.instrument.name == *name)
            {
                return bad(format!("listing {name:?}"), "its name or symbol is listed already: give it another one");
            }
            markets.insert(listing.symbol, Market::new(listing));
        }
        let mut seats = BTreeMap::new();
        for terms in &config.accounts {
            let what = || format!("account {}", terms.id);
            if matches!(terms.power, Power::Margin { leverage: 0, .. }) {
                return bad(what(), "a leverage of 0 carries nothing: give at least 1");
            }
            let Ok(account) = PaperAccount::new(terms) else {
                return bad(what(), "its cash is out of range: it must stay below 1.7e29");
            };
            let seat = Seat { account, ids: BTreeMap::new(), sent: Time(i64::MIN), heard: Time(i64::MIN) };
            if seats.insert(terms.id, seat).is_some() {
                return bad(what(), "is there twice: give the second one another number");
            }
        }
        Ok(Self {
            latency: config.latency,
            self_trade: config.self_trade,
            apart: config.apart,
            chance: Chance::seeded(seed),
            clock: Time(i64::MIN),
            markets,
            seats,
            orders: Vec::new(),
            due: BTreeMap::new(),
            reports: BTreeMap::new(),
            sequence: 0,
            executions: Vec::new(),
            late: 0,
        })
    }

    /// Sends an order at `now` and gives its number. What becomes of it is reported: also a refusal, and also if nothing takes time.
    ///
    /// # Errors
    /// `UnknownAccount`, `Unlisted`, `ClockBack`: nothing was sent.
    pub fn place(&mut self, now: Time, placement: Placement) -> Result<u64, ExchangeError> {
        self.market(placement.intent.symbol)?;
        let (account, delay) = (placement.account, self.latency.place);
        self.ready(now, account)?;
        let id = self.orders.len() as u64 + 1;
        self.orders.push(PaperOrder::new(id, placement, now));
        self.send(now, account, delay, Due::Place(id));
        Ok(id)
    }

    /// Asks at `now` for new terms of an order; a price that is `None` stays. A smaller amount at the same price keeps the order's
    /// place, everything else gives it a new one.
    ///
    /// # Errors
    /// `UnknownAccount`, `ClockBack`: nothing was sent.
    pub fn replace(&mut self, now: Time, account: u32, order: u64, terms: Amendment) -> Result<(), ExchangeError> {
        self.ready(now, account)?;
        self.send(now, account, self.latency.replace, Due::Replace(account, order, terms));
        Ok(())
    }

    /// Asks at `now` for an order to be taken out. A fill may be there first.
    ///
    /// # Errors
    /// `UnknownAccount`, `ClockBack`: nothing was sent.
    pub fn cancel(&mut self, now: Time, account: u32, order: u64) -> Result<(), ExchangeError> {
        self.ready(now, account)?;
        self.send(now, account, self.latency.cancel, Due::Cancel(account, order));
        Ok(())
    }

    /// Lets time pass: what is due by `now` happens, in order of time.
    ///
    /// # Errors
    /// `ClockBack`.
    pub fn advance(&mut self, now: Time) -> Result<(), ExchangeError> {
        if now < self.clock {
            return Err(ExchangeError::ClockBack { clock: self.clock, now });
        }
        self.run(now);
        Ok(())
    }

    /// Takes what owners have heard by `now`, in order of time.
    pub fn take_reports(&mut self, now: Time) -> Vec<Report> {
        let later = self.reports.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.reports, later).into_values().collect()
    }

    /// The same for one account; what is for others stays.
    pub fn take_reports_of(&mut self, account: u32, now: Time) -> Vec<Report> {
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.reports)
            .into_iter()
            .partition(|((heard, _), report)| *heard <= now && report.account == account);
        self.reports = others.into_iter().collect();
        own.into_iter().map(|(_, report)| report).collect()
    }

    /// Where its time stands.
    #[must_use]
    pub const fn clock(&self) -> Time {
        self.clock
    }

    /// When the next thing is due or heard, if something is: until then only new orders and data change anything.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        let first = |key: Option<&(Time, u64)>| key.map(|(time, _)| *time);
        let (due, heard) = (first(self.due.keys().next()), first(self.reports.keys().next()));
        due.into_iter().chain(heard).min()
    }

    /// All orders in the order in which they were sent, also those that have ended.
    #[must_use]
    pub fn orders(&self) -> &[PaperOrder] {
        &self.orders
    }

    /// The order of this number.
    #[must_use]
    pub fn order(&self, id: u64) -> Option<&PaperOrder> {
        self.orders.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// The order of an account with this client id, once the exchange got it.
    #[must_use]
    pub fn find(&self, account: u32, client_id: &str) -> Option<&PaperOrder> {
        self.order(*self.seats.get(&account)?.ids.get(client_id)?)
    }

    /// An account.
    ///
    /// # Errors
    /// `UnknownAccount`.
    pub fn account(&self, account: u32) -> Result<&PaperAccount, ExchangeError> {
        self.seats.get(&account).map(|seat| &seat.account).ok_or(ExchangeError::UnknownAccount(account))
    }

    /// Cash of an account and what it holds, in a currency at the prices of now; what has no price counts as it was entered.
    ///
    /// # Errors
    /// `UnknownAccount`; `BadConfig` if the sum is out of range.
    pub fn equity(&self, account: u32, currency: Currency) -> Result<exuvia_model::Money, ExchangeError> {
        let equity = self.account(account)?.equity(currency, &self.markets);
        equity.map_err(|error| ExchangeError::BadConfig {
            what: format!("equity of account {account}"),
            why: error.to_string(),
        })
    }

    /// What is traded.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.markets.values().map(|market| &market.listing)
    }

    /// All executions of all accounts in the order in which they happened, also those whose report is still on its way.
    #[must_use]
    pub fn executions(&self) -> &[Report] {
        &self.executions
    }

    /// How many quotes, depths and trades were older than the newest of their kind and instrument: they changed nothing.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Sets the volume of the day by which [`FillModel::Liquidity`] reckons; none while it is not known.
    ///
    /// # Errors
    /// `Unlisted`.
    pub fn set_volume(&mut self, symbol: Symbol, volume: Option<Quantity>) -> Result<(), ExchangeError> {
        self.markets.get_mut(&symbol).ok_or(ExchangeError::Unlisted(symbol))?.volume = volume;
        Ok(())
    }

    fn market(&self, symbol: Symbol) -> Result<&Market, ExchangeError> {
        self.markets.get(&symbol).ok_or(ExchangeError::Unlisted(symbol))
    }
}
