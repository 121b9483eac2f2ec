//! The paper exchange: when orders fill and at what price, what is refused, and that no money is lost.

#![allow(clippy::unwrap_used)]

use exuvia_brokers::paper::PaperBroker;
use exuvia_execution::matching::{Matched, Matching, NewOrder, Refusal, Terms};
use exuvia_execution::{Limits, OrderManager};
use exuvia_model::{
    Money, NANO, OrderIntent, OrderStatus, OrderType, Price, Quantity, Quote, Side, Symbol, Time, TimeInForce,
};
use proptest::prelude::*;

const EURUSD: Symbol = Symbol(21);

fn exchange(cash: i64) -> Matching {
    Matching::new(Terms { cash: Money::from_whole(cash).unwrap(), leverage: Some(30), negative_prices: false })
}

fn order(side: Side, amount: i64, limit: Option<&str>, decided: i64) -> NewOrder {
    NewOrder {
        reference: format!("{side}-{amount}-{decided}"),
        symbol: EURUSD,
        side,
        quantity: Quantity::from_whole(amount).unwrap(),
        limit: limit.map(|text| text.parse().unwrap()),
        decided: Time(decided),
    }
}

fn quote(time: i64, bid: &str, ask: &str) -> Quote {
    let (bid, ask) = (bid.parse().unwrap(), ask.parse().unwrap());
    Quote { symbol: EURUSD, time: Time(time), bid, ask, bid_size: Quantity::ZERO, ask_size: Quantity::ZERO }
}

#[test]
fn a_market_order_fills_whole_at_the_first_quote_after_its_decision() {
    let mut exchange = exchange(1_000_000);
    exchange.place(order(Side::Buy, 1_000, None, 10)).unwrap();
    exchange.place(order(Side::Sell, 2_000, None, 11)).unwrap();
    assert!(exchange.on_quote(&quote(10, "1.1", "1.2")).unwrap().fills.is_empty());
    let bought = exchange.on_quote(&quote(11, "1.3", "1.4")).unwrap().fills;
    assert_eq!(bought.iter().map(|fill| fill.price.to_string()).collect::<Vec<_>>(), ["1.4"]);
    let sold = exchange.on_quote(&quote(12, "1.5", "1.6")).unwrap().fills;
    assert_eq!((sold[0].price.to_string(), sold[0].time, sold.len()), ("1.5".to_owned(), Time(12), 1));
    assert_eq!(exchange.working().len(), 0);
}

#[test]
fn a_limit_order_waits_for_its_limit_and_takes_the_better_price() {
    let mut exchange = exchange(1_000_000);
    exchange.place(order(Side::Buy, 1_000, Some("1.20"), 0)).unwrap();
    exchange.place(order(Side::Sell, 1_000, Some("1.50"), 0)).unwrap();
    assert!(exchange.on_quote(&quote(1, "1.30", "1.20001")).is_err(), "a crossed quote is refused");
    assert!(exchange.on_quote(&quote(1, "1.19", "1.20001")).unwrap().fills.is_empty());
    let at_limit = exchange.on_quote(&quote(2, "1.19", "1.20")).unwrap().fills;
    assert_eq!(at_limit[0].price.to_string(), "1.2");
    let better = exchange.on_quote(&quote(3, "1.55", "1.56")).unwrap().fills;
    assert_eq!(better[0].price.to_string(), "1.55");
    assert_eq!(exchange.cash().to_string(), "1000350", "bought at 1.20, sold at 1.55");
}

#[test]
fn nothing_trades_on_a_crossed_quote() {
    let mut exchange = exchange(1_000_000);
    exchange.place(order(Side::Buy, 1_000, None, 0)).unwrap();
    let refusal = exchange.on_quote(&quote(1, "1.20001", "1.2")).unwrap_err();
    assert!(refusal.to_string().contains("bid 1.20001 > ask 1.2"), "{refusal}");
    assert_eq!(exchange.on_quote(&quote(2, "1.2", "1.2")).unwrap().fills.len(), 1);
}

