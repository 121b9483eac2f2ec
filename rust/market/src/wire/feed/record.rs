//! One record of one message: its cells read, merged with what its symbol said before, and checked as a whole.

use std::borrow::Cow;

use exuvia_model::{Symbol, SymbolTable};

use super::cell::{Cell, Tools};
use super::plan::{Kind, Origin, Place};
use super::scan::{Findings, Found, NOTHING, Slot};
use super::sentence::{sentence, show};
use super::skips::{Reason, Skips};

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
    pub(super) symbols: &'r SymbolTable,
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

/// What is remembered of a kind, by symbol.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    merged: Vec<Option<Box<[Cell]>>>,
    sequences: Vec<Option<i64>>,
}

/// One kind of record in one message.
pub(super) struct Job<'j> {
    pub kind: &'j Kind,
    pub memory: &'j mut Memory,
    pub tools: &'j mut Tools,
    pub findings: &'j Findings,
    pub frame: &'j [u8],
    pub context: Context<'j>,
    pub skips: &'j mut Skips,
    pub tally: &'j mut Tally,
}

impl<'j> Job<'j> {
    /// Reads a row into `cells`; answers whether it is a record. `again` is whether `cells` may still hold the row before,
    /// `fresh` whether the message's sequence number is no repeat, once that is known.
    pub fn fill(
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
                    let words = sentence(&self.kind.name, field, reason, slot, self.frame);
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
