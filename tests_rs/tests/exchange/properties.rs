//! What holds whatever is sent: nothing is executed twice or beyond its limit, no money is lost, earlier orders come first, and the same
//! seed gives the same reports however time is cut up.

use std::collections::BTreeMap;

use exuvia_execution::exchange::{
    Config, Delay, Entry, Event, Exchange, Fees, Latency, Liquidity, Listing, Placement, Queue, Refill, Report,
    Resting, Role, Rules, SelfTrade, Settlement, Tariff,
};
use exuvia_model::{
    Money, NANO, OrderIntent, OrderStatus, OrderType, Price, Quantity, Time, TimeInForce, Trade, Trail,
};
use proptest::prelude::*;

use crate::kit::*;

#[derive(Debug, Clone)]
enum Step {
    Place { account: u32, buy: bool, amount: i64, kind: u8, at: i64, duration: u8 },
    Replace { account: u32, order: u64, amount: i64, at: Option<i64> },
    Cancel { account: u32, order: u64 },
    Quote { mid: i64, spread: i64, sizes: (i64, i64) },
    Trade { at: i64, size: i64 },
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = || 95_i64..106;
    let step = prop_oneof![
        5 => (1_u32..4, any::<bool>(), 1_i64..9, 0_u8..8, at(), 0_u8..4)
            .prop_map(|(account, buy, amount, kind, at, duration)| Step::Place { account, buy, amount, kind, at, duration }),
        1 => (1_u32..4, 1_u64..40, 1_i64..12, proptest::option::of(at()))
            .prop_map(|(account, order, amount, at)| Step::Replace { account, order, amount, at }),
        1 => (1_u32..4, 1_u64..40).prop_map(|(account, order)| Step::Cancel { account, order }),
        4 => (at(), 0_i64..4, (0_i64..12, 0_i64..12)).prop_map(|(mid, spread, sizes)| Step::Quote { mid, spread, sizes }),
        2 => (at(), 0_i64..12).prop_map(|(at, size)| Step::Trade { at, size }),
        1 => (1_i64..50).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..120)
}

fn rules() -> impl Strategy<Value = Rules> {
    let queue = prop_oneof![
        (0_u32..=1_000_000).prop_map(|cancels| Queue::Behind { cancels }),
        Just(Queue::Front),
        Just(Queue::Through),
        (0_u32..=1_000_000).prop_map(Queue::Chance),
    ];
    let liquidity =
        prop_oneof![3 => Just(Liquidity::Shown), 1 => Just(Liquidity::Share(400_000)), 1 => Just(Liquidity::Unlimited)];
    let two = any::<(bool, bool, bool, bool)>();
    (queue, liquidity, two).prop_map(|(queue, liquidity, (refill, resting, entry, paid))| Rules {
        queue,
        liquidity,
        refill: if refill { Refill::EachUpdate } else { Refill::WhenPriceReturns },
        resting: if resting { Resting::AtMarket } else { Resting::AtLimit },
        entry: if entry { Entry::NextData } else { Entry::Standing },
        settlement: if paid { Settlement::Paid } else { Settlement::Margined },
        ..Rules::default()
    })
}

fn build(rules: Rules, latency: Latency, seed: u64) -> Exchange {
    let fees = Fees {
        maker: Tariff::OfValue(-37),
        taker: Tariff::PerUnit("0.123456789".parse().unwrap()),
        least: Some("0.35".parse().unwrap()),
        step: "0.01".parse().unwrap(),
        ..Fees::default()
    };
    let listing = Listing { rules, fees, ..Listing::new(ES, instrument()) };
    let self_trade = [SelfTrade::CancelNewest, SelfTrade::CancelOldest, SelfTrade::CancelBoth, SelfTrade::Allow]
        [(seed % 4) as usize];
    Exchange::new(Config { listings: vec![listing], latency, self_trade, ..config(rules) }, seed).unwrap()
}

fn wanted(step: &Step) -> OrderIntent {
    let Step::Place { buy, amount, kind, at, duration, .. } = *step else { unreachable!() };
    let durations =
        [TimeInForce::GoodTillCancel, TimeInForce::Day, TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill];
    let side = if buy { Buy } else { Sell };
    let at = at.to_string();
    let plain = match kind {
        0 | 1 => intent(side, amount, None),
        2 => stop(side, amount, &at, None),
        3 => stop(side, amount, &at, Some(&at)),
        4 => OrderIntent {
            order_type: OrderType::TrailingStop,
            trail: Some(Trail::Ticks(2)),
            ..intent(side, amount, None)
        },
        _ => intent(side, amount, Some(&at)),
    };
    lasting(durations[usize::from(duration)], plain)
}