#[test]
fn nothing_trades_at_or_below_zero_unless_it_was_said_that_it_may() {
    let mut strict = exchange(1_000_000);
    let limit = order(Side::Buy, 1_000, Some("-1"), 0);
    let refusal = strict.place(limit.clone()).unwrap_err();
    assert!(refusal.to_string().contains("limit -1 must be positive"), "{refusal}");
    strict.place(order(Side::Sell, 1_000, None, 0)).unwrap();
    for (bid, ask) in [("-1", "1"), ("0", "0"), ("0", "1"), ("-2", "-1")] {
        let refusal = strict.on_quote(&quote(1, bid, ask)).unwrap_err();
        assert!(refusal.to_string().contains(&format!("bid {bid} and ask {ask}")), "{refusal}");
    }
    assert_eq!(strict.working().len(), 1);
    let terms = Terms { cash: Money::from_whole(1_000_000).unwrap(), leverage: Some(30), negative_prices: true };
    let mut spreads = Matching::new(terms);
    spreads.place(limit).unwrap();
    assert_eq!(spreads.on_quote(&quote(1, "-2", "-1")).unwrap().fills[0].price.to_string(), "-1");
}

/// The money at which the second order cannot be booked: what filled before it stays filled and is told.
#[test]
fn an_order_that_cannot_be_booked_is_rejected_and_takes_no_other_fill_with_it() {
    let terms = Terms { cash: Money::from_raw(i128::MAX - 10), leverage: None, negative_prices: false };
    let mut exchange = Matching::new(terms);
    exchange.place(order(Side::Buy, 9_000_000_000, None, 0)).unwrap();
    exchange.on_quote(&quote(1, "1", "1")).unwrap();
    let other = Symbol(39);
    exchange.place(NewOrder { symbol: EURUSD, ..order(Side::Sell, 9_000_000_000, None, 1) }).unwrap();
    exchange.place(NewOrder { symbol: EURUSD, ..order(Side::Buy, 1_000, None, 1) }).unwrap();
    let Matched { fills, rejected } = exchange.on_quote(&quote(2, "2", "2")).unwrap();
    assert_eq!((fills.len(), rejected.len()), (1, 1));
    assert_eq!((fills[0].order.order.side, rejected[0].0.order.side), (Side::Buy, Side::Sell));
    assert!(rejected[0].1.to_string().contains("it was rejected"), "{}", rejected[0].1);
    assert_eq!((exchange.working().len(), exchange.position(other).quantity), (0, Quantity::ZERO));
    assert!(exchange.on_quote(&quote(3, "2", "2")).unwrap().rejected.is_empty(), "it is said once");
}

#[test]
fn a_closed_market_fills_nothing_and_refuses_market_orders() {
    let mut exchange = exchange(1_000_000);
    exchange.place(order(Side::Buy, 1_000, None, 0)).unwrap();
    exchange.set_open(EURUSD, false);
    assert!(exchange.on_quote(&quote(1, "1.1", "1.2")).unwrap().fills.is_empty());
    assert_eq!(exchange.place(order(Side::Buy, 1_000, None, 0)), Err(Refusal::MarketClosed(EURUSD)));
    exchange.place(order(Side::Buy, 1_000, Some("1.3"), 0)).unwrap();
    exchange.set_open(EURUSD, true);
    assert_eq!(exchange.on_quote(&quote(2, "1.1", "1.2")).unwrap().fills.len(), 2);
}

#[test]
fn a_cancelled_order_never_fills_and_cancels_once() {
    let mut exchange = exchange(1_000_000);
    let placed = exchange.place(order(Side::Buy, 1_000, None, 0)).unwrap();
    assert_eq!(exchange.cancel(placed.id).unwrap(), placed);
    assert_eq!(exchange.cancel(placed.id), Err(Refusal::NotWorking(placed.id)));
    assert!(exchange.on_quote(&quote(1, "1.1", "1.2")).unwrap().fills.is_empty());
}

