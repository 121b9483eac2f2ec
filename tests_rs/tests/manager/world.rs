//! A whole day in steps: what callers, the venue, other hands and the power do, and what must be true once it is calm again. The
//! reference is the venue itself: what it has is what the desk must say.

use std::collections::{BTreeMap, BTreeSet};

use exuvia_execution::{Durability, DurableDesk, NewTerms, Opening, Pricing, Scope, Settings, VenueStatus};
use exuvia_model::{OrderStatus, SECOND, Side, Time};
use exuvia_ports::Survives;

use crate::kit::*;
use crate::venue::{Dice, Way};

/// One step of the day.
#[derive(Debug, Clone)]
pub enum Op {
    Market(i64),
    Limit(i64),
    Bracket(i64),
    Cancel(usize),
    CancelAll,
    Modify(usize, i64),
    Flatten,
    /// The venue executes some of an order.
    Fill(usize, i64),
    /// The venue ends an order.
    End(usize, bool),
    ByHand(i64),
    Wait(i64),
    ClockBack(i64),
    Reconcile,
    Crash,
    PowerCut(u64),
}

impl Op {
    /// A step by dice, where no generator of a test library is wanted.
    pub fn thrown(dice: &mut Dice) -> Self {
        let mut small = |most: u64| i64::try_from(dice.below(most)).unwrap();
        let amount = 1 + small(5);
        let which = usize::try_from(small(12)).unwrap();
        match small(24) {
            0 | 1 => Self::Market(amount),
            2 | 3 => Self::Limit(amount),
            4 | 5 => Self::Bracket(amount),
            6 => Self::Cancel(which),
            7 => Self::CancelAll,
            8 => Self::Modify(which, amount),
            9 => Self::Flatten,
            10..=13 => Self::Fill(which, amount),
            14 => Self::End(which, amount > 2),
            15 => Self::ByHand(amount),
            16 => Self::Reconcile,
            17 => Self::Crash,
            18 => Self::PowerCut(u64::try_from(small(1_000)).unwrap()),
            19 => Self::ClockBack(amount * 10),
            _ => Self::Wait(amount),
        }
    }
}

/// What is taken away to see that a test would notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Without {
    #[default]
    Nothing,
    /// The journal is not durable before bytes leave.
    DurableIntent,
    /// A doubt is taken as "never left", and sent again.
    Unknown,
    /// Each delivery of an execution is taken for a new one.
    FillDedupe,
    /// The venue is never asked what it has.
    Reconciliation,
    /// Two managers work on copies of one journal.
    Lock,
}

pub struct World {
    pub table: Table,
    pub without: Without,
    passed: BTreeSet<String>,
}

impl World {
    pub fn new(seed: u64, settings: Settings, without: Without) -> Self {
        let settings = match without {
            Without::Unknown => Settings { not_sent: exuvia_execution::NotSent::Again(5), ..settings },
            _ => settings,
        };
        let table = Table::new(settings);
        {
            let mut venue = table.venue.borrow_mut();
            venue.dice = Some(Dice(seed));
            venue.terse = seed % 2 == 1;
            venue.careless = without == Without::Unknown;
            venue.renames = without == Without::FillDedupe;
        }
        let mut world = Self { table, without, passed: BTreeSet::new() };
        if without == Without::DurableIntent {
            world.end_process();
            world.restart();
        }
        world
    }

    fn restart(&mut self) {
        let durability = match self.without {
            Without::DurableIntent => Durability::Never,
            _ => Durability::BeforeBytes,
        };
        let opening = Opening { durability, ..opening(self.table.now) };
        let (desk, _) = DurableDesk::open(&self.table.files, &path(), &opening).unwrap();
        let way = Way(self.table.venue.clone());
        let now = self.table.now;
        self.table.manager = Some(Manager::start(desk, way, Checks::default(), self.table.settings, now).unwrap());
        // What the power took with it, the first start brings back.
        self.table.manager().list(mes()).unwrap();
    }

