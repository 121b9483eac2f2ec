//! Columns of arrays and tables: cells of one type and which of them are valid.

use std::fmt::Write as _;

use crate::value::Value;

/// The cells of a column.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Floats, by bits; narrower floats are widened, which is exact.
    Float(Vec<f64>),
    /// Signed integers, also times and dates.
    Int(Vec<i64>),
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Anything else.
    Any(Vec<Value>),
}

/// A column: the type's name, its cells, and validity where cells may be missing.
#[derive(Debug, Clone)]
pub struct Column {
    /// The type's name: two columns of different types differ, whatever their cells.
    pub kind: String,
    /// The cells; those that are not valid hold anything.
    pub cells: Cells,
    /// One flag a cell; `None` if all are valid.
    pub valid: Option<Vec<bool>>,
}

impl Cells {
    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(cells) => cells.len(),
            Self::Int(cells) => cells.len(),
            Self::Unsigned(cells) => cells.len(),
            Self::Any(cells) => cells.len(),
        }
    }
}

impl Column {
    /// One cell as a value; missing cells and cells past the end are `None`.
    pub fn cell(&self, at: usize) -> Value {
        if !self.is_valid(at) {
            return Value::None;
        }
        let cell = match &self.cells {
            Cells::Float(cells) => cells.get(at).map(|cell| Value::Float(*cell)),
            Cells::Int(cells) => cells.get(at).map(|cell| Value::Int(i128::from(*cell))),
            Cells::Unsigned(cells) => cells.get(at).map(|cell| Value::Int(i128::from(*cell))),
            Cells::Any(cells) => cells.get(at).cloned(),
        };
        cell.unwrap_or(Value::None)
    }

    /// Whether a cell holds a value.
    pub fn is_valid(&self, at: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.get(at).copied().unwrap_or(false))
    }

    /// Whether all cells are equal by bits and no look at each is needed.
    pub(crate) fn same(&self, other: &Self) -> bool {
        if self.valid != other.valid {
            return false;
        }
        match (&self.cells, &other.cells) {
            (Cells::Float(one), Cells::Float(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (Cells::Int(one), Cells::Int(two)) => one == two,
            (Cells::Unsigned(one), Cells::Unsigned(two)) => one == two,
            _ => false,
        }
    }

    pub(crate) fn write(&self, out: &mut String, budget: usize) {
        out.push('[');
        for at in 0..self.cells.len() {
            let _ = write!(
                out,
                "{}, ",
                if budget == usize::MAX { self.cell(at).canonical() } else { self.cell(at).shown() }
            );
            if out.len() > budget {
                return;
            }
        }
        out.push(']');
    }
}
