//! One walk over the bytes of a frame: notes where the asked values stand, builds nothing.

use thiserror::Error;

use super::trie::{Asked, At, Trie};
use crate::wire::json::{JsonError, Number, Reader, Text};

/// The largest frame.
pub const MAX_FRAME: usize = 64 << 20;
/// The most rows and messages that one frame may hold.
pub const MAX_ROWS: usize = 262_144;

/// A frame of which nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FeedError {
    /// It is not JSON.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// It is larger than any real frame.
    #[error("frame of {size} bytes is larger than the {} that are taken: read it in parts", MAX_FRAME)]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It holds more rows than any real frame.
    #[error("frame holds more than {} rows: read it in parts", MAX_ROWS)]
    TooManyRows,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Found {
    #[default]
    Absent,
    Null,
    True,
    False,
    Number,
    Text,
    Escaped,
    /// An object or array.
    Nested,
}

/// What stands where nothing stands.
pub(super) static NOTHING: Slot = Slot { at: 0, size: 0, found: Found::Absent };

/// A value by where it stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    at: u32,
    size: u32,
    pub found: Found,
}

impl Slot {
    /// The bytes of a text or number.
    #[inline]
    pub fn bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let at = self.at as usize;
        frame.get(at..at + self.size as usize).unwrap_or_default()
    }

    pub fn text<'a>(&self, frame: &'a [u8]) -> Text<'a> {
        Text::from_raw(self.bytes(frame), self.found == Found::Escaped)
    }

    pub const fn range(&self) -> (u32, u32) {
        (self.at, self.at + self.size)
    }

    #[inline]
    fn of_text(text: &Text<'_>, end: usize) -> Self {
        let (raw, escaped) = text.raw();
        Self::spanning(end.saturating_sub(1), raw.len(), if escaped { Found::Escaped } else { Found::Text })
    }

    #[inline]
    fn of_number(number: &Number<'_>, end: usize) -> Self {
        Self::spanning(end, number.as_bytes().len(), Found::Number)
    }

    const fn of(found: Found) -> Self {
        Self { at: 0, size: 0, found }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    const fn spanning(end: usize, size: usize, found: Found) -> Self {
        // Frames are below 64 MiB.
        Self { at: end.saturating_sub(size) as u32, size: size as u32, found }
    }
}

/// Rows that stand at one place: the first slot of the first, how many, and how many slots each has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows {
    pub from: usize,
    pub count: usize,
    pub place: RowsPlace,
}

/// What stands where rows should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RowsPlace {
    /// Nothing, or null.
    #[default]
    Absent,
    /// An array, or an object.
    Rows,
    /// Something else.
    Wrong,
}

/// What one walk found; reused from frame to frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    slots: Vec<Slot>,
    sets: Vec<Rows>,
    /// The first slot and the first set of each message.
    pub messages: Vec<(usize, usize)>,
    rows: usize,
}

impl Findings {
    /// The slot of a message or row that starts at `base`.
    #[inline]
    pub fn slot(&self, base: usize, slot: usize) -> &Slot {
        // A place that a declaration does not have is beyond all slots.
        self.slots.get(base.saturating_add(slot)).unwrap_or(&NOTHING)
    }

    pub fn rows(&self, base: usize, set: usize) -> Rows {
        self.sets.get(base + set).copied().unwrap_or_default()
    }
}

/// The trees of a declaration and how many slots each takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    pub message: Trie,
    pub slots: usize,
    pub sets: usize,
    /// The tree of the rows of each set, with its number of slots.
    pub rows: Vec<(Trie, usize)>,
    pub split: bool,
}

