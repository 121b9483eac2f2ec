//! Who waits behind whom at a price.

use exuvia_execution::exchange::{Queue, Rules};

use crate::kit::*;

fn stage(queue: Queue) -> Stage {
    Stage::new(Rules { queue, ..Rules::default() })
}

const BEHIND: Queue = Queue::Behind { cancels: 0 };

#[test]
fn trades_at_the_price_serve_what_was_ahead_first_and_one_through_it_serves_all() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("101", 5));
    stage.send(2, intent(Buy, 5, Some("100")));
    for (at, price, size, fills) in [
        (3, "100", 4, &[][..]),
        (4, "100", 8, &["1 executed 2 @ 100 maker"]),
        (5, "101", 9, &[]),
        (6, "100", 1, &["1 executed 1 @ 100 maker"]),
        (7, "99", 1, &["1 executed 2 @ 100 maker, all"]),
    ] {
        stage.trade(at, price, size);
        assert_eq!(stage.told(), fills, "trade {at}");
    }
}

#[test]
fn a_trade_serves_two_orders_at_a_price_by_what_was_ahead_of_each() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("101", 5));
    stage.send_as(1, 2, intent(Buy, 5, Some("100")));
    stage.quote(3, ("100", 20), ("101", 5));
    stage.send_as(2, 4, intent(Buy, 3, Some("100")));
    stage.trade(5, "100", 16);
    assert_eq!(
        stage.told(),
        ["1 executed 5 @ 100 maker, all"],
        "10 ahead, 5, and 1 of the other 10 ahead of the second"
    );
    stage.trade(6, "100", 9);
    assert!(stage.told().is_empty(), "9 were ahead");
    stage.trade(7, "100", 2);
    assert_eq!(stage.told(), ["2 executed 2 @ 100 maker"]);
}

#[test]
fn of_a_size_that_shrinks_without_trades_the_declared_share_was_ahead() {
    for (cancels, ahead) in [(0, 6), (500_000, 3), (1_000_000, 0)] {
        let mut stage = stage(Queue::Behind { cancels });
        stage.quote(1, ("100", 10), ("101", 5));
        stage.send(2, intent(Buy, 5, Some("100")));
        stage.quote(3, ("100", 30), ("101", 5));
        // Of the 10 that go 4 were traded.
        stage.trade(4, "100", 4);
        stage.quote(5, ("100", 20), ("101", 5));
        stage.trade(6, "100", ahead + 1);
        assert_eq!(stage.told(), ["1 executed 1 @ 100 maker"], "{cancels} millionths leave {ahead} ahead");
    }
}

#[test]
fn never_more_is_ahead_than_is_shown() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("101", 5));
    stage.send(2, intent(Sell, 5, Some("101")));
    stage.quote(3, ("100", 10), ("101", 2));
    stage.trade(4, "101", 3);
    assert_eq!(stage.told(), ["1 executed 1 @ 101 maker"]);
}

#[test]
fn where_nothing_is_shown_nobody_knows_the_queue_until_the_price_is_seen() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("101", 5));
    stage.send(2, intent(Buy, 5, Some("98")));
    stage.trade(3, "98", 50);
    assert!(stage.told().is_empty());
    stage.quote(4, ("98", 7), ("99", 5));
    stage.trade(5, "98", 8);
    assert_eq!(stage.told(), ["1 executed 1 @ 98 maker"]);
}

#[test]
fn a_price_better_than_the_best_has_nobody_ahead() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("103", 5));
    stage.send(2, intent(Buy, 5, Some("101")));
    stage.trade(3, "101", 2);
    assert_eq!(stage.told(), ["1 executed 2 @ 101 maker"]);
}

#[test]
fn the_other_side_at_the_price_serves_who_rests_there_unless_only_going_through_does() {
    for (queue, at_price) in [(BEHIND, true), (Queue::Front, true), (Queue::Through, false), (Queue::Chance(0), false)]
    {
        let mut stage = stage(queue);
        stage.quote(1, ("100", 10), ("101", 5));
        stage.send(2, intent(Buy, 2, Some("100")));
        stage.quote(3, ("99", 10), ("100", 5));
        assert_eq!(stage.told().len(), usize::from(at_price), "{queue:?}");
        stage.quote(4, ("98", 10), ("99", 5));
        assert_eq!(stage.0.order(1).unwrap().open(), lots(0), "{queue:?}");
    }
}