/// Does the steps a hundred nanoseconds apart; `cut` says how often time is told in between.
fn run(exchange: &mut Exchange, steps: &[Step], cut: i64, mut after: impl FnMut(&mut Exchange, Time)) {
    let mut now = 0_i64;
    for (number, step) in (1_u64..).zip(steps) {
        for _ in 0..cut {
            now += 100 / cut.max(1);
            exchange.advance(Time(now)).unwrap();
        }
        now = (now / 100 + i64::from(cut == 0)) * 100;
        let time = Time(now);
        match *step {
            Step::Place { account, .. } => {
                let placement = Placement { account, client_id: format!("EX-{number}"), intent: wanted(step), legs: 1 };
                exchange.place(time, placement).unwrap();
            }
            Step::Replace { account, order, amount, at } => {
                let terms = terms(amount, at.map(|at| at.to_string()).as_deref(), None);
                exchange.replace(time, account, order, terms).unwrap();
            }
            Step::Cancel { account, order } => exchange.cancel(time, account, order).unwrap(),
            Step::Quote { mid, spread, sizes } => {
                let (bid, ask) = (mid.to_string(), (mid + spread).to_string());
                exchange.on_quote(time, &quote(now, (&bid, sizes.0), (&ask, sizes.1))).unwrap();
            }
            Step::Trade { at, size } => {
                exchange
                    .on_trade(time, &Trade { symbol: ES, time, price: price(&at.to_string()), size: lots(size) })
                    .unwrap();
            }
            Step::Wait(hundreds) => {
                now += hundreds * 100;
                exchange.advance(Time(now)).unwrap();
            }
        }
        after(exchange, time);
    }
}

/// Each execution with its order's sign and limit, taken from the reports alone.
fn check_order(exchange: &Exchange, id: u64, fills: &[&Report]) {
    let order = exchange.order(id).unwrap();
    let mut filled = 0;
    let mut fees = Money::ZERO;
    for report in fills {
        let Event::Executed { quantity, price, fee, last, .. } = &report.event else { unreachable!() };
        assert!(*quantity > Quantity::ZERO && quantity.raw() % NANO == 0, "whole lots");
        filled += quantity.raw();
        fees = fees.checked_add(fee.amount).unwrap();
        assert_eq!(*last, order.status == OrderStatus::Filled && filled == order.filled.raw());
        assert!(price.raw() > 0);
    }
    assert_eq!(filled, order.filled.raw(), "what was reported is what was filled");
    assert!(order.filled <= order.quantity, "never more than was ordered");
    assert!(fills.is_empty() || fees >= "0.35".parse().unwrap(), "the minimum is charged once");
}

