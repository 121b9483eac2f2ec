//! What the exchange does not take: it says what, where and why, and stays as it was.

use exuvia_execution::Instrument;
use exuvia_execution::exchange::{
    AccountTerms, Config, Delay, Depth, Exchange, ExchangeError, Feed, Fees, FillModel, Latency, Level, Liquidity,
    Listing, Placement, Power, PriceRounding, Queue, Rules,
};
use exuvia_model::{Money, OrderIntent, OrderStatus, OrderType, Price, Quantity, Symbol, Time, Trade, Trail};

use crate::kit::*;

fn opened(config: Config) -> String {
    let error = Exchange::new(config, 1).unwrap_err();
    assert_eq!(error.code(), "bad_config");
    error.to_string()
}

fn with(change: &dyn Fn(&mut Config)) -> String {
    let mut config = config(Rules::default());
    change(&mut config);
    opened(config)
}

fn listed(change: &dyn Fn(&mut Listing)) -> String {
    with(&|config| change(&mut config.listings[0]))
}

#[test]
fn a_configuration_that_cannot_be_is_named() {
    let fill = FillModel::Ratio { ratio: 0, rounding: PriceRounding::Exact };
    for (text, words) in [
        (
            with(&|config| config.latency = Latency { cancel: Delay::Fixed(-1), ..Latency::default() }),
            "latency of cancelling",
        ),
        (
            with(&|config| config.listings.push(Listing::new(Symbol(1), instrument()))),
            "listing \"ES\": its name or symbol",
        ),
        (with(&|config| config.accounts.push(account(3))), "account 3: is there twice"),
        (
            with(&|config| config.accounts[0].power = Power::Margin { leverage: 0, short: true }),
            "account 1: a leverage of 0",
        ),
        (
            with(&|config| config.accounts[0].cash = vec![("USD".parse().unwrap(), Money::from_raw(i128::MAX)); 2]),
            "its cash is out",
        ),
        (listed(&|listing| listing.instrument.tick = Price::ZERO), "tick of 0"),
        (listed(&|listing| listing.rules.queue = Queue::Behind { cancels: 1_000_001 }), "1000001 millionths"),
        (listed(&|listing| listing.rules.queue = Queue::Chance(2_000_000)), "2000000 millionths"),
        (listed(&|listing| listing.rules.liquidity = Liquidity::Share(0)), "0 millionths"),
        (
            listed(&|listing| listing.rules = Rules { fill, feed: Feed::Depth, ..Rules::default() }),
            "needs Feed::Quotes",
        ),
        (
            listed(&|listing| listing.rules.fill = FillModel::Slip { slip: -1, rounding: PriceRounding::Exact }),
            "a slip between",
        ),
        (listed(&|listing| listing.rules.feed = Feed::Trades), "declare Trigger::Trade"),
        (listed(&|listing| listing.fees = Fees { step: Money::ZERO, ..Fees::default() }), "steps of 0"),
    ] {
        assert!(text.contains(words), "{text} and not {words}");
    }
}

#[test]
fn data_that_cannot_be_traded_on_change_nothing() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("99", 9), ("101", 9));
    stage.send(2, intent(Buy, 1, Some("100")));
    stage.heard();
    let refused = |got: Result<(), ExchangeError>, code: &str, words: &str| {
        let error = got.unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{error}");
    };
    refused(
        stage.0.on_quote(Time(3), &quote(3, ("99", 9), ("98", 9))),
        "crossed",
        "ES at 1970-01-01T00:00:00.000000003Z is crossed: bid 99 > ask 98",
    );
    refused(stage.0.on_quote(Time(3), &quote(3, ("0", 9), ("98", 9))), "not_positive", "a price of 0");
    refused(stage.0.on_quote(Time(3), &quote(3, ("97", 9), ("98", -1))), "bad_level", "98 × -1");
    let trade = |symbol, at: &str, size| Trade { symbol, time: Time(3), price: price(at), size: lots(size) };
    refused(stage.0.on_trade(Time(3), &trade(ES, "-5", 1)), "not_positive", "-5");
    refused(stage.0.on_trade(Time(3), &trade(ES, "5", -1)), "bad_level", "5 × -1");
    refused(stage.0.on_trade(Time(3), &trade(Symbol(9), "5", 1)), "unlisted", "Symbol(9)");
    refused(stage.0.set_volume(Symbol(9), None), "unlisted", "Symbol(9)");
    refused(
        stage.0.on_depth(Time(3), &Depth { symbol: ES, time: Time(3), bids: &[], asks: &[] }),
        "wrong_feed",
        "Feed::Quotes: it does not take depth",
    );
    assert!(stage.heard().is_empty());
    let mut depth = Stage::new(Rules { feed: Feed::Depth, ..Rules::default() });
    refused(
        depth.0.on_quote(Time(3), &quote(3, ("97", 9), ("98", 1))),
        "wrong_feed",
        "Feed::Depth: it does not take quotes",
    );
    let level = |at: &str| Level { price: price(at), size: lots(1) };
    for (bids, asks) in [(["98", "98"], ["99", "100"]), (["98", "97"], ["100", "99"]), (["97", "98"], ["99", "100"])] {
        let (bids, asks) = (bids.map(level), asks.map(level));
        refused(
            depth.0.on_depth(Time(3), &Depth { symbol: ES, time: Time(3), bids: &bids, asks: &asks }),
            "bad_level",
            "does not follow",
        );
    }
    depth.depth(4, &[], &[("99", 1)]);
    depth.depth(5, &[("99", 1)], &[]);
}

