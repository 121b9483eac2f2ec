//! Checks of time: at the end of a wait an order may go, one nanosecond earlier it may not.

use exuvia_execution::precheck::{
    Bypass, Context, DuplicatesRule, FrequencyRule, HoursRule, OnMissing, PendingRule, Profile, Seen, Span, WaitRule,
};
use exuvia_market::sessions::Calendar;
use exuvia_model::{DAY, HOUR, MINUTE, OrderIntent, Side, Time};
use proptest::prelude::*;

use crate::kit::*;

fn rule(nanos: i64) -> WaitRule {
    WaitRule { wait: format!("{nanos}ns").parse().unwrap(), on_missing: OnMissing::Closed }
}

fn seen(side: Side, time: Time, open: bool) -> Seen {
    Seen { symbol: FINE, side, time, open }
}

fn expected(code: &'static str, refused: bool) -> Vec<&'static str> {
    if refused { vec![code] } else { Vec::new() }
}

/// Whether an order `age` ago, here and at the venue, speaks against an intent.
fn stands_in_the_way(
    profile: &Profile,
    earlier: &OrderIntent,
    then: Then,
    intent: &OrderIntent,
    age: i64,
) -> Vec<&'static str> {
    let mut desk = desk();
    past(&mut desk, earlier.clone(), before(age), then);
    let context = Context { held: Some(q(1000)), ..known(&desk, &[]) };
    let here = against(profile.clone(), intent, &context);
    if then == Then::Fills {
        let empty = crate::kit::desk();
        let elsewhere = [seen(earlier.side, before(age), false)];
        let context = Context { held: Some(q(1000)), ..known(&empty, &elsewhere) };
        assert_eq!(against(profile.clone(), intent, &context), here, "by hand is no other than here");
    }
    here
}

proptest! {
    #[test]
    fn waits_end_when_they_end(wait in 1..90 * DAY) {
        let buy = limit(Side::Buy, 3, "3");
        let sell = limit(Side::Sell, 4, "4");
        let cooldown = Profile { cooldown: Some(rule(wait)), ..least() };
        let hold = Profile { hold: Some(rule(wait)), ..least() };
        let same_side = Profile { same_side: Some(rule(wait)), ..least() };
        let apart = Profile { frequency: Some(FrequencyRule { apart: rule(wait).wait, a_day: 9, a_week: 9, on_missing: OnMissing::Closed }), ..least() };
        for early in [-1, 0, 1] {
            let age = wait - early;
            prop_assert_eq!(stands_in_the_way(&cooldown, &buy, Then::Fills, &limit(Side::Buy, 1, "1"), age), expected("cooldown", early > 0));
            prop_assert_eq!(stands_in_the_way(&hold, &buy, Then::Fills, &sell, age), expected("hold", early > 0));
            prop_assert_eq!(stands_in_the_way(&same_side, &sell, Then::Fills, &limit(Side::Sell, 1, "1"), age), expected("same_side", early > 0));
            prop_assert_eq!(stands_in_the_way(&apart, &sell, Then::Fills, &limit(Side::Buy, 1, "1"), age), expected("too_soon", early > 0));
        }
    }

    #[test]
    fn the_same_order_is_a_duplicate_until_its_window_ends(window in 1..DAY) {
        let window_text = format!("{window}ns").parse().unwrap();
        let profile = Profile { duplicates: DuplicatesRule { window: window_text, ..least().duplicates }, ..least() };
        let mut desk = desk();
        let intent = limit(Side::Buy, 3, "3");
        past(&mut desk, intent.clone(), now(), Then::Works);
        for early in [-1, 0, 1] {
            let again = OrderIntent { decided: Time(now().0 + window - early), ..intent.clone() };
            let context = Context { now: again.decided, ..known(&desk, &[]) };
            prop_assert_eq!(against(profile.clone(), &again, &context), expected("duplicate", early > 0));
        }
    }
}

