//! Limits of amount and money: just below and at the limit an order passes, just above it does not.

use exuvia_execution::precheck::{
    Basis, CashRule, CollarRule, Commission, Context, InstrumentRule, MoneyRule, OnMissing, Open, OpenOrdersRule, Past,
    PositionRule, Profile, Reference, SanityRule, SizeRule, Span, Sum,
};
use exuvia_execution::{Limits, Rate};
use exuvia_model::{Money, OrderIntent, OrderType, Price, Quantity, Side, Trail};
use proptest::prelude::*;

use crate::kit::*;

const STEPS: [i64; 3] = [-1, 0, 1];

fn money(raw: i128) -> Sum {
    Sum { amount: Money::from_raw(raw), currency: usd() }
}

/// Price × amount × 5 at 10⁻⁹, up.
fn worth(price: i64, amount: i64) -> i128 {
    let exact = i128::from(price.abs()) * i128::from(amount) * 5;
    (exact + 999_999_999) / 1_000_000_000
}

proptest! {
    #[test]
    fn an_order_may_be_as_large_as_the_limit(max in 2..i64::MAX / 4) {
        let desk = desk();
        let profile = Profile { size: SizeRule { max: Quantity::from_raw(max) }, position: PositionRule { max: Quantity::from_raw(i64::MAX), ..least().position }, ..least() };
        for step in STEPS {
            let intent = OrderIntent { quantity: Quantity::from_raw(max + step), limit: Some(Price::from_raw(1)), ..limit(Side::Buy, 1, "1") };
            let expected: &[&str] = if step > 0 { &["size"] } else { &[] };
            prop_assert_eq!(against(profile.clone(), &intent, &known(&desk, &[])), expected);
        }
    }

    #[test]
    fn a_position_may_become_as_large_as_the_limit_with_everything_open(
        held in -1_000_000..1_000_000_i64, open in 0..1_000_000_i64, more in 1..1_000_000_i64, side in prop_oneof![Just(Side::Buy), Just(Side::Sell)],
    ) {
        let desk = desk();
        let sign = side.sign();
        // The limit is what this order reaches when it is on the side of what is held.
        let max = held.abs() + open + more;
        let other = 77_i128;
        let beside = match side {
            Side::Buy => Open { buys: open.into(), sells: other },
            Side::Sell => Open { buys: other, sells: open.into() },
        };
        for step in STEPS {
            let intent = OrderIntent { quantity: Quantity::from_raw(more), ..limit(side, 1, "1") };
            let profile = Profile { position: PositionRule { max: Quantity::from_raw(max - step), ..least().position }, ..least() };
            let context = Context { held: Some(Quantity::from_raw(held.abs() * sign)), open: Some(beside), ..known(&desk, &[]) };
            let expected: &[&str] = if step > 0 { &["position"] } else { &[] };
            prop_assert_eq!(against(profile, &intent, &context), expected);
        }
    }

    #[test]
    fn cash_pays_price_and_commission_to_the_last_unit(
        price in 1..100_000_000_000_i64, amount in 1..100_000_000_000_i64, fee in 0..10_000_000_000_i128, each in 0..1_000_000_000_i128, millionths in 0..10_000_u32,
    ) {
        let desk = desk();
        let commission = Commission { order: Money::from_raw(fee), unit: Money::from_raw(each), millionths };
        let share = (worth(price, amount) * i128::from(millionths) + 999_999) / 1_000_000;
        let units = (each * i128::from(amount) + 999_999_999) / 1_000_000_000;
        let needed = worth(price, amount) + fee + units + share;
        let intent = OrderIntent { quantity: Quantity::from_raw(amount), limit: Some(Price::from_raw(price)), ..limit(Side::Buy, 1, "1") };
        let profile = Profile { cash: CashRule { commission, ..CashRule::default() }, ..least() };
        for step in [-1, 0, 1] {
            let context = Context { cash: Some(money(needed + step)), ..known(&desk, &[]) };
            let expected: &[&str] = if step < 0 { &["cash"] } else { &[] };
            prop_assert_eq!(against(profile.clone(), &intent, &context), expected);
        }
    }

    #[test]
    fn margin_pays_for_what_an_order_opens_and_for_nothing_else(margin in 1..1_000_000_000_000_i128, held in 0..5_i64, amount in 1..9_i64) {
        let desk = desk();
        let opens = i128::from((amount - held).max(0));
        let profile = Profile { cash: CashRule { basis: Basis::Margin, ..CashRule::default() }, ..least() };
        for step in [-1, 0, 1] {
            let context = Context { margin: Some(Money::from_raw(margin)), held: Some(q(-held)), cash: Some(money(margin * opens + step)), ..known(&desk, &[]) };
            let expected: &[&str] = if step < 0 && opens > 0 { &["cash"] } else { &[] };
            prop_assert_eq!(against(profile.clone(), &limit(Side::Buy, amount, "10"), &context), expected);
        }
    }

    #[test]
    fn an_order_may_be_worth_as_much_as_the_limit(price in 1..100_000_000_000_i64, amount in 1..100_000_000_000_i64) {
        let desk = desk();
        let intent = OrderIntent { quantity: Quantity::from_raw(amount), limit: Some(Price::from_raw(price)), ..limit(Side::Sell, 1, "1") };
        for step in [-1, 0, 1] {
            let max = money((worth(price, amount) + step).max(1));
            let profile = Profile { notional: Some(MoneyRule { max, on_missing: OnMissing::Closed }), ..least() };
            let expected: &[&str] = if max.amount.raw() < worth(price, amount) { &["notional"] } else { &[] };
            prop_assert_eq!(against(profile, &intent, &known(&desk, &[])), expected);
        }
    }

    #[test]
    fn a_price_may_be_as_far_from_the_market_as_the_collar(middle in 1..1_000_000_i64, basis_points in 1..5000_u32, up in any::<bool>(), stops in any::<bool>()) {
        let desk = desk();
        let middle = middle * 10_000;
        let distance = middle / 10_000 * i64::from(basis_points);
        let profile = Profile { collar: Some(CollarRule { basis_points, max_age: Span::seconds(5), on_missing: OnMissing::Closed }), ..least() };
        for step in STEPS {
            let price = Price::from_raw(if up { middle + distance + step } else { middle - distance - step });
            let intent = limit(Side::Buy, 1, "1");
            let intent = if stops { OrderIntent { order_type: OrderType::Stop, stop: Some(price), limit: None, ..intent } } else { OrderIntent { limit: Some(price), ..intent } };
            let context = Context { reference: Some(Reference { price: Price::from_raw(middle), time: before(5_000_000_000) }), ..known(&desk, &[]) };
            let expected: &[&str] = if step > 0 { &["collar"] } else { &[] };
            prop_assert_eq!(against(profile.clone(), &intent, &context), expected);
        }
    }

    #[test]
    fn nothing_new_is_opened_once_the_day_has_lost_its_limit(max in 1..1_000_000_000_000_000_i128) {
        let desk = desk();
        let profile = Profile { daily_loss: Some(MoneyRule { max: money(max), on_missing: OnMissing::Closed }), ..least() };
        for step in [-1, 0, 1] {
            let context = Context { day_result: Some(money(step - max)), held: Some(q(3)), ..known(&desk, &[]) };
            let expected: &[&str] = if step <= 0 { &["daily_loss"] } else { &[] };
            prop_assert_eq!(against(profile.clone(), &limit(Side::Buy, 1, "10"), &context), expected);
            prop_assert!(against(profile.clone(), &limit(Side::Sell, 3, "10"), &context).is_empty(), "what closes may go");
        }
    }
}

