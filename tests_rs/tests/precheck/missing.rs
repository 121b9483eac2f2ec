//! What is not known: a check refuses, or, where its profile says so, passes and tells.

use exuvia_execution::precheck::{Basis, CashRule, Check, Context, OnMissing, Profile, Reference};
use exuvia_model::Side;

use crate::kit::*;

/// Sets one check to pass without its data.
fn opened(mut profile: Profile, check: Check) -> Profile {
    let open = OnMissing::Open;
    match check {
        Check::Instrument => profile.instrument.on_missing = open,
        Check::Position => profile.position.on_missing = open,
        Check::Duplicates => profile.duplicates.on_missing = open,
        Check::Cash => profile.cash.on_missing = open,
        Check::SameSide => profile.same_side.as_mut().unwrap().on_missing = open,
        Check::Hours => profile.hours.as_mut().unwrap().on_missing = open,
        Check::Cooldown => profile.cooldown.as_mut().unwrap().on_missing = open,
        Check::Hold => profile.hold.as_mut().unwrap().on_missing = open,
        Check::Frequency => profile.frequency.as_mut().unwrap().on_missing = open,
        Check::Pending => profile.pending.as_mut().unwrap().on_missing = open,
        Check::Collar => profile.collar.as_mut().unwrap().on_missing = open,
        Check::Notional => profile.notional.as_mut().unwrap().on_missing = open,
        Check::OpenOrders => profile.open_orders.as_mut().unwrap().on_missing = open,
        Check::DailyLoss => profile.daily_loss.as_mut().unwrap().on_missing = open,
        Check::Sanity | Check::Size => unreachable!("they need nothing"),
    }
    profile
}

type Forget = for<'a, 'b> fn(&'a Context<'b>) -> Context<'b>;

#[test]
fn each_check_without_its_data_refuses_by_default_and_passes_where_it_is_declared() {
    let cases: &[(Check, &str, Side, Forget)] = &[
        (Check::Instrument, "isin_unknown", Side::Buy, |known| Context { isin: None, ..*known }),
        (Check::Position, "position_unknown", Side::Buy, |known| Context { held: None, ..*known }),
        (Check::Position, "position_unknown", Side::Buy, |known| Context { open: None, ..*known }),
        (Check::Duplicates, "duplicates_unknown", Side::Buy, |known| Context { orders: None, ..*known }),
        (Check::Cash, "cash_unknown", Side::Buy, |known| Context { cash: None, ..*known }),
        (Check::SameSide, "same_side_unknown", Side::Buy, |known| Context { elsewhere: None, ..*known }),
        (Check::Hours, "hours_unknown", Side::Buy, |known| Context { exchange: None, ..*known }),
        (Check::Hours, "hours_unknown", Side::Buy, |known| Context { exchange: Some("XETRA"), ..*known }),
        (Check::Cooldown, "cooldown_unknown", Side::Buy, |known| Context { elsewhere: None, ..*known }),
        (Check::Hold, "hold_unknown", Side::Sell, |known| Context { elsewhere: None, held: Some(q(9)), ..*known }),
        (Check::Frequency, "frequency_unknown", Side::Buy, |known| Context { elsewhere: None, ..*known }),
        (Check::Pending, "pending_unknown", Side::Buy, |known| Context { elsewhere: None, ..*known }),
        (Check::Collar, "collar_unknown", Side::Buy, |known| Context { reference: None, ..*known }),
        (Check::Collar, "collar_unknown", Side::Buy, |known| {
            let reference = known.reference.map(|reference| Reference { time: before(60_000_000_001), ..reference });
            Context { reference, ..*known }
        }),
        (Check::OpenOrders, "open_orders_unknown", Side::Buy, |known| Context { elsewhere: None, ..*known }),
        (Check::DailyLoss, "daily_loss_unknown", Side::Buy, |known| Context { day_result: None, ..*known }),
        (Check::DailyLoss, "daily_loss_unknown", Side::Buy, |known| {
            let day_result =
                known.day_result.map(|sum| exuvia_execution::precheck::Sum { currency: "EUR".parse().unwrap(), ..sum });
            Context { day_result, ..*known }
        }),
    ];
    for &(check, code, side, forget) in cases {
        let mut desk = desk();
        let order = order(&mut desk, limit(side, 1, "10"));
        let whole = known(&desk, &[]);
        let context = forget(&whole);
        let found = verdict(every(), &order, &context);
        assert!(found.contains(&code), "{check}: {found:?}");
        let refused = checks(every()).check(&order, &context).unwrap_err();
        assert!(refused.note().contains("not known") && refused.note().contains("on_missing"), "{refused}");
        let others: Vec<&str> = found.iter().copied().filter(|other| *other != code).collect();
        assert_eq!(verdict(opened(every(), check), &order, &context), others, "{check} alone is open");
        let all = found.iter().fold(every(), |profile, code| {
            let checks = Check::ALL.into_iter().filter(|each| {
                code.starts_with(each.as_str()) || (*code == "isin_unknown" && *each == Check::Instrument)
            });
            checks.filter(|check| !matches!(check, Check::Sanity | Check::Size)).fold(profile, opened)
        });
        let passed = checks(all).check(&order, &context).unwrap();
        assert!(passed.unknown().contains(check) && !passed.unknown().contains(Check::Size), "{check}");
        assert!(checks(every()).check(&order, &Context { held: Some(q(9)), ..whole }).unwrap().unknown().is_empty());
    }
}

