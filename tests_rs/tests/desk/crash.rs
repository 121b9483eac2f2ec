//! The power goes at every single operation of the disk: what left us is known afterwards, and no id is given twice.

use std::collections::BTreeSet;

use exuvia_execution::{Change, Durability, DurableDesk, Link, OrderError, Step};
use exuvia_model::{OrderStatus, Side};
use exuvia_ports::{SimFault, SimFiles, Survives};

use crate::journal::{opened, path};
use crate::kit::*;

/// What the venue got: ids of orders whose bytes left, and of those that it executed.
#[derive(Default)]
struct Venue {
    got: Vec<String>,
    filled: BTreeSet<String>,
}

/// Sends five orders and fills every second one, until the disk fails.
fn session(files: &SimFiles, venue: &mut Venue) -> Result<(), OrderError> {
    let (mut desk, _) = DurableDesk::open(files, &path(), &opened(Durability::BeforeBytes))?;
    desk.apply(&Change::Listed(mes()))?;
    for number in 0..5 {
        let id = desk.intend(Link::Single, vec![limit(Side::Buy, 2, "6000")])?.remove(0);
        desk.step(&id, Step::Passed, NOW)?;
        desk.step(&id, Step::Sent, NOW)?;
        assert_eq!(desk.desk().to_send(&id).unwrap().order().client_id(), id);
        venue.got.push(id.clone());
        desk.step(&id, Step::Accepted(Some(format!("V-{id}"))), NOW)?;
        if number % 2 == 0 {
            venue.filled.insert(id.clone());
            desk.apply(&Change::Executed(fill(&id, "e1", 2, "6000")))?;
        }
    }
    Ok(())
}

#[test]
fn what_left_us_is_known_after_a_power_cut_at_any_operation() {
    let calm = SimFiles::new();
    session(&calm, &mut Venue::default()).unwrap();
    let count = calm.operations();
    assert!(count > 20, "{count}");
    let survivals = [Survives::Nothing, Survives::Everything, Survives::Names, Survives::Data];
    let seeds = (0..20).map(|seed| Survives::Some { seed });
    for (at, survives) in
        (0..=count).flat_map(|at| survivals.into_iter().chain(seeds.clone()).map(move |left| (at, left)))
    {
        let files = SimFiles::new();
        files.fault_at(at, SimFault::PowerCut);
        let mut venue = Venue::default();
        let ended = session(&files, &mut venue);
        assert_eq!(ended.is_ok(), at >= count, "at {at}");
        files.power_on(survives);
        let (mut desk, recovery) = DurableDesk::open(&files, &path(), &opened(Durability::BeforeBytes)).unwrap();
        for id in &venue.got {
            let order = desk.desk().find(id).unwrap_or_else(|error| panic!("at {at}, {survives:?}: {error}"));
            assert!(order.state().was_sent() && desk.desk().to_send(id).is_none(), "at {at}, {survives:?}");
            assert!(order.status() != OrderStatus::PendingNew);
        }
        // What the venue says when it is asked brings the rest.
        for id in &venue.filled {
            desk.apply(&Change::Totalled(total(id, 2, "6000"))).unwrap();
            assert_eq!(desk.desk().find(id).unwrap().status(), OrderStatus::Filled);
        }
        assert_eq!(desk.desk().holding("trend", MES).quantity(), q(2 * i64::try_from(venue.filled.len()).unwrap()));
        desk.apply(&Change::Listed(mes())).unwrap();
        let next = desk.intend(Link::Single, vec![limit(Side::Buy, 2, "6000")]).unwrap().remove(0);
        assert!(!venue.got.contains(&next), "at {at}, {survives:?}: {next} was at the venue already");
        assert!(recovery.in_doubt.len() <= 5);
    }
}

#[test]
fn a_disk_that_fails_once_or_fills_up_at_any_operation_sends_nothing_that_is_not_on_record() {
    let calm = SimFiles::new();
    session(&calm, &mut Venue::default()).unwrap();
    for (at, fault) in (0..calm.operations()).flat_map(|at| [(at, SimFault::Error), (at, SimFault::Full)]) {
        let files = SimFiles::new();
        files.fault_at(at, fault);
        let mut venue = Venue::default();
        let ended = session(&files, &mut venue);
        files.power_on(Survives::Nothing);
        let (desk, _) = DurableDesk::open(&files, &path(), &opened(Durability::BeforeBytes)).unwrap();
        assert!(ended.is_err() || fault == SimFault::Full, "at {at}");
        for id in &venue.got {
            assert!(desk.desk().find(id).unwrap().state().was_sent(), "at {at}, {fault:?}");
        }
    }
}