#[test]
fn a_duplicate_is_of_the_same_terms_and_was_not_refused() {
    let profile = Profile { duplicates: DuplicatesRule { window: Span::minutes(1), ..least().duplicates }, ..least() };
    let intent = limit(Side::Buy, 3, "3");
    for (then, is_one) in [
        (Then::Waits, true),
        (Then::Works, true),
        (Then::Fills, true),
        (Then::Ends, false),
        (Then::IsRefusedHere, false),
        (Then::IsRefusedThere, false),
    ] {
        let mut desk = desk();
        let id = past(&mut desk, intent.clone(), before(5), then);
        let found = checks(profile.clone()).objections(&intent, &known(&desk, &[]));
        assert_eq!(codes(&found), expected("duplicate", is_one), "{then:?}");
        assert!(found.iter().all(|found| found.value == id && found.limit == "one in 1m"), "{found:?}");
    }
    let mut desk = desk();
    past(&mut desk, intent.clone(), before(5), Then::Works);
    for other in [
        OrderIntent { scenario: "gap".into(), ..intent.clone() },
        OrderIntent { symbol: SHARE, ..intent.clone() },
        OrderIntent { side: Side::Sell, ..intent.clone() },
        OrderIntent { quantity: q(4), ..intent.clone() },
        OrderIntent { limit: Some(p("3.1")), ..intent.clone() },
        market(Side::Buy, 3),
    ] {
        assert!(against(profile.clone(), &other, &known(&desk, &[])).is_empty(), "{other:?}");
    }
    let ahead = OrderIntent { decided: before(60), ..intent };
    assert_eq!(against(profile, &ahead, &known(&desk, &[])), ["duplicate"], "a clock that goes back frees nothing");
}

#[test]
fn the_cooldown_is_of_purchases_and_the_hold_of_what_was_executed() {
    let (buy, sell) = (limit(Side::Buy, 3, "3"), limit(Side::Sell, 3, "3"));
    let one = |side| limit(side, 1, "1");
    let cooldown = Profile { cooldown: Some(rule(DAY)), ..least() };
    let hold = Profile { hold: Some(rule(DAY)), ..least() };
    for (then, cools, holds) in [
        (Then::Waits, true, false),
        (Then::Works, true, false),
        (Then::Fills, true, true),
        (Then::Ends, false, false),
        (Then::IsRefusedThere, false, false),
    ] {
        assert_eq!(
            stands_in_the_way(&cooldown, &buy, then, &one(Side::Buy), HOUR),
            expected("cooldown", cools),
            "{then:?}"
        );
        assert_eq!(stands_in_the_way(&hold, &buy, then, &one(Side::Sell), HOUR), expected("hold", holds), "{then:?}");
    }
    for (profile, earlier, side) in [
        (&cooldown, &sell, Side::Buy),
        (&cooldown, &buy, Side::Sell),
        (&hold, &sell, Side::Sell),
        (&hold, &buy, Side::Buy),
    ] {
        assert!(stands_in_the_way(profile, earlier, Then::Fills, &one(side), HOUR).is_empty());
    }
    let desk = desk();
    let open = [seen(Side::Buy, before(HOUR), true)];
    let context = Context { held: Some(q(9)), ..known(&desk, &open) };
    assert!(against(hold.clone(), &one(Side::Sell), &context).is_empty(), "an open purchase was not bought yet");
    assert_eq!(against(cooldown, &one(Side::Buy), &context), ["cooldown"]);
    let bought = [seen(Side::Buy, before(HOUR), false)];
    assert!(against(hold, &one(Side::Sell), &known(&desk, &bought)).is_empty(), "nothing is held");
}

