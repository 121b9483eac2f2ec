use super::black::normalised;
use super::implied::implied_total;
use super::{Contract, GREEKS, Greek, Model, Need, greeks, greeks_for, mills, upper_tail};
use crate::options::Status;

/// Evenly spaced exponents of ten.
fn decades(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> {
    (0..=count).map(move |at| 10f64.powf(low + (high - low) * f64::from(at) / f64::from(count)))
}

fn call(spot: f64, strike: f64, years: f64) -> Contract {
    Contract::new(Model::Spot, 1.0, spot, strike, years, 0.03, 0.01).unwrap()
}

#[test]
fn a_value_gives_its_volatility_back_to_the_last_digits_everywhere() {
    let mut cases = 0_u32;
    let mut worst = (0.0_f64, 0.0, 0.0);
    for a in std::iter::once(0.0).chain(decades(-16.0, 2.8, 400)) {
        for s in decades(-8.0, 1.9, 700) {
            let (value, slope) = normalised(a, s);
            if value < 1e-300 || value >= (-0.5 * a).exp() {
                continue;
            }
            let found = implied_total(value, a);
            // A value that is off by half of its last digit moves the volatility by so much.
            let felt = value / (slope * s);
            let error = ((found - s) / s).abs() / (f64::EPSILON * (1.0 + felt));
            if error > worst.0 || error.is_nan() {
                worst = (error, a, s);
            }
            cases += 1;
        }
    }
    assert!(cases > 190_000);
    assert!(worst.0 < 9.0, "{worst:?}");
}

#[test]
fn the_smallest_price_that_a_float_can_be_has_a_volatility() {
    for a in [1e-12, 1e-6, 0.01, 0.5, 3.0, 20.0, 300.0] {
        for value in [f64::MIN_POSITIVE, 5e-324, 1e-200] {
            let s = implied_total(value, a);
            assert!(s > 0.0 && s.is_finite(), "{a} {value} {s}");
            let back = normalised(a, s).0;
            assert!(back <= value.max(1e-307) * (1.0 + 1e-9), "{a} {value} {back}");
        }
    }
}

#[test]
fn volatility_grows_with_the_price() {
    for a in [0.0, 1e-9, 1e-3, 0.1, 1.0, 10.0] {
        let bound = (-0.5_f64 * a).exp();
        let mut before = 0.0;
        for at in 1..20_000 {
            let s = implied_total(bound * f64::from(at) / 20_000.0, a);
            assert!(s > before, "a {a}, {at} of 20,000 of the bound: {s} after {before}");
            before = s;
        }
    }
}

#[test]
fn the_tail_meets_published_values() {
    // Abramowitz & Stegun, table 26.1: 1 − Φ(1), 1 − Φ(2), 1 − Φ(5).
    for (at, wanted) in [(1.0, 0.158_655_253_931_457), (2.0, 0.022_750_131_948_179), (5.0, 2.866_515_718_79e-7)] {
        assert!((upper_tail(at) / wanted - 1.0).abs() < 1e-11, "{at}");
        assert!((upper_tail(-at) - (1.0 - wanted)).abs() < 1e-14, "{at}");
    }
    assert!(mills(f64::NAN).is_nan());
}

#[test]
fn a_put_is_the_call_less_the_forward() {
    for spot in [20.0, 80.0, 99.9, 100.0, 101.0, 140.0, 900.0] {
        for volatility in [0.01, 0.2, 1.5] {
            let one = call(spot, 100.0, 0.7);
            let put = Contract { right: super::Right::Put, ..one };
            let difference = one.price(volatility).unwrap() - put.price(volatility).unwrap();
            let forward = spot * (-0.01_f64 * 0.7).exp() - 100.0 * (-0.03_f64 * 0.7).exp();
            assert!((difference - forward).abs() < 1e-13 * spot.max(100.0), "{spot} {volatility}");
        }
    }
}

#[test]
fn what_has_no_volatility_says_why() {
    let one = call(100.0, 90.0, 0.5);
    let intrinsic = one.intrinsic();
    assert_eq!(one.implied(intrinsic), Err(Status::NoTimeValue));
    assert_eq!(one.implied(intrinsic - 0.01), Err(Status::BelowIntrinsic));
    assert_eq!(one.implied(100.0), Err(Status::AboveBound));
    assert_eq!(one.implied(-1.0), Err(Status::BadPrice));
    assert_eq!(one.implied(f64::NAN), Err(Status::Missing));
    assert_eq!(one.implied(f64::INFINITY), Err(Status::BadPrice));
    assert_eq!(Contract { years: 0.0, ..one }.implied(20.0), Err(Status::BadTime));
    let new = |right, spot, strike, years| Contract::new(Model::Spot, right, spot, strike, years, 0.0, 0.0);
    assert_eq!(new(0.0, 1.0, 1.0, 1.0), Err(Status::BadRight));
    assert_eq!(new(1.0, 0.0, 1.0, 1.0), Err(Status::BadSpot));
    assert_eq!(new(1.0, 1.0, -1.0, 1.0), Err(Status::BadStrike));
    assert_eq!(new(1.0, 1.0, 1.0, -0.1), Err(Status::BadTime));
    assert_eq!(new(f64::NAN, 1.0, 1.0, 1.0), Err(Status::Missing));
    assert_eq!(new(1.0, f64::INFINITY, 1.0, 1.0), Err(Status::NotFinite));
    assert_eq!(greeks(&one, Model::Spot, 0.0), Err(Status::BadVolatility));
    assert_eq!(one.price(-0.1), Err(Status::BadVolatility));
}

#[test]
fn at_expiry_and_without_volatility_the_value_is_the_intrinsic_one() {
    assert_eq!(call(100.0, 90.0, 0.0).price(0.3), Ok(10.0));
    assert_eq!(call(80.0, 90.0, 0.0).price(0.3), Ok(0.0));
    let one = call(100.0, 90.0, 1.0);
    assert_eq!(one.price(0.0), Ok(one.intrinsic()));
}

#[test]
fn a_choice_of_greeks_is_what_all_of_them_are() {
    for (model, volatility) in [(Model::Spot, 0.2), (Model::Forward, 0.2), (Model::Spot, 40.0)] {
        let one = call(100.0, 130.0, 0.4);
        let all = greeks(&one, model, volatility).unwrap();
        for (greek, name) in GREEKS {
            let made = greeks_for(&one, model, volatility, Need::of(&[greek], model)).unwrap()[greek as usize];
            assert!(made == all[greek as usize] || (made.is_nan() && greek == Greek::Epsilon), "{name} {made}");
        }
    }
}

#[test]
fn greeks_are_in_the_order_of_their_enum() {
    for (at, (greek, _)) in GREEKS.into_iter().enumerate() {
        assert_eq!(greek as usize, at);
    }
}
