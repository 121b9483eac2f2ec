//! Promises of the streaming builders.
#![allow(clippy::unwrap_used)]

use exuvia_model::{MINUTE, Time};

use super::*;

fn minutes(late: Late) -> TradeBarBuilder<f64> {
    TradeBarBuilder::new("1m".parse().unwrap(), 0, late)
}

#[test]
fn a_gap_has_no_bar() {
    let mut builder = minutes(Late::IntoCurrent);
    builder.push(Time(0), 1.0, 1.0).unwrap();
    let closed = builder.push(Time(10 * MINUTE), 2.0, 1.0).unwrap().unwrap();
    assert_eq!((closed.start, closed.ohlc.close), (Time(0), 1.0));
    assert_eq!(builder.flush().unwrap().start, Time(10 * MINUTE));
    assert_eq!(builder.flush(), None);
}

#[test]
fn a_tick_at_the_end_of_an_interval_opens_the_next_bar() {
    let mut builder = minutes(Late::Reject);
    builder.push(Time(0), 1.0, 1.0).unwrap();
    assert_eq!(builder.push(Time(MINUTE - 1), 2.0, 1.0), Ok(None));
    assert_eq!(builder.push(Time(MINUTE), 3.0, 1.0).unwrap().unwrap().ohlc.close, 2.0);
}

#[test]
fn a_late_tick_goes_where_the_policy_says_and_is_counted() {
    for (policy, close, ticks) in [(Late::IntoCurrent, 9.0, 2), (Late::Drop, 1.0, 1), (Late::Reject, 1.0, 1)] {
        let mut builder = minutes(policy);
        builder.push(Time(MINUTE), 1.0, 1.0).unwrap();
        let late = builder.push(Time(MINUTE - 1), 9.0, 1.0);
        if policy == Late::Reject {
            let want = BarError::TooLate { time: Time(MINUTE - 1), current: Time(MINUTE) };
            assert_eq!(late, Err(want));
        } else {
            assert_eq!(late, Ok(None));
        }
        let bar = builder.flush().unwrap();
        assert_eq!((bar.start, bar.ohlc.close, bar.ticks, builder.late()), (Time(MINUTE), close, ticks, 1));
    }
}

#[test]
fn a_tick_that_goes_back_within_its_bar_goes_where_the_policy_says_and_is_counted_apart() {
    for (policy, close, ticks) in [(Late::IntoCurrent, 2.0, 3), (Late::Drop, 9.0, 2), (Late::Reject, 9.0, 2)] {
        let mut builder = minutes(policy);
        builder.push(Time(5), 1.0, 1.0).unwrap();
        builder.push(Time(5), 9.0, 1.0).unwrap();
        let early = builder.push(Time(3), 2.0, 1.0);
        let refused = BarError::OutOfOrder { time: Time(3), newest: Time(5) };
        assert_eq!(early, if policy == Late::Reject { Err(refused) } else { Ok(None) });
        let bar = builder.flush().unwrap();
        assert_eq!((bar.ohlc.close, bar.ticks), (close, ticks));
        assert_eq!((builder.late(), builder.disordered()), (0, 1));
    }
}

#[test]
fn a_refused_size_does_not_move_the_newest_tick() {
    let mut builder = minutes(Late::Reject);
    builder.push(Time(0), 1.0, f64::MAX).unwrap();
    let refused = builder.push(Time(9), 1.0, f64::MAX);
    assert_eq!(refused, Err(BarError::VolumeOverflow { time: Time(9), value: f64::MAX }));
    assert_eq!(builder.push(Time(4), 1.0, 0.0), Ok(None));
}

#[test]
fn a_refused_tick_leaves_the_open_bar_as_it_was() {
    let mut builder = minutes(Late::IntoCurrent);
    builder.push(Time(0), 1.0, f64::MAX).unwrap();
    let bad = [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN), (1.0, -1.0), (5.0, f64::MAX)];
    for (price, size) in bad {
        assert!(builder.push(Time(MINUTE - 1), price, size).is_err(), "{price} {size}");
    }
    assert!(builder.push(Time(i64::MAX), 1.0, 1.0).is_err());
    let bar = builder.flush().unwrap();
    assert_eq!((bar.ohlc.high, bar.volume, bar.ticks), (1.0, f64::MAX, 1));
}

#[test]
fn an_unknown_policy_is_an_error_that_names_the_known_ones() {
    let message = "sometimes".parse::<Late>().unwrap_err().to_string();
    assert!(message.contains("sometimes") && message.contains("into_current"), "{message}");
}