    fn end_process(&mut self) {
        if let Some(mut manager) = self.table.manager.take() {
            self.passed.append(&mut std::mem::take(&mut manager.checks_mut().passed).into_iter().collect());
        }
    }

    fn nth(&mut self, number: usize) -> Option<String> {
        let orders = self.table.manager().desk().orders();
        (!orders.is_empty()).then(|| orders[number % orders.len()].client_id().to_owned())
    }

    fn nth_row(&self, number: usize) -> Option<String> {
        let venue = self.table.venue.borrow();
        let open: Vec<&String> =
            venue.rows.iter().filter(|(_, row)| !row.shown.status.is_terminal()).map(|(id, _)| id).collect();
        (!open.is_empty()).then(|| open[number % open.len()].clone())
    }

    pub fn step(&mut self, op: &Op) {
        let now = self.table.now;
        match op {
            Op::Market(amount) => drop(self.table.manager().place_market_order(&buy(*amount), now)),
            Op::Limit(amount) => drop(self.table.manager().place_limit_order(&buy(*amount), p("5990"), now)),
            Op::Bracket(amount) => {
                let stop = Pricing::Stop(p("5980"));
                let targets = [(q(*amount), p("6010"))];
                let entry = Pricing::Limit(p("5995"));
                drop(self.table.manager().create_bracket_order(&buy(*amount), entry, stop, &targets, now));
            }
            Op::Cancel(which) => {
                if let Some(id) = self.nth(*which) {
                    drop(self.table.manager().cancel_order(&id, now));
                }
            }
            Op::CancelAll => drop(self.table.manager().cancel_all(&Scope::default(), now)),
            Op::Modify(which, amount) => {
                if let Some(id) = self.nth(*which) {
                    let new = NewTerms { quantity: Some(q(*amount)), ..NewTerms::default() };
                    drop(self.table.manager().modify_order(&id, new, now));
                }
            }
            Op::Flatten => drop(self.table.manager().flatten(&Scope::default(), now)),
            Op::Fill(which, amount) => {
                if let Some(id) = self.nth_row(*which) {
                    self.table.venue.borrow_mut().fill(&id, q(*amount), p("5990"));
                }
            }
            Op::End(which, expired) => {
                if let Some(id) = self.nth_row(*which) {
                    let status = if *expired { VenueStatus::Expired } else { VenueStatus::Cancelled };
                    self.table.venue.borrow_mut().end(&id, status);
                }
            }
            Op::ByHand(amount) => {
                let id = self.table.venue.borrow_mut().by_hand("MESZ6", Side::Buy, q(*amount));
                self.table.venue.borrow_mut().fill(&id, q((*amount - 1).max(1)), p("5991"));
            }
            Op::Wait(seconds) => self.table.pump(*seconds),
            Op::ClockBack(seconds) => {
                let now = Time(self.table.now.0 - seconds * SECOND);
                drop(self.table.manager().pump(now));
            }
            Op::Reconcile => drop(self.table.manager().reconcile(now)),
            Op::Crash => {
                self.end_process();
                self.restart();
            }
            Op::PowerCut(seed) => {
                self.end_process();
                let survives = if seed % 3 == 0 { Survives::Nothing } else { Survives::Some { seed: *seed } };
                self.table.files.power_on(survives);
                self.restart();
                if self.without == Without::Lock {
                    self.second();
                }
            }
        }
    }

    /// Another process works on a copy of the journal, which the lock beside the journal forbids.
    fn second(&mut self) {
        use exuvia_ports::Files;
        let (copy, bytes) = (exuvia_ports::SimFiles::new(), self.table.files.read(&path()).unwrap());
        let mut writer = copy.create(&path(), exuvia_ports::Create::default()).unwrap();
        writer.write(&bytes).unwrap();
        drop(writer);
        let (desk, _) = DurableDesk::open(&copy, &path(), &opening(self.table.now)).unwrap();
        let now = self.table.now;
        let mut other =
            Manager::start(desk, Way(self.table.venue.clone()), Checks::default(), self.table.settings, now).unwrap();
        drop(other.reconcile(now));
        drop(other.place_market_order(&buy(1), now));
    }