impl Walk {
    /// Walks a whole frame.
    pub fn frame(&mut self, frame: &[u8], found: &mut Findings) -> Result<(), FeedError> {
        found.slots.clear();
        found.sets.clear();
        found.messages.clear();
        found.rows = 0;
        if frame.len() > MAX_FRAME {
            return Err(FeedError::TooLarge { size: frame.len() });
        }
        let mut reader = Reader::new(frame);
        if self.split && reader.peek()? == b'[' {
            let mut more = reader.enter(b']')?;
            while more {
                self.root(found, &mut reader)?;
                more = reader.another(b']')?;
            }
        } else {
            self.root(found, &mut reader)?;
        }
        Ok(reader.end()?)
    }

    fn root(&mut self, found: &mut Findings, reader: &mut Reader<'_>) -> Result<(), FeedError> {
        count(found)?;
        let base = (found.slots.len(), found.sets.len());
        found.messages.push(base);
        found.slots.resize(base.0 + self.slots, Slot::default());
        found.sets.resize(base.1 + self.sets, Rows::default());
        let Self { message, rows, .. } = self;
        value(message, Some(rows), found, 0, reader, base)
    }
}

fn count(found: &mut Findings) -> Result<(), FeedError> {
    found.rows += 1;
    if found.rows > MAX_ROWS { Err(FeedError::TooManyRows) } else { Ok(()) }
}

/// Notes the value at which the reader stands, and what is asked for inside of it.
fn value(
    trie: &mut Trie,
    mut rows: Option<&mut Vec<(Trie, usize)>>,
    found: &mut Findings,
    at: At,
    reader: &mut Reader<'_>,
    base: (usize, usize),
) -> Result<(), FeedError> {
    let first = reader.peek()?;
    let Some(node) = trie.node(at) else { return Ok(reader.skip()?) };
    let (slot, set, inner) = (node.slot, node.set, node.is_inner());
    if inner || set.is_some() {
        forget(node, found, base);
    }
    let noted = match first {
        b'"' => reader.text()?.map(|text| Slot::of_text(&text, reader.offset())),
        b'-' | b'0'..=b'9' | b'N' | b'I' => reader.number()?.map(|number| Slot::of_number(&number, reader.offset())),
        b'{' | b'[' => {
            let start = reader.offset();
            if let (Some(set), Some((row, width))) = (set, set.and_then(|set| rows.as_deref_mut()?.get_mut(set))) {
                take_rows(row, *width, found, reader, base.1 + set)?;
                if inner {
                    reader.rewind(start);
                }
            }
            match (first, inner) {
                (b'{', true) if trie.node(at).is_some_and(|node| node.object) => {
                    object(trie, rows, found, at, reader, base)?;
                }
                (b'[', true) => array(trie, rows, found, at, reader, base)?,
                _ if set.is_some() && !inner => {}
                _ => reader.skip()?,
            }
            Some(Slot::of(Found::Nested))
        }
        _ => {
            reader.skip()?;
            let found = match first {
                b't' => Found::True,
                b'f' => Found::False,
                _ => Found::Null,
            };
            Some(Slot::of(found))
        }
    };
    if let (Some(set), Some(value)) = (set, noted)
        && !matches!(value.found, Found::Nested | Found::Null)
        && let Some(rows) = found.sets.get_mut(base.1 + set)
    {
        rows.place = RowsPlace::Wrong;
    }
    if let (Some(slot), Some(value)) = (slot, noted)
        && let Some(place) = found.slots.get_mut(base.0 + slot)
    {
        *place = value;
    }
    Ok(())
}

/// Notes a value of which nothing inside is asked for.
#[inline]
fn leaf(found: &mut Findings, place: usize, reader: &mut Reader<'_>) -> Result<(), FeedError> {
    let value = match reader.peek()? {
        b'"' => Slot::of_text(&reader.string()?, reader.offset()),
        b'-' | b'0'..=b'9' | b'N' | b'I' => Slot::of_number(&reader.numeral()?, reader.offset()),
        first => {
            reader.skip()?;
            Slot::of(match first {
                b't' => Found::True,
                b'f' => Found::False,
                b'{' | b'[' => Found::Nested,
                _ => Found::Null,
            })
        }
    };
    if let Some(slot) = found.slots.get_mut(place) {
        *slot = value;
    }
    Ok(())
}

