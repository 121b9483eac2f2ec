//! The decoder: frames in, records or columns out, what was left out counted.

use std::borrow::Cow;

use exuvia_model::{Symbol, SymbolTable};

use super::cell::{Cell, Tools, stamp, unit_that_fits};
use super::columns::{Column, Columns};
use super::plan::{Kind, Origin, Place, Plan};
use super::scan::{Findings, Found, NOTHING, RowsPlace, Slot};
use super::skips::{Reason, Skips};
use super::spec::{FieldKind, Numbers, Spec, SpecError, Test, Unit};
use crate::wire::find::find;

/// How much of a message is shown where it is kept as an example.
const SHOWN: usize = 160;

/// What the caller knows of a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'c> {
    /// When it was received, UTC nanoseconds.
    pub received: Option<i64>,
    /// Which symbol it is about, where it does not say itself.
    pub symbol: Option<&'c str>,
}

/// One record as it is read; it borrows from the frame.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    /// Which kind of record, by its place in the declaration.
    pub kind: usize,
    /// The values of its fields, in order.
    pub cells: &'r [Cell],
    pub(super) frame: &'r [u8],
    symbols: &'r SymbolTable,
}

impl<'r> Row<'r> {
    /// The words behind symbols.
    #[must_use]
    pub const fn symbols(&self) -> &'r SymbolTable {
        self.symbols
    }

    /// The characters of a text or symbol; `None` for other cells.
    #[must_use]
    pub fn text(&self, cell: Cell) -> Option<Cow<'r, str>> {
        match cell {
            Cell::Symbol(symbol) => self.symbols.name(Symbol(symbol)).ok().map(Cow::Borrowed),
            Cell::Text(span) => Some(span.text(self.frame)),
            _ => None,
        }
    }
}

/// What came of one kind of record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that held such records.
    pub messages: u64,
    /// Records that were read.
    pub rows: u64,
    /// Messages whose sequence number was that of the one before, for the same symbol.
    pub repeated: u64,
    /// Messages whose sequence number was below that of the one before.
    pub reordered: u64,
}

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

#[derive(Debug, Clone)]
struct Engine {
    plan: Plan,
    findings: Findings,
    tools: Tools,
    cells: Vec<Cell>,
    memories: Vec<Memory>,
    account: Account,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
struct Account {
    skips: Skips,
    tallies: Vec<Tally>,
    unmatched: u64,
    last_unmatched: Option<String>,
}

/// What is remembered of a kind, by symbol.
#[derive(Debug, Clone, Default)]
struct Memory {
    merged: Vec<Option<Box<[Cell]>>>,
    sequences: Vec<Option<i64>>,
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

impl Engine {
    fn run(&mut self, frame: &[u8], context: Context<'_>, mut record: impl FnMut(Row<'_>)) -> usize {
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

/// One kind of record in one message.
struct Job<'j> {
    kind: &'j Kind,
    memory: &'j mut Memory,
    tools: &'j mut Tools,
    findings: &'j Findings,
    frame: &'j [u8],
    context: Context<'j>,
    skips: &'j mut Skips,
    tally: &'j mut Tally,
}

impl<'j> Job<'j> {
    /// Reads a row into `cells`; answers whether it is a record. `again` is whether `cells` may still hold the row before,
    /// `fresh` whether the message's sequence number is no repeat, once that is known.
    fn fill(
        &mut self,
        origin: &Origin,
        message: usize,
        row: Option<usize>,
        again: bool,
        fresh: &mut Option<bool>,
        cells: &mut Vec<Cell>,
    ) -> bool {
        // What the message says of all its rows is read once.
        let again = again && !self.kind.merge && cells.len() == self.kind.fields.len();
        if !again {
            cells.clear();
        }
        if row.is_some_and(|row| self.findings.slot(row, 0).found == Found::Null) {
            self.skips.note(Reason::NoRow, format!("{}: a row that is null", self.kind.name));
            return false;
        }
        for (index, (field, places)) in self.kind.fields.iter().zip(&origin.places).enumerate() {
            if again && origin.steady.get(index) == Some(&true) {
                continue;
            }
            let read = match self.fetch(places, message, row) {
                Fetched::Cell(cell) => Ok(cell),
                Fetched::Slot(slot) => self.tools.read(field, slot, self.frame).map_err(|reason| (reason, slot)),
                Fetched::Word(word) => self.tools.intern(word).map(Cell::Symbol).map_err(|reason| (reason, &NOTHING)),
                Fetched::Nothing if field.optional || self.kind.merge => Ok(Cell::Null),
                Fetched::Nothing => Err((Reason::Missing, &NOTHING)),
            };
            match (read, cells.get_mut(index)) {
                (Ok(cell), Some(place)) => *place = cell,
                (Ok(cell), None) => cells.push(cell),
                (Err((reason, slot)), _) => {
                    let words = self.sentence(index, reason, slot);
                    self.skips.note(reason, words);
                    cells.clear();
                    return false;
                }
            }
        }
        self.is_fresh(cells, fresh) && (!self.kind.merge || self.merge(cells)) && !self.is_crossed(cells)
    }

