use super::*;
use crate::options::pricing::{Contract, Greek, Model, greeks};

const DAYS_30: f64 = 30.0 / 365.0;

fn row(right: f64, strike: f64, open_interest: f64, gamma: f64, iv: f64) -> Row {
    Row {
        right,
        strike,
        open_interest,
        gamma,
        iv,
        years: DAYS_30,
        rate: 0.0,
        dividend: 0.0,
        multiplier: 100.0,
        side: f64::NAN,
        expiry: 0,
    }
}

fn profile() -> Profile {
    Profile {
        widths: vec![0.20, 0.35, 0.50],
        step: 0.0025,
        margin: 0.10,
        floor: 0.02,
        floor_band: 0.15,
        most_distance: 0.08,
        weight: Weight::Full,
    }
}

fn settings() -> Settings {
    Settings {
        scale: Scale::PerPercent,
        sign: Sign::CallsMinusPuts,
        most_years: f64::INFINITY,
        strike_band: f64::INFINITY,
        need_iv: false,
        flip: None,
        wall_by: WallBy::GammaOpenInterest,
        wall_sides: true,
        wall_distance: 0.0,
        local_band: 0.01,
        second_order: false,
        regime: None,
    }
}

/// Four contracts at 100: +600,000, +800,000, −900,000, −875,000 dollars by one per cent.
fn published() -> Vec<Row> {
    vec![
        row(1.0, 100.0, 1000.0, 0.06, f64::NAN),
        row(1.0, 105.0, 2000.0, 0.04, f64::NAN),
        row(-1.0, 100.0, 1500.0, 0.06, f64::NAN),
        row(-1.0, 95.0, 2500.0, 0.035, f64::NAN),
    ]
}

/// Four contracts whose gammas come from their volatilities.
fn by_volatility() -> Vec<Row> {
    vec![
        row(1.0, 105.0, 2000.0, f64::NAN, 0.18),
        row(1.0, 110.0, 1000.0, f64::NAN, 0.17),
        row(-1.0, 95.0, 2500.0, f64::NAN, 0.22),
        row(-1.0, 90.0, 1500.0, f64::NAN, 0.25),
    ]
}

#[test]
fn the_reference_chain_nets_minus_375_000() {
    let made = expose(&published(), 100.0, &settings());
    assert!((made.total.net + 375_000.0).abs() < 1e-6, "{:?}", made.total);
    let nets: Vec<i64> = made.strikes.iter().map(|(_, group)| group.net.round() as i64).collect();
    assert_eq!(nets, [-875_000, -300_000, 800_000]);
    assert_eq!((made.used, made.contracts), (4, 4));
}

#[test]
fn scales_convert_into_one_another() {
    let net = |scale| expose(&published(), 100.0, &Settings { scale, ..settings() }).total.net;
    let shares = net(Scale::Shares);
    for (scale, wanted) in [
        (Scale::PerUnit, shares * 100.0),
        (Scale::PerPercent, shares * 100.0),
        (Scale::PerHundredPercent, shares * 10_000.0),
    ] {
        assert!((net(scale) / wanted - 1.0).abs() < 1e-14, "{scale:?}");
    }
}

#[test]
fn the_spot_shift_profile_flips_at_100_54() {
    let settings = Settings { flip: Some(FlipMethod::Profile(profile())), ..settings() };
    let made = expose(&by_volatility(), 100.0, &settings);
    assert!((made.total.net + 235_636.50).abs() < 0.01, "{:?}", made.total);
    let flip = made.flip.unwrap();
    assert_eq!(flip.found, Found::Crossing);
    assert!((flip.level.unwrap() - 100.5406).abs() < 5e-5, "{flip:?}");
}

#[test]
fn vanna_and_charm_are_the_change_of_delta_in_money() {
    let rows = by_volatility();
    let with = |settings: Settings| expose(&rows, 100.0, &settings);
    let made = with(Settings { second_order: true, ..settings() });
    let delta = |row: &Row, volatility: f64, years: f64| {
        let contract = Contract::new(Model::Spot, row.right, 100.0, row.strike, years, 0.0, 0.0).unwrap();
        greeks(&contract, Model::Spot, volatility).unwrap()[Greek::Delta as usize] * row.right * row.open_interest * 1e4
    };
    let h = 1e-5;
    let by =
        |up: &dyn Fn(&Row, f64) -> f64| -> f64 { rows.iter().map(|row| (up(row, h) - up(row, -h)) / (2.0 * h)).sum() };
    let vanna = 0.01 * by(&|row, step| delta(row, row.iv + step, row.years));
    let charm = -by(&|row, step| delta(row, row.iv, row.years + step)) / 365.0;
    assert!((made.vanna.unwrap() / vanna - 1.0).abs() < 1e-6, "{:?} {vanna}", made.vanna);
    assert!((made.charm.unwrap() / charm - 1.0).abs() < 1e-6, "{:?} {charm}", made.charm);
    assert_eq!(with(settings()).vanna, None);
}

