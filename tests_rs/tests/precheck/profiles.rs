//! The profiles as the systems have them, and one's own.

use exuvia_execution::Limits;
use exuvia_execution::precheck::{
    Basis, Check, Checks, Commission, MoneyRule, OnMissing, Profile, ProfileError, Span, Sum,
};
use exuvia_model::{DAY, Money, Quantity};

use crate::kit::*;

fn limits() -> Limits {
    Limits::whole(5, 10, 60).unwrap()
}

fn portfolio() -> Profile {
    let commission = Commission { order: "2".parse().unwrap(), unit: Money::ZERO, millionths: 2000 };
    Profile::portfolio(limits(), commission, &[("NYSE", "XNYS"), ("CME", "CME")])
}

#[test]
fn six_checks_are_in_every_profile_and_the_rest_where_it_says_so() {
    let always = [Check::Sanity, Check::Instrument, Check::Size, Check::Position, Check::Duplicates, Check::Cash];
    let waits = [Check::SameSide, Check::Hours, Check::Cooldown, Check::Hold, Check::Frequency, Check::Pending];
    let chosen = [Check::Collar, Check::Notional, Check::OpenOrders, Check::DailyLoss];
    for (profile, name, has_waits, has_chosen) in [
        (Profile::options_desk(limits()), "options_desk", false, false),
        (Profile::futures_bot(limits()), "futures_bot", false, false),
        (portfolio(), "portfolio", true, false),
        (Profile::legacy(limits()), "legacy", false, false),
        (every(), "every", true, true),
    ] {
        assert_eq!(profile.name, name);
        assert!(always.iter().all(|check| profile.has(*check)), "{name}");
        assert!(waits.iter().all(|check| profile.has(*check) == has_waits), "{name}");
        assert!(chosen.iter().all(|check| profile.has(*check) == has_chosen), "{name}");
        assert_eq!(
            (profile.size.max, profile.position.max),
            if name == "every" { (q(1_000_000), q(1_000_000)) } else { (q(5), q(10)) }
        );
    }
}

#[test]
fn the_portfolio_waits_as_long_as_its_system_does() {
    let portfolio = portfolio();
    let waits = [&portfolio.cooldown, &portfolio.hold, &portfolio.same_side].map(|rule| rule.as_ref().unwrap().wait);
    assert_eq!(waits, [Span::days(30), Span::days(90), Span::minutes(5)]);
    let frequency = portfolio.frequency.as_ref().unwrap();
    assert_eq!((frequency.apart, frequency.a_day, frequency.a_week), (Span::minutes(60), 4, 10));
    assert!(portfolio.hours.as_ref().unwrap().sells_always && portfolio.instrument.isin && !portfolio.position.shorts);
    assert_eq!(portfolio.cash.commission.millionths, 2000);
    assert_eq!(portfolio.looks_back(), 90 * DAY);
    assert_eq!(Profile::futures_bot(limits()).cash.basis, Basis::Margin);
    assert_eq!(Profile::options_desk(limits()).cash.basis, Basis::Notional);
    assert_eq!(Profile::options_desk(limits()).looks_back(), Span::seconds(60).nanos());
    assert_eq!(Profile { hold: None, cooldown: None, ..portfolio }.looks_back(), 7 * DAY);
}

#[test]
fn every_check_that_a_profile_has_is_closed_without_its_data_unless_it_says_otherwise() {
    for profile in [Profile::options_desk(limits()), Profile::futures_bot(limits()), portfolio()] {
        assert!(!profile.to_json().unwrap().contains("\"open\""), "{}", profile.name);
    }
}

#[test]
fn a_declaration_is_read_as_it_was_written() {
    for profile in [
        Profile::options_desk(limits()),
        Profile::futures_bot(limits()),
        Profile::legacy(limits()),
        portfolio(),
        every(),
    ] {
        assert_eq!(Profile::from_json(&profile.to_json().unwrap()), Ok(profile));
    }
    let own = r#"{"format": 1, "name": "mine", "size": {"max": "2"}, "position": {"max": "4"}, "duplicates": {"window": "90s"},
        "collar": {"basis_points": 50, "max_age": "5s", "on_missing": "open"},
        "notional": {"max": {"amount": "100000", "currency": "EUR"}}}"#;
    let profile = Profile::from_json(own).unwrap();
    assert_eq!((profile.collar.as_ref().unwrap().on_missing, profile.position.shorts), (OnMissing::Open, false));
    assert_eq!(profile.notional.as_ref().unwrap().on_missing, OnMissing::Closed);
    assert_eq!(profile.duplicates.window.to_string(), "90s");
    assert!(Checks::new(profile).is_ok());
}

