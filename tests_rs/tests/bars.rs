//! Bars: however they are made, from ticks one at a time or from columns, in floats or in fixed point,
//! they are the same; and sessions are laid out in time as calendars must be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use exuvia_market::bars::{
    BarError, Fixed, Grid, Interval, Late, Number, OhlcColumns, OhlcSlices, Place, QuoteBarBuilder, TradeBarBuilder,
    length_of_bars, quote_bars, resample_quotes, resample_trades, trade_bars,
};
use exuvia_market::sessions::{Calendar, SessionGrid};
use exuvia_model::{DAY, HOUR, MINUTE, Ohlc, SECOND, Time};
use proptest::collection::vec;
use proptest::prelude::*;

/// Cents as fixed point: exact in both kinds of number.
const CENT: i64 = 10_000_000;

fn float(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

fn ticks() -> impl Strategy<Value = (Vec<i64>, Vec<i64>, Vec<i64>)> {
    vec((0..40 * SECOND, -500_i64..500, 0_i64..1_000), 0..300).prop_map(|mut rows| {
        rows.sort_unstable_by_key(|row| row.0);
        let ts = rows.iter().map(|row| row.0 - 20 * SECOND).collect();
        (ts, rows.iter().map(|row| row.1 * CENT).collect(), rows.iter().map(|row| row.2 * CENT).collect())
    })
}

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![Just(1), Just(SECOND), Just(7 * SECOND), 1..30 * SECOND].prop_map(|every| Interval::new(every).unwrap())
}

fn slices<N>(columns: &OhlcColumns<N>) -> OhlcSlices<'_, N> {
    OhlcSlices { open: &columns.open, high: &columns.high, low: &columns.low, close: &columns.close }
}

fn row<N: Copy>(columns: &OhlcColumns<N>, at: usize) -> Ohlc<N> {
    Ohlc { open: columns.open[at], high: columns.high[at], low: columns.low[at], close: columns.close[at] }
}

fn streamed<N: Number>(every: Interval, offset: i64, ticks: &[(i64, N, N)]) -> Vec<exuvia_model::Bar<N>> {
    let mut builder = TradeBarBuilder::new(every, offset, Late::Reject);
    let mut bars: Vec<_> =
        ticks.iter().filter_map(|(ts, price, size)| builder.push(Time(*ts), *price, *size).unwrap()).collect();
    bars.extend(builder.flush());
    bars
}