/// 1,000,000 of cash at a leverage of 30 and a mid of 1.5 carry exactly 20,000,000 units.
#[test]
fn margin_counts_the_position_and_all_working_orders_to_the_last_unit() {
    let mut exchange = exchange(1_000_000);
    exchange.on_quote(&quote(0, "1.4", "1.6")).unwrap();
    let refused = exchange.place(order(Side::Buy, 20_000_001, None, 0)).unwrap_err();
    assert!(matches!(refused, Refusal::Margin { .. }) && refused.to_string().contains("20000001"), "{refused}");
    exchange.place(order(Side::Buy, 12_000_000, Some("1.0"), 0)).unwrap();
    exchange.place(order(Side::Buy, 8_000_000, Some("1.0"), 0)).unwrap();
    assert!(matches!(exchange.place(order(Side::Buy, 1, Some("1.0"), 0)), Err(Refusal::Margin { .. })));
    // The other side has room of its own: not all of them can fill on one side.
    exchange.place(order(Side::Sell, 20_000_000, Some("2.0"), 0)).unwrap();
    assert!(matches!(exchange.place(order(Side::Sell, 1, Some("2.0"), 0)), Err(Refusal::Margin { .. })));
}

#[test]
fn an_order_that_only_reduces_the_position_is_allowed_when_margin_is_gone() {
    let mut exchange = exchange(1_000_000);
    exchange.on_quote(&quote(0, "1.5", "1.5")).unwrap();
    exchange.place(order(Side::Buy, 20_000_000, None, 0)).unwrap();
    exchange.on_quote(&quote(1, "1.5", "1.5")).unwrap();
    exchange.on_quote(&quote(2, "1.6", "1.6")).unwrap();
    assert!(exchange.place(order(Side::Buy, 1, None, 2)).is_err());
    exchange.place(order(Side::Sell, 20_000_000, None, 2)).unwrap();
}

#[test]
fn what_is_no_amount_or_leaves_the_range_is_refused() {
    let mut exchange = Matching::new(Terms { cash: Money::ZERO, leverage: None, negative_prices: false });
    assert!(matches!(exchange.place(order(Side::Buy, 0, None, 0)), Err(Refusal::Quantity(_))));
    assert!(matches!(exchange.place(order(Side::Buy, -1, None, 0)), Err(Refusal::Quantity(_))));
    exchange.place(order(Side::Buy, 9_000_000_000, None, 0)).unwrap();
    assert!(matches!(exchange.place(order(Side::Buy, 9_000_000_000, None, 0)), Err(Refusal::TooMuch(_))));
    assert_eq!(exchange.working().len(), 1);
}