#[test]
fn tick_lot_price_and_amount_are_checked_and_the_refusal_says_what_would_do() {
    let desk = desk();
    let share = Context { instrument: desk.instruments().get(1), ..known(&desk, &[]) };
    let on_share = |amount: &str, price: &str| OrderIntent {
        quantity: amount.parse().unwrap(),
        limit: Some(p(price)),
        ..limit(Side::Buy, 1, "1")
    };
    for (amount, price, code, says) in [
        ("1", "10.005", "off_tick", "instrument: price 10.005, limit multiples of 0.01: 10 or 10.01"),
        ("1.5", "10", "off_lot", "instrument: amount 1.5, limit multiples of 1"),
        ("1", "-1", "not_positive", "instrument: price -1, limit more than 0"),
        ("1", "0", "not_positive", "price 0"),
    ] {
        let found = checks(least()).objections(&on_share(amount, price), &share);
        assert_eq!(codes(&found), [code], "{amount} at {price}");
        assert!(found[0].to_string().contains(says), "{}", found[0]);
    }
    assert!(against(least(), &on_share("1", "10.01"), &share).is_empty());
    for (amount, expected) in [("0", vec!["bad_amount", "off_lot"]), ("-1", vec!["bad_amount", "off_lot"])] {
        assert_eq!(against(least(), &on_share(amount, "10"), &share), expected, "{amount}");
    }
    let bare = OrderIntent { limit: None, ..limit(Side::Buy, 1, "1") };
    assert_eq!(against(least(), &bare, &known(&desk, &[])), ["bad_limit", "cash_unknown"]);
    let trail = OrderIntent { trail: Some(Trail::Ticks(4)), ..limit(Side::Buy, 1, "1") };
    assert_eq!(against(least(), &trail, &known(&desk, &[])), ["bad_terms"]);
}