#[test]
fn the_same_side_counts_whatever_left_even_if_it_was_refused_there() {
    let profile = Profile { same_side: Some(rule(5 * MINUTE)), ..least() };
    for (then, counts) in [
        (Then::Waits, true),
        (Then::Works, true),
        (Then::Fills, true),
        (Then::Ends, true),
        (Then::IsRefusedHere, false),
        (Then::IsRefusedThere, true),
    ] {
        let found = stands_in_the_way(&profile, &limit(Side::Buy, 3, "3"), then, &limit(Side::Buy, 1, "1"), MINUTE);
        assert_eq!(found, expected("same_side", counts), "{then:?}");
    }
    let other = OrderIntent { symbol: SHARE, ..limit(Side::Buy, 3, "3") };
    let mut desk = desk();
    past(&mut desk, other, before(MINUTE), Then::Works);
    assert!(against(profile.clone(), &limit(Side::Buy, 1, "1"), &known(&desk, &[])).is_empty());
    let opposite = [seen(Side::Sell, before(MINUTE), false)];
    assert!(against(profile, &limit(Side::Buy, 1, "1"), &known(&desk, &opposite)).is_empty());
}

#[test]
fn so_many_trades_a_day_and_a_week_and_no_more() {
    let with = |a_day, a_week| Profile {
        frequency: Some(FrequencyRule { apart: Span::minutes(60), a_day, a_week, on_missing: OnMissing::Closed }),
        ..least()
    };
    let sells = |ages: &[i64]| ages.iter().map(|age| seen(Side::Sell, before(*age), false)).collect::<Vec<_>>();
    let desk = desk();
    let buy = limit(Side::Buy, 1, "1");
    for (ages, a_day, a_week, wanted) in [
        (vec![2 * HOUR, 3 * HOUR, 4 * HOUR], 4, 10, vec![]),
        (vec![2 * HOUR, 3 * HOUR, 4 * HOUR, DAY - 1], 4, 10, vec!["too_many_today"]),
        (vec![2 * HOUR, 3 * HOUR, 4 * HOUR, DAY], 4, 10, vec![]),
        (vec![2 * DAY, 3 * DAY, 7 * DAY - 1], 4, 3, vec!["too_many_this_week"]),
        (vec![2 * DAY, 3 * DAY, 7 * DAY], 4, 3, vec![]),
        (vec![HOUR - 1], 1, 1, vec!["too_soon", "too_many_today", "too_many_this_week"]),
        (vec![-HOUR], 4, 10, vec!["too_soon"]),
    ] {
        assert_eq!(against(with(a_day, a_week), &buy, &known(&desk, &sells(&ages))), wanted, "{ages:?}");
    }
    let mut desk = crate::kit::desk();
    for then in [Then::Ends, Then::IsRefusedHere, Then::IsRefusedThere] {
        past(&mut desk, limit(Side::Sell, 3, "3"), before(MINUTE), then);
    }
    assert!(against(with(1, 1), &buy, &known(&desk, &[])).is_empty(), "what never traded is no trade");
}

#[test]
fn an_emergency_passes_cooldown_hold_and_frequency_by_but_never_the_same_side() {
    let mut desk = desk();
    past(&mut desk, limit(Side::Buy, 3, "3"), before(MINUTE), Then::Fills);
    let wait = Some(rule(DAY));
    let frequency =
        Some(FrequencyRule { apart: Span::minutes(60), a_day: 1, a_week: 1, on_missing: OnMissing::Closed });
    let profile = Profile { cooldown: wait.clone(), same_side: wait.clone(), hold: wait, frequency, ..least() };
    let buy = limit(Side::Buy, 1, "1");
    let signed = Some(Bypass { by: "Ada", why: "rebalancing" });
    let with = |bypass| Context { held: Some(q(3)), bypass, ..known(&desk, &[]) };
    let all = ["same_side", "cooldown", "too_soon", "too_many_today", "too_many_this_week"];
    assert_eq!(against(profile.clone(), &buy, &with(None)), all);
    assert_eq!(against(profile.clone(), &buy, &with(signed)), ["same_side"]);
    for (by, why) in [("", "rebalancing"), ("Ada", " ")] {
        assert_eq!(against(profile.clone(), &buy, &with(Some(Bypass { by, why }))), all, "{by:?} {why:?}");
    }
    assert!(against(profile, &limit(Side::Sell, 1, "1"), &with(signed)).is_empty());
}

