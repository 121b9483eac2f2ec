use super::*;

fn quote(side: f64) -> Quote {
    Quote { bid: 1.0, ask: 1.4, side }
}

fn both(fill: Fill, size: f64) -> (f64, f64) {
    let at = |side| (fill_price(&quote(side), fill, size).unwrap() * 1e9).round() / 1e9;
    (at(1.0), at(-1.0))
}

#[test]
fn published_fills_come_out() {
    for (ratio, wanted) in [(0.0, (1.2, 1.2)), (0.25, (1.25, 1.15)), (0.5, (1.3, 1.1)), (1.0, (1.4, 1.0))] {
        assert_eq!(both(Fill::Ratio(ratio), f64::NAN), wanted);
        assert_eq!(both(Fill::Width(0.5 * (1.0 + ratio)), f64::NAN), wanted);
    }
    let legs: Vec<f64> = (1..=4)
        .map(|legs| {
            let price = fill_price(&quote(1.0), Fill::PerLeg { ratio: 0.25, extra: 0.073 }, f64::from(legs)).unwrap();
            (fill_ratio(&quote(1.0), price).unwrap() * 1e9).round() / 1e9
        })
        .collect();
    assert_eq!(legs, [0.25, 0.323, 0.396, 0.469]);
    let liquid = Fill::Liquidity { ratio: 0.5, reference: 1000.0 };
    assert_eq!(both(liquid, 1000.0), (1.3, 1.1));
    assert_eq!(both(liquid, 0.0), (1.4, 1.0));
    assert_eq!(both(liquid, f64::NAN), (1.3, 1.1));
    assert_eq!(both(Fill::Slip(0.01), f64::NAN), (1.414, 0.99));
}

#[test]
fn a_quote_that_cannot_be_used_says_why() {
    let of = |bid, ask, side| fill_ratio(&Quote { bid, ask, side }, 1.0);
    assert_eq!(of(1.2, 1.0, 1.0), Err(QuoteStatus::Crossed));
    assert_eq!(of(1.0, 1.0, 1.0), Err(QuoteStatus::Locked));
    assert_eq!(of(0.0, 0.0, 1.0), Err(QuoteStatus::NotPositive));
    assert_eq!(of(f64::NAN, 1.0, 1.0), Err(QuoteStatus::Missing));
    assert_eq!(of(1.0, 1.2, 0.0), Err(QuoteStatus::BadSide));
}

#[test]
fn a_quantity_ratio_is_another_thing() {
    let (share, hits, skipped) = quantity_ratio(&[10.0, 0.0, 5.0, 1.0, f64::NAN], &[10.0, 10.0, 10.0, 0.0, 1.0]);
    assert_eq!((share, skipped), (0.5, 2));
    assert!((hits - 2.0 / 3.0).abs() < 1e-15);
}

#[test]
fn a_small_bucket_is_drawn_to_the_centre_of_all() {
    let how = Calibration {
        centre: Centre::Median,
        winsorise: (-1.0, 2.0),
        shrink: 10.0,
        confidence: 0.95,
        resamples: 500,
        seed: 1,
    };
    let mut ratios = vec![0.5; 90];
    ratios.extend([9.0; 10]);
    let bucket: Vec<u32> = (0..100).map(|at| u32::from(at >= 90)).collect();
    let (all, buckets) = calibrate(&ratios, &bucket, 3, &how);
    assert_eq!((all.centre, all.count), (0.5, 100));
    // Ten samples at the end of the winsorised range, drawn halfway.
    assert_eq!((buckets[1].centre, buckets[1].ratio), (2.0, 1.25));
    assert_eq!((buckets[0].ratio, buckets[0].low, buckets[0].high), (0.5, 0.5, 0.5));
    assert_eq!((buckets[2].count, buckets[2].ratio), (0, 0.5));
    assert_eq!(calibrate(&ratios, &bucket, 3, &how).0, all);
}

#[test]
fn a_bootstrap_interval_holds_the_centre_of_what_was_drawn_from() {
    let ratios: Vec<f64> = (0..400).map(|at| f64::from(at * 7919 % 400) / 400.0).collect();
    let how = Calibration {
        centre: Centre::Trimmed(0.1),
        winsorise: (-1.0, 2.0),
        shrink: 0.0,
        confidence: 0.95,
        resamples: 2000,
        seed: 3,
    };
    let (all, _) = calibrate(&ratios, &vec![0; 400], 1, &how);
    assert!(all.low < 0.49875 && 0.49875 < all.high, "{all:?}");
    // A mean of 400 uniform numbers, a little more for the trimming.
    assert!((0.04..0.08).contains(&(all.high - all.low)), "{all:?}");
}