proptest! {
    #[test]
    fn nothing_is_executed_beyond_size_or_limit_and_no_money_is_lost(steps in steps(), rules in rules(), seed: u64, slow: bool) {
        let delay = if slow { Delay::Uniform { least: 0, most: 700 } } else { Delay::None };
        let latency = Latency { place: delay, replace: delay, cancel: delay, report: Delay::None, overtaking: seed % 2 == 0 };
        let mut exchange = build(rules, latency, seed);
        // The limits that an order may have had: changes move them.
        let mut reports: Vec<Report> = Vec::new();
        let mut limits: BTreeMap<u64, Option<Price>> = BTreeMap::new();
        run(&mut exchange, &steps, 1, |exchange, now| reports.extend(exchange.take_reports(now)));
        exchange.advance(Time(i64::MAX / 2)).unwrap();
        reports.extend(exchange.take_reports(Time(i64::MAX)));
        let mut fills: BTreeMap<u64, Vec<&Report>> = BTreeMap::new();
        let mut ended = BTreeMap::new();
        let mut numbers = Vec::new();
        let (mut sums, mut cash) = (BTreeMap::new(), BTreeMap::new());
        for report in &reports {
            let order = exchange.order(report.order).filter(|order| order.placement.account == report.account);
            match &report.event {
                Event::Accepted => { limits.insert(report.order, order.unwrap().placement.intent.limit); }
                Event::Replaced(terms) => { limits.insert(report.order, terms.limit); }
                Event::Executed { number, quantity, price, fee, .. } => {
                    let side = order.unwrap().placement.intent.side;
                    let limit = limits[&report.order];
                    let sign = side.sign();
                    prop_assert!(limit.is_none_or(|limit| sign * price.raw() <= sign * limit.raw()), "{report:?} beyond {limit:?}");
                    prop_assert!(!ended.contains_key(&report.order), "{report:?} after its end");
                    numbers.push(*number);
                    *sums.entry(report.account).or_insert(0_i64) += sign * quantity.raw();
                    let paid = price.times(*quantity).unwrap().raw() * i128::from(sign) + fee.amount.raw();
                    *cash.entry(report.account).or_insert(0_i128) += paid;
                    fills.entry(report.order).or_default().push(report);
                }
                _ => {}
            }
            let last = matches!(report.event, Event::Executed { last: true, .. });
            if last || matches!(report.event, Event::Refused(_) | Event::Cancelled(_) | Event::Expired) {
                prop_assert!(ended.insert(report.order, ()).is_none(), "{report:?}: an end is an end");
            }
        }
        prop_assert_eq!(numbers, (1..=fills.values().map(Vec::len).sum::<usize>() as u64).collect::<Vec<_>>());
        for order in exchange.orders() {
            check_order(&exchange, order.id, fills.get(&order.id).map_or(&[][..], Vec::as_slice));
            prop_assert_eq!(ended.contains_key(&order.id), order.status.is_terminal());
        }
        // Cash and what is held, at any price, are the start less all payments and fees, to the last 10⁻⁹.
        let mark: Price = exchange.listings().next().map(|_| price("100")).unwrap();
        for account in 1..4 {
            let seat = exchange.account(account).unwrap();
            let held = seat.holding(ES);
            prop_assert_eq!(held.quantity().raw(), sums.get(&account).copied().unwrap_or(0));
            let worth = match rules.settlement {
                Settlement::Paid => mark.times(held.quantity()).unwrap(),
                Settlement::Margined => held.unrealised(&instrument(), mark).unwrap(),
            };
            let value = mark.times(held.quantity()).unwrap().raw() - cash.get(&account).copied().unwrap_or(0);
            let have = seat.cash("USD".parse().unwrap()).checked_add(worth).unwrap().raw() - 1_000_000 * i128::from(NANO);
            prop_assert_eq!(have, value);
        }
    }

    /// Two orders of different accounts at one price that never changed: the later is not filled by a trade or a quote while the
    /// earlier has something left.
    #[test]
    fn at_one_price_the_earlier_order_comes_first(steps in steps(), seed: u64) {
        let rules = Rules { queue: Queue::Front, ..Rules::default() };
        let plain = |step: &Step| !matches!(step, Step::Replace { .. }) && !matches!(step, Step::Place { duration: 2.., .. });
        let steps: Vec<_> = steps.into_iter().filter(plain).collect();
        let mut exchange = build(rules, Latency::default(), seed);
        let mut reports = Vec::new();
        run(&mut exchange, &steps, 1, |exchange, now| reports.extend(exchange.take_reports(now)));
        let mut open: BTreeMap<u64, i64> = BTreeMap::new();
        for report in &reports {
            // A request about an order that is not there is answered too.
            let Some(order) = exchange.order(report.order) else { continue };
            let intent = &order.placement.intent;
            match &report.event {
                Event::Accepted if intent.order_type == OrderType::Limit => { open.insert(report.order, intent.quantity.raw()); }
                Event::Executed { quantity, role, .. } if intent.order_type == OrderType::Limit => {
                    if *role == Role::Maker {
                        let earlier = open.range(..report.order).find(|(id, left)| {
                            let other = &exchange.order(**id).unwrap().placement.intent;
                            **left > 0 && other.side == intent.side && other.limit == intent.limit
                        });
                        prop_assert!(earlier.is_none(), "{} before {:?}", line(report), earlier);
                    }
                    *open.get_mut(&report.order).unwrap() -= quantity.raw();
                }
                Event::Cancelled(_) | Event::Expired => { open.remove(&report.order); }
                _ => {}
            }
        }
    }

    #[test]
    fn one_seed_gives_one_trace_however_time_is_cut_up(steps in steps(), rules in rules(), seed: u64) {
        let delay = Delay::LogNormal { median: 90, spread: 800, most: 2_000 };
        let latency = Latency { place: delay, replace: delay, cancel: delay, report: delay, overtaking: seed % 2 == 0 };
        let trace = |cut| {
            let mut exchange = build(rules, latency, seed);
            run(&mut exchange, &steps, cut, |_, _| {});
            exchange.advance(Time(i64::MAX / 2)).unwrap();
            exchange.take_reports(Time(i64::MAX))
        };
        let whole = trace(0);
        prop_assert_eq!(&whole, &trace(0));
        prop_assert_eq!(&whole, &trace(1));
        prop_assert_eq!(&whole, &trace(20));
    }
}