#[test]
fn a_declaration_without_one_of_the_six_or_with_a_word_too_many_is_refused() {
    for (text, says) in [
        (r#"{"format": 1, "name": "x", "size": {"max": "2"}, "position": {"max": "4"}}"#, "duplicates"),
        (r#"{"format": 1, "name": "x", "position": {"max": "4"}, "duplicates": {"window": "9s"}}"#, "size"),
        (
            r#"{"format": 1, "name": "x", "size": {"max": "2"}, "position": {"max": "4"}, "duplicates": {"window": "9s"}, "cash": null}"#,
            "null",
        ),
        (
            r#"{"format": 1, "name": "x", "size": {"max": "2"}, "position": {"max": "4"}, "duplicates": {"window": "9s"}, "colar": {}}"#,
            "colar",
        ),
        (
            r#"{"format": 1, "name": "x", "size": {"max": 2.5}, "position": {"max": "4"}, "duplicates": {"window": "9s"}}"#,
            "2.5",
        ),
        (
            r#"{"format": 1, "name": "x", "size": {"max": "2"}, "position": {"max": "4"}, "duplicates": {"window": "9 s"}}"#,
            "90d, 12h, 60m, 5s",
        ),
    ] {
        let error = Profile::from_json(text).unwrap_err();
        assert_eq!(error.code(), "unreadable_profile");
        assert!(error.to_string().contains(says), "{error}");
    }
    let newer = Profile { format: 2, ..every() };
    let error = Profile::from_json(&newer.to_json().unwrap()).unwrap_err();
    assert_eq!(error.code(), "newer_profile");
    assert!(error.to_string().contains("format 2"), "{error}");
}

#[test]
fn a_limit_that_lets_everything_or_nothing_pass_is_refused() {
    let none = || Some(MoneyRule { max: Sum { amount: Money::ZERO, currency: usd() }, on_missing: OnMissing::Closed });
    let mut fee = least();
    fee.cash.commission.unit = "-0.01".parse().unwrap();
    let mut order_fee = least();
    order_fee.cash.commission.order = "-1".parse().unwrap();
    let mut window = least();
    window.duplicates.window = "0s".parse().unwrap();
    let mut size = least();
    size.size.max = Quantity::ZERO;
    let mut position = least();
    position.position.max = Quantity::from_raw(-1);
    for (profile, says) in [
        (size, "size.max is 0"),
        (position, "position.max is -0.000000001"),
        (window, "duplicates.window is 0s"),
        (Profile { notional: none(), ..least() }, "notional.max is 0"),
        (Profile { daily_loss: none(), ..least() }, "daily_loss.max is 0"),
        (fee, "cash.commission is -0.01"),
        (order_fee, "cash.commission is -1"),
    ] {
        let error = Checks::new(profile).unwrap_err();
        assert_eq!(error.code(), "bad_profile_limit");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn an_exchange_needs_a_calendar_that_is_known() {
    let mut profile = every();
    profile.hours.as_mut().unwrap().exchanges.insert("XETRA".into(), "XETR".into());
    let error = Checks::new(profile).unwrap_err();
    assert!(matches!(error, ProfileError::BadCalendar { .. }) && error.code() == "bad_profile_calendar");
    assert!(error.to_string().contains("XETRA") && error.to_string().contains("XNYS, 24/7"), "{error}");
    let checks = Checks::new(every()).unwrap();
    assert_eq!(checks.calendar("NYSE").map(|calendar| calendar.name()), Some("XNYS"));
}

#[test]
fn lengths_of_time_are_whole_units() {
    for (text, shown) in
        [("60m", "1h"), ("24h", "1d"), ("90s", "90s"), ("5ns", "5ns"), ("0s", "0s"), ("1500000000ns", "1500000000ns")]
    {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), shown);
    }
    for bad in ["", "5", "m", "-1d", "1.5h", "1w", "99999999999999d"] {
        assert!(bad.parse::<Span>().is_err(), "{bad}");
    }
}
