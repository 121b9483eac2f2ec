//! A desk over the paper exchange, through the same trait as a live broker.

use exuvia_brokers::paper::PaperVenue;
use exuvia_execution::exchange::{Config, Delay, Exchange, Latency, Rules};
use exuvia_execution::{
    Broker, Change, ChangeOutcome, CheckedOrder, Desk, Execution, Heard, Instrument, Link, PlaceOutcome, Step,
    VenueStatus,
};
use exuvia_model::{OrderIntent, OrderStatus, OrderType, Symbol, Time, TimeInForce, Trail};

use crate::kit::*;

struct Trader {
    desk: Desk,
    venue: PaperVenue,
}

impl Trader {
    fn new(latency: Latency) -> Self {
        let mut desk = Desk::default();
        desk.apply(&Change::Opened { prefix: "EX".into(), counter: 0 }).unwrap();
        let other = Instrument::new("NQ", price("1"), lots(20), "USD".parse().unwrap()).unwrap();
        desk.apply(&Change::Listed(other)).unwrap();
        // The desk numbers it otherwise than the exchange does.
        desk.apply(&Change::Listed(instrument())).unwrap();
        let exchange = Exchange::new(Config { latency, ..config(Rules::default()) }, 7).unwrap();
        Self { desk, venue: PaperVenue::new(exchange, 1) }
    }

    /// Wants an order and has it ready.
    fn ready(&mut self, intent: OrderIntent) -> CheckedOrder {
        let change = self.desk.intend(Link::Single, vec![OrderIntent { symbol: Symbol(1), ..intent }]).unwrap();
        let Change::Intended { orders, .. } = &change else { unreachable!() };
        let client_id = orders[0].client_id.clone();
        self.desk.apply(&change).unwrap();
        self.step(&client_id, Step::Passed);
        self.step(&client_id, Step::Sent);
        self.desk.to_send(&client_id).unwrap()
    }

    fn send(&mut self, now: i64, intent: OrderIntent) -> PlaceOutcome {
        let order = self.ready(intent);
        let outcome = self.venue.place(&order, &instrument(), Time(now));
        if let PlaceOutcome::Accepted(id) = &outcome {
            self.step(order.order().client_id(), Step::Accepted(Some(id.clone())));
        }
        outcome
    }

    fn step(&mut self, client_id: &str, step: Step) {
        self.desk.apply(&Change::Stepped { client_id: client_id.to_owned(), step, time: Time(0) }).unwrap();
    }

    /// Tells the desk what the venue says, and gives the words of it.
    fn hear(&mut self, now: i64) -> Vec<String> {
        let mut words = Vec::new();
        for report in self.venue.poll(Time(now)) {
            let client_id = report.client_id.unwrap();
            let time = report.time;
            words.push(
                format!("{:?}", report.what).chars().take_while(|c| *c != '{').collect::<String>().trim().to_owned(),
            );
            let change = match report.what {
                Heard::Step(step) => Change::Stepped { client_id, step, time },
                Heard::Execution { id: execution_id, quantity, price, fee, last } => Change::Executed(Execution {
                    client_id,
                    execution_id,
                    quantity,
                    price,
                    fee,
                    last,
                    beyond: false,
                    time,
                }),
                Heard::Trailed(stop) => Change::Trailed { client_id, stop, time },
                other => panic!("{other:?}"),
            };
            assert!(self.desk.apply(&change).unwrap().notices.is_empty(), "{change:?}");
        }
        words
    }

    fn status(&self, client_id: &str) -> OrderStatus {
        self.desk.find(client_id).unwrap().status()
    }

    fn quote(&self, now: i64, bid: &str, ask: &str) {
        self.venue.exchange().on_quote(Time(now), &quote(now, (bid, 2), (ask, 2))).unwrap();
    }
}

const SLOW: Latency = Latency {
    place: Delay::Fixed(10),
    replace: Delay::Fixed(10),
    cancel: Delay::Fixed(10),
    report: Delay::Fixed(10),
    overtaking: false,
};

