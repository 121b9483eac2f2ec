//! What an account may do, what it pays, and what it has.

use exuvia_execution::Instrument;
use exuvia_execution::exchange::{
    AccountTerms, Config, Exchange, FeeRounding, Fees, Listing, Power, Refusal, Rules, Settlement, Tariff,
};
use exuvia_model::{Money, Quantity, Quote, Symbol, Time};

use crate::kit::*;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn usd() -> exuvia_execution::Currency {
    "USD".parse().unwrap()
}

/// An account with 1,000 and this power; what it trades costs nothing.
fn stage(power: Power, settlement: Settlement) -> Stage {
    let account = AccountTerms { id: 1, cash: vec![(usd(), money("1000"))], power };
    let rules = Rules { settlement, ..Rules::default() };
    let mut stage =
        Stage(Exchange::new(Config { accounts: vec![account, account_two()], ..config(rules) }, 7).unwrap());
    stage.quote(1, ("99", 50), ("100", 50));
    stage
}

fn account_two() -> AccountTerms {
    account(2)
}

fn codes(stage: &mut Stage) -> Vec<String> {
    stage.heard().into_iter().filter(|line| line.contains("refused")).collect()
}

#[test]
fn a_cash_account_buys_what_its_cash_pays_and_sells_what_it_has() {
    let mut stage = stage(Power::Cash, Settlement::Paid);
    stage.send(2, intent(Sell, 1, None));
    stage.send(2, intent(Buy, 4, Some("90")));
    stage.send(2, intent(Buy, 7, None));
    assert_eq!(codes(&mut stage), ["1 refused short", "3 refused cash"], "360 are reserved, 700 needed");
    stage.send(3, intent(Buy, 6, None));
    assert_eq!(stage.0.account(1).unwrap().cash(usd()), money("400"));
    stage.send(4, intent(Buy, 1, Some("41")));
    stage.send(4, intent(Sell, 4, Some("110")));
    stage.send(4, intent(Sell, 3, Some("110")));
    assert_eq!(codes(&mut stage), ["5 refused cash", "7 refused short"], "4 of 6 are on offer");
    stage.0.cancel(Time(5), 1, 2).unwrap();
    stage.send(6, intent(Buy, 1, Some("41")));
    assert_eq!(codes(&mut stage), [""; 0], "a cancelled order gives its room back");
    assert_eq!(stage.0.equity(1, usd()).unwrap(), money("997"), "6 at the mid of 99.5 and 400");
}

#[test]
fn a_refusal_of_money_says_what_was_needed_and_what_there_was() {
    let fees = Fees { least: Some(money("1.5")), ..Fees::flat(Tariff::PerUnit(money("0.1"))) };
    let listing = Listing { fees, ..Listing::new(ES, instrument()) };
    let account = AccountTerms { id: 1, cash: vec![(usd(), money("600")), (usd(), money("400"))], power: Power::Cash };
    let config = Config { listings: vec![listing], accounts: vec![account], ..Config::default() };
    let mut stage = Stage(Exchange::new(config, 7).unwrap());
    stage.send(1, intent(Buy, 10, Some("100")));
    stage.send(1, intent(Buy, 1, None));
    let words: Vec<_> = stage.0.orders().iter().map(|order| order.words.clone()).collect();
    assert!(words[0].contains("needs 1001.5 USD") && words[0].contains("1000 of the cash"), "{}", words[0]);
    assert!(words[1].contains("no price yet"), "{}", words[1]);
    stage.send(2, intent(Buy, 9, Some("100")));
    assert_eq!(stage.heard()[2..], ["3 accepted"]);
}

#[test]
fn a_margin_account_carries_so_many_times_its_equity_on_either_side() {
    let mut stage = stage(Power::Margin { leverage: 2, short: true }, Settlement::Margined);
    // 2,000 carry 20 at the mid of 99.5: 1,990.
    stage.send(2, intent(Sell, 21, Some("110")));
    stage.send(2, intent(Sell, 20, Some("110")));
    stage.send(2, intent(Sell, 1, Some("110")));
    stage.send(2, intent(Buy, 20, Some("90")));
    assert_eq!(codes(&mut stage), ["1 refused margin", "3 refused margin"]);
    let words = &stage.0.order(1).unwrap().words;
    assert!(words.contains("worth 2089.5 USD") && words.contains("2 times the equity of 1000"), "{words}");
    stage.quote(3, ("109", 50), ("110", 50));
    stage.quote(4, ("119", 50), ("120", 50));
    assert_eq!(stage.0.equity(1, usd()).unwrap(), money("810"), "20 sold at 110, the mid is 119.5");
    stage.heard();
    stage.send(5, intent(Sell, 1, Some("130")));
    stage.0.cancel(Time(5), 1, 4).unwrap();
    stage.send(5, intent(Buy, 20, None));
    assert_eq!(codes(&mut stage), ["5 refused margin"], "what only reduces is always allowed");
    assert_eq!(stage.0.account(1).unwrap().cash(usd()), money("800"));
}