    #[inline]
    fn fetch(&self, places: &[Place], message: usize, row: Option<usize>) -> Fetched<'j> {
        for place in places {
            let slot = match (place, row) {
                (Place::Message(slot), _) => self.findings.slot(message, *slot),
                (Place::Row(slot), Some(row)) => self.findings.slot(row, *slot),
                (Place::Row(_), None) => continue,
                (Place::Constant(symbol), _) => return Fetched::Cell(Cell::Symbol(*symbol)),
                (Place::Received, _) => match self.context.received {
                    Some(time) => return Fetched::Cell(Cell::Time(time)),
                    None => continue,
                },
                (Place::Symbol, _) => match self.context.symbol {
                    Some(word) => return Fetched::Word(word),
                    None => continue,
                },
            };
            if !matches!(slot.found, Found::Absent | Found::Null) {
                return Fetched::Slot(slot);
            }
        }
        Fetched::Nothing
    }

    /// Counts repeats and steps back of the sequence; once for each message.
    fn is_fresh(&mut self, cells: &[Cell], fresh: &mut Option<bool>) -> bool {
        let Some(at) = self.kind.sequence else { return true };
        if let Some(known) = *fresh {
            return known;
        }
        let Some(Cell::Int(now)) = cells.get(at) else { return true };
        let symbol = self.symbol(cells);
        let known = place(&mut self.memory.sequences, symbol);
        let before = known.as_deref().copied().flatten();
        let repeated = before == Some(*now);
        self.tally.repeated += u64::from(repeated);
        self.tally.reordered += u64::from(before.is_some_and(|before| before > *now));
        if let Some(known) = known {
            *known = before.max(Some(*now));
        }
        let left_out = repeated && self.kind.skip_repeats;
        if left_out {
            let words = format!("{}: sequence {now} came before, and repeats are left out", self.kind.name);
            self.skips.note(Reason::Repeated, words);
        }
        *fresh = Some(!left_out);
        !left_out
    }

    /// Takes what the row does not say from what its symbol said before; answers whether the row is complete.
    fn merge(&mut self, cells: &mut [Cell]) -> bool {
        if self.kind.symbol.is_some_and(|at| cells.get(at) == Some(&Cell::Null)) {
            self.skips.note(Reason::Missing, format!("{}: no symbol says which row to merge into", self.kind.name));
            return false;
        }
        let symbol = self.symbol(cells);
        match place(&mut self.memory.merged, symbol) {
            Some(Some(known)) => {
                for (cell, before) in cells.iter_mut().zip(known.iter_mut()) {
                    match cell {
                        Cell::Null => *cell = *before,
                        new => *before = *new,
                    }
                }
            }
            Some(unknown) => *unknown = Some(Box::from(&*cells)),
            None => {}
        }
        let open =
            self.kind.fields.iter().zip(cells.iter()).find(|(field, cell)| !field.optional && **cell == Cell::Null);
        if let Some((field, _)) = open {
            let words = format!("{}: {} has not come yet", self.kind.name, field.name);
            self.skips.note(Reason::Incomplete, words);
            return false;
        }
        true
    }

    fn is_crossed(&mut self, cells: &[Cell]) -> bool {
        let Some((bid, ask)) = self.kind.crossed else { return false };
        let crossed = match (cells.get(bid), cells.get(ask)) {
            (Some(Cell::Fixed(bid)), Some(Cell::Fixed(ask))) => bid > ask,
            (Some(Cell::Float(bid)), Some(Cell::Float(ask))) => bid > ask,
            (Some(Cell::Wide(bid)), Some(Cell::Wide(ask))) => bid.raw() > ask.raw(),
            _ => false,
        };
        if crossed {
            let shown = |at: usize| cells.get(at).map(show).unwrap_or_default();
            let words = format!("{}: bid {} is above ask {}", self.kind.name, shown(bid), shown(ask));
            self.skips.note(Reason::Crossed, words);
        }
        crossed
    }

