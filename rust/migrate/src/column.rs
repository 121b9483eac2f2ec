//! Columns of arrays and tables: cells of one type and which of them are valid. Cells of eight bytes are
//! shared with whoever holds them, not copied.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::value::Value;

/// Numbers that somebody else may own: a vector, an Arrow buffer, a NumPy array.
#[derive(Clone)]
pub struct Words<T>(Arc<dyn AsRef<[T]> + Send + Sync>);

impl<T> Words<T> {
    /// Shares what `owner` holds.
    pub fn shared(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(owner))
    }

    /// The numbers.
    pub fn all(&self) -> &[T] {
        (*self.0).as_ref()
    }
}

impl<T> fmt::Debug for Words<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} words", self.all().len())
    }
}

impl<T: Send + Sync + 'static> From<Vec<T>> for Words<T> {
    fn from(words: Vec<T>) -> Self {
        Self::shared(words)
    }
}

/// The cells of a column.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Floats, by bits; narrower floats are widened, which is exact.
    Float(Words<f64>),
    /// Signed integers, also times and dates.
    Int(Words<i64>),
    /// Unsigned integers.
    Unsigned(Words<u64>),
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
    /// Nanoseconds of one, where integers are instants, and whether their zone is known.
    pub instants: Option<(i64, bool)>,
}

impl Cells {
    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(cells) => cells.all().len(),
            Self::Int(cells) => cells.all().len(),
            Self::Unsigned(cells) => cells.all().len(),
            Self::Any(cells) => cells.len(),
        }
    }
}

impl Column {
    /// A column of plain cells.
    pub fn new(kind: impl Into<String>, cells: Cells, valid: Option<Vec<bool>>) -> Self {
        Self { kind: kind.into(), cells, valid, instants: None }
    }

    /// One cell as a value; missing cells and cells past the end are `None`.
    pub fn cell(&self, at: usize) -> Value {
        if !self.is_valid(at) {
            return Value::None;
        }
        let cell = match &self.cells {
            Cells::Float(cells) => cells.all().get(at).map(|cell| Value::Float(*cell)),
            Cells::Int(cells) => cells.all().get(at).map(|cell| self.integer(*cell)),
            Cells::Unsigned(cells) => cells.all().get(at).map(|cell| Value::Int(i128::from(*cell))),
            Cells::Any(cells) => cells.get(at).cloned(),
        };
        cell.unwrap_or(Value::None)
    }

    fn integer(&self, cell: i64) -> Value {
        match self.instants {
            Some((unit, aware)) => Value::Moment { ns: i128::from(cell) * i128::from(unit), aware },
            None => Value::Int(i128::from(cell)),
        }
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
            (Cells::Float(one), Cells::Float(two)) => same_floats(one.all(), two.all()),
            (Cells::Int(one), Cells::Int(two)) => one.all() == two.all(),
            (Cells::Unsigned(one), Cells::Unsigned(two)) => one.all() == two.all(),
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

/// Whether two slices of floats are equal by bits; any NaN equals any other.
pub fn same_floats(one: &[f64], two: &[f64]) -> bool {
    // Folds without a branch inside of a block, so that the compiler makes vectors of them.
    let block = |a: &[f64], b: &[f64]| {
        let differing = a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a.to_bits() ^ b.to_bits()));
        differing == 0 || a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
    };
    one.len() == two.len() && one.chunks(1_024).zip(two.chunks(1_024)).all(|(a, b)| block(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_share_their_words_and_know_instants() {
        let words: Arc<[i64]> = Arc::from([1, 2]);
        let mut column = Column::new("timestamp[us]", Cells::Int(Words::shared(Arc::clone(&words))), None);
        assert_eq!(column.cell(1).shown(), "2");
        column.instants = Some((1_000, true));
        assert_eq!(column.cell(1).shown(), "datetime(2000 ns UTC)");
        assert_eq!(column.cell(2).shown(), "None");
        assert_eq!(Arc::strong_count(&words), 2);
        assert_eq!(format!("{:?}", Words::from(vec![1.0])), "1 words");
    }

    #[test]
    fn floats_are_the_same_by_bits_but_for_nan() {
        let other_nan = f64::from_bits(f64::NAN.to_bits() | 1);
        assert!(same_floats(&[f64::NAN, 1.0], &[other_nan, 1.0]));
        assert!(!same_floats(&[0.0], &[-0.0]));
        assert!(!same_floats(&[0.0], &[0.0, 0.0]));
    }
}