#[test]
fn margin_counts_what_is_held_of_other_instruments_in_the_same_currency() {
    let listed = |symbol, name: &str, currency: &str| {
        Listing::new(Symbol(symbol), Instrument::new(name, price("1"), lots(1), currency.parse().unwrap()).unwrap())
    };
    let account =
        AccountTerms { id: 1, cash: vec![(usd(), money("1000"))], power: Power::Margin { leverage: 1, short: false } };
    let listings = vec![listed(0, "A", "USD"), listed(1, "B", "USD"), listed(2, "C", "EUR")];
    let mut stage = Stage(Exchange::new(Config { listings, accounts: vec![account], ..Config::default() }, 7).unwrap());
    for symbol in 0..3 {
        stage.0.on_quote(Time(1), &Quote { symbol: Symbol(symbol), ..quote(1, ("100", 50), ("100", 50)) }).unwrap();
    }
    let of = |symbol, amount| exuvia_model::OrderIntent { symbol: Symbol(symbol), ..intent(Buy, amount, Some("100")) };
    stage.send(2, of(0, 6));
    stage.send(2, of(1, 5));
    stage.send(2, of(2, 1));
    stage.send(2, of(1, 4));
    assert_eq!(codes(&mut stage), ["2 refused margin", "3 refused margin"], "there are no euros");
    stage.send(3, exuvia_model::OrderIntent { side: Sell, ..of(0, 7) });
    assert_eq!(codes(&mut stage), ["5 refused short"]);
    assert_eq!(stage.0.equity(1, usd()).unwrap(), money("1000"));
}

#[test]
fn paid_trades_move_the_value_and_margined_ones_what_is_realised() {
    for (settlement, after) in
        [(Settlement::Paid, ["700", "898", "1196"]), (Settlement::Margined, ["1000", "998", "1196"])]
    {
        let mut stage = stage(Power::Unchecked, settlement);
        stage.send(2, intent(Buy, 3, None));
        let mut cash = vec![stage.0.account(1).unwrap().cash(usd())];
        stage.quote(3, ("99", 50), ("100", 50));
        stage.send(3, intent(Sell, 2, None));
        cash.push(stage.0.account(1).unwrap().cash(usd()));
        stage.quote(4, ("298", 50), ("299", 50));
        stage.send(4, intent(Sell, 1, None));
        cash.push(stage.0.account(1).unwrap().cash(usd()));
        assert_eq!(cash, after.map(money), "{settlement:?}");
        assert_eq!(stage.0.account(1).unwrap().holding(ES).realised(&instrument()).unwrap(), money("196"));
    }
}

#[test]
fn fees_are_taken_from_cash_and_told_with_each_execution() {
    let fees = Fees {
        maker: Tariff::OfValue(-100),
        taker: Tariff::PerUnit(money("0.25")),
        step: money("0.01"),
        rounding: FeeRounding::Up,
        ..Fees::default()
    };
    let listing = Listing { fees, ..Listing::new(ES, instrument()) };
    let mut stage = Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap());
    stage.send_as(1, 1, intent(Sell, 3, Some("101")));
    stage.send_as(2, 2, intent(Buy, 3, None));
    let fees = stage.0.take_reports(Time(2)).into_iter().filter_map(|report| match report.event {
        exuvia_execution::exchange::Event::Executed { fee, .. } => Some((report.account, fee.amount.to_string())),
        _ => None,
    });
    // A basis point of 303 is 0.0303: three cents of it are given.
    assert_eq!(fees.collect::<Vec<_>>(), [(1, "-0.03".to_owned()), (2, "0.75".to_owned())]);
    let cash = |account| stage.0.account(account).unwrap().cash(usd());
    assert_eq!((cash(1), cash(2)), (money("1000303.03"), money("999696.25")));
    assert_eq!(stage.0.account(2).unwrap().holding(ES).fees().get(&usd()), Some(&money("0.75")));
    assert_eq!(stage.0.account(1).unwrap().currencies().count() + stage.0.account(1).unwrap().holdings().len(), 2);
}