#[test]
fn prices_below_zero_trade_where_that_is_declared() {
    let listing = Listing::new(ES, Instrument { negative_prices: true, ..instrument() });
    let mut stage = Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap());
    stage.quote(1, ("-5", 9), ("-4", 9));
    stage.send(2, intent(Buy, 1, Some("-4")));
    stage.send(2, intent(Sell, 1, Some("-3")));
    stage.quote(3, ("-3", 9), ("-2", 9));
    assert_eq!(stage.told(), ["1 executed 1 @ -4 taker, all", "2 executed 1 @ -3 maker, all"]);
}

#[test]
fn data_that_are_older_than_the_newest_are_counted_and_passed_over() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(5, ("99", 9), ("101", 9));
    stage.send(6, intent(Buy, 1, Some("100")));
    stage.0.on_quote(Time(7), &quote(4, ("98", 9), ("99", 9))).unwrap();
    stage.0.on_trade(Time(7), &Trade { symbol: ES, time: Time(4), price: price("100"), size: lots(0) }).unwrap();
    stage.0.on_trade(Time(7), &Trade { symbol: ES, time: Time(3), price: price("90"), size: lots(9) }).unwrap();
    assert_eq!((stage.0.late(), stage.told().len()), (2, 0), "trades and quotes have their own order");
}

#[test]
fn an_order_without_sense_is_refused_with_the_rule() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("99", 9), ("101", 9));
    let half = Quantity::from_raw(500_000_000);
    let trailing =
        OrderIntent { order_type: OrderType::TrailingStop, trail: Some(Trail::Ticks(0)), ..intent(Sell, 1, None) };
    for (intent, code, words) in [
        (intent(Buy, 0, None), "off_lot", "amount 0"),
        (OrderIntent { quantity: half, ..intent(Buy, 1, None) }, "off_lot", "multiple of its lot 1"),
        (intent(Buy, 1, Some("100.5")), "off_tick", "use 100 or 101"),
        (stop(Buy, 1, "100.5", None), "off_tick", "use 100 or 101"),
        (intent(Buy, 1, Some("0")), "not_positive", "price 0"),
        (OrderIntent { order_type: OrderType::Limit, ..intent(Buy, 1, None) }, "bad_limit", "a Limit needs"),
        (stop(Buy, 1, "105", Some("104")), "bad_terms", "nearer to the market"),
        (trailing, "bad_terms", "distance of at least a tick"),
    ] {
        let id = stage.send(2, intent);
        assert_eq!(stage.heard(), [format!("{id} refused {code}")]);
        let order = stage.0.order(id).unwrap();
        assert!(order.words.contains(words) && order.status == OrderStatus::Rejected, "{}", order.words);
        assert_eq!((order.open(), order.average(), order.stands()), (lots(0), None, false));
    }
}

#[test]
fn a_client_id_names_one_order_for_ever_unless_that_was_refused() {
    let mut stage = Stage::new(Rules::default());
    let place = |stage: &mut Stage, account, amount| {
        let placement =
            Placement { account, client_id: "mine".into(), intent: intent(Buy, amount, Some("90")), legs: 1 };
        stage.0.place(Time(1), placement).unwrap()
    };
    for (account, amount) in [(1, 0), (1, 5), (1, 5), (2, 5)] {
        place(&mut stage, account, amount);
    }
    assert_eq!(stage.heard(), ["1 refused off_lot", "2 accepted", "3 refused repeated", "4 accepted"]);
    assert_eq!(stage.0.find(1, "mine").map(|order| order.id), Some(2));
    stage.0.cancel(Time(2), 1, 2).unwrap();
    place_late(&mut stage);
    assert_eq!(stage.heard(), ["2 cancelled Asked", "5 refused repeated"]);
    assert!(stage.0.order(5).unwrap().words.contains("\"mine\" is already that of order 2"));
    assert!(stage.0.find(3, "mine").is_none() && stage.0.find(9, "mine").is_none());
}