#[test]
fn a_decision_is_neither_ahead_of_the_clock_nor_older_than_declared() {
    let desk = desk();
    let sanity = SanityRule { ahead: Span::seconds(2), max_age: Some(Span::seconds(3)), ..SanityRule::default() };
    let profile = Profile { sanity, ..least() };
    let second = 1_000_000_000;
    for (age, expected) in
        [(-2 * second - 1, "decided_ahead"), (-2 * second, ""), (3 * second, ""), (3 * second + 1, "decided_long_ago")]
    {
        let intent = OrderIntent { decided: before(age), ..limit(Side::Buy, 1, "1") };
        let expected: Vec<&str> = Some(expected).filter(|code| !code.is_empty()).into_iter().collect();
        assert_eq!(against(profile.clone(), &intent, &known(&desk, &[])), expected, "{age}");
    }
}

#[test]
fn an_isin_has_the_right_check_digit() {
    let desk = desk();
    let profile = Profile { instrument: InstrumentRule { isin: true, on_missing: OnMissing::Closed }, ..least() };
    for (isin, right) in [
        ("US0378331005", true),
        ("DE0007164600", true),
        ("GB0002634946", true),
        ("AU0000XVGZA3", true),
        ("US0378331004", false),
        ("US0373831005", false),
        ("us0378331005", false),
        ("US037833100", false),
        ("US03783310055", false),
        ("0S0378331005", false),
        ("US03783310é", false),
        ("", false),
    ] {
        let context = Context { isin: Some(isin), ..known(&desk, &[]) };
        let expected: &[&str] = if right { &[] } else { &["bad_isin"] };
        assert_eq!(against(profile.clone(), &limit(Side::Buy, 1, "1"), &context), expected, "{isin}");
        assert!(against(least(), &limit(Side::Buy, 1, "1"), &context).is_empty(), "not asked for");
    }
}

#[test]
fn what_is_not_held_is_not_sold_where_nothing_is_shorted() {
    let desk = desk();
    let profile = Profile { position: PositionRule { shorts: false, ..least().position }, ..least() };
    for (held, open, amount, expected) in [
        (5, 0, 5, vec![]),
        (5, 0, 6, vec!["not_held"]),
        (5, 3, 2, vec![]),
        (5, 3, 3, vec!["not_held"]),
        (0, 0, 1, vec!["not_held"]),
        (-2, 0, 1, vec!["not_held"]),
    ] {
        let open = Open { buys: 100, sells: i128::from(q(open).raw()) };
        let context = Context { held: Some(q(held)), open: Some(open), ..known(&desk, &[]) };
        assert_eq!(against(profile.clone(), &limit(Side::Sell, amount, "1"), &context), expected, "{held} {amount}");
    }
    let short = Context { held: Some(q(-2)), ..known(&desk, &[]) };
    assert!(against(profile, &limit(Side::Buy, 2, "1"), &short).is_empty(), "a short may be closed");
}

#[test]
fn what_only_closes_a_position_passes_whatever_the_limits_of_size_of_it_and_cash_are() {
    let desk = desk();
    let profile = Profile { position: PositionRule { max: Quantity::ZERO, ..least().position }, ..least() };
    let context = Context { held: Some(q(7)), cash: Some(dollars("0")), ..known(&desk, &[]) };
    assert!(against(profile.clone(), &limit(Side::Sell, 7, "10"), &context).is_empty());
    assert_eq!(against(profile, &limit(Side::Sell, 8, "10"), &context), ["position", "cash"]);
}