#[test]
fn a_change_needs_room_too_and_leaves_all_as_it_was_where_there_is_none() {
    let mut stage = stage(Power::Cash, Settlement::Paid);
    stage.send(2, intent(Buy, 5, Some("90")));
    stage.0.replace(Time(3), 1, 1, terms(12, None, None)).unwrap();
    stage.0.replace(Time(4), 1, 1, terms(11, None, None)).unwrap();
    assert_eq!(stage.told(), ["1 not replaced cash", "1 replaced 11"]);
    stage.send(5, intent(Buy, 1, Some("10")));
    stage.send(5, intent(Buy, 1, Some("11")));
    assert_eq!(codes(&mut stage), ["3 refused cash"], "990 and 10 are reserved");
}

#[test]
fn what_leaves_the_range_is_refused_or_taken_out_and_nothing_panics() {
    let huge = || Quantity::from_raw(9_000_000_000_000_000_000);
    let name = |text: &str, multiplier| Instrument::new(text, price("1"), multiplier, usd()).unwrap();
    let mut listing = Listing::new(ES, name("ES", lots(1)));
    listing.rules.liquidity = exuvia_execution::exchange::Liquidity::Unlimited;
    let mut dear = Listing { symbol: Symbol(1), instrument: name("DEAR", huge()), ..listing.clone() };
    dear.instrument.negative_prices = true;
    let powers = [Power::Unchecked, Power::Cash, Power::Margin { leverage: u32::MAX, short: true }];
    let accounts = (1..).zip(powers).map(|(id, power)| AccountTerms { id, cash: vec![(usd(), money("9e19"))], power });
    let config = Config { listings: vec![listing, dear], accounts: accounts.collect(), ..Config::default() };
    let mut stage = Stage(Exchange::new(config, 7).unwrap());
    for symbol in 0..2 {
        stage
            .0
            .on_quote(Time(1), &Quote { symbol: Symbol(symbol), ..quote(1, ("9000000000", 1), ("9000000000", 1)) })
            .unwrap();
    }
    let of =
        |symbol, side| exuvia_model::OrderIntent { symbol: Symbol(symbol), quantity: huge(), ..intent(side, 1, None) };
    stage.send_as(1, 2, of(0, Buy));
    stage.send_as(1, 2, of(0, Buy));
    assert_eq!(stage.told(), ["1 executed 9000000000 @ 9000000000 taker, all", "2 refused too_much"]);
    for account in 1..4 {
        stage.send_as(account, 3, of(1, Buy));
    }
    assert_eq!(stage.told(), ["3 cancelled Unbookable", "4 refused too_much", "5 refused too_much"]);
    let refusal = Refusal::TooMuch { instrument: "DEAR".into(), amount: huge() };
    assert_eq!(stage.0.order(4).unwrap().words, refusal.to_string());
    assert_eq!(stage.0.account(1).unwrap().holding(Symbol(1)).quantity(), Quantity::ZERO);
}

#[test]
fn where_two_orders_meet_both_are_booked_or_none() {
    let multiplier = Quantity::from_raw(9_000_000_000_000_000_000);
    let mut listing = Listing::new(ES, Instrument { multiplier, ..instrument() });
    listing.rules.settlement = Settlement::Margined;
    let mut stage = Stage(Exchange::new(Config { listings: vec![listing], ..config(Rules::default()) }, 7).unwrap());
    stage.send_as(2, 1, intent(Sell, 9_000_000_000, Some("1")));
    stage.send_as(1, 1, intent(Buy, 9_000_000_000, Some("1")));
    assert_eq!(stage.told().len(), 2);
    // What account 1 would make here is no money any more; account 3 only opens a position.
    stage.send_as(1, 2, intent(Sell, 9_000_000_000, Some("9000000000")));
    stage.send_as(3, 2, intent(Buy, 9_000_000_000, Some("9000000000")));
    assert_eq!(stage.told(), ["3 cancelled Unbookable"]);
    stage.send_as(1, 3, intent(Sell, 9_000_000_000, Some("9000000000")));
    assert_eq!(stage.told(), ["5 cancelled Unbookable"]);
    assert_eq!(stage.0.account(3).unwrap().holding(ES).quantity(), Quantity::ZERO);
    assert!(stage.0.order(4).unwrap().stands());
}
