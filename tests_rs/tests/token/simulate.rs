//! Thousands of seeds: each decides faults of the venue and of the disk, kills, power cuts, clock jumps, takeovers and logins,
//! for several keepers on two machines. After every step the same promises hold.

use std::collections::BTreeMap;
use std::path::Path;

use exuvia_engine::tokens::{Keeper, Pair, Settings, takeover};
use exuvia_model::{SECOND, Time};
use exuvia_ports::{Clock as _, Files as _, SimFault, Survives, Xoshiro256};

use crate::kit::{LIFE, PATH, Turn, World, login, number};

const SEEDS: u64 = 2_000;
const STEPS: u64 = 80;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Counts {
    refreshes: u64,
    doubts: u64,
    kills: u64,
    power_cuts: u64,
    takeovers: u64,
    recovered: u64,
    rescued: u64,
    logins: u64,
    fenced: u64,
}

struct Run {
    world: World,
    dice: Xoshiro256,
    keepers: Vec<Keeper>,
    /// Who had which number.
    fences: BTreeMap<u64, String>,
    born: u64,
    counts: Counts,
    trace: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let (world, dice) = (World::new(seed), Xoshiro256::seeded(seed ^ 0x7075));
        Self { world, dice, keepers: Vec::new(), fences: BTreeMap::new(), born: 0, counts: Counts::default(), trace: 0 }
    }

    fn step(&mut self) {
        if self.keepers.len() < 2 && self.dice.below(3) == 0 || self.keepers.is_empty() {
            self.born += 1;
            let host = ["nas", "desk"][self.dice.below(2) as usize];
            let taking = (self.dice.below(8) == 0).then(|| ("ann".to_owned(), "drill".to_owned()));
            let settings = Settings { takeover: taking, ..Settings::default() };
            self.keepers.push(self.world.keeper_with(&format!("k{}", self.born), host, settings));
        }
        let turn = match self.dice.below(24) {
            0 => Some(Turn::LostRequest),
            1 => Some(Turn::LostAnswer),
            2 => Some(Turn::Server),
            3 => Some(Turn::Nonsense),
            4 => Some(Turn::NotSent),
            5 => Some(Turn::Limited(Some(40))),
            6 => Some(Turn::ServerAfter),
            _ => None,
        };
        self.world.venue().turns = turn.into_iter().collect();
        match self.dice.below(40) {
            0 => self.world.files.fault_at(self.world.files.operations() + self.dice.below(40), SimFault::PowerCut),
            1 => self.world.files.fault_at(self.world.files.operations() + self.dice.below(40), SimFault::Error),
            2 => self.world.files.fault_at(self.world.files.operations() + self.dice.below(40), SimFault::Full),
            3 => self.world.files.set_capacity(Some(0)),
            4 => self.world.files.set_read_only(true),
            5 => {
                let jump = (self.dice.below(200_000) as i64 - 100_000) * SECOND;
                self.world.clock.set_utc(Time(self.world.clock.utc().0 + jump));
            }
            6 | 7 => {
                // Killed: what it held is gone with it.
                let at = self.dice.below(self.keepers.len() as u64) as usize;
                drop(self.keepers.swap_remove(at));
                self.counts.kills += 1;
            }
            8 => {
                let now = self.world.clock.utc();
                let taken = takeover(&self.world.files, &self.world.paths(), "bob", "drill", now);
                if let Ok(lease) = taken {
                    self.counts.takeovers += 1;
                    assert!(self.fences.insert(lease.fencing_token, "bob".to_owned()).is_none());
                }
            }
            9 => {
                // Taken over while an answer is on its way.
                let (files, paths) = (self.world.files.clone(), self.world.paths());
                self.world.meanwhile(move || drop(takeover(&files, &paths, "cyd", "drill", Time(0))));
            }
            10..=15 => {
                self.world.files.set_capacity(None);
                self.world.files.set_read_only(false);
                self.world.files.fault_at(u64::MAX, SimFault::Error);
            }
            _ => {}
        }
        for at in 0..self.keepers.len() {
            let told = self.keepers[at].tick();
            for event in &told.events {
                self.counts.doubts += u64::from(event.code == "doubt");
                self.counts.recovered += u64::from(event.code == "recovered");
                self.counts.rescued += u64::from(event.code == "rescued");
                self.counts.fenced += u64::from(event.code == "fenced");
                self.counts.refreshes += u64::from(event.code == "refreshed");
                self.trace = (self.trace ^ event.words.len() as u64).wrapping_mul(0x0100_0000_01b3);
            }
            let (fence, name) = (self.keepers[at].fence(), self.keepers[at].status().keeper.clone());
            if fence > 0 {
                let had = self.fences.entry(fence).or_insert_with(|| name.clone());
                assert_eq!(*had, name, "two keepers had number {fence}");
            }
        }
        if self.world.files.stamp(Path::new(PATH)).is_err() {
            // The machine is off.
            self.keepers.clear();
            let survives = match self.dice.below(5) {
                0 => Survives::Nothing,
                1 => Survives::Everything,
                2 => Survives::Names,
                3 => Survives::Data,
                _ => Survives::Some { seed: self.dice.next_u64() },
            };
            self.world.files.power_on(survives);
            self.counts.power_cuts += 1;
        }
        self.check();
        // Now and then somebody answers the call for a login.
        if self.keepers.iter().any(|keeper| keeper.status().state == "needs_login") && self.dice.below(6) == 0 {
            self.counts.logins += 1;
            let number = self.world.venue().current + 1_000;
            let mut venue = self.world.venue();
            (venue.current, venue.handed_out) = (number, number);
            drop(venue);
            self.world.files.set_capacity(None);
            self.world.files.set_read_only(false);
            self.world.files.fault_at(u64::MAX, SimFault::Error);
            let now = self.world.clock.utc().0 / SECOND;
            self.world.put(&login(number, now + LIFE), true);
        }
        let stopped = |keeper: &Keeper| keeper.status().state == "stopped" && keeper.status().saved;
        self.keepers.retain(|keeper| !stopped(keeper));
        let passed = [1, 20, 45, 130, 400][self.dice.below(5) as usize];
        self.world.pass(passed);
    }

    fn check(&mut self) {
        let bytes = self.world.files.read(Path::new(PATH)).unwrap();
        let pair = Pair::from_json(&bytes, Path::new(PATH)).unwrap();
        assert!(self.world.files.stamp(Path::new(PATH)).unwrap().is_private(), "the file is open to others");
        let (current, handed_out) = {
            let venue = self.world.venue();
            (venue.current, venue.handed_out)
        };
        assert!(number(&pair) <= current);
        // The newest pair that was handed out is with whoever got it, as long as it lives, or on the disk.
        if handed_out == current && self.counts.kills == 0 && self.counts.power_cuts == 0 {
            let held =
                self.keepers.iter().filter_map(|keeper| keeper.tokens().current().ok()).map(|pair| number(&pair));
            let beside = self.world.files.list(Path::new("/run")).unwrap().into_iter().filter_map(|path| {
                let bytes = self.world.files.read(&path).ok()?;
                Pair::from_json(&bytes, &path).ok().filter(|pair| pair.refresh.is_some()).map(|pair| number(&pair))
            });
            assert!(held.chain(beside).any(|held| held == current), "pair {current} is nowhere");
        }
    }
}

