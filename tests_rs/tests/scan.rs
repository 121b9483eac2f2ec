//! The scan of a cycle in Rust, and the state file on a disk that fails.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;

use exuvia_engine::{
    Action, OpenOrder, OrderStyle, Quote, Reason, Rules, ScanError, Scanner, Scenario, SmaCross, StateError,
    StateValue, Strategy as Wants, View, ZScoreReversion, load_state, save_state,
};
use exuvia_model::{OrderType, SECOND, Side, Time};
use exuvia_net::SystemFiles;
use exuvia_ports::{Create, Files as _, SimFault, SimFiles, Survives};
use proptest::prelude::*;

const NOW: Time = Time(1_399_464_000 * SECOND);

fn rules() -> Rules {
    Rules {
        amount: 1_000,
        style: OrderStyle::Limit { offset: 0.00002, tick: 0.00001 },
        max_spread: 0.0003,
        stop: 0.001,
        take: 0.002,
        max_hold_s: 3_600.0,
        cooldown_s: 60.0,
        order_ttl_s: 120.0,
        max_quote_age_s: 30.0,
    }
}

fn scanner() -> Scanner {
    let trend: Box<dyn Wants> = Box::new(SmaCross::new(1, 2).unwrap());
    let fade: Box<dyn Wants> = Box::new(ZScoreReversion::new(2, 0.9, 0.1).unwrap());
    let scenario = |name: &str, strategy| Scenario { name: name.into(), uic: 21, rules: rules(), strategy };
    let mut scanner = Scanner::new(vec![scenario("trend", trend), scenario("fade", fade)], 10);
    scanner.push_close(21, 1.0).unwrap();
    scanner.push_close(21, 1.1).unwrap();
    scanner
}

fn decide(views: [View; 2], quote: Option<Quote>, now: Time) -> Vec<exuvia_engine::Intent> {
    let views: HashMap<&str, View> = ["trend", "fade"].into_iter().zip(views).collect();
    scanner().decide::<ScanError>(now, |_| Ok(quote), |name| Ok(views[name])).unwrap()
}

fn quote() -> Quote {
    Quote { time: NOW, bid: 1.39286, ask: 1.39298, open: true }
}

#[test]
fn two_strategies_on_one_instrument_want_opposite_things() {
    let intents = decide([View::default(); 2], Some(quote()), NOW);
    let got: Vec<_> = intents.iter().map(|intent| (intent.scenario.as_str(), intent.side, intent.limit)).collect();
    assert_eq!(got, [("trend", Side::Buy, Some(1.39284)), ("fade", Side::Sell, Some(1.393))]);
    assert!(intents.iter().all(|intent| intent.action == Action::Place && intent.reason == Reason::Entry));
}

#[test]
fn nothing_is_decided_on_a_quote_that_is_missing_closed_or_old_nor_at_the_weekend() {
    let old = Quote { time: Time(NOW.0 - 30 * SECOND - 1), ..quote() };
    for quote in [None, Some(Quote { open: false, ..quote() }), Some(old)] {
        assert_eq!(decide([View::default(); 2], quote, NOW), []);
    }
    let saturday = Time(NOW.0 + 3 * 86_400 * SECOND);
    assert_eq!(decide([View::default(); 2], Some(Quote { time: saturday, ..quote() }), saturday), []);
}

#[test]
fn exits_are_tried_in_their_order_and_an_old_limit_is_cancelled() {
    let long = View { position: 1_000, entry_price: Some(1.3), entry_time: Some(Time(0)), ..View::default() };
    let short = View { position: -1_000, entry_price: Some(1.3), entry_time: Some(NOW), ..View::default() };
    let intents = decide([long, short], Some(quote()), NOW);
    assert_eq!(intents.iter().map(|intent| intent.reason).collect::<Vec<_>>(), [Reason::Take, Reason::Stop]);
    let order = OpenOrder {
        side: Some(Side::Buy),
        order_type: Some(OrderType::Limit),
        decided: Some(Time(NOW.0 - 120 * SECOND)),
    };
    let resting = View { open: Some(order), ..View::default() };
    let market = View { open: Some(OpenOrder { order_type: Some(OrderType::Market), ..order }), ..View::default() };
    let intents = decide([resting, market], Some(quote()), NOW);
    assert_eq!(intents.len(), 1);
    assert_eq!((intents[0].action, intents[0].amount, intents[0].reason), (Action::Cancel, 0, Reason::Ttl));
}

