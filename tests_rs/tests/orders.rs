//! The order machine and the book under random histories: no fill is lost, an end is an end, the same
//! events lead to the same state.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_execution::{
    Activity, ActivityStatus, Admission, BookedFill, CancelAnswer, CheckedOrder, Decimal, Gateway, Ledger, Limits,
    Order, OrderBook, OrderError, OrderEvent, OrderManager, OrderState, PlaceAnswer, Shelf, SubStatus,
};
use exuvia_model::{OrderIntent, OrderStatus, OrderType, Quantity, SECOND, Side, Symbol, Time, TimeInForce};
use proptest::prelude::*;

fn whole(amount: i64) -> Quantity {
    Quantity::from_whole(amount).unwrap()
}

fn event() -> impl Strategy<Value = OrderEvent> {
    prop_oneof![
        Just(OrderEvent::Passed),
        Just(OrderEvent::Refused),
        Just(OrderEvent::Sent),
        Just(OrderEvent::Accepted),
        Just(OrderEvent::Lost),
        (-1_i64..6, any::<bool>()).prop_map(|(amount, last)| OrderEvent::Executed { quantity: whole(amount), last }),
        Just(OrderEvent::CancelSent),
        Just(OrderEvent::CancelRefused),
        Just(OrderEvent::Cancelled),
        Just(OrderEvent::Expired),
    ]
}

/// A life that is likely to get far: checked and sent, then anything.
fn life() -> impl Strategy<Value = Vec<OrderEvent>> {
    (any::<bool>(), prop::collection::vec(event(), 0..20)).prop_map(|(sent, mut events)| {
        if sent {
            events.splice(0..0, [OrderEvent::Passed, OrderEvent::Sent]);
        }
        events
    })
}

proptest! {
    #[test]
    fn no_fill_is_lost_and_an_end_is_an_end(events in life(), amount in 1_i64..12) {
        let mut state = OrderState::new(whole(amount));
        let mut filled = 0;
        let mut checked = false;
        for event in &events {
            match state.after(*event) {
                Ok(next) => {
                    let fill = matches!(event, OrderEvent::Executed { .. });
                    prop_assert!(!state.status().is_terminal() || fill, "{:?} left {}", event, state.status());
                    if let OrderEvent::Executed { quantity, last } = event {
                        filled += quantity.raw();
                        if state.status().is_terminal() {
                            prop_assert_eq!(next.status(), state.status(), "an end is an end");
                        } else {
                            prop_assert_eq!(next.status() == OrderStatus::Filled, *last);
                        }
                    }
                    checked |= *event == OrderEvent::Passed;
                    if *event == OrderEvent::Sent {
                        prop_assert!(checked && state.status() == OrderStatus::Checked);
                    }
                    if next.status() == OrderStatus::Rejected {
                        prop_assert_eq!(next.filled(), next.late(), "only what came late was executed");
                    }
                    state = next;
                }
                Err(error) => prop_assert!(error.to_string().contains(state.status().as_str()), "{}", error),
            }
            prop_assert_eq!(state.filled().raw(), filled);
            prop_assert!(state.filled() <= state.quantity());
            let open = if state.status().is_terminal() { 0 } else { state.quantity().raw() - filled };
            prop_assert_eq!(state.open().raw(), open);
        }
    }

    #[test]
    fn the_same_events_lead_to_the_same_state(events in life(), amount in 1_i64..12) {
        let run = || {
            let mut state = OrderState::new(whole(amount));
            let taken: Vec<_> = events.iter().filter(|event| {
                let next = state.after(**event);
                if let Ok(next) = next { state = next; }
                next.is_ok()
            }).copied().collect();
            (state, taken)
        };
        let (state, taken) = run();
        prop_assert_eq!(run().0, state);
        // What was refused has left no trace: the taken events alone lead there.
        let replayed = taken.iter().try_fold(OrderState::new(whole(amount)), |state, event| state.after(*event));
        prop_assert_eq!(replayed.unwrap(), state);
    }

    #[test]
    fn every_order_is_in_one_view_and_fills_add_up_to_the_position(steps in prop::collection::vec(step(), 0..40)) {
        let mut book = OrderBook::new(limits(), "LB");
        let mut position = 0_i128;
        let mut given = 0_u64;
        for step in steps {
            match step {
                Step::Submit(intent, outcome) => {
                    if let Admission::Send(checked) = book.admit(intent).unwrap() {
                        prop_assert_eq!(checked.order().status(), OrderStatus::PendingNew);
                        let order = book.settle(checked.order().client_id(), &outcome).unwrap();
                        let unknown = matches!(outcome, PlaceAnswer::Unknown(_));
                        prop_assert_eq!(order.status() == OrderStatus::Unknown, unknown);
                        prop_assert_eq!(OrderBook::shelf(order) == Shelf::Pending, unknown);
                    }
                }
                Step::Cancel(taken) => {
                    if let Some(request) = book.begin_cancel("trend").unwrap() {
                        let outcome = if taken { CancelAnswer::Requested } else { CancelAnswer::Refused(String::new()) };
                        book.settle_cancel(&request.client_id, &outcome).unwrap();
                    }
                }
                Step::Hear(activity) => {
                    given += 1;
                    let ignored = book.ignored();
                    let before: Vec<Order> = book.orders().to_vec();
                    match book.on_activity(&activity) {
                        Ok(Some(fill)) => position += i128::from(fill.quantity.raw()) * i128::from(fill.side.sign()),
                        Ok(None) => {}
                        Err(_) => prop_assert_eq!(book.orders(), &before[..], "a refused activity changed the book"),
                    }
                    if book.ignored() > ignored {
                        prop_assert_eq!(book.orders(), &before[..]);
                    }
                }
            }
            let views = [Shelf::Pending, Shelf::Active, Shelf::Terminal].map(|shelf| {
                let orders: Vec<&Order> = book.view(shelf).collect();
                assert!(orders.iter().all(|order| OrderBook::shelf(order) == shelf));
                orders.len()
            });
            prop_assert_eq!(views.iter().sum::<usize>(), book.counter());
            prop_assert_eq!(book.positions().values().sum::<i128>(), position);
            let filled = book.orders().iter().map(|order| {
                i128::from(order.state().filled().raw()) * i128::from(order.intent().side.sign())
            });
            prop_assert_eq!(filled.sum::<i128>(), position);
            prop_assert!(book.ignored() <= given);
        }
    }
}