    /// No more faults: the venue is reachable, and time passes.
    pub fn calm(&mut self) {
        self.table.venue.borrow_mut().dice = None;
        if self.without == Without::Reconciliation {
            self.table.venue.borrow_mut().unreachable = true;
        }
        self.table.run(300);
    }

    /// What to look at when a day went wrong.
    pub fn story(&mut self, about: &str) -> String {
        let events = self.table.manager().events();
        let manager = self.table.manager();
        let open = manager.desk().orders().iter().filter(|order| !order.status().is_terminal());
        let open: Vec<_> =
            open.map(|order| format!("{} {} {}", order.client_id(), order.status(), order.note())).collect();
        let tail: Vec<String> = events.iter().rev().map(|event| format!("{event:?}")).collect();
        let tail: Vec<_> = tail.iter().filter(|event| event.contains(about)).take(40).collect();
        format!("open {open:#?}, last first {tail:#?}")
    }

    /// What must be true then; the first thing that is not.
    pub fn faults(&mut self) -> Option<String> {
        self.end_process_view().err()
    }

    fn end_process_view(&mut self) -> Result<(), String> {
        let passed: BTreeSet<String> = self.table.manager().checks_mut().passed.iter().cloned().collect();
        self.passed.extend(passed);
        let table = &self.table;
        let (manager, venue) = (table.manager.as_ref().unwrap(), table.venue.borrow());
        let desk = manager.desk();
        let mut at_venue: BTreeMap<&str, usize> = BTreeMap::new();
        for row in venue.rows.values() {
            let Some(client_id) = row.shown.client_id.as_deref() else { continue };
            *at_venue.entry(client_id).or_default() += 1;
            if at_venue[client_id] > 1 {
                return Err(format!("{client_id} was placed twice"));
            }
            if !self.passed.contains(client_id) {
                return Err(format!("{client_id} was sent unchecked"));
            }
            let order = desk.find(client_id).map_err(|error| format!("lost: {error}"))?;
            if order.state().filled() != row.shown.filled {
                return Err(format!("{client_id} has {} here and {} there", order.state().filled(), row.shown.filled));
            }
            let same = match row.shown.status {
                VenueStatus::Working => matches!(order.status(), OrderStatus::Working | OrderStatus::PartiallyFilled),
                _ => order.status().is_terminal(),
            };
            if !same {
                return Err(format!("{client_id} is {} here and {:?} there", order.status(), row.shown.status));
            }
            if row.shown.status == VenueStatus::Working && row.shown.quantity != order.state().quantity() {
                return Err(format!(
                    "{client_id} is of {} here and {} there",
                    order.state().quantity(),
                    row.shown.quantity
                ));
            }
        }
        for order in desk.orders() {
            let open = order.state().was_sent() && !order.status().is_terminal();
            if open && !at_venue.contains_key(order.client_id()) {
                return Err(format!("{} is {} and not at the venue", order.client_id(), order.status()));
            }
        }
        let by_hand = venue.rows.values().filter(|row| row.shown.client_id.is_none());
        let by_hand: i64 = by_hand.map(|row| row.shown.filled.raw() * row.shown.side.sign()).sum();
        let theirs = venue.positions.get("MESZ6").copied().unwrap_or_default();
        if table.held().raw() + by_hand != theirs {
            return Err(format!("{} are held here, {theirs} there, {by_hand} by hand", table.held().raw()));
        }
        let shown = manager.foreign_positions().get("MESZ6").map_or(0, |quantity| quantity.raw());
        if shown != by_hand {
            return Err(format!("{shown} are shown as of another hand, {by_hand} are"));
        }
        Ok(())
    }
}

/// A day by seed; what was wrong at its end.
pub fn day(seed: u64, steps: usize, settings: Settings, without: Without) -> (World, Option<String>) {
    let mut dice = Dice(seed ^ 0x5eed);
    let mut world = World::new(seed, settings, without);
    for _ in 0..steps {
        world.step(&Op::thrown(&mut dice));
    }
    world.calm();
    let fault = world.faults();
    (world, fault)
}