proptest! {
    #[test]
    fn one_at_a_time_or_as_columns_the_bars_are_the_same((ts, price, size) in ticks(), every in interval(), offset: i64) {
        let columns = trade_bars(&ts, &price, Some(&size), &mut Fixed::new(every, offset)).unwrap();
        let rows: Vec<_> = ts.iter().zip(&price).zip(&size).map(|((t, p), s)| (*t, *p, *s)).collect();
        let bars = streamed(every, offset, &rows);
        prop_assert_eq!(columns.ts.len(), bars.len());
        for (at, bar) in bars.iter().enumerate() {
            prop_assert_eq!(columns.ts[at], bar.start.0);
            prop_assert_eq!(row(&columns.price, at), bar.ohlc);
            prop_assert_eq!(columns.volume.as_ref().unwrap()[at], bar.volume);
            prop_assert_eq!(columns.ticks.as_ref().unwrap()[at], i64::try_from(bar.ticks).unwrap());
        }
    }

    #[test]
    fn fixed_point_and_floats_make_the_same_bars((ts, price, size) in ticks(), every in interval()) {
        let fixed = trade_bars(&ts, &price, Some(&size), &mut Fixed::new(every, 0)).unwrap();
        let floats: Vec<f64> = price.iter().map(|value| float(*value)).collect();
        let made = trade_bars(&ts, &floats, None, &mut Fixed::new(every, 0)).unwrap();
        prop_assert_eq!(&made.ts, &fixed.ts);
        for at in 0..made.ts.len() {
            let (a, b) = (row(&made.price, at), row(&fixed.price, at));
            prop_assert_eq!([a.open, a.high, a.low, a.close], [b.open, b.high, b.low, b.close].map(float));
        }
    }

    #[test]
    fn longer_bars_do_not_depend_on_the_way_there((ts, price, size) in ticks(), seconds in 1_i64..10, times in 1_i64..10) {
        let short = Interval::new(seconds * SECOND).unwrap();
        let long = Interval::new(seconds * times * SECOND).unwrap();
        let steps = trade_bars(&ts, &price, Some(&size), &mut Fixed::new(short, 0)).unwrap();
        let ticks = steps.ticks.as_deref();
        let there =
            resample_trades(&steps.ts, slices(&steps.price), steps.volume.as_deref(), ticks, &mut Fixed::new(long, 0));
        prop_assert_eq!(there.unwrap(), trade_bars(&ts, &price, Some(&size), &mut Fixed::new(long, 0)).unwrap());

        let steps = quote_bars(&ts, &price, &size, &mut Fixed::new(short, 0)).unwrap();
        let ticks = steps.ticks.as_deref();
        let there = resample_quotes(&steps.ts, slices(&steps.bid), slices(&steps.ask), ticks, &mut Fixed::new(long, 0));
        prop_assert_eq!(there.unwrap(), quote_bars(&ts, &price, &size, &mut Fixed::new(long, 0)).unwrap());
    }

    #[test]
    fn whatever_comes_in_whatever_order_no_tick_is_lost_or_counted_twice(
        rows in vec((-50_i64..50, -9_i64..9), 0..200), late in prop_oneof![Just(Late::IntoCurrent), Just(Late::Drop), Just(Late::Reject)]
    ) {
        let mut builder = QuoteBarBuilder::new(Interval::new(7).unwrap(), 3, late);
        let (mut bars, mut refused) = (Vec::new(), 0_u64);
        for (ts, price) in &rows {
            match builder.push(Time(*ts), *price, *price + 1) {
                Ok(closed) => bars.extend(closed),
                Err(BarError::TooLate { .. } | BarError::OutOfOrder { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        bars.extend(builder.flush());
        let inside: u64 = bars.iter().map(|bar| bar.ticks).sum();
        let counted = builder.late() + builder.disordered();
        let lost = match late { Late::IntoCurrent | Late::Revise => 0, Late::Drop => counted, Late::Reject => refused };
        prop_assert!(refused == 0 || refused == counted);
        prop_assert_eq!(counted == 0, rows.is_sorted_by_key(|(ts, _)| *ts));
        prop_assert_eq!(inside + lost, rows.len() as u64);
        prop_assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start));
        prop_assert!(bars.iter().all(|bar| bar.bid.low <= bar.bid.open && bar.bid.close <= bar.bid.high));
    }

    #[test]
    fn one_bad_row_is_named_wherever_it_stands((ts, price, _) in ticks(), at: prop::sample::Index, bad in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]) {
        prop_assume!(!ts.is_empty());
        let mut floats: Vec<f64> = price.iter().map(|value| float(*value)).collect();
        let at = at.index(ts.len());
        floats[at] = bad;
        let error = trade_bars(&ts, &floats, None, &mut Fixed::new("5s".parse().unwrap(), 0)).unwrap_err();
        let named = matches!(error, BarError::NotFinite { column: "price", row, value } if row == at && value.to_bits() == bad.to_bits());
        prop_assert!(named, "{}", error);
    }

    #[test]
    fn an_instant_is_open_exactly_if_a_session_holds_it(hours in 0_i64..24 * 365 * 30, minute in 0_i64..60) {
        let now = Time(Time::from_date(1995, 1, 1).unwrap().0 + hours * HOUR + minute * MINUTE);
        for calendar in [Calendar::XNYS, Calendar::FX, Calendar::CME, Calendar::ALWAYS, Calendar::days_of("Australia/Lord_Howe").unwrap()] {
            let day = now.floor(DAY, 0);
            let near = (-2..=2).filter_map(|n| calendar.session(Time(day.0 + n * DAY)).unwrap());
            let holding: Vec<_> = near.filter(|session| session.open <= now && now < session.close).collect();
            prop_assert!(holding.len() <= 1);
            prop_assert_eq!(calendar.session_at(now).unwrap(), holding.first().copied());
            if let (Some(open), Some(close)) = (calendar.next_open(now).unwrap(), calendar.next_close(now).unwrap()) {
                prop_assert!(open > now && close > now && open != close);
                prop_assert_eq!(close < open, calendar.is_open(now).unwrap());
                prop_assert!(calendar.is_open(open).unwrap() && !calendar.is_open(Time(open.0 - 1)).unwrap());
                prop_assert!(!calendar.is_open(close).unwrap() && calendar.is_open(Time(close.0 - 1)).unwrap());
            }
        }
    }

    #[test]
    fn intervals_of_a_session_stay_within_it(hours in 0_i64..24 * 365 * 30, minutes in 1_i64..1_440) {
        let now = Time::from_date(1995, 1, 1).unwrap().0 + hours * HOUR;
        for calendar in [Calendar::XNYS, Calendar::FX, Calendar::CME] {
            let mut grid = SessionGrid::new(calendar.clone(), Interval::new(minutes * MINUTE).unwrap()).unwrap();
            match (grid.place(now).unwrap(), calendar.session_at(Time(now)).unwrap()) {
                (Place::In { start, end, .. }, Some(session)) => {
                    prop_assert!(session.open.0 <= start && start <= now && now < end && end <= session.close.0);
                    prop_assert_eq!((start - session.open.0) % (minutes * MINUTE), 0);
                }
                (Place::Out { until }, None) => {
                    prop_assert_eq!(Some(Time(until)), calendar.next_open(Time(now)).unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn stamps_that_no_step_divides_have_no_length() {
    assert_eq!(length_of_bars(&[0, 60, 120, 180]), Some(Interval::new(60).unwrap()));
    assert_eq!(length_of_bars(&[0, 60, 120, 180, 270]), None, "90 is no multiple of 60");
    assert_eq!(length_of_bars(&[0, 60, 120, 180, 60]), None, "back in time");
}

#[test]
fn a_refused_size_in_fixed_point_is_told_as_the_number_it_stands_for() {
    let mut builder = TradeBarBuilder::<i64>::new(Interval::new(MINUTE).unwrap(), 0, Late::Reject);
    let refused = builder.push(Time(0), CENT, -150 * CENT).unwrap_err();
    assert_eq!(refused, BarError::NegativeSize { time: Time(0), value: -1.5 });
    builder.push(Time(0), CENT, i64::MAX).unwrap();
    let refused = builder.push(Time(1), CENT, 250_000_000).unwrap_err();
    assert_eq!(refused, BarError::VolumeOverflow { time: Time(1), value: 0.25 });
}

/// Instants end on 2262-04-11, within a session of FX: there is none that opens or closes after it.
#[test]
fn at_the_end_of_time_no_session_begins_or_ends() {
    let last = Time(i64::MAX);
    assert_eq!(Calendar::FX.next_open(last), Ok(None));
    assert_eq!(Calendar::FX.next_close(last), Ok(None));
    let mut grid = SessionGrid::new(Calendar::FX, Interval::new(HOUR).unwrap()).unwrap();
    assert!(matches!(grid.place(i64::MAX), Err(BarError::TimeRange(time)) if time == last));
}