fn place_late(stage: &mut Stage) {
    let placement = Placement { account: 1, client_id: "mine".into(), intent: intent(Buy, 5, Some("90")), legs: 1 };
    stage.0.place(Time(3), placement).unwrap();
}

#[test]
fn requests_about_orders_that_are_not_there_or_not_ones_own_are_refused() {
    let mut stage = Stage::new(Rules::default());
    stage.send(1, intent(Buy, 5, Some("90")));
    for (account, order) in [(1, 0), (1, 7), (2, 1)] {
        stage.0.cancel(Time(2), account, order).unwrap();
        stage.0.replace(Time(2), account, order, terms(1, None, None)).unwrap();
    }
    let got = stage.told();
    assert_eq!(got.len(), 6);
    assert!(got.iter().all(|line| line.ends_with("no_such_order")), "{got:?}");
    stage.0.cancel(Time(3), 1, 1).unwrap();
    stage.0.cancel(Time(3), 1, 1).unwrap();
    assert_eq!(stage.told(), ["1 cancelled Asked", "1 not cancelled ended"]);
    assert_eq!(stage.0.cancel(Time(4), 9, 1), Err(ExchangeError::UnknownAccount(9)));
    assert_eq!(ExchangeError::UnknownAccount(9).code(), "unknown_account");
    assert!(stage.0.equity(9, "USD".parse().unwrap()).is_err());
    let nowhere = Placement {
        account: 1,
        client_id: "x".into(),
        intent: OrderIntent { symbol: Symbol(9), ..intent(Buy, 1, None) },
        legs: 1,
    };
    assert_eq!(stage.0.place(Time(4), nowhere), Err(ExchangeError::Unlisted(Symbol(9))));
    assert_eq!(stage.0.orders().len(), 1, "nothing was sent");
    assert_eq!(ExchangeError::ClockBack { clock: Time(1), now: Time(0) }.code(), "clock_back");
}

#[test]
fn new_terms_that_cannot_be_leave_the_old_ones() {
    let mut stage = Stage::new(Rules::default());
    stage.quote(1, ("99", 9), ("101", 2));
    stage.send(2, intent(Buy, 5, Some("101")));
    stage.heard();
    for (terms, code) in [
        (terms(2, None, None), "nothing_left"),
        (
            exuvia_execution::Amendment { quantity: Quantity::from_raw(2_500_000_000), limit: None, stop: None },
            "off_lot",
        ),
        (terms(5, Some("100.5"), None), "off_tick"),
        (terms(5, None, Some("90")), "bad_terms"),
    ] {
        stage.0.replace(Time(3), 1, 1, terms).unwrap();
        assert_eq!(stage.told(), [format!("1 not replaced {code}")]);
    }
    let order = stage.0.order(1).unwrap();
    assert_eq!((order.quantity, order.limit, order.stop, order.filled), (lots(5), Some(price("101")), None, lots(2)));
}

#[test]
fn an_account_and_an_equity_out_of_range_are_errors() {
    let dear = Instrument::new("ES", price("1"), Quantity::from_raw(9_000_000_000_000_000_000), "USD".parse().unwrap())
        .unwrap();
    let mut listing = Listing::new(ES, dear);
    listing.rules.settlement = exuvia_execution::exchange::Settlement::Margined;
    let mut stage = Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap());
    let much = |at: &str| exuvia_model::Quote {
        bid_size: Quantity::from_raw(i64::MAX),
        ask_size: Quantity::from_raw(i64::MAX),
        ..quote(1, (at, 1), (at, 1))
    };
    stage.0.on_quote(Time(1), &much("1")).unwrap();
    stage.send(1, intent(Buy, 9_000_000_000, None));
    stage.0.on_quote(Time(2), &exuvia_model::Quote { time: Time(2), ..much("9000000000") }).unwrap();
    let error = stage.0.equity(1, "USD".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("equity of account 1"), "{error}");
    let terms = AccountTerms { id: 4, cash: vec![], power: Power::Cash };
    assert_eq!(Exchange::new(Config { accounts: vec![terms], ..Config::default() }, 1).unwrap().listings().count(), 0);
}