#[test]
fn a_market_order_costs_what_the_market_says_and_the_slippage() {
    let desk = desk();
    let profile = |slippage_bp| Profile { cash: CashRule { slippage_bp, ..CashRule::default() }, ..least() };
    let with = |cash: &str| Context { cash: Some(dollars(cash)), ..known(&desk, &[]) };
    let buy = market(Side::Buy, 2);
    assert!(against(profile(0), &buy, &with("100")).is_empty());
    assert_eq!(against(profile(100), &buy, &with("100.999999999")), ["cash"]);
    assert!(against(profile(100), &buy, &with("101")).is_empty());
    let stop = OrderIntent { order_type: OrderType::Stop, stop: Some(p("20")), ..buy };
    assert_eq!(against(profile(100), &stop, &with("201.999999999")), ["cash"]);
    assert!(against(profile(100), &stop, &with("202")).is_empty());
    let limited = limit(Side::Buy, 2, "10");
    assert!(against(profile(100), &limited, &with("100")).is_empty(), "a limit does not slip");
}

#[test]
fn a_rate_converts_in_its_direction_or_not_at_all() {
    let desk = desk();
    let hkd = |text: &str| Some(Sum { amount: text.parse().unwrap(), currency: "HKD".parse().unwrap() });
    let rate = Rate { base: usd(), quote: "HKD".parse().unwrap(), price: p("7.8") };
    let buy = limit(Side::Buy, 2, "10");
    let with = |cash, rate| Context { cash, rate, ..known(&desk, &[]) };
    assert!(against(least(), &buy, &with(hkd("780"), Some(rate))).is_empty());
    assert_eq!(against(least(), &buy, &with(hkd("779.999999999"), Some(rate))), ["cash"]);
    assert_eq!(against(least(), &buy, &with(hkd("780"), None)), ["cash_unknown"]);
    let other = Rate { quote: "EUR".parse().unwrap(), ..rate };
    assert_eq!(against(least(), &buy, &with(hkd("780"), Some(other))), ["cash_unknown"]);
}

#[test]
fn what_cannot_be_reckoned_is_refused() {
    let desk = desk();
    let huge = OrderIntent {
        quantity: Quantity::from_raw(i64::MAX),
        limit: Some(Price::from_raw(i64::MAX)),
        ..limit(Side::Buy, 1, "1")
    };
    let mut instrument = desk.instruments()[0].clone();
    instrument.multiplier = Quantity::from_raw(i64::MAX);
    let context = Context { instrument: Some(&instrument), ..known(&desk, &[]) };
    let profile = Profile {
        notional: every().notional,
        ..Profile::least(
            "huge",
            Limits {
                max_amount: Quantity::from_raw(i64::MAX),
                max_position: Quantity::from_raw(i64::MAX),
                duplicate_window: 1,
            },
        )
    };
    assert_eq!(against(profile, &huge, &context), ["cash_unknown", "notional"]);
}

#[test]
fn open_orders_are_counted_here_and_at_the_venue() {
    let mut desk = desk();
    for then in [Then::Waits, Then::Works, Then::Fills, Then::Ends, Then::IsRefusedHere] {
        past(&mut desk, limit(Side::Buy, 9, "3"), before(10_000_000_000), then);
    }
    let at = |open| exuvia_execution::precheck::Seen { symbol: SHARE, side: Side::Sell, time: before(60), open };
    let seen = [at(true), at(false)];
    for (max, expected) in [(3, vec!["open_orders"]), (4, vec![])] {
        let profile = Profile { open_orders: Some(OpenOrdersRule { max, on_missing: OnMissing::Closed }), ..least() };
        assert_eq!(against(profile.clone(), &limit(Side::Buy, 1, "1"), &known(&desk, &seen)), expected);
        let held = Context { held: Some(q(1)), ..known(&desk, &seen) };
        assert!(against(profile, &limit(Side::Sell, 1, "1"), &held).is_empty(), "what closes may go");
    }
    let places = [1_usize];
    let some = Context { orders: Some(Past::at(desk.orders(), &places)), ..known(&desk, &[]) };
    let profile = Profile { open_orders: Some(OpenOrdersRule { max: 1, on_missing: OnMissing::Closed }), ..least() };
    let found = checks(profile).objections(&limit(Side::Buy, 1, "1"), &some);
    assert_eq!(found[0].value, "2 with this one");
}
