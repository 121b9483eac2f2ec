//! The walk over one frame: which messages it holds, which kinds take them, and what was counted.

use super::cell::{Cell, Tools};
use super::plan::Plan;
use super::record::{Context, Job, Memory, Row, Tally};
use super::scan::{Findings, Found, RowsPlace, Slot};
use super::sentence::shown;
use super::skips::{Reason, Skips};
use super::spec::Test;

#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub plan: Plan,
    pub findings: Findings,
    pub tools: Tools,
    pub cells: Vec<Cell>,
    pub memories: Vec<Memory>,
    pub account: Account,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub skips: Skips,
    pub tallies: Vec<Tally>,
    pub unmatched: u64,
    pub last_unmatched: Option<String>,
}

impl Engine {
    pub fn run(&mut self, frame: &[u8], context: Context<'_>, mut record: impl FnMut(Row<'_>)) -> usize {
        let Self { plan, findings, tools, cells, memories, account } = self;
        if let Err(error) = plan.walk.frame(frame, findings) {
            account.skips.note(Reason::Broken, error.to_string());
            return 0;
        }
        let mut read = 0;
        for &(slots, sets) in &findings.messages {
            let mut taken = false;
            let kinds = plan.kinds.iter().zip(memories.iter_mut()).enumerate();
            for (index, (kind, memory)) in kinds {
                if !kind.when.iter().all(|(slot, test)| passes(test, findings.slot(slots, *slot), frame)) {
                    continue;
                }
                taken = true;
                let mut tally = account.tallies.get(index).copied().unwrap_or_default();
                tally.messages += 1;
                let mut job =
                    Job { kind, memory, tools, findings, frame, context, skips: &mut account.skips, tally: &mut tally };
                let (mut fresh, mut places) = (None, 0);
                for origin in &kind.origins {
                    let (from, count, width) = match origin.set {
                        None => {
                            places += 1;
                            (None, 1, 0)
                        }
                        Some(set) => {
                            let rows = findings.rows(sets, set);
                            places += usize::from(rows.place == RowsPlace::Rows);
                            let width = plan.walk.rows.get(set).map_or(0, |(_, width)| *width);
                            (Some(rows.from), rows.count, width)
                        }
                    };
                    for nth in 0..count {
                        let row = from.map(|from| from + nth * width);
                        if job.fill(origin, slots, row, nth > 0, &mut fresh, cells) {
                            job.tally.rows += 1;
                            read += 1;
                            record(Row { kind: index, cells, frame, symbols: &job.tools.symbols });
                        }
                    }
                }
                if places == 0 {
                    let words = format!("{}: no rows where they should be, in {}", kind.name, shown(frame));
                    job.skips.note(Reason::NoRow, words);
                }
                if let Some(place) = account.tallies.get_mut(index) {
                    *place = tally;
                }
            }
            if !taken {
                if findings.slot(slots, 0).found == Found::Null {
                    account.skips.note(Reason::NoRow, "a message that is null".to_owned());
                } else {
                    account.unmatched += 1;
                    let example = account.last_unmatched.get_or_insert_default();
                    example.clear();
                    example.push_str(&shown(frame));
                }
            }
        }
        read
    }
}

fn passes(test: &Test, slot: &Slot, frame: &[u8]) -> bool {
    let escaped;
    let bytes: &[u8] = match slot.found {
        Found::Absent | Found::Null => return false,
        Found::Nested => return *test == Test::Present,
        Found::True => b"true",
        Found::False => b"false",
        Found::Number | Found::Text => slot.bytes(frame),
        Found::Escaped => {
            escaped = slot.text(frame).bytes();
            &escaped
        }
    };
    match test {
        Test::Present => true,
        Test::Is(words) => words.iter().any(|word| word.as_bytes() == bytes),
        Test::Starts(start) => bytes.starts_with(start.as_bytes()),
        Test::Ends(end) => bytes.ends_with(end.as_bytes()),
    }
}