fn limits() -> Limits {
    Limits::whole(5, 6, 10).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Submit(OrderIntent, PlaceAnswer),
    Cancel(bool),
    Hear(Activity),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        3 => Just(PlaceAnswer::Accepted("7001".into())),
        1 => Just(PlaceAnswer::Rejected("no".into())),
        2 => Just(PlaceAnswer::Unknown("time-out".into())),
    ];
    let submit =
        (any::<bool>(), 1_i64..7, 0_i64..100, any::<bool>(), outcome).prop_map(|(buy, amount, at, entry, outcome)| {
            let side = if buy { Side::Buy } else { Side::Sell };
            let reason = if entry { "entry" } else { "stop" };
            Step::Submit(OrderIntent { side, reason: reason.into(), ..intent(amount, at) }, outcome)
        });
    let status = prop::sample::select(vec![
        ActivityStatus::Placed,
        ActivityStatus::Fill,
        ActivityStatus::FinalFill,
        ActivityStatus::Cancelled,
        ActivityStatus::Expired,
        ActivityStatus::Changed,
    ]);
    let sub_status = prop::sample::select(vec![SubStatus::Confirmed, SubStatus::Confirmed, SubStatus::Rejected]);
    let hear =
        (1_usize..10, 0_u32..40, status, sub_status, 1_i64..6).prop_map(|(number, sequence, status, sub, amount)| {
            Step::Hear(Activity { sub_status: sub, ..activity(number, sequence, status, amount) })
        });
    prop_oneof![3 => submit, 1 => any::<bool>().prop_map(Step::Cancel), 5 => hear]
}

fn intent(amount: i64, at: i64) -> OrderIntent {
    OrderIntent {
        scenario: "trend".into(),
        symbol: Symbol(0),
        side: Side::Buy,
        quantity: whole(amount),
        order_type: OrderType::Market,
        limit: None,
        stop: None,
        trail: None,
        duration: TimeInForce::Day,
        decided: Time(at * SECOND),
        reason: "entry".into(),
    }
}

fn activity(number: usize, sequence: u32, status: ActivityStatus, amount: i64) -> Activity {
    Activity {
        reference: Some(format!("LB-trend-{number:06}")),
        sequence: Some(sequence.to_string()),
        venue_id: Some("7001".into()),
        symbol: None,
        side: None,
        status,
        sub_status: SubStatus::Confirmed,
        fill_quantity: Some(whole(amount)),
        execution_price: Some("1.39286".parse::<Decimal>().unwrap()),
        time: Some(Time(7)),
    }
}

/// Answers as it is told; panics when it has no answer left.
#[derive(Debug, Default)]
struct Scripted {
    answers: Vec<PlaceAnswer>,
    sent: Vec<String>,
}

impl Gateway for Scripted {
    fn place(&mut self, order: &CheckedOrder) -> PlaceAnswer {
        self.sent.push(order.order().client_id().to_owned());
        self.answers.pop().expect("the line went dead")
    }

    fn cancel(&mut self, _venue_id: &str) -> CancelAnswer {
        CancelAnswer::Requested
    }
}

#[test]
fn a_checked_order_goes_out_once_and_its_fill_comes_back() {
    let broker = Scripted { answers: vec![PlaceAnswer::Accepted("7001".into())], ..Scripted::default() };
    let mut manager = OrderManager::new(broker, limits(), "LB");
    assert_eq!(manager.submit(intent(6, 0)).unwrap().note(), "size: 6 > 5");
    assert_eq!(manager.submit(intent(3, 0)).unwrap().status(), OrderStatus::Working);
    assert_eq!(manager.cancel("trend").unwrap().unwrap().status(), OrderStatus::PendingCancel);
    let fill = manager.on_activity(&activity(2, 1, ActivityStatus::FinalFill, 3)).unwrap().unwrap();
    assert_eq!((fill.quantity, fill.price.to_string()), (whole(3), "1.39286".to_owned()));
    assert_eq!(manager.on_activity(&activity(2, 1, ActivityStatus::FinalFill, 3)).unwrap(), None);
    assert_eq!((manager.book().ignored(), manager.cancel("trend").unwrap()), (1, None));
    assert_eq!(manager.broker().sent, ["LB-trend-000002"]);
}