/// Of a key that comes twice the last one counts, as in Python: what the first one held is forgotten.
#[inline]
fn forget(node: &super::trie::Node, found: &mut Findings, base: (usize, usize)) {
    if let Some(slots) = found.slots.get_mut(base.0 + node.slots.start..base.0 + node.slots.end) {
        slots.fill(Slot::default());
    }
    if let Some(sets) = found.sets.get_mut(base.1 + node.sets.start..base.1 + node.sets.end) {
        sets.fill(Rows::default());
    }
}

fn object(
    trie: &mut Trie,
    mut rows: Option<&mut Vec<(Trie, usize)>>,
    found: &mut Findings,
    at: At,
    reader: &mut Reader<'_>,
    base: (usize, usize),
) -> Result<(), FeedError> {
    let mut more = reader.enter(b'}')?;
    let mut last = usize::MAX;
    while more {
        let (key, asked) = trie.key(at, last, reader)?;
        last = key;
        match asked {
            Asked::Leaf(slot) => leaf(found, base.0 + slot, reader)?,
            Asked::Inner(child) => value(trie, rows.as_deref_mut(), found, child, reader, base)?,
            Asked::Nothing => reader.skip()?,
        }
        more = reader.another(b'}')?;
    }
    Ok(())
}

fn array(
    trie: &mut Trie,
    mut rows: Option<&mut Vec<(Trie, usize)>>,
    found: &mut Findings,
    at: At,
    reader: &mut Reader<'_>,
    base: (usize, usize),
) -> Result<(), FeedError> {
    let last = |trie: &Trie, nth: usize| trie.node(at)?.back.get(nth).copied();
    // Where the last items start, as many as are asked for from the back.
    let kept = trie.node(at).and_then(|node| node.back.iter().map(|(place, _)| *place).max()).unwrap_or_default();
    let mut starts = std::collections::VecDeque::new();
    let mut index = 0;
    let mut more = reader.enter(b']')?;
    while more {
        if kept > 0 {
            reader.peek()?;
            if starts.len() == kept {
                starts.pop_front();
            }
            starts.push_back(reader.offset());
        }
        match trie.item(at, index) {
            Asked::Leaf(slot) => leaf(found, base.0 + slot, reader)?,
            Asked::Inner(child) => value(trie, rows.as_deref_mut(), found, child, reader, base)?,
            Asked::Nothing => reader.skip()?,
        }
        index += 1;
        more = reader.another(b']')?;
    }
    let end = reader.offset();
    let mut nth = 0;
    while let Some((place, child)) = last(trie, nth) {
        if let Some(start) = starts.len().checked_sub(place).and_then(|place| starts.get(place)) {
            reader.rewind(*start);
            value(trie, rows.as_deref_mut(), found, child, reader, base)?;
        }
        nth += 1;
    }
    reader.rewind(end);
    Ok(())
}

/// Notes the rows of an array, or the one row that an object is.
fn take_rows(
    row: &mut Trie,
    width: usize,
    found: &mut Findings,
    reader: &mut Reader<'_>,
    set: usize,
) -> Result<(), FeedError> {
    let from = found.slots.len();
    let mut rows = 0;
    if reader.peek()? == b'{' {
        one_row(row, width, found, reader)?;
        rows = 1;
    } else {
        let mut more = reader.enter(b']')?;
        while more {
            one_row(row, width, found, reader)?;
            rows += 1;
            more = reader.another(b']')?;
        }
    }
    if let Some(set) = found.sets.get_mut(set) {
        *set = Rows { from, count: rows, place: RowsPlace::Rows };
    }
    Ok(())
}

fn one_row(row: &mut Trie, width: usize, found: &mut Findings, reader: &mut Reader<'_>) -> Result<(), FeedError> {
    count(found)?;
    let base = (found.slots.len(), 0);
    found.slots.resize(base.0 + width, Slot::default());
    value(row, None, found, 0, reader, base)
}
