//! What an order takes, from whom first, and at what price.

use exuvia_execution::exchange::{
    Beyond, Config, Entry, Exchange, Feed, FillModel, Liquidity, PriceRounding, Refill, Resting, Rules, SelfTrade,
};
use exuvia_model::{OrderStatus, Time, TimeInForce};

use crate::kit::*;

fn depth() -> Stage {
    let mut stage = Stage::new(Rules { feed: Feed::Depth, ..Rules::default() });
    stage.depth(1, &[("99", 5), ("98", 7), ("96", 10)], &[("101", 4), ("102", 6), ("104", 20)]);
    stage
}

#[test]
fn an_order_goes_through_the_levels_it_needs_and_no_further_than_its_limit() {
    let mut stage = depth();
    stage.send(2, intent(Buy, 8, None));
    assert_eq!(stage.told(), ["1 executed 4 @ 101 taker", "1 executed 4 @ 102 taker, all"]);
    assert_eq!(stage.0.order(1).unwrap().average(), Some(price("101.5")));
    stage.send(3, intent(Sell, 20, Some("98")));
    assert_eq!(stage.told(), ["2 executed 5 @ 99 taker", "2 executed 7 @ 98 taker"]);
    assert_eq!(stage.0.order(2).unwrap().open(), lots(8));
    stage.send_as(2, 4, intent(Buy, 9, None));
    assert_eq!(
        stage.told(),
        ["2 executed 8 @ 98 maker, all", "3 executed 8 @ 98 taker", "3 executed 1 @ 102 taker, all"],
        "the order that rests at 98 is the better price"
    );
}

#[test]
fn orders_at_one_price_are_served_in_the_order_in_which_they_came() {
    let mut stage = Stage::new(Rules::default());
    for (account, amount, limit) in [(1, 3, "100"), (2, 4, "100"), (3, 2, "101"), (1, 1, "100")] {
        stage.send_as(account, 1, intent(Sell, amount, Some(limit)));
    }
    stage.send_as(3, 2, intent(Buy, 5, Some("100")));
    stage.send_as(2, 3, intent(Buy, 100, Some("99")));
    assert_eq!(
        stage.told(),
        [
            "1 executed 3 @ 100 maker, all",
            "5 executed 3 @ 100 taker",
            "2 executed 2 @ 100 maker",
            "5 executed 2 @ 100 taker, all"
        ]
    );
    // A better price comes before an earlier time.
    stage.send_as(3, 4, intent(Sell, 100, Some("99")));
    assert_eq!(stage.told(), ["6 executed 100 @ 99 maker, all", "7 executed 100 @ 99 taker, all"]);
}

#[test]
fn what_was_shown_ahead_of_an_order_is_taken_before_it_and_what_came_later_after_it() {
    let mut stage = depth();
    stage.send_as(2, 2, intent(Sell, 5, Some("102")));
    stage.depth(3, &[("99", 5)], &[("102", 9), ("104", 20)]);
    stage.heard();
    stage.send(4, intent(Buy, 13, Some("103")));
    assert_eq!(
        stage.told(),
        [
            "2 executed 6 @ 102 taker",
            "1 executed 5 @ 102 maker, all",
            "2 executed 5 @ 102 taker",
            "2 executed 2 @ 102 taker, all"
        ]
    );
}

#[test]
fn what_is_larger_than_the_touch_is_filled_in_parts_as_more_is_shown() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("99", 3), ("100", 4));
    stage.send(2, intent(Buy, 10, None));
    stage.quote(3, ("99", 3), ("100", 4));
    stage.quote(4, ("99", 3), ("100", 6));
    stage.quote(5, ("100", 3), ("102", 9));
    assert_eq!(stage.told(), ["1 executed 4 @ 100 taker", "1 executed 2 @ 100 taker", "1 executed 4 @ 102 taker, all"]);
    let mut anew = Stage::new(Rules { refill: Refill::EachUpdate, ..Rules::default() });
    anew.quote(1, ("99", 3), ("100", 4));
    anew.send(2, intent(Buy, 10, None));
    anew.quote(3, ("99", 3), ("100", 4));
    anew.quote(4, ("99", 3), ("100", 6));
    assert_eq!(anew.told(), ["1 executed 4 @ 100 taker", "1 executed 4 @ 100 taker", "1 executed 2 @ 100 taker, all"]);
}

#[test]
fn a_share_of_what_is_shown_is_rounded_down_to_lots_and_unlimited_has_no_end() {
    for (liquidity, first) in [(Liquidity::Share(500_000), 3), (Liquidity::Unlimited, 50), (Liquidity::Shown, 7)] {
        let mut stage = Stage::new(Rules { liquidity, ..Rules::default() });
        stage.quote(1, ("99", 7), ("100", 7));
        stage.send(2, lasting(TimeInForce::ImmediateOrCancel, intent(Sell, 50, None)));
        assert_eq!(stage.0.order(1).unwrap().filled, lots(first), "{liquidity:?}");
    }
    let mut none = Stage::new(Rules::default());
    none.quote(1, ("99", 0), ("100", 0));
    none.send(2, intent(Buy, 1, None));
    assert_eq!(none.heard(), ["1 accepted"], "of a size of zero nothing can be had");
}

