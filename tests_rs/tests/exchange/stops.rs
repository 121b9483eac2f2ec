//! What sets a stop off, and what becomes of it then.

use exuvia_execution::exchange::{Entry, Rules, Trigger};
use exuvia_model::{OrderIntent, OrderType, Time, Trail};

use crate::kit::*;

fn trailing(side: exuvia_model::Side, ticks: u32) -> OrderIntent {
    OrderIntent { order_type: OrderType::TrailingStop, trail: Some(Trail::Ticks(ticks)), ..intent(side, 2, None) }
}

#[test]
fn a_stop_is_set_off_by_the_price_at_which_it_would_be_filled() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("103", 9), ("104", 9));
    stage.send(2, stop(Buy, 2, "105", None));
    stage.send(2, stop(Sell, 2, "102", None));
    stage.quote(3, ("103", 9), ("104", 9));
    stage.trade(4, "110", 9);
    assert!(stage.told().is_empty(), "a trade does not set it off here");
    stage.quote(5, ("104", 9), ("105", 9));
    assert_eq!(stage.told(), ["1 set off", "1 executed 2 @ 105 taker, all"]);
    stage.quote(6, ("99", 9), ("100", 9));
    assert_eq!(stage.told(), ["2 set off", "2 executed 2 @ 99 taker, all"], "a gap is not made good");
}

#[test]
fn a_stop_that_the_market_is_beyond_is_set_off_as_it_arrives() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("103", 9), ("104", 9));
    stage.send(2, stop(Buy, 2, "104", None));
    assert_eq!(stage.told(), ["1 set off", "1 executed 2 @ 104 taker, all"]);
    let mut later = Stage::new(Rules { entry: Entry::NextData, ..Rules::default() });
    later.quote(1, ("103", 9), ("104", 9));
    later.send(2, stop(Buy, 2, "104", None));
    later.quote(2, ("103", 9), ("104", 9));
    assert!(later.told().is_empty());
    later.quote(3, ("103", 9), ("105", 9));
    assert_eq!(later.told(), ["1 set off", "1 executed 2 @ 105 taker, all"]);
}

#[test]
fn a_stop_limit_rests_at_its_limit_where_the_market_has_gone_beyond() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("103", 9), ("104", 9));
    stage.send(2, stop(Buy, 2, "105", Some("106")));
    stage.quote(3, ("107", 9), ("108", 9));
    assert_eq!(stage.told(), ["1 set off"]);
    stage.quote(4, ("105", 9), ("106", 9));
    assert_eq!(stage.told(), ["1 executed 2 @ 106 maker, all"]);
}

#[test]
fn a_trailing_stop_follows_the_market_and_never_goes_back() {
    let mut stage = Stage::new(Rules::default());
    stage.send(1, trailing(Sell, 2));
    for (time, bid, ask, told) in [
        (2, "100", "101", &["1 trailed 98"][..]),
        (3, "103", "104", &["1 trailed 101"]),
        (4, "102", "104", &[]),
        (5, "101", "104", &["1 set off", "1 executed 2 @ 101 taker, all"]),
    ] {
        stage.quote(time, (bid, 9), (ask, 9));
        assert_eq!(stage.told(), told, "quote {time}");
    }
    stage.send(6, trailing(Buy, 3));
    assert_eq!(stage.told(), ["2 trailed 107"]);
    assert_eq!(stage.0.order(2).unwrap().stop, Some(price("107")));
}

#[test]
fn trades_set_stops_off_and_move_them_where_that_is_declared() {
    let mut stage = Stage::new(Rules { trigger: Trigger::Trade, ..Rules::default() });
    stage.send(1, stop(Buy, 2, "105", None));
    stage.send(1, trailing(Sell, 2));
    stage.quote(2, ("106", 9), ("107", 9));
    assert!(stage.told().is_empty());
    stage.trade(3, "104", 1);
    assert_eq!(stage.told(), ["2 trailed 102"]);
    stage.trade(4, "105", 1);
    assert_eq!(stage.told(), ["1 set off", "1 executed 2 @ 107 taker, all", "2 trailed 103"]);
    stage.trade(5, "103", 1);
    assert_eq!(stage.told(), ["2 set off", "2 executed 2 @ 106 taker, all"]);
}

#[test]
fn stops_are_set_off_in_the_order_in_which_they_came() {
    let mut stage = Stage::new(Rules::default());
    for (account, at) in [(1, "102"), (2, "101"), (3, "102")] {
        stage.send_as(account, 1, stop(Buy, 2, at, None));
    }
    stage.quote(2, ("100", 9), ("103", 5));
    let got = ["1 set off", "1 executed 2 @ 103 taker, all", "2 set off", "2 executed 2 @ 103 taker, all", "3 set off"];
    assert_eq!(stage.told(), [&got[..], &["3 executed 1 @ 103 taker"]].concat());
}

#[test]
fn a_stop_is_moved_until_it_is_set_off() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("103", 1), ("104", 1));
    stage.send(2, stop(Buy, 2, "110", None));
    stage.0.replace(Time(3), 1, 1, terms(3, None, Some("108"))).unwrap();
    assert_eq!((stage.told(), stage.0.order(1).unwrap().stop), (vec!["1 replaced 3".to_owned()], Some(price("108"))));
    stage.0.replace(Time(4), 1, 1, terms(3, None, Some("104"))).unwrap();
    assert_eq!(stage.told(), ["1 replaced 3", "1 set off", "1 executed 1 @ 104 taker"]);
    stage.0.replace(Time(5), 1, 1, terms(3, None, Some("105"))).unwrap();
    stage.0.replace(Time(6), 1, 1, terms(2, None, None)).unwrap();
    assert_eq!(stage.told(), ["1 not replaced set_off", "1 replaced 2"]);
    stage.send(7, stop(Buy, 2, "104", Some("105")));
    stage.quote(8, ("105", 1), ("107", 1));
    stage.heard();
    stage.0.replace(Time(9), 1, 2, terms(2, Some("107"), None)).unwrap();
    assert_eq!(stage.told(), ["2 replaced 2"], "the first order took the one that was shown");
}

#[test]
fn a_cancelled_stop_is_never_set_off() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("103", 9), ("104", 9));
    stage.send(2, stop(Buy, 2, "105", None));
    stage.0.cancel(Time(3), 1, 1).unwrap();
    stage.quote(4, ("109", 9), ("110", 9));
    assert_eq!(stage.told(), ["1 cancelled Asked"]);
}