#[test]
fn a_broker_that_panics_leaves_its_order_unknown_and_nothing_more_is_sent() {
    let mut manager = OrderManager::new(Scripted::default(), limits(), "LB");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| manager.submit(intent(1, 0)).map(|_| ())));
    assert!(panic.is_err());
    let order = manager.book().find("LB-trend-000001").unwrap();
    assert_eq!((order.status(), order.note()), (OrderStatus::Unknown, "the broker panicked"));
    let error = manager.submit(intent(2, 0)).unwrap_err().to_string();
    assert!(error.contains("halted") && error.contains("LB-trend-000001"), "{error}");
    assert_eq!(manager.broker().sent.len(), 1);
}

#[test]
fn an_answer_for_an_order_that_the_book_never_made_is_an_error() {
    let mut book = OrderBook::new(limits(), "LB");
    let error = book.settle("LB-x-000001", &PlaceAnswer::Unknown(String::new())).unwrap_err();
    assert!(error.to_string().contains("LB-x-000001"));
    assert!(book.settle_cancel("LB-x-000001", &CancelAnswer::Requested).is_err());
}

#[test]
fn an_activity_that_was_faster_than_the_answer_holds() {
    let mut book = OrderBook::new(limits(), "LB");
    let Admission::Send(checked) = book.admit(intent(3, 0)).unwrap() else { panic!("refused") };
    book.on_activity(&activity(1, 1, ActivityStatus::FinalFill, 3)).unwrap().unwrap();
    let order = book.settle(checked.order().client_id(), &PlaceAnswer::Unknown("time-out".into())).unwrap();
    assert_eq!((order.status(), order.note()), (OrderStatus::Filled, ""));
}

#[test]
fn a_fill_at_no_price_is_refused_and_books_nothing() {
    let mut ledger = Ledger::new(Decimal::from(1_000));
    let fill = |price: &str| BookedFill {
        client_id: "LB-a-000001".to_owned(),
        scenario: "a".to_owned(),
        symbol: Symbol(21),
        side: Side::Buy,
        quantity: whole(3),
        price: price.parse().unwrap(),
        time: Time(1),
    };
    for price in ["0", "-0.00", "-1.39"] {
        let refused = ledger.on_fill(&fill(price), "entry").unwrap_err();
        assert!(matches!(&refused, OrderError::BadPrice { client_id, .. } if client_id == "LB-a-000001"), "{refused}");
        assert_eq!(ledger.account("a").unwrap(), ledger.account("nobody").unwrap(), "{price}");
    }
    assert_eq!(ledger.on_fill(&fill("0.00001"), "entry"), Ok(None));
    assert_eq!(ledger.account("a").unwrap().position, i128::from(whole(3).raw()));
}

#[test]
fn an_order_without_the_prices_of_its_type_is_no_order_and_uses_no_id() {
    let mut book = OrderBook::new(limits(), "LB");
    let price = |text: &str| Some(text.parse().unwrap());
    let limit = |limit| OrderIntent { order_type: OrderType::Limit, limit, ..intent(1, 0) };
    for (wanted, code) in [
        (limit(None), "bad_limit"),
        (limit(price("0")), "bad_limit"),
        (limit(price("-1.5")), "bad_limit"),
        (OrderIntent { limit: price("1"), ..intent(1, 0) }, "bad_limit"),
        (OrderIntent { stop: price("1"), ..intent(1, 0) }, "bad_terms"),
        (OrderIntent { order_type: OrderType::Stop, ..intent(1, 0) }, "bad_terms"),
        (intent(0, 0), "bad_amount"),
    ] {
        let error = book.admit(wanted).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(book.counter(), 0);
    assert!(matches!(book.admit(limit(price("1.5"))).unwrap(), Admission::Send(_)));
}

#[test]
fn paper_refuses_a_stop_that_it_could_not_work() {
    let cash = exuvia_model::Money::from_whole(1_000).unwrap();
    let terms = exuvia_execution::matching::Terms { cash, leverage: None, negative_prices: false };
    let mut manager = OrderManager::new(exuvia_brokers::paper::PaperBroker::new(terms), limits(), "LB");
    let stop = OrderIntent { order_type: OrderType::Stop, stop: Some("1.5".parse().unwrap()), ..intent(1, 0) };
    let order = manager.submit(stop).unwrap();
    assert_eq!(order.status(), OrderStatus::Rejected);
    assert_eq!(order.note(), "the paper exchange has no Stop orders: send a Market or a Limit");
    assert!(manager.broker().working().is_empty());
}