#[test]
fn the_rest_of_a_market_order_waits_is_cancelled_or_goes_beyond_as_declared() {
    let rest = |beyond| {
        let mut stage = Stage::new(Rules { feed: Feed::Depth, beyond, ..Rules::default() });
        stage.depth(1, &[("2", 1), ("1", 2)], &[("100", 1), ("101", 2)]);
        stage.send(2, intent(Buy, 5, None));
        stage.send(3, intent(Sell, 5, None));
        stage.told()
    };
    let shown = ["1 executed 1 @ 100 taker", "1 executed 2 @ 101 taker"];
    let waiting = rest(Beyond::Wait);
    assert_eq!(waiting[..2], shown);
    assert_eq!(
        waiting[2..],
        ["2 executed 1 @ 2 taker", "2 executed 2 @ 1 taker"],
        "two orders without a price do not meet"
    );
    let cancelled = rest(Beyond::Cancel);
    assert_eq!((&cancelled[..2], cancelled[2].as_str()), (&waiting[..2], "1 cancelled Beyond"));
    let beyond = rest(Beyond::Ticks(3));
    assert_eq!(beyond[2], "1 executed 2 @ 104 taker, all");
    assert_eq!(beyond[5], "2 executed 2 @ 1 taker, all", "not below one tick");
}

#[test]
fn a_market_order_that_waits_is_served_by_the_first_who_comes() {
    let mut stage = Stage::new(Rules::default());
    stage.send_as(1, 1, intent(Buy, 5, None));
    stage.send_as(2, 2, intent(Sell, 3, Some("105")));
    assert_eq!(stage.told(), ["2 executed 3 @ 105 maker, all", "1 executed 3 @ 105 taker"]);
    stage.quote(3, ("99", 9), ("100", 9));
    assert_eq!(stage.told(), ["1 executed 2 @ 100 taker, all"]);
}

#[test]
fn immediate_orders_leave_nothing_and_whole_ones_take_all_or_nothing() {
    use TimeInForce::{FillOrKill, ImmediateOrCancel};
    let mut stage = depth();
    stage.send_as(2, 2, intent(Sell, 3, Some("102")));
    stage.heard();
    stage.send(3, lasting(FillOrKill, intent(Buy, 14, Some("102"))));
    assert_eq!(stage.told(), ["2 cancelled NotWhole"], "4 + 6 + 3 are 13");
    stage.send(4, lasting(FillOrKill, intent(Buy, 13, Some("102"))));
    assert_eq!(stage.told().len(), 4);
    assert_eq!(stage.0.order(3).unwrap().status, OrderStatus::Filled);
    stage.send(5, lasting(ImmediateOrCancel, intent(Sell, 6, Some("99"))));
    assert_eq!(stage.told(), ["4 executed 5 @ 99 taker", "4 cancelled NotAtOnce"]);
    let mut empty = Stage::new(Rules::default());
    empty.send(1, lasting(ImmediateOrCancel, intent(Buy, 1, None)));
    empty.send(1, lasting(FillOrKill, intent(Buy, 1, None)));
    assert_eq!(empty.told(), ["1 cancelled NotAtOnce", "2 cancelled NotWhole"]);
}

fn own(self_trade: SelfTrade) -> Vec<String> {
    let mut stage = Stage(Exchange::new(Config { self_trade, ..config(Rules::default()) }, 7).unwrap());
    stage.send_as(1, 1, intent(Sell, 2, Some("100")));
    stage.send_as(2, 2, intent(Sell, 2, Some("100")));
    stage.send_as(1, 3, intent(Buy, 3, Some("100")));
    stage.told()
}

#[test]
fn orders_of_one_account_part_as_declared() {
    assert_eq!(own(SelfTrade::CancelNewest), ["3 cancelled SelfTrade"]);
    let other = ["2 executed 2 @ 100 maker, all", "3 executed 2 @ 100 taker"];
    assert_eq!(own(SelfTrade::CancelOldest), [&["1 cancelled SelfTrade"][..], &other].concat());
    assert_eq!(own(SelfTrade::CancelBoth), ["3 cancelled SelfTrade", "1 cancelled SelfTrade"]);
    let all = [
        "1 executed 2 @ 100 maker, all",
        "3 executed 2 @ 100 taker",
        "2 executed 1 @ 100 maker",
        "3 executed 1 @ 100 taker, all",
    ];
    assert_eq!(own(SelfTrade::Allow), all);
}