#[test]
fn a_desk_trades_and_both_sides_have_the_same_in_the_end() {
    let mut trader = Trader::new(Latency::default());
    trader.quote(1, "99", "100");
    assert_eq!(trader.send(2, intent(Buy, 5, Some("100"))), PlaceOutcome::Accepted("X-000001".into()));
    assert_eq!(trader.hear(2), ["Step(Accepted(Some(\"X-000001\")))", "Execution"]);
    assert_eq!(trader.status("EX-trend-000001"), OrderStatus::PartiallyFilled);
    let amendment = terms(4, Some("101"), None);
    trader.step("EX-trend-000001", Step::ReplaceSent(amendment));
    let order = trader.desk.find("EX-trend-000001").unwrap().clone();
    assert_eq!(trader.venue.replace("X-000001", &order, &amendment, &instrument(), Time(3)), ChangeOutcome::Requested);
    assert_eq!(trader.hear(3), ["Step(Replaced)"]);
    trader.quote(4, "100", "101");
    assert_eq!(trader.hear(4), ["Execution"]);
    assert_eq!(trader.status("EX-trend-000001"), OrderStatus::Filled);
    let trail =
        OrderIntent { order_type: OrderType::TrailingStop, trail: Some(Trail::Ticks(3)), ..intent(Sell, 2, None) };
    trader.send(5, trail);
    trader.quote(6, "97", "98");
    assert_eq!(trader.hear(6).len(), 3, "accepted, trailed, executed");
    let snapshot = trader.venue.snapshot(Time(7)).unwrap();
    let held = trader.desk.holding("trend", Symbol(1));
    assert_eq!(
        (snapshot.positions[0].quantity, snapshot.positions[0].average),
        (held.quantity(), held.average_price())
    );
    assert_eq!(
        (snapshot.positions.len(), snapshot.positions[0].instrument.as_str(), snapshot.taken),
        (1, "ES", Time(7))
    );
    // 2 at 100, 2 at 101, and 2 sold at 97.
    let cash: Vec<_> = snapshot.cash.iter().map(|(currency, cash)| format!("{cash} {currency}")).collect();
    assert_eq!(cash, ["999792 USD"]);
}

#[test]
fn what_is_refused_at_once_is_answered_and_what_is_refused_later_is_reported() {
    let mut slow = Trader::new(SLOW);
    let order = slow.ready(intent(Buy, 5, Some("100")));
    for now in [1, 2] {
        let outcome = slow.venue.place(&order, &instrument(), Time(now));
        assert_eq!(outcome, PlaceOutcome::Accepted(format!("X-{now:06}")), "on its way");
    }
    let told = slow.venue.poll(Time(50));
    assert!(
        matches!(&told[1].what, Heard::Step(Step::Refused(words)) if words.contains("already that of order 1")),
        "{told:?}"
    );
    let mut quick = Trader::new(Latency::default());
    let order = quick.ready(intent(Buy, 5, Some("100")));
    assert!(matches!(quick.venue.place(&order, &instrument(), Time(2)), PlaceOutcome::Accepted(_)));
    let again = quick.venue.place(&order, &instrument(), Time(3));
    assert!(matches!(&again, PlaceOutcome::Rejected(words) if words.contains("already that of order 1")), "{again:?}");
}

#[test]
fn an_instrument_that_is_not_listed_or_with_other_terms_is_rejected_with_what_to_do() {
    let mut trader = Trader::new(Latency::default());
    let order = trader.ready(intent(Buy, 5, None));
    let dear = Instrument { multiplier: lots(50), ..instrument() };
    for (instrument, words) in
        [(dear, "list it as the desk has it"), (Instrument { name: "CL".into(), ..instrument() }, "CL is not listed")]
    {
        let outcome = trader.venue.place(&order, &instrument, Time(1));
        assert!(matches!(&outcome, PlaceOutcome::Rejected(text) if text.contains(words)), "{outcome:?}");
    }
    assert!(trader.venue.exchange().orders().is_empty());
}

#[test]
fn an_order_that_is_on_its_way_is_found_so_that_nobody_sends_it_again() {
    let mut trader = Trader::new(SLOW);
    trader.send(100, intent(Buy, 5, Some("100")));
    let found = trader.venue.look_up("EX-trend-000001", Time(0), Time(101)).unwrap().unwrap();
    assert_eq!(
        (found.status, found.venue_id.as_str(), found.instrument.as_str()),
        (VenueStatus::Held, "X-000001", "ES")
    );
    assert_eq!(trader.venue.look_up("EX-trend-000002", Time(0), Time(102)).unwrap(), None);
    assert_eq!(
        trader.venue.beside(2).look_up("EX-trend-000001", Time(0), Time(103)).unwrap(),
        None,
        "it is another account's"
    );
    let found = trader.venue.look_up("EX-trend-000001", Time(0), Time(110)).unwrap().unwrap();
    assert_eq!((found.status, found.limit, found.quantity), (VenueStatus::Working, Some(price("100")), lots(5)));
    assert_eq!(trader.venue.look_up("EX-trend-000001", Time(0), Time(109)).unwrap_err().code(), "unreachable");
}