/// The whole way of an order on paper: checked, sent, told, filled, booked.
#[test]
fn an_order_manager_works_over_paper() {
    let terms = Terms { cash: Money::from_whole(1_000_000).unwrap(), leverage: Some(30), negative_prices: false };
    let limits = Limits::whole(20_000_000, 40_000_000, 60).unwrap();
    let mut manager = OrderManager::new(PaperBroker::new(terms), limits, "LB");
    let submit = |manager: &mut OrderManager<PaperBroker>, scenario: &str, amount, limit: Option<&str>| {
        let intent = OrderIntent {
            scenario: scenario.to_owned(),
            symbol: EURUSD,
            side: Side::Buy,
            quantity: Quantity::from_whole(amount).unwrap(),
            order_type: if limit.is_some() { OrderType::Limit } else { OrderType::Market },
            limit: limit.map(|text| text.parse().unwrap()),
            stop: None,
            trail: None,
            duration: TimeInForce::Day,
            decided: Time(5),
            reason: "entry".to_owned(),
        };
        manager.submit(intent).unwrap().clone()
    };
    manager.broker().on_quote(&quote(5, "1.39", "1.39")).unwrap();
    let market = submit(&mut manager, "trend", 1_000, None);
    let limit = submit(&mut manager, "fade", 1_000, Some("1.2"));
    let large = submit(&mut manager, "big", 20_000_000, Some("1.9"));
    assert_eq!((market.venue_id(), limit.venue_id()), (Some("P-000001"), Some("P-000002")));
    assert_eq!(large.status(), OrderStatus::Working, "20,000,000 at 1.39 and 30 fit into 1,000,000");
    let refused = submit(&mut manager, "more", 1_600_000, Some("1.9"));
    assert!(refused.status() == OrderStatus::Rejected && refused.note().contains("more margin"), "{}", refused.note());
    manager.cancel("fade").unwrap();
    manager.broker().on_quote(&quote(6, "1.389", "1.39")).unwrap();
    let mut fills = Vec::new();
    for activity in manager.broker().take_activities() {
        fills.extend(manager.on_activity(&activity).unwrap());
    }
    let fills: Vec<_> = fills.iter().map(|fill| (fill.client_id.as_str(), fill.price.to_string())).collect();
    assert_eq!(fills, [("LB-trend-000001", "1.39".to_owned()), ("LB-big-000003", "1.39".to_owned())]);
    assert_eq!(manager.book().find("LB-fade-000002").unwrap().status(), OrderStatus::Cancelled);
    assert!(manager.broker().take_activities().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Place { buy: bool, lots: i64, limit: Option<i64>, later: i64 },
    Cancel(usize),
    Quote { mid: i64, spread: i64 },
    Session(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let point = 100_000_i64..200_000;
    let step = prop_oneof![
        3 => (any::<bool>(), 1_i64..2_000, proptest::option::of(point.clone()), 0_i64..3)
            .prop_map(|(buy, lots, limit, later)| Step::Place { buy, lots, limit, later }),
        1 => (0_usize..50).prop_map(Step::Cancel),
        4 => (point, -2_i64..60).prop_map(|(mid, spread)| Step::Quote { mid, spread }),
        1 => any::<bool>().prop_map(Step::Session),
    ];
    proptest::collection::vec(step, 1..80)
}

proptest! {
    /// Position is the sum of the fills; cash and open cost are their exact payments; every fill is later
    /// than its decision and not worse than its limit; nothing fills twice or while the market is closed.
    #[test]
    fn no_unit_and_no_money_is_lost(steps in steps(), fraction in 1_i64..NANO) {
        let mut exchange = exchange(1_000_000_000);
        let (mut held, mut paid) = (0_i128, 0_i128);
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        let mut filled = std::collections::BTreeSet::new();
        let mut open = true;
        for (time, step) in (0_i64..).zip(steps) {
            match step {
                Step::Place { buy, lots, limit, later } => {
                    let side = if buy { Side::Buy } else { Side::Sell };
                    // Odd fractions of a unit: the payments are then rounded, but booked as rounded.
                    let mut new = order(side, lots, None, time + later);
                    new.quantity = Quantity::from_raw(lots * NANO + fraction);
                    new.limit = limit.map(|points| Price::from_raw(points * 10_000));
                    let _ = exchange.place(new);
                }
                Step::Cancel(id) => {
                    let _ = exchange.cancel(id as u64);
                }
                Step::Session(now) => {
                    open = now;
                    exchange.set_open(EURUSD, open);
                }
                Step::Quote { mid, spread } => {
                    let mut quote = quote(time, "1", "1");
                    quote.bid = Price::from_raw(mid * 10_000);
                    quote.ask = Price::from_raw((mid + spread) * 10_000);
                    let before = exchange.clone();
                    let Ok(Matched { fills, rejected }) = exchange.on_quote(&quote) else {
                        prop_assert!(spread < 0 && before.working().eq(exchange.working()));
                        continue;
                    };
                    prop_assert!(rejected.is_empty() && (open || fills.is_empty()));
                    for fill in fills {
                        let asked = &fill.order.order;
                        prop_assert!(asked.decided < fill.time);
                        prop_assert!(filled.insert(fill.order.id));
                        let (price, sign) = match asked.side {
                            Side::Buy => (quote.ask, 1),
                            Side::Sell => (quote.bid, -1),
                        };
                        prop_assert_eq!(fill.price, price);
                        prop_assert!(asked.limit.is_none_or(|limit| sign * limit.raw() >= sign * price.raw()));
                        let signed = i128::from(sign * asked.quantity.raw());
                        held += signed;
                        (low, high) = (low.min(price.raw()), high.max(price.raw()));
                        let product = Money::from_raw(signed * i128::from(price.raw()));
                        paid += product.round_to(NANO).unwrap().raw() / i128::from(NANO);
                    }
                }
            }
            let position = exchange.position(EURUSD);
            prop_assert_eq!(i128::from(position.quantity.raw()), held);
            prop_assert_eq!(position.cost.raw() - position.realised.raw(), paid);
            prop_assert_eq!(exchange.cash().raw() - 1_000_000_000 * i128::from(NANO), position.realised.raw());
            prop_assert!(held != 0 || position.cost == Money::ZERO);
            // What is held was bought between the lowest and the highest price; 100 units for rounding.
            let ends = [i128::from(low) * held, i128::from(high) * held].map(|end| end / i128::from(NANO));
            let (least, most) = (ends[0].min(ends[1]) - 100, ends[0].max(ends[1]) + 100);
            prop_assert!(held == 0 || (least..=most).contains(&position.cost.raw()), "{:?}", position);
        }
    }

    /// The margin rule, said in another way: of all subsets of the working orders with the new one in it,
    /// none may need more than cash × leverage, unless the new one can only reduce the position.
    #[test]
    fn margin_is_the_worst_of_all_subsets(
        orders in proptest::collection::vec((any::<bool>(), 1_i64..15_000_000), 1..7),
        held in -15_000_000_i64..15_000_000,
    ) {
        let mut exchange = exchange(1_000_000);
        exchange.on_quote(&quote(0, "1.5", "1.5")).unwrap();
        if held != 0 {
            let side = if held > 0 { Side::Buy } else { Side::Sell };
            exchange.place(order(side, held.abs(), None, 0)).unwrap();
            exchange.on_quote(&quote(1, "1.5", "1.5")).unwrap();
        }
        let mut working: Vec<i64> = Vec::new();
        for (buy, amount) in orders {
            let (side, signed) = if buy { (Side::Buy, amount) } else { (Side::Sell, -amount) };
            let worst = (0_u32..1 << working.len())
                .map(|subset| {
                    let chosen = working.iter().enumerate().filter(|(at, _)| subset & (1 << at) != 0);
                    (held + signed + chosen.map(|(_, amount)| amount).sum::<i64>()).abs()
                })
                .max()
                .unwrap();
            let allowed = worst <= 20_000_000 || worst <= held.abs();
            let placed = exchange.place(order(side, amount, Some(if buy { "1.0" } else { "2.0" }), 1));
            prop_assert_eq!(placed.is_ok(), allowed, "worst {}", worst);
            if allowed {
                working.push(signed);
            }
        }
    }
}

/// 1,000,000 of cash at a leverage of 30 carry a notional of 30,000,000 over all instruments together.
#[test]
fn margin_counts_the_position_and_orders_of_every_other_instrument_at_their_mid() {
    let usdchf = Symbol(39);
    let of = |symbol, order: NewOrder| NewOrder { symbol, ..order };
    let mut exchange = exchange(1_000_000);
    exchange.on_quote(&quote(0, "1.5", "1.5")).unwrap();
    exchange.on_quote(&Quote { symbol: usdchf, ..quote(0, "0.9", "1.1") }).unwrap();
    exchange.place(order(Side::Sell, 8_000_000, None, 0)).unwrap();
    exchange.on_quote(&quote(1, "1.5", "1.5")).unwrap();
    // 12,000,000 are held; 6,000,000 more could be, and 12,000,000 are left for the other instrument.
    exchange.place(order(Side::Sell, 4_000_000, Some("2.0"), 1)).unwrap();
    let refused = exchange.place(of(usdchf, order(Side::Buy, 12_000_001, Some("0.5"), 1))).unwrap_err();
    assert!(matches!(refused, Refusal::Margin { .. }), "{refused}");
    let resting = exchange.place(of(usdchf, order(Side::Buy, 12_000_000, Some("0.5"), 1))).unwrap();
    assert!(matches!(exchange.place(order(Side::Sell, 1, Some("2.0"), 1)), Err(Refusal::Margin { .. })));
    exchange.place(order(Side::Buy, 8_000_000, Some("1.0"), 1)).unwrap();
    exchange.cancel(resting.id).unwrap();
    exchange.place(order(Side::Sell, 8_000_000, Some("2.0"), 1)).unwrap();
    assert!(matches!(exchange.place(order(Side::Sell, 1, Some("2.0"), 1)), Err(Refusal::Margin { .. })));
}
