//! Orders that are matched with trades alone.

use exuvia_execution::exchange::{Feed, Liquidity, Queue, Rules, Trigger};
use exuvia_model::TimeInForce;

use crate::kit::*;

fn stage(queue: Queue) -> Stage {
    Stage::new(Rules { feed: Feed::Trades, trigger: Trigger::Trade, queue, ..Rules::default() })
}

#[test]
fn an_order_meets_the_trades_that_come_after_it() {
    let mut stage = stage(Queue::Front);
    stage.trade(1, "100", 3);
    stage.send(2, intent(Buy, 5, None));
    stage.trade(2, "100", 3);
    assert!(stage.told().is_empty());
    stage.trade(3, "101", 3);
    stage.trade(4, "102", 9);
    assert_eq!(stage.told(), ["1 executed 3 @ 101 taker", "1 executed 2 @ 102 taker, all"]);
}

#[test]
fn a_limit_takes_the_first_trade_within_it_and_rests_then() {
    for (queue, at_price) in [(Queue::Front, 2), (Queue::Behind { cancels: 0 }, 0)] {
        let mut stage = stage(queue);
        stage.send(1, intent(Buy, 9, Some("102")));
        stage.trade(2, "101", 3);
        assert_eq!(stage.told(), ["1 executed 3 @ 101 taker"]);
        stage.trade(3, "102", 2);
        assert_eq!(stage.told().len(), at_price / 2, "without shown sizes nobody knows the queue");
        stage.trade(4, "101", 1);
        assert_eq!(stage.told(), [format!("1 executed {} @ 102 maker, all", 6 - at_price)]);
    }
}

#[test]
fn quotes_say_how_much_is_ahead_and_nothing_else() {
    let mut stage = stage(Queue::Behind { cancels: 0 });
    stage.send(1, intent(Buy, 2, None));
    stage.quote(2, ("100", 4), ("101", 5));
    assert!(stage.told().is_empty());
    stage.trade(3, "101", 2);
    stage.send(4, intent(Buy, 3, Some("100")));
    stage.trade(5, "102", 1);
    stage.trade(6, "100", 5);
    assert_eq!(stage.told(), ["1 executed 2 @ 101 taker, all", "2 executed 1 @ 100 maker"]);
}

#[test]
fn immediate_orders_have_the_next_trade_and_no_other() {
    let mut stage = stage(Queue::Front);
    stage.send(1, lasting(TimeInForce::ImmediateOrCancel, intent(Buy, 5, Some("100"))));
    stage.send(1, lasting(TimeInForce::FillOrKill, intent(Sell, 5, None)));
    stage.send(1, lasting(TimeInForce::FillOrKill, intent(Sell, 4, None)));
    stage.trade(2, "100", 4);
    let got =
        ["1 executed 4 @ 100 taker", "3 executed 4 @ 100 taker, all", "1 cancelled NotAtOnce", "2 cancelled NotWhole"];
    assert_eq!(stage.told(), got);
}

#[test]
fn orders_that_came_between_two_trades_meet_after_the_second() {
    let mut stage = stage(Queue::Front);
    stage.send_as(1, 1, intent(Buy, 5, Some("100")));
    stage.send_as(2, 2, intent(Sell, 5, Some("90")));
    stage.trade(3, "95", 3);
    let got = [
        "1 executed 3 @ 95 taker",
        "2 executed 3 @ 95 taker",
        "1 executed 2 @ 100 maker, all",
        "2 executed 2 @ 100 taker, all",
    ];
    assert_eq!(stage.told(), got);
    stage.send_as(1, 4, intent(Buy, 1, Some("90")));
    stage.trade(5, "95", 1);
    stage.send_as(2, 6, intent(Sell, 1, Some("90")));
    assert_eq!(
        stage.told(),
        ["3 executed 1 @ 90 maker, all", "4 executed 1 @ 90 taker, all"],
        "who rests is met at once"
    );
}

#[test]
fn trades_without_sizes_serve_everybody_where_that_is_declared() {
    let rules =
        Rules { feed: Feed::Trades, trigger: Trigger::Trade, liquidity: Liquidity::Unlimited, ..Rules::default() };
    let mut stage = Stage::new(rules);
    stage.quote(1, ("99", 2), ("101", 2));
    stage.send_as(1, 1, intent(Buy, 5, None));
    stage.send_as(2, 1, intent(Buy, 6, Some("100")));
    stage.trade(2, "105", 0);
    assert_eq!(stage.told(), ["1 executed 5 @ 105 taker, all"]);
    stage.send_as(3, 3, intent(Buy, 4, Some("99")));
    stage.trade(4, "102", 0);
    stage.trade(5, "99", 2);
    assert_eq!(stage.told(), ["2 executed 6 @ 100 maker, all"], "2 were ahead of the third, and those were served");
    stage.trade(6, "99", 0);
    assert_eq!(stage.told(), ["3 executed 4 @ 99 maker, all"]);
}

#[test]
fn a_share_of_trades_leaves_the_rest_to_others() {
    let mut stage = Stage::new(Rules {
        feed: Feed::Trades,
        trigger: Trigger::Trade,
        liquidity: Liquidity::Share(250_000),
        ..Rules::default()
    });
    stage.send(1, intent(Buy, 9, None));
    stage.trade(2, "100", 11);
    assert_eq!(stage.told(), ["1 executed 2 @ 100 taker"]);
}