#[test]
fn a_cancel_may_cross_a_fill_and_both_are_heard() {
    let mut trader = Trader::new(SLOW);
    trader.send(100, intent(Buy, 2, Some("100")));
    trader.hear(130);
    trader.step("EX-trend-000001", Step::CancelSent);
    assert_eq!(trader.venue.cancel("X-000001", Time(131)), ChangeOutcome::Requested);
    trader.quote(135, "98", "99");
    let outcome = trader.venue.cancel("P-000001", Time(136));
    assert!(matches!(&outcome, ChangeOutcome::Refused(words) if words.contains("\"P-000001\"")), "{outcome:?}");
    assert_eq!(trader.hear(149), ["Execution"]);
    assert_eq!(trader.status("EX-trend-000001"), OrderStatus::Filled);
    let told = trader.venue.poll(Time(151));
    assert!(
        matches!(&told[0].what, Heard::Step(Step::CancelRefused(words)) if words.contains("filled already")),
        "{told:?}"
    );
    assert!(matches!(trader.venue.cancel("X-000001", Time(1)), ChangeOutcome::NotSent(_)), "the clock went back");
    assert!(trader.venue.poll(Time(1)).is_empty() && trader.venue.snapshot(Time(1)).is_err());
}

#[test]
fn a_snapshot_has_what_happened_even_if_its_report_is_on_its_way() {
    let mut trader = Trader::new(SLOW);
    trader.quote(1, "99", "100");
    trader.send(100, intent(Buy, 2, None));
    trader.send(100, intent(Buy, 2, Some("90")));
    let snapshot = trader.venue.snapshot(Time(110)).unwrap();
    let status: Vec<_> = snapshot.orders.iter().map(|order| (order.status, order.average)).collect();
    assert_eq!(status, [(VenueStatus::Filled, Some(price("100"))), (VenueStatus::Working, None)]);
    assert!(
        matches!(&snapshot.executions[..], [report] if matches!(&report.what, Heard::Execution { id, .. } if id == "E-000001"))
    );
    let next = trader.venue.snapshot(Time(111)).unwrap();
    assert_eq!((next.orders.len(), next.executions.len()), (2, 0), "one ended at the very instant of the first");
    assert_eq!(trader.venue.snapshot(Time(112)).unwrap().orders.len(), 1, "what had ended by then was told");
    let anew = trader.venue.beside(1).snapshot(Time(112)).unwrap();
    assert_eq!((anew.orders.len(), anew.executions.len()), (2, 1), "a program that was started anew knows nothing yet");
    assert!(trader.venue.beside(9).snapshot(Time(112)).is_err());
    let order = trader.ready(intent(Buy, 2, None));
    let nowhere = trader.venue.beside(9).place(&order, &instrument(), Time(113));
    assert!(matches!(nowhere, PlaceOutcome::NotSent(_)), "{nowhere:?}");
    assert!(trader.venue.capabilities().replaces && !trader.venue.capabilities().brackets);
    assert_eq!(trader.venue.capabilities().order_types.len(), 5);
}

#[test]
fn every_end_is_shown_and_told_in_the_desks_words() {
    let mut trader = Trader::new(Latency::default());
    trader.quote(1, "99", "100");
    trader.send(2, lasting(TimeInForce::Day, intent(Buy, 2, Some("90"))));
    trader.send(2, lasting(TimeInForce::ImmediateOrCancel, intent(Buy, 2, Some("90"))));
    trader.send(2, stop(Buy, 2, "100", None));
    let order = trader.ready(intent(Buy, 1, Some("90")));
    trader
        .venue
        .exchange()
        .place(
            Time(2),
            exuvia_execution::exchange::Placement {
                account: 1,
                client_id: order.order().client_id().to_owned(),
                intent: intent(Buy, 0, Some("90")),
                legs: 1,
            },
        )
        .unwrap();
    let amendment = terms(2, None, Some("95"));
    let first = trader.desk.find("EX-trend-000001").unwrap().clone();
    trader.venue.replace("X-000001", &first, &amendment, &instrument(), Time(3));
    let told = trader.venue.poll(Time(exuvia_model::DAY));
    let said = |wanted: &str| told.iter().any(|report| format!("{:?}", report.what).contains(wanted));
    for wanted in ["Cancelled(\"what could not", "Refused(\"amount 0", "ReplaceRefused(", "Expired", "Execution"] {
        assert!(said(wanted), "{wanted}: {told:?}");
    }
    assert!(!said("SetOff"));
    let shown = trader.venue.snapshot(Time(exuvia_model::DAY)).unwrap().orders;
    let status: Vec<_> = shown.iter().map(|order| order.status).collect();
    assert_eq!(status, [VenueStatus::Expired, VenueStatus::Cancelled, VenueStatus::Filled, VenueStatus::Rejected]);
    assert!(trader.venue.cancel("X-000099", Time(exuvia_model::DAY)) == ChangeOutcome::Requested);
    assert_eq!(trader.venue.poll(Time(exuvia_model::DAY))[0].client_id, None, "nobody knows whose it is");
}