#[test]
fn a_price_that_is_not_known_is_missed_by_cash_and_notional() {
    let desk = desk();
    let context = Context { reference: None, ..known(&desk, &[]) };
    let buy = market(Side::Buy, 1);
    assert_eq!(against(every(), &buy, &context), ["cash_unknown", "notional_unknown"]);
    assert!(against(opened(opened(every(), Check::Cash), Check::Notional), &buy, &context).is_empty());
    let profile = Profile { cash: CashRule { basis: Basis::Margin, ..CashRule::default() }, ..least() };
    assert!(against(profile.clone(), &buy, &context).is_empty(), "margin needs no price");
    assert_eq!(against(profile, &buy, &Context { margin: None, ..context }), ["cash_unknown"]);
    let euros = exuvia_execution::precheck::Sum { currency: "EUR".parse().unwrap(), ..dollars("1000000") };
    let rule = exuvia_execution::precheck::MoneyRule { max: euros, on_missing: OnMissing::Closed };
    let profile = Profile { notional: Some(rule), ..least() };
    assert_eq!(against(profile, &limit(Side::Buy, 1, "1"), &known(&desk, &[])), ["notional_unknown"], "no rate");
}

#[test]
fn an_instrument_that_is_not_known_is_refused_whatever_is_declared() {
    let desk = desk();
    let context = Context { instrument: None, ..known(&desk, &[]) };
    for profile in [every(), opened(every(), Check::Instrument)] {
        let found = checks(profile).objections(&limit(Side::Buy, 1, "1"), &context);
        assert_eq!(codes(&found), ["unlisted"]);
        assert!(found[0].to_string().contains("symbol 0 not known"), "{}", found[0]);
    }
}

#[test]
fn a_day_that_the_calendar_does_not_cover_is_not_known_to_be_open() {
    let desk = desk();
    let then = "2150-02-04T15:00:00Z".parse().unwrap();
    let context = Context { now: then, ..known(&desk, &[]) };
    let intent = exuvia_model::OrderIntent { decided: then, ..market(Side::Buy, 1) };
    let profile = Profile { hours: every().hours, ..least() };
    assert_eq!(against(profile.clone(), &intent, &context), ["hours_unknown"]);
    assert!(against(opened(Profile { collar: None, ..profile }, Check::Hours), &intent, &context).is_empty());
}

#[test]
fn nothing_known_at_all_is_nothing_that_passes() {
    let refused = checks(every()).objections(&limit(Side::Buy, 1, "1"), &Context::unknown(now()));
    let wanted = [
        "unlisted",
        "position_unknown",
        "duplicates_unknown",
        "same_side_unknown",
        "hours_unknown",
        "cooldown_unknown",
        "frequency_unknown",
        "pending_unknown",
        "collar_unknown",
        "open_orders_unknown",
        "daily_loss_unknown",
    ];
    assert_eq!(codes(&refused), wanted);
}
