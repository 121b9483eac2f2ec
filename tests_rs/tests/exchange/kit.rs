//! What the tests of the exchange share: one future, accounts, orders in a line, and reports in a line.

use exuvia_execution::exchange::{
    AccountTerms, Config, Depth, Event, Exchange, Level, Listing, Placement, Power, Report, Role, Rules,
};
use exuvia_execution::{Amendment, Instrument};
use exuvia_model::{OrderIntent, OrderType, Price, Quantity, Quote, Side, Symbol, Time, TimeInForce, Trade};

pub const ES: Symbol = Symbol(0);
pub use exuvia_model::Side::{Buy, Sell};

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn lots(count: i64) -> Quantity {
    Quantity::from_whole(count).unwrap()
}

/// Ticks of one, whole contracts, a point is worth one dollar.
pub fn instrument() -> Instrument {
    Instrument::new("ES", price("1"), lots(1), "USD".parse().unwrap()).unwrap()
}

pub fn account(id: u32) -> AccountTerms {
    AccountTerms { id, cash: vec![("USD".parse().unwrap(), "1000000".parse().unwrap())], power: Power::Unchecked }
}

pub fn config(rules: Rules) -> Config {
    let listing = Listing { rules, ..Listing::new(ES, instrument()) };
    Config { listings: vec![listing], accounts: vec![account(1), account(2), account(3)], ..Config::default() }
}

pub fn exchange(rules: Rules) -> Exchange {
    Exchange::new(config(rules), 7).unwrap()
}

pub fn intent(side: Side, amount: i64, limit: Option<&str>) -> OrderIntent {
    OrderIntent {
        scenario: "trend".into(),
        symbol: ES,
        side,
        quantity: lots(amount),
        order_type: if limit.is_some() { OrderType::Limit } else { OrderType::Market },
        limit: limit.map(price),
        stop: None,
        trail: None,
        duration: TimeInForce::GoodTillCancel,
        decided: Time(0),
        reason: "entry".into(),
    }
}

pub fn stop(side: Side, amount: i64, at: &str, limit: Option<&str>) -> OrderIntent {
    let order_type = if limit.is_some() { OrderType::StopLimit } else { OrderType::Stop };
    OrderIntent { order_type, stop: Some(price(at)), ..intent(side, amount, limit) }
}

pub fn lasting(duration: TimeInForce, intent: OrderIntent) -> OrderIntent {
    OrderIntent { duration, ..intent }
}

pub fn terms(amount: i64, limit: Option<&str>, stop: Option<&str>) -> Amendment {
    Amendment { quantity: lots(amount), limit: limit.map(price), stop: stop.map(price) }
}

/// A stage with short words for what happens on it.
pub struct Stage(pub Exchange);

impl Stage {
    pub fn new(rules: Rules) -> Self {
        Self(exchange(rules))
    }

    /// Account 1 sends an order.
    pub fn send(&mut self, now: i64, intent: OrderIntent) -> u64 {
        self.send_as(1, now, intent)
    }

    pub fn send_as(&mut self, account: u32, now: i64, intent: OrderIntent) -> u64 {
        let client_id = format!("EX-{}", self.0.orders().len() + 1);
        self.0.place(Time(now), Placement { account, client_id, intent, legs: 1 }).unwrap()
    }

    pub fn quote(&mut self, now: i64, bid: (&str, i64), ask: (&str, i64)) {
        self.0.on_quote(Time(now), &quote(now, bid, ask)).unwrap();
    }

    pub fn trade(&mut self, now: i64, at: &str, size: i64) {
        self.0.on_trade(Time(now), &Trade { symbol: ES, time: Time(now), price: price(at), size: lots(size) }).unwrap();
    }

    pub fn depth(&mut self, now: i64, bids: &[(&str, i64)], asks: &[(&str, i64)]) {
        let levels = |levels: &[(&str, i64)]| -> Vec<Level> {
            levels.iter().map(|(at, size)| Level { price: price(at), size: lots(*size) }).collect()
        };
        let (bids, asks) = (levels(bids), levels(asks));
        self.0.on_depth(Time(now), &Depth { symbol: ES, time: Time(now), bids: &bids, asks: &asks }).unwrap();
    }

    /// What owners have heard so far, a line each: `2 executed 3 @ 101 maker`.
    pub fn heard(&mut self) -> Vec<String> {
        self.heard_by(i64::MAX)
    }

    pub fn heard_by(&mut self, now: i64) -> Vec<String> {
        self.0.take_reports(Time(now)).iter().map(line).collect()
    }

    /// The same without acceptances.
    pub fn told(&mut self) -> Vec<String> {
        self.heard().into_iter().filter(|line| !line.ends_with(" accepted")).collect()
    }
}

pub fn quote(now: i64, bid: (&str, i64), ask: (&str, i64)) -> Quote {
    let (bid_size, ask_size) = (lots(bid.1), lots(ask.1));
    Quote { symbol: ES, time: Time(now), bid: price(bid.0), ask: price(ask.0), bid_size, ask_size }
}

/// A report in a line.
pub fn line(report: &Report) -> String {
    let order = report.order;
    match &report.event {
        Event::Accepted => format!("{order} accepted"),
        Event::Refused(refusal) => format!("{order} refused {}", refusal.code()),
        Event::SetOff => format!("{order} set off"),
        Event::Trailed(stop) => format!("{order} trailed {stop}"),
        Event::Executed { quantity, price, role, last, .. } => {
            let role = if *role == Role::Maker { "maker" } else { "taker" };
            format!("{order} executed {quantity} @ {price} {role}{}", if *last { ", all" } else { "" })
        }
        Event::Replaced(terms) => format!("{order} replaced {}", terms.quantity),
        Event::ReplaceRefused(refusal) => format!("{order} not replaced {}", refusal.code()),
        Event::Cancelled(why) => format!("{order} cancelled {why:?}"),
        Event::CancelRefused(refusal) => format!("{order} not cancelled {}", refusal.code()),
        Event::Expired => format!("{order} expired"),
    }
}