#[test]
fn methods_of_the_flip_differ_as_published() {
    let with = |flip| expose(&published(), 100.0, &Settings { flip: Some(flip), ..settings() }).flip.unwrap();
    // −300,000 at 100 and +800,000 at 105.
    let wanted = 100.0 + 5.0 * 300.0 / 1100.0;
    for method in [FlipMethod::Adjacent, FlipMethod::AdjacentUp] {
        let flip = with(method);
        assert!((flip.level.unwrap() - wanted).abs() < 1e-9 && flip.found == Found::Crossing);
    }
    // Sums are −875,000, −1,175,000, −375,000: never above zero.
    assert_eq!(with(FlipMethod::Cumulative), Flip { level: None, found: Found::Nothing });
    let calls: Vec<Row> = published().into_iter().filter(|row| row.right > 0.0).collect();
    let of_calls = |flip| expose(&calls, 101.0, &Settings { flip: Some(flip), ..settings() }).flip.unwrap();
    assert_eq!(of_calls(FlipMethod::Adjacent), Flip { level: Some(100.0), found: Found::Fallback });
    assert_eq!(of_calls(FlipMethod::AdjacentUp), Flip { level: Some(100.0), found: Found::Fallback });
    assert_eq!(of_calls(FlipMethod::Profile(profile())).found, Found::NoRows);
}

#[test]
fn walls_keep_to_their_side_and_ties_go_to_the_nearest() {
    let mut rows = published();
    rows.push(row(1.0, 110.0, 2000.0, 0.04, f64::NAN));
    rows.push(row(1.0, 90.0, 9000.0, 0.04, f64::NAN));
    let levels = expose(&rows, 101.0, &settings()).levels;
    assert_eq!((levels.call_wall, levels.put_wall), (Some(105.0), Some(100.0)));
    let free = expose(&rows, 101.0, &Settings { wall_sides: false, ..settings() }).levels;
    assert_eq!(free.call_wall, Some(90.0));
    let far = expose(&rows, 101.0, &Settings { wall_distance: 0.05, ..settings() }).levels;
    assert_eq!((far.call_wall, far.put_wall), (Some(110.0), Some(95.0)));
    assert_eq!(expose(&rows, 120.0, &settings()).levels.call_wall, None);
}

#[test]
fn the_pain_is_least_where_a_sum_over_all_strikes_says() {
    let mut rows = published();
    rows.extend(
        [(1.0, 92.5, 70.0), (-1.0, 107.5, 900.0), (-1.0, 110.0, 5.0)]
            .map(|(right, strike, open)| row(right, strike, open, 0.01, 0.2)),
    );
    let pay = |price: f64| -> f64 {
        rows.iter().map(|row| row.open_interest * (row.right * (price - row.strike)).max(0.0)).sum()
    };
    let best = rows.iter().map(|row| row.strike).min_by(|one, other| pay(*one).total_cmp(&pay(*other)));
    assert_eq!(max_pain(&rows), best);
    assert_eq!(max_pain(&[]), None);
}

#[test]
fn a_regime_is_the_first_rule_that_holds() {
    let step = |against, threshold, label: &str| Step { against, threshold, label: label.to_owned() };
    let regime = Regime {
        on: On::Net,
        divisor: 1e5,
        steps: vec![step(Against::Above, 0.0, "positive"), step(Against::AtMost, -3.75, "strong negative")],
        otherwise: "negative".to_owned(),
    };
    let named = |regime: &Regime| {
        expose(&published(), 100.0, &Settings { regime: Some(regime.clone()), ..settings() }).regime.unwrap()
    };
    assert_eq!(named(&Regime { divisor: 1e5 * (1.0 + 1e-9), ..regime.clone() }), "negative");
    assert_eq!(named(&Regime { divisor: 1e5 * (1.0 - 1e-9), ..regime.clone() }), "strong negative");
    assert_eq!(named(&Regime { on: On::FlipDistance, ..regime }), "unknown");
}

#[test]
fn what_is_left_out_is_counted_by_its_reason() {
    let mut rows = published();
    rows.push(row(f64::NAN, 100.0, 1.0, 0.1, 0.2));
    rows.push(row(1.0, 100.0, 0.0, 0.1, 0.2));
    rows.push(row(1.0, 100.0, f64::NAN, 0.1, 0.2));
    rows.push(row(1.0, 100.0, 1.0, -0.1, 0.2));
    rows.push(row(1.0, 200.0, 1.0, 0.1, 0.2));
    rows.push(Row { years: 2.0, ..row(1.0, 100.0, 1.0, 0.1, 0.2) });
    let made = expose(&rows, 100.0, &Settings { strike_band: 0.15, most_years: 1.0, ..settings() });
    let wanted = Skipped { missing: 1, no_open_interest: 2, no_gamma: 1, no_iv: 0, filtered: 2 };
    assert_eq!((made.skipped, made.used), (wanted, 4));
    let strict = expose(&published(), 100.0, &Settings { need_iv: true, ..settings() });
    assert_eq!((strict.skipped.no_iv, strict.used), (4, 0));
    assert_eq!(strict.total.net, 0.0);
}