#[test]
fn a_strategys_failure_names_its_scenario() {
    #[derive(Debug)]
    struct Broken;
    impl Wants for Broken {
        fn target(&self, _: &[f64], _: i64) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>> {
            Err("no model".into())
        }
        fn lookback(&self) -> usize {
            0
        }
    }
    let scenario = Scenario { name: "trend".into(), uic: 21, rules: rules(), strategy: Broken };
    let scanner = Scanner::new(vec![scenario], 1);
    let error = scanner.decide::<ScanError>(NOW, |_| Ok(Some(quote())), |_| Ok(View::default())).unwrap_err();
    assert!(error.to_string().contains("\"trend\""), "{error}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no model");
}

fn state(n: i64) -> StateValue {
    StateValue::Object(vec![("n".into(), n.into()), ("version".into(), 1.into())])
}

/// The old content or the new one, never anything else, at whichever operation the power goes.
#[test]
fn a_state_survives_a_power_cut_at_every_step() {
    let path = Path::new("desk/state.json");
    let mut cuts = 0;
    for step in 0..8 {
        for survives in [Survives::Nothing, Survives::Everything, Survives::Names, Survives::Some { seed: step }] {
            let files = SimFiles::new();
            save_state(&files, path, &state(1)).unwrap();
            files.fault_at(files.operations() + step, SimFault::PowerCut);
            let saved = save_state(&files, path, &state(2));
            cuts += u32::from(saved.is_err());
            files.power_on(survives);
            let found = load_state(&files, path).unwrap();
            assert!(found == state(2) || (saved.is_err() && found == state(1)), "step {step}, {survives:?}: {found:?}");
        }
    }
    assert!(cuts >= 16, "only {cuts} cuts hit the save");
}

#[test]
fn a_file_of_this_name_in_the_current_folder_can_be_saved_and_missing_ones_say_so() {
    let error = load_state(&SystemFiles, Path::new("no-such-state.json")).unwrap_err();
    assert!(matches!(error, StateError::Read { .. }) && error.to_string().contains("no-such-state.json"), "{error}");
    let files = SimFiles::new();
    save_state(&files, Path::new("state.json"), &state(1)).unwrap();
    assert_eq!(load_state(&files, Path::new("state.json")).unwrap(), state(1));
}

fn value() -> impl Strategy<Value = StateValue> {
    let leaf = prop_oneof![
        Just(StateValue::Null),
        any::<bool>().prop_map(StateValue::Bool),
        any::<i64>().prop_map(StateValue::from),
        any::<u128>().prop_map(|big| StateValue::Int(big.to_string())),
        any::<String>().prop_map(StateValue::Text),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(StateValue::List),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|items| StateValue::Object(items.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_saved_is_loaded(inner in value()) {
        let files = SimFiles::new();
        let state = StateValue::Object(vec![("inner".into(), inner), ("version".into(), 1.into())]);
        save_state(&files, Path::new("state.json"), &state).unwrap();
        prop_assert_eq!(load_state(&files, Path::new("state.json")).unwrap(), state);
    }

    #[test]
    fn any_bytes_are_a_state_or_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let files = SimFiles::new();
        let path = Path::new("state.json");
        files.create(path, Create::default()).unwrap().write(&bytes).unwrap();
        if let Err(error) = load_state(&files, path) {
            prop_assert!(error.to_string().contains("state.json"));
        }
    }
}