#[test]
fn all_or_nothing_looks_past_orders_of_its_own_account_as_the_rule_says() {
    let whole = |self_trade, amount| {
        let mut stage = Stage(Exchange::new(Config { self_trade, ..config(Rules::default()) }, 7).unwrap());
        for (account, limit) in [(2, "100"), (1, "101"), (3, "102")] {
            stage.send_as(account, 1, intent(Sell, 2, Some(limit)));
        }
        stage.send_as(1, 2, lasting(TimeInForce::FillOrKill, intent(Buy, amount, Some("102"))));
        stage.0.order(4).unwrap().status == OrderStatus::Filled
    };
    let filled = |self_trade| [2, 4, 6, 7].map(|amount| whole(self_trade, amount));
    assert_eq!(filled(SelfTrade::CancelNewest), [true, false, false, false]);
    assert_eq!(filled(SelfTrade::CancelBoth), [true, false, false, false]);
    assert_eq!(filled(SelfTrade::CancelOldest), [true, true, false, false]);
    assert_eq!(filled(SelfTrade::Allow), [true, true, true, false]);
}

#[test]
fn orders_that_are_kept_apart_meet_the_market_only() {
    let mut stage = Stage(Exchange::new(Config { apart: true, ..config(Rules::default()) }, 7).unwrap());
    stage.send_as(1, 1, intent(Sell, 2, Some("100")));
    stage.send_as(2, 2, intent(Buy, 2, Some("100")));
    assert!(stage.told().is_empty());
    stage.quote(3, ("99", 9), ("100", 9));
    assert_eq!(stage.told(), ["2 executed 2 @ 100 maker, all"]);
}

#[test]
fn who_rests_is_filled_at_the_limit_or_at_what_came() {
    for (resting, at) in [(Resting::AtLimit, "100"), (Resting::AtMarket, "98")] {
        let mut stage = Stage::new(Rules { resting, ..Rules::default() });
        stage.quote(1, ("99", 9), ("101", 9));
        stage.send(2, intent(Buy, 2, Some("100")));
        stage.quote(3, ("97", 9), ("98", 9));
        assert_eq!(stage.told(), [format!("1 executed 2 @ {at} maker, all")]);
    }
}

#[test]
fn an_order_may_have_to_wait_for_data_after_its_arrival() {
    let mut stage = Stage::new(Rules { entry: Entry::NextData, ..Rules::default() });
    stage.quote(1, ("99", 9), ("100", 9));
    stage.send(1, intent(Buy, 1, None));
    stage.send(1, lasting(TimeInForce::ImmediateOrCancel, intent(Buy, 2, Some("99"))));
    stage.send(1, intent(Buy, 3, Some("99")));
    stage.quote(1, ("98", 9), ("99", 9));
    assert!(stage.told().is_empty(), "not later than the orders");
    stage.quote(2, ("99", 9), ("100", 9));
    assert_eq!(stage.told(), ["1 executed 1 @ 100 taker, all", "2 cancelled NotAtOnce"]);
    stage.quote(3, ("97", 9), ("98", 9));
    assert_eq!(stage.told(), ["3 executed 3 @ 99 maker, all"]);
}

#[test]
fn a_fill_model_places_the_fill_between_bid_and_ask_and_moves_what_a_limit_reaches() {
    let fill = FillModel::PerLeg { ratio: 250_000, extra: 250_000, rounding: PriceRounding::Exact };
    let mut stage = Stage::new(Rules { fill, ..Rules::default() });
    stage.quote(1, ("100", 9), ("104", 9));
    stage.send(2, intent(Buy, 1, None));
    let spread = exuvia_execution::exchange::Placement {
        account: 1,
        client_id: "two legs".into(),
        intent: intent(Sell, 1, None),
        legs: 2,
    };
    stage.0.place(Time(2), spread).unwrap();
    stage.send(3, intent(Buy, 1, Some("102")));
    stage.quote(4, ("99", 9), ("104", 9));
    assert_eq!(
        stage.told(),
        ["1 executed 1 @ 102.5 taker, all", "2 executed 1 @ 101 taker, all"],
        "102.125 is beyond 102"
    );
    stage.quote(5, ("99", 9), ("103", 9));
    assert_eq!(stage.told(), ["3 executed 1 @ 102 maker, all"], "101.5 is within it, and it rested");
}

#[test]
fn a_volume_makes_a_contract_liquid() {
    let fill = FillModel::Liquidity { ratio: 0, reference: lots(100), rounding: PriceRounding::WorseTick };
    let mut stage = Stage::new(Rules { fill, ..Rules::default() });
    stage.quote(1, ("100", 9), ("104", 9));
    for volume in [None, Some(lots(50)), Some(lots(0))] {
        stage.0.set_volume(ES, volume).unwrap();
        stage.send(2, intent(Buy, 1, None));
    }
    let got = ["1 executed 1 @ 102 taker, all", "2 executed 1 @ 103 taker, all", "3 executed 1 @ 104 taker, all"];
    assert_eq!(stage.told(), got);
}
