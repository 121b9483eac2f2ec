//! Records as plain columns, ready to become the buffers of a table.

use super::cell::Cell;
use super::record::Row;
use super::spec::{FieldKind, Numbers};

/// The values of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Prices, sizes and numbers at 10⁻⁹.
    Fixed(Vec<i64>),
    /// Prices, sizes and numbers at 10⁻¹⁸.
    Wide(Vec<i128>),
    /// Prices, sizes and numbers as `f64`.
    Float(Vec<f64>),
    /// Whole numbers.
    Int(Vec<i64>),
    /// UTC nanoseconds.
    Time(Vec<i64>),
    /// Words, by their numbers in the feed's table.
    Symbol(Vec<u32>),
    /// Texts end to end, and where each ends.
    Text(String, Vec<i64>),
    /// True or false.
    Flag(Vec<bool>),
}

/// A column: values, and which of them are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The values; where one is not there, a zero or an empty text stands.
    pub values: Values,
    /// Which rows have a value; `None` if all have.
    pub valid: Option<Vec<bool>>,
}

/// The columns of one kind of record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// One for each field, in order.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub rows: usize,
}

impl Column {
    pub(super) fn of(kind: FieldKind, keep: Numbers) -> Self {
        let values = match kind {
            FieldKind::Price | FieldKind::Size | FieldKind::Number | FieldKind::Float => match keep {
                Numbers::Exact => Values::Fixed(Vec::new()),
                Numbers::Wide => Values::Wide(Vec::new()),
                Numbers::Float => Values::Float(Vec::new()),
            },
            FieldKind::Int => Values::Int(Vec::new()),
            FieldKind::Time(_) => Values::Time(Vec::new()),
            FieldKind::Symbol | FieldKind::Constant => Values::Symbol(Vec::new()),
            FieldKind::Text => Values::Text(String::new(), Vec::new()),
            FieldKind::Flag => Values::Flag(Vec::new()),
        };
        Self { values, valid: None }
    }

    /// An empty column of the same kind.
    fn anew(&self) -> Self {
        let values = match &self.values {
            Values::Fixed(_) => Values::Fixed(Vec::new()),
            Values::Wide(_) => Values::Wide(Vec::new()),
            Values::Float(_) => Values::Float(Vec::new()),
            Values::Int(_) => Values::Int(Vec::new()),
            Values::Time(_) => Values::Time(Vec::new()),
            Values::Symbol(_) => Values::Symbol(Vec::new()),
            Values::Text(..) => Values::Text(String::new(), Vec::new()),
            Values::Flag(_) => Values::Flag(Vec::new()),
        };
        Self { values, valid: None }
    }

    #[inline]
    fn push(&mut self, cell: Cell, frame: &[u8], rows: usize) {
        let there = match (&mut self.values, cell) {
            (Values::Fixed(values), Cell::Fixed(value)) => push(values, value),
            (Values::Wide(values), Cell::Wide(value)) => push(values, value.raw()),
            (Values::Float(values), Cell::Float(value)) => push(values, value),
            (Values::Int(values), Cell::Int(value)) => push(values, value),
            (Values::Time(values), Cell::Time(value)) => push(values, value),
            (Values::Symbol(values), Cell::Symbol(value)) => push(values, value),
            (Values::Flag(values), Cell::Flag(value)) => push(values, value),
            (Values::Text(text, ends), Cell::Text(span)) => {
                text.push_str(&span.text(frame));
                push(ends, i64::try_from(text.len()).unwrap_or(i64::MAX))
            }
            _ => {
                self.push_nothing();
                false
            }
        };
        match &mut self.valid {
            Some(valid) => valid.push(there),
            None if there => {}
            none => {
                let mut valid = vec![true; rows];
                valid.push(false);
                *none = Some(valid);
            }
        }
    }

    fn push_nothing(&mut self) {
        match &mut self.values {
            Values::Fixed(values) | Values::Int(values) | Values::Time(values) => values.push(0),
            Values::Wide(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Symbol(values) => values.push(0),
            Values::Flag(values) => values.push(false),
            Values::Text(text, ends) => ends.push(i64::try_from(text.len()).unwrap_or(i64::MAX)),
        }
    }
}

#[inline]
fn push<T>(values: &mut Vec<T>, value: T) -> bool {
    values.push(value);
    true
}

impl Columns {
    #[inline]
    pub(super) fn push(&mut self, cells: &[Cell], frame: &[u8]) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(*cell, frame, self.rows);
        }
        self.rows += 1;
    }

    /// Adds a record that was read.
    pub(in crate::wire) fn push_row(&mut self, row: &Row<'_>) {
        self.push(row.cells, row.frame);
    }

    /// Hands out the columns and starts new ones.
    pub(in crate::wire) fn take(&mut self) -> Self {
        let columns = self.columns.iter().map(Column::anew).collect();
        std::mem::replace(self, Self { columns, rows: 0 })
    }
}
