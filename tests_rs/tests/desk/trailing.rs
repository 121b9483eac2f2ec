//! Trailing stops: they follow the market at their distance, to the tick, and never go back.

use exuvia_execution::{Change, Instrument, Notice};
use exuvia_model::{Price, Side, Trail};
use proptest::prelude::*;

use crate::kit::*;

fn moved(id: &str, stop: &str) -> Change {
    Change::Trailed { client_id: id.into(), stop: p(stop), time: NOW }
}

#[test]
fn a_stop_by_ticks_or_by_percent_is_rounded_away_from_the_market() {
    let mes = mes();
    for (side, trail, market, stop) in [
        (Side::Sell, Trail::Ticks(8), "6000", "5998"),
        (Side::Buy, Trail::Ticks(8), "6000", "6002"),
        (Side::Sell, Trail::BasisPoints(150), "6000", "5910"),
        (Side::Buy, Trail::BasisPoints(150), "6000", "6090"),
        (Side::Sell, Trail::BasisPoints(1), "6000.25", "5999.5"),
        (Side::Buy, Trail::BasisPoints(1), "6000.25", "6001"),
        (Side::Sell, Trail::Ticks(1), "6000.1", "5999.75"),
    ] {
        assert_eq!(mes.trailed(side, trail, None, p(market)).unwrap(), Some(p(stop)), "{side} {trail} {market}");
    }
    let below = spread().trailed(Side::Sell, Trail::BasisPoints(1_000), None, p("-2")).unwrap();
    assert_eq!(below, Some(p("-2.2")), "a tenth of the amount, also below zero");
    let far = mes.trailed(Side::Buy, Trail::Ticks(u32::MAX), None, Price::from_raw(i64::MAX)).unwrap_err();
    assert_eq!(far.code(), "bad_value");
    assert!(["20", "ticks", "-1 ticks", "1.5 bp"].iter().all(|text| text.parse::<Trail>().is_err()));
}

#[test]
fn a_stop_on_the_desk_moves_towards_the_market_only() {
    let mut desk = desk();
    let id = working(&mut desk, trailing(Side::Sell, 5, Trail::Ticks(8)));
    assert!(desk.apply(&moved(&id, "5998")).unwrap().changed);
    assert!(desk.apply(&moved(&id, "5999")).unwrap().changed);
    for older in ["5999", "5998"] {
        let outcome = desk.apply(&moved(&id, older)).unwrap();
        let told = Notice::StopBack { client_id: id.clone(), said: p(older), ours: p("5999") };
        assert_eq!((outcome.changed, codes(&outcome), outcome.notices), (false, vec!["stop_back"], vec![told]));
    }
    assert_eq!(desk.find(&id).unwrap().stop(), Some(p("5999")));
    let fixed = working(&mut desk, stop(Side::Sell, 5, "5990"));
    let (code, text) = refused(&mut desk, &moved(&fixed, "5995"));
    assert!(code == "not_trailing" && text.contains("is a Stop order"), "{text}");
    assert_eq!(refused(&mut desk, &moved("EX-x-000009", "5995")).0, "no_such_order");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_stop_is_at_least_its_distance_away_less_than_a_tick_more_and_never_goes_back(
        sell in any::<bool>(), by_ticks in any::<bool>(), count in 1_u32..500, tick in 1_i64..1_000,
        markets in prop::collection::vec(1_000_000_i64..9_000_000, 1..20),
    ) {
        let instrument = Instrument { tick: Price::from_raw(tick), ..mes() };
        let side = if sell { Side::Sell } else { Side::Buy };
        let trail = if by_ticks { Trail::Ticks(count) } else { Trail::BasisPoints(count) };
        let mut current: Option<Price> = None;
        for market in markets {
            let moved = instrument.trailed(side, trail, current, Price::from_raw(market)).unwrap();
            // The distance in tenths of thousandths of the last place.
            let least = if by_ticks { i64::from(count) * tick * 10_000 } else { i64::from(count) * market };
            if let Some(stop) = moved {
                let away = (market - stop.raw()) * if sell { 10_000 } else { -10_000 };
                prop_assert!(stop.raw() % tick == 0 && away >= least && away < least + tick * 10_000, "{} from {}", stop, market);
                if let Some(before) = current {
                    prop_assert!((stop > before) == sell && stop != before, "{} after {}", stop, before);
                }
                current = moved;
            } else {
                let before = current.unwrap().raw();
                let away = (market - before) * if sell { 10_000 } else { -10_000 };
                prop_assert!(away < least + tick * 10_000, "it should have moved from {} at {}", before, market);
            }
        }
    }
}