#[test]
fn the_first_in_line_is_served_by_any_trade_at_its_price_and_by_no_more_than_its_size() {
    for (queue, filled) in
        [(Queue::Front, 3), (Queue::Through, 0), (Queue::Chance(1_000_000), 3), (Queue::Chance(0), 0)]
    {
        let mut stage = stage(queue);
        stage.quote(1, ("100", 10), ("101", 5));
        stage.send(2, intent(Buy, 5, Some("100")));
        stage.send_as(2, 2, intent(Buy, 5, Some("100")));
        stage.trade(3, "100", 3);
        assert_eq!(
            (stage.0.order(1).unwrap().filled, stage.0.order(2).unwrap().filled),
            (lots(filled), lots(0)),
            "{queue:?}"
        );
        stage.trade(4, "99", 1);
        assert_eq!(stage.0.order(2).unwrap().filled, lots(5), "{queue:?}");
    }
}

#[test]
fn a_chance_is_drawn_for_each_order_and_each_trade() {
    let mut stage = stage(Queue::Chance(250_000));
    stage.quote(1, ("100", 10), ("101", 5));
    for _ in 0..400 {
        stage.send(2, intent(Buy, 1, Some("100")));
    }
    stage.heard();
    let mut filled = Vec::new();
    for time in 3..5 {
        stage.trade(time, "100", 1_000);
        filled.push(stage.told().len());
    }
    assert!((70..130).contains(&filled[0]) && (50..100).contains(&filled[1]), "{filled:?}");
}

/// Two orders at a price, the first is changed, then 4 come. Nothing else is shown.
fn changed(amount: i64, limit: Option<&str>) -> Vec<String> {
    let mut stage = stage(BEHIND);
    stage.send_as(1, 1, intent(Buy, 5, Some("100")));
    stage.send_as(2, 2, intent(Buy, 5, Some("100")));
    stage.0.replace(exuvia_model::Time(3), 1, 1, terms(amount, limit, None)).unwrap();
    stage.send_as(3, 4, intent(Sell, 4, Some("100")));
    stage.told().into_iter().filter(|line| line.contains("maker")).collect()
}

#[test]
fn an_order_that_gets_smaller_keeps_its_place_and_one_that_gets_larger_or_moves_loses_it() {
    assert_eq!(changed(3, None), ["1 executed 3 @ 100 maker, all", "2 executed 1 @ 100 maker"]);
    assert_eq!(changed(5, Some("100")), ["1 executed 4 @ 100 maker"], "the same terms");
    assert_eq!(changed(6, None), ["2 executed 4 @ 100 maker"]);
    assert_eq!(changed(5, Some("99")), ["2 executed 4 @ 100 maker"]);
    assert_eq!(changed(5, Some("101")), ["1 executed 4 @ 101 maker"], "a better price goes first all the same");
}

#[test]
fn an_order_that_is_moved_to_the_other_side_takes_what_is_there() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("103", 5));
    stage.send(2, intent(Buy, 7, Some("101")));
    stage.0.replace(exuvia_model::Time(3), 1, 1, terms(7, Some("104"), None)).unwrap();
    assert_eq!(stage.told(), ["1 replaced 7", "1 executed 5 @ 103 taker"]);
    stage.0.replace(exuvia_model::Time(4), 1, 1, terms(6, None, None)).unwrap();
    stage.quote(5, ("100", 10), ("104", 5));
    assert_eq!(stage.told(), ["1 replaced 6", "1 executed 1 @ 104 maker, all"]);
}

#[test]
fn a_size_that_was_taken_was_ahead_of_the_orders_behind_it() {
    let mut stage = stage(BEHIND);
    stage.quote(1, ("100", 10), ("101", 5));
    stage.send_as(1, 2, intent(Buy, 5, Some("100")));
    stage.send_as(2, 3, intent(Sell, 8, Some("100")));
    stage.trade(4, "100", 3);
    assert_eq!(stage.told(), ["2 executed 8 @ 100 taker, all", "1 executed 1 @ 100 maker"], "8 of 10 ahead were taken");
}
