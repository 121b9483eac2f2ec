//! The legacy profile says of every intent what the bot's own manager says, its gaps included.

use exuvia_execution::precheck::{Checks, Context, Open, Past, Profile};
use exuvia_execution::{Activity, ActivityStatus, Admission, Decimal, Limits, OrderBook, Shelf, SubStatus};
use exuvia_model::{OrderIntent, OrderType, Quantity, SECOND, Side, Time, Trail};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::kit::*;

#[derive(Debug, Clone)]
enum Event {
    Wants(OrderIntent),
    Says(prop::sample::Index, u8),
}

fn intents() -> impl Strategy<Value = OrderIntent> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let order_type = prop_oneof![4 => Just(OrderType::Market), 4 => Just(OrderType::Limit), 1 => Just(OrderType::Stop), 1 => Just(OrderType::TrailingStop)];
    let price = prop_oneof![4 => Just(None), 4 => Just(Some(p("10"))), 2 => Just(Some(p("11"))), 1 => Just(Some(p("-1"))), 1 => Just(Some(p("0")))];
    let reason = prop_oneof![3 => Just("entry"), 1 => Just("stop")];
    (0..2_u8, side, -1..5_i64, order_type, price.clone(), price, -20..60_i64, reason, any::<bool>()).prop_map(
        |(scenario, side, amount, order_type, limit, stop, age, reason, trail)| OrderIntent {
            scenario: format!("s{scenario}"),
            quantity: q(amount),
            side,
            order_type,
            limit,
            stop: stop.filter(|_| order_type.is_stop() || amount == 4),
            trail: (order_type == OrderType::TrailingStop && trail).then_some(Trail::Ticks(3)),
            decided: Time(now().0 + age * SECOND),
            reason: reason.into(),
            ..self::limit(Side::Buy, 1, "1")
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![3 => intents().prop_map(Event::Wants), 2 => (any::<prop::sample::Index>(), 0..6_u8).prop_map(|(at, what)| Event::Says(at, what))];
    vec(event, 1..60)
}

/// What the venue says of one of the orders that live.
fn says(book: &mut OrderBook, at: prop::sample::Index, what: u8, sequence: usize) {
    let live: Vec<(String, Quantity)> = book
        .view(Shelf::Pending)
        .chain(book.view(Shelf::Active))
        .map(|order| (order.client_id().to_owned(), order.state().open()))
        .collect();
    if live.is_empty() {
        return;
    }
    let (id, open) = at.get(&live).clone();
    let one = q(1).min(open);
    let (status, sub_status, fill) = match what {
        0 => (ActivityStatus::Placed, SubStatus::Confirmed, None),
        1 => (ActivityStatus::Placed, SubStatus::Rejected, None),
        2 => (ActivityStatus::Cancelled, SubStatus::Confirmed, None),
        3 => (ActivityStatus::Expired, SubStatus::Confirmed, None),
        4 => (ActivityStatus::Fill, SubStatus::Confirmed, Some(one)),
        _ => (ActivityStatus::FinalFill, SubStatus::Confirmed, Some(open)),
    };
    let activity = Activity {
        reference: Some(id.clone()),
        sequence: Some(sequence.to_string()),
        venue_id: Some(format!("V-{id}")),
        symbol: None,
        side: None,
        status,
        sub_status,
        fill_quantity: fill,
        execution_price: fill.map(|_| "10".parse::<Decimal>().unwrap()),
        time: Some(now()),
    };
    // A step that the machine does not have changes nothing.
    let _ = book.on_activity(&activity);
}

/// Everything that the legacy profile needs of the book, and room to spare for what legacy has not.
fn objections(checks: &Checks, book: &OrderBook, intent: &OrderIntent) -> Option<(&'static str, String)> {
    let desk = desk();
    let mut open = Open::default();
    for order in book.view(Shelf::Pending).chain(book.view(Shelf::Active)) {
        if order.intent().scenario == intent.scenario {
            let signed = order.signed_open();
            if signed > 0 { open.buys += signed } else { open.sells -= signed }
        }
    }
    let held = book.positions().get(&intent.scenario).copied().unwrap_or_default();
    let held = Some(Quantity::from_raw(i64::try_from(held).unwrap()));
    let context = Context { held, open: Some(open), orders: Some(Past::all(book.orders())), ..known(&desk, &[]) };
    let found = checks.objections(intent, &context);
    found.first().map(|found| (found.code, found.legacy_note()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_legacy_profile_decides_as_the_bots_manager_does(events in events(), max in 1..4_i64, position in 1..9_i64, window in 1..40_i64) {
        let limits = Limits::whole(max, position, window).unwrap();
        let checks = Checks::new(Profile::legacy(limits)).unwrap();
        let mut book = OrderBook::new(limits, "LB");
        for (sequence, event) in events.into_iter().enumerate() {
            match event {
                Event::Says(at, what) => says(&mut book, at, what, sequence),
                Event::Wants(intent) => {
                    let ours = objections(&checks, &book, &intent);
                    match (book.admit(intent.clone()), ours) {
                        (Err(error), Some((code, _))) => prop_assert_eq!(error.code(), code, "{:?}", intent),
                        (Ok(Admission::Refused(order)), Some((_, note))) => prop_assert_eq!(order.note(), note),
                        (Ok(Admission::Send(_)), None) => {}
                        (theirs, ours) => {
                            let why = format!("{intent:?}: {theirs:?} and {ours:?}");
                            return Err(TestCaseError::fail(why));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_legacy_lets_pass_and_we_do_not_is_what_is_written_down() {
    let limits = Limits::whole(5, 6, 60).unwrap();
    let (legacy, exact) = (Profile::legacy(limits), Profile::least("exact", limits));
    let both = |intent: &OrderIntent, context: &Context<'_>| {
        [&legacy, &exact].map(|profile| against(profile.clone(), intent, context))
    };
    let desk = desk();
    let context = Context { held: Some(q(4)), ..known(&desk, &[]) };
    let exit = OrderIntent { reason: "take".into(), ..limit(Side::Buy, 5, "1") };
    assert_eq!(both(&exit, &context), [vec![], vec!["position"]], "legacy looks at entries only");
    let resting = Context { open: Some(Open { buys: 0, sells: i128::from(q(9).raw()) }), ..context };
    assert_eq!(
        both(&limit(Side::Buy, 5, "1"), &resting),
        [vec![], vec!["position"]],
        "a resting sell makes room for a buy"
    );
    let mut filled = crate::kit::desk();
    past(&mut filled, limit(Side::Buy, 1, "1"), before(9), Then::Fills);
    assert_eq!(
        both(&limit(Side::Buy, 1, "1"), &known(&filled, &[])),
        [vec![], vec!["duplicate"]],
        "legacy forgets what was filled"
    );
    let mut refused = crate::kit::desk();
    past(&mut refused, limit(Side::Buy, 1, "1"), before(9), Then::IsRefusedThere);
    assert_eq!(
        both(&limit(Side::Buy, 1, "1"), &known(&refused, &[])),
        [vec!["duplicate"], vec![]],
        "and remembers what was refused"
    );
    let mut works = crate::kit::desk();
    past(&mut works, limit(Side::Buy, 1, "2"), before(9), Then::Works);
    assert_eq!(both(&limit(Side::Buy, 1, "1"), &known(&works, &[])), [vec!["duplicate"], vec![]], "whatever its price");
    let ahead = OrderIntent { decided: Time(now().0 + 3600 * SECOND), ..limit(Side::Buy, 1, "1") };
    assert_eq!(both(&ahead, &known(&desk, &[])), [vec![], vec!["decided_ahead"]]);
    assert_eq!(
        both(&limit(Side::Buy, 1, "-1"), &known(&desk, &[])),
        [vec!["bad_limit"], vec![]],
        "where prices below zero trade"
    );
}
