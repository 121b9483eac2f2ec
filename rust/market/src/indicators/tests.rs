//! Promises of the indicators.
#![allow(clippy::unwrap_used)]

use super::*;

/// Numbers that look random, the same in each run.
fn walk(length: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let mut price = 100.0;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        price += f64::from((state >> 56) as i8) / 64.0;
        price
    };
    (0..length).map(next).collect()
}

#[test]
fn an_average_does_not_drift_however_long_it_runs() {
    let values: Vec<f64> =
        walk(200_000).iter().enumerate().map(|(at, v)| if at < 50 { v * 1e12 } else { *v }).collect();
    let made = sma(&values, 20).unwrap();
    let last = &values[values.len() - 20..];
    let exact = last.iter().sum::<f64>() / 20.0;
    assert!((made.last().unwrap() - exact).abs() < 1e-9, "{} {exact}", made.last().unwrap());
}

#[test]
fn the_extreme_is_that_of_the_window_in_every_row() {
    let values = walk(500);
    for period in [1, 2, 7, 499, 500, 501] {
        for greatest in [true, false] {
            let made = rolling(&values, period, greatest).unwrap();
            for (at, found) in made.iter().enumerate() {
                let window = (at + 1).checked_sub(period).map(|from| &values[from..=at]);
                let of = |window: &[f64]| {
                    window.iter().copied().fold(if greatest { f64::MIN } else { f64::MAX }, |a, b| {
                        if greatest { a.max(b) } else { a.min(b) }
                    })
                };
                assert_eq!(
                    found.is_nan().then_some(()).map_or(Some(*found), |()| None),
                    window.map(of),
                    "{at} of {period}"
                );
            }
        }
    }
}

#[test]
fn what_is_saved_and_loaded_goes_on_as_if_nothing_had_been() {
    fn check<I: Indicator + Clone>(fresh: &I, inputs: &[I::Input]) {
        for stop in [0, 1, 5, 13, 60] {
            let mut through = fresh.clone();
            inputs[..stop].iter().for_each(|input| {
                through.push(*input);
            });
            let mut resumed = fresh.clone();
            resumed.load(&through.save()).unwrap();
            assert_eq!(resumed.value(), through.value());
            for input in &inputs[stop..] {
                assert_eq!(resumed.push(*input).map(f64::to_bits), through.push(*input).map(f64::to_bits));
            }
        }
        assert!(fresh.clone().load(&[]).is_err());
    }
    let values = walk(100);
    let bars: Vec<_> = values.iter().map(|v| (v + 1.0, v - 1.0, *v)).collect();
    check(&Sma::new(10).unwrap(), &values);
    check(&Ema::new(10, Seed::Sma).unwrap(), &values);
    check(&Ema::new(10, Seed::First).unwrap(), &values);
    check(&Rolling::max(10).unwrap(), &values);
    check(&Rolling::min(10).unwrap(), &values);
    check(&Atr::new(10).unwrap(), &bars);
}

#[test]
fn what_is_no_number_is_named_with_its_row() {
    let bad = [1.0, f64::NAN];
    for result in [sma(&bad, 1), ema(&bad, 1, Seed::Sma), rolling(&bad, 1, true)] {
        assert!(result.unwrap_err().to_string().contains("'values' has NaN in row 1"));
    }
    assert!(atr(&[1.0], &[1.0], &[f64::INFINITY], 1).unwrap_err().to_string().contains("'close' has inf in row 0"));
    assert!(atr(&[1.0], &[2.0], &[1.0], 1).unwrap_err().to_string().contains("below its low of 2"));
    assert!(atr(&[1.0], &[], &[1.0], 1).is_err());
    assert!(sma(&[], 0).unwrap_err().to_string().contains("period=0"));
}
