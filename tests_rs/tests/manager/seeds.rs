//! Days by seed: faults in every second message, crashes and power cuts; then calm, and the desk has what the venue has.

use exuvia_execution::{Missing, Settings};

use crate::world::{Without, day};

#[test]
fn after_any_day_the_desk_has_what_the_venue_has() {
    for seed in 0..400 {
        let (mut world, fault) = day(seed, 60, Settings::default(), Without::Nothing);
        assert_eq!(fault, None, "seed {seed}: {}", world.story("EX"));
    }
}

#[test]
fn orders_that_are_placed_anew_are_not_placed_twice_under_one_id() {
    let settings = Settings { missing: Missing::PlaceAnew(2), ..Settings::default() };
    for seed in 0..100 {
        let (mut world, fault) = day(seed, 60, settings, Without::Nothing);
        assert_eq!(fault, None, "seed {seed}: {}", world.story("EX"));
    }
}

#[test]
fn each_safeguard_that_is_taken_away_is_noticed() {
    for without in
        [Without::DurableIntent, Without::Unknown, Without::FillDedupe, Without::Reconciliation, Without::Lock]
    {
        let noticed = (0..60).find_map(|seed| day(seed, 60, Settings::default(), without).1.map(|fault| (seed, fault)));
        assert!(noticed.is_some(), "{without:?} was taken away in 60 days and nothing was wrong");
    }
}
