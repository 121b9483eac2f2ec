//! The decoder: frames in, records or columns out, what was left out counted.

use exuvia_model::SymbolTable;

use super::cell::{Tools, stamp};
use super::columns::{Column, Columns};
use super::engine::{Account, Engine};
use super::plan::Plan;
use super::record::{Context, Memory, Row, Tally};
use super::scan::Findings;
use super::sentence::shown;
use super::skips::{Reason, Skips};
use super::spec::{FieldKind, Numbers, Spec, SpecError, Unit};
use crate::wire::find::find;

/// Reads the frames of a declared feed.
///
/// A frame that is not JSON, and a row that breaks a rule of its field, is left out and counted in [`Self::skips`] with its
/// reason; the rest goes on. A message that no record's conditions take is counted as unmatched.
///
/// ```
/// use exuvia_market::wire::feed::{Context, Feed, Spec, Values};
/// let spec = Spec::from_json(br#"{"records": {"trade": {"when": {"$.e": "trade"},
///     "fields": {"symbol": "symbol $.s", "ts": "time:ms $.T", "price": "price $.p", "size": "size $.q"}}}}"#)?;
/// let mut feed = Feed::new(&spec)?;
/// let read = feed.feed(br#"{"e":"trade","s":"BTCUSDT","T":1723161256322,"p":"61800.30","q":"0.006"}"#, Context::default());
/// assert_eq!(read, 1);
/// assert_eq!(feed.take(0).unwrap().columns[2].values, Values::Fixed(vec![61_800_300_000_000]));
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Feed {
    engine: Engine,
    tables: Vec<Columns>,
}

impl Feed {
    /// A decoder for a declaration.
    ///
    /// # Errors
    /// If the declaration cannot be followed.
    pub fn new(spec: &Spec) -> Result<Self, SpecError> {
        let mut tools = Tools::default();
        let plan = Plan::new(spec, &mut tools.symbols)?;
        let tables = plan.kinds.iter().map(|kind| Columns {
            columns: kind.fields.iter().map(|field| Column::of(field.kind, field.keep)).collect(),
            rows: 0,
        });
        let tables = tables.collect();
        let memories = vec![Memory::default(); plan.kinds.len()];
        let account = Account { tallies: vec![Tally::default(); plan.kinds.len()], ..Account::default() };
        let engine = Engine { plan, findings: Findings::default(), tools, cells: Vec::new(), memories, account };
        Ok(Self { engine, tables })
    }

    /// Reads one frame into the columns; answers how many records came out.
    pub fn feed(&mut self, frame: &[u8], context: Context<'_>) -> usize {
        let Self { engine, tables } = self;
        engine.run(frame, context, |row| {
            if let Some(table) = tables.get_mut(row.kind) {
                table.push(row.cells, row.frame);
            }
        })
    }

    /// Reads a capture, a message a line, into the columns; answers how many records came out.
    ///
    /// With `stamps`, each line starts with the local time in that unit and a blank, or a colon and a blank; it is what
    /// `received` fields hold. A line that does not is counted as broken, an empty one is passed over.
    pub fn feed_lines(&mut self, capture: &[u8], stamps: Option<Unit>) -> usize {
        let mut read = 0;
        for line in lines(capture) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(unit) = stamps else {
                read += self.feed(line, Context::default());
                continue;
            };
            let split = find(line, b' ').and_then(|blank| {
                let (before, after) = (line.get(..blank)?, line.get(blank + 1..)?);
                Some((stamp(before.strip_suffix(b":").unwrap_or(before), unit)?, after))
            });
            match split {
                Some((received, message)) => {
                    read += self.feed(message, Context { received: Some(received), ..Context::default() });
                }
                None => {
                    let words =
                        format!("line {:?} does not start with a time in {} and a blank", shown(line), unit.name());
                    self.engine.account.skips.note(Reason::Broken, words);
                }
            }
        }
        read
    }

    /// Reads one frame record by record; answers how many came out.
    pub fn read(&mut self, frame: &[u8], context: Context<'_>, record: impl FnMut(Row<'_>)) -> usize {
        self.engine.run(frame, context, record)
    }

    /// Hands out the columns of a kind and starts new ones; `None` if there is no such kind.
    pub fn take(&mut self, kind: usize) -> Option<Columns> {
        self.tables.get_mut(kind).map(Columns::take)
    }

    /// How many records of a kind wait to be taken.
    #[must_use]
    pub fn waiting(&self, kind: usize) -> usize {
        self.tables.get(kind).map_or(0, |table| table.rows)
    }

    /// The names of the kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.engine.plan.kinds.iter().map(|kind| kind.name.as_str())
    }

    /// The fields of a kind, in order: name, what it holds, and how its numbers are kept.
    pub fn fields(&self, kind: usize) -> impl Iterator<Item = (&str, FieldKind, Numbers)> {
        let fields = self.engine.plan.kinds.get(kind).map(|kind| kind.fields.as_slice()).unwrap_or_default();
        fields.iter().map(|field| (field.name.as_str(), field.kind, field.keep))
    }

    /// What came of a kind.
    #[must_use]
    pub fn tally(&self, kind: usize) -> Tally {
        self.engine.account.tallies.get(kind).copied().unwrap_or_default()
    }

    /// What was left out, and why.
    #[must_use]
    pub const fn skips(&self) -> &Skips {
        &self.engine.account.skips
    }

    /// How many messages no record took, such as acknowledgements.
    #[must_use]
    pub const fn unmatched(&self) -> u64 {
        self.engine.account.unmatched
    }

    /// The start of the last frame with a message that no record took.
    #[must_use]
    pub fn last_unmatched(&self) -> Option<&str> {
        self.engine.account.last_unmatched.as_deref()
    }

    /// How many numbers were rounded to nine decimals, where that was declared.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.engine.tools.rounded
    }

    /// The words behind symbols.
    #[must_use]
    pub const fn symbols(&self) -> &SymbolTable {
        &self.engine.tools.symbols
    }

    pub(in crate::wire) fn note(&mut self, reason: Reason, words: String) {
        self.engine.account.skips.note(reason, words);
    }

    /// Takes back that the last message was unmatched: somebody else took it.
    pub(in crate::wire) fn forgive_unmatched(&mut self) {
        self.engine.account.unmatched = self.engine.account.unmatched.saturating_sub(1);
    }

    /// Forgets merged fields and sequence numbers: call it after a reconnect. Columns and counts stay.
    pub fn reset(&mut self) {
        for memory in &mut self.engine.memories {
            *memory = Memory::default();
        }
    }
}

/// The lines of a capture that are not empty.
fn lines(capture: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut left = Some(capture);
    let split = std::iter::from_fn(move || {
        let rest = left?;
        let (line, after) = match find(rest, b'\n') {
            Some(end) => (rest.get(..end)?, rest.get(end + 1..)),
            None => (rest, None),
        };
        left = after;
        Some(line)
    });
    split.filter(|line| !line.trim_ascii().is_empty())
}