    fn symbol(&self, cells: &[Cell]) -> u32 {
        match self.kind.symbol.and_then(|at| cells.get(at)) {
            Some(Cell::Symbol(symbol)) => *symbol,
            _ => 0,
        }
    }

    /// What was wrong, where, and what to do.
    fn sentence(&self, index: usize, reason: Reason, slot: &Slot) -> String {
        let Some(field) = self.kind.fields.get(index) else { return String::new() };
        let (place, kind) = (format!("{}.{}", self.kind.name, field.name), field.kind);
        let value = match slot.found {
            Found::Absent => "nothing".to_owned(),
            Found::Null => "null".to_owned(),
            Found::True => "true".to_owned(),
            Found::False => "false".to_owned(),
            Found::Nested => "an object or array".to_owned(),
            Found::Number => shown(slot.bytes(self.frame)),
            Found::Text | Found::Escaped => format!("{:?}", shown(slot.bytes(self.frame))),
        };
        match reason {
            Reason::Missing => format!("{place} is not there or null: mark it optional ({kind}?) if that may be"),
            Reason::Type if value.contains(',') && value.starts_with('"') => {
                format!("{place} {value} is no {kind}: a number has a decimal point, no comma")
            }
            Reason::Type => format!("{place} {value} is no {kind}"),
            Reason::NotFinite => format!("{place} {value} is not finite: a feed that has no value should leave it out"),
            Reason::TooPrecise => {
                format!(
                    "{place} {value} has more decimals than fit ({}): declare keep as wide or float, or round",
                    match field.keep {
                        Numbers::Wide => 18,
                        _ => 9,
                    }
                )
            }
            Reason::OutOfRange => {
                format!("{place} {value} does not fit: beyond 9.2e9 declare keep as wide, beyond 1.7e20 as float")
            }
            Reason::NotPositive => {
                format!("{place} {value} is not above zero: declare zero = \"keep\" or \"null\" if that may be")
            }
            Reason::Negative => format!("{place} {value} is below zero, which no amount is"),
            Reason::Time => match (kind, unit_that_fits(slot, self.frame)) {
                (FieldKind::Time(unit), Some(fits)) if fits != unit => format!(
                    "{place} {value} is outside 1980 to 2200 in {}: in {} it would be a time; declare time:{}",
                    unit.name(),
                    fits.name(),
                    fits.name()
                ),
                _ => format!("{place} {value} is no {kind} of 1980 to 2200"),
            },
            Reason::Code => format!("{place} {value} is a code that the declaration does not name"),
            _ => format!("{place} {value}: {}", reason.name()),
        }
    }
}

enum Fetched<'f> {
    Cell(Cell),
    Slot(&'f Slot),
    Word(&'f str),
    Nothing,
}

/// What is remembered of a symbol: a place of its own, since symbols are dense.
fn place<T>(memory: &mut Vec<Option<T>>, symbol: u32) -> Option<&mut Option<T>> {
    let index = symbol as usize;
    if index >= memory.len() {
        memory.resize_with(index + 1, || None);
    }
    memory.get_mut(index)
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

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Fixed(raw) => exuvia_model::Price::from_raw(*raw).to_string(),
        Cell::Wide(wide) => decimal(wide.raw(), 18),
        Cell::Float(value) => value.to_string(),
        _ => String::new(),
    }
}

/// A number scaled by a power of ten, as text without zeros at the end.
#[must_use]
pub fn decimal(raw: i128, places: usize) -> String {
    let digits = format!("{:0>width$}", raw.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let (sign, point) = (if raw < 0 { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
    format!("{sign}{whole}{point}{fraction}")
}

/// The start of some bytes, to be shown.
fn shown(bytes: &[u8]) -> String {
    let cut = bytes.get(..bytes.len().min(SHOWN)).unwrap_or_default();
    let text = String::from_utf8_lossy(cut);
    if cut.len() < bytes.len() { format!("{text}…") } else { text.into_owned() }
}