#[test]
fn an_open_order_on_the_symbol_stands_in_the_way_of_the_next() {
    let profile = Profile { pending: Some(PendingRule::default()), ..least() };
    for (then, open) in [
        (Then::Waits, true),
        (Then::Works, true),
        (Then::Fills, false),
        (Then::Ends, false),
        (Then::IsRefusedHere, false),
    ] {
        let mut desk = desk();
        let other = OrderIntent { scenario: "gap".into(), ..limit(Side::Sell, 3, "3") };
        let id = past(&mut desk, other, before(HOUR), then);
        let found = checks(profile.clone()).objections(&limit(Side::Buy, 1, "1"), &known(&desk, &[]));
        assert_eq!(codes(&found), expected("pending", open), "{then:?}");
        assert!(found.iter().all(|found| found.value.contains(&id)), "{found:?}");
    }
    let desk = desk();
    let elsewhere = [seen(Side::Sell, before(HOUR), true)];
    assert_eq!(against(profile.clone(), &limit(Side::Buy, 1, "1"), &known(&desk, &elsewhere)), ["pending"]);
    let other = [Seen { symbol: SHARE, ..elsewhere[0] }, Seen { open: false, ..elsewhere[0] }];
    assert!(against(profile, &limit(Side::Buy, 1, "1"), &known(&desk, &other)).is_empty());
}

#[test]
fn an_exchange_opens_and_closes_to_the_nanosecond_and_sells_go_at_any_hour() {
    let desk = desk();
    let hours = |sells_always| HoursRule {
        exchanges: std::collections::BTreeMap::from([("NYSE".to_owned(), "XNYS".to_owned())]),
        sells_always,
        on_missing: OnMissing::Closed,
    };
    let at = |text: &str, step: i64| Time(text.parse::<Time>().unwrap().0 + step);
    for (time, open) in [
        (at("2026-02-04T14:30:00Z", -1), false),
        (at("2026-02-04T14:30:00Z", 0), true),
        (at("2026-02-04T21:00:00Z", -1), true),
        (at("2026-02-04T21:00:00Z", 0), false),
        (at("2026-07-03T15:00:00Z", 0), false),
        (at("2026-11-27T17:59:59Z", 0), true),
        (at("2026-11-27T18:00:00Z", 0), false),
    ] {
        let context = Context { now: time, ..known(&desk, &[]) };
        let order = |side| OrderIntent { decided: time, ..limit(side, 1, "1") };
        let profile = |sells_always| Profile { hours: Some(hours(sells_always)), ..least() };
        assert_eq!(against(profile(true), &order(Side::Buy), &context), expected("market_closed", !open), "{time}");
        assert!(against(profile(true), &order(Side::Sell), &context).is_empty());
        assert_eq!(against(profile(false), &order(Side::Sell), &context), expected("market_closed", !open), "{time}");
    }
    let late = Context { now: at("2026-02-04T21:00:00Z", 0), ..known(&desk, &[]) };
    let refused = checks(Profile { hours: Some(hours(true)), ..least() }).objections(&limit(Side::Buy, 1, "1"), &late);
    assert!(
        refused[0]
            .to_string()
            .contains("NYSE is closed at 2026-02-04T21:00:00.000000Z, limit its hours, next from 2026-02-05T14:30"),
        "{}",
        refused[0]
    );
    let listed = checks(Profile { hours: Some(hours(true)), ..least() }).with_calendar("NYSE", Calendar::ALWAYS);
    assert!(listed.objections(&limit(Side::Buy, 1, "1"), &late).is_empty(), "another calendar for the exchange");
}