fn run(seed: u64) -> (Counts, u64) {
    let mut run = Run::new(seed);
    for _ in 0..STEPS {
        run.step();
    }
    let venue = run.world.venue();
    let again = venue.spent_again;
    // A spent token may come again only where its successor died with the process that had it, or was out of reach.
    let excuses =
        run.counts.kills + run.counts.power_cuts + run.counts.fenced + run.counts.takeovers + run.counts.doubts;
    assert!(again <= excuses, "{again} spent tokens came again, with {excuses} kills, cuts, takeovers and doubts");
    drop(venue);
    (run.counts, run.trace)
}

#[test]
#[allow(clippy::print_stdout)]
fn whatever_a_seed_does_there_is_one_writer_the_file_is_whole_and_no_newest_pair_is_lost() {
    let mut all = Counts::default();
    for seed in 0..SEEDS {
        let ran = std::panic::catch_unwind(|| run(seed).0);
        let counts = ran.unwrap_or_else(|_| panic!("seed {seed} broke a promise: see above"));
        all.refreshes += counts.refreshes;
        all.doubts += counts.doubts;
        all.kills += counts.kills;
        all.power_cuts += counts.power_cuts;
        all.takeovers += counts.takeovers;
        all.recovered += counts.recovered;
        all.rescued += counts.rescued;
        all.logins += counts.logins;
        all.fenced += counts.fenced;
    }
    println!("{SEEDS} seeds, {} steps: {all:?}", SEEDS * STEPS);
    let each = [
        all.refreshes,
        all.doubts,
        all.kills,
        all.power_cuts,
        all.takeovers,
        all.recovered,
        all.rescued,
        all.logins,
        all.fenced,
    ];
    assert!(each.iter().all(|count| *count > 5), "{all:?}");
}

#[test]
fn the_same_seed_runs_the_same_way() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).1, run(2).1);
}

#[test]
fn without_kills_and_takeovers_no_spent_token_ever_comes_again() {
    for seed in 0..500 {
        let (world, mut dice) = (World::new(seed), Xoshiro256::seeded(seed));
        let mut keeper = world.keeper("one", "nas");
        for _ in 0..60 {
            match dice.below(12) {
                0 => world.turns([Turn::LostRequest]),
                1 => world.turns([Turn::Server]),
                2 => world.turns([Turn::NotSent]),
                3 => world.turns([Turn::Limited(None)]),
                4 => world.files.set_capacity(Some(0)),
                5 => world.files.set_read_only(true),
                6 => world.files.fault_at(world.files.operations() + dice.below(30), SimFault::Error),
                7 => world.clock.set_utc(Time(world.clock.utc().0 + (dice.below(9_000) as i64 - 4_500) * SECOND)),
                8 => keeper.unauthorized(),
                _ => {
                    world.files.set_capacity(None);
                    world.files.set_read_only(false);
                }
            }
            world.run(&mut keeper, dice.below(900) as i64);
            assert_eq!(
                number(&keeper.tokens().current().unwrap_or_else(|_| std::sync::Arc::new(world.pair()))),
                world.venue().current,
                "seed {seed}"
            );
            assert_eq!(world.venue().spent_again, 0, "seed {seed}");
        }
    }
}
