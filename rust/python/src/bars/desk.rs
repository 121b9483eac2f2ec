//! What both builders share: the streams of all instruments behind a lock, and the bars that wait for their caller.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use exuvia_market::bars::{BarError, Candle, Desk, Late, OhlcColumns, Settings, Tally};
use exuvia_model::Ohlc;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;

use super::rules::{self, Count, Time};
use super::source::{Column, Values, schema_error};
use super::table::{self, Columns};
use crate::failure::Failure;
use crate::gate;

/// Streams of instruments; a bar is of `K` price series.
pub struct Instruments<const K: usize> {
    desk: Desk<f64, K>,
    closed: u64,
    /// Bars that no caller has got yet, in the order of their closing: `record` may refuse one.
    waiting: VecDeque<Numbered<K>>,
}

/// A bar with its instrument, and the number of its closing.
pub type Numbered<const K: usize> = (u64, (i64, Candle<f64, K>));

/// The words of a constructor that are not about time or count.
pub struct Words<'a> {
    pub late: &'a str,
    pub gaps: &'a str,
    pub keep: usize,
}

impl<const K: usize> Instruments<K> {
    /// Streams that are made for what the arguments say.
    pub fn new(time: Time<'_>, count: Count<'_, '_>, words: &Words<'_>) -> PyResult<Mutex<Self>> {
        let (rule, label) = gate::guard(|| rules::rule(time, count))?;
        gate::stay(|| {
            let (late, gaps) = (words.late.parse()?, words.gaps.parse()?);
            let desk = Desk::new(Settings { rule, label, late, gaps, keep: words.keep })?;
            Ok::<_, BarError>(Mutex::new(Self { desk, closed: 0, waiting: VecDeque::new() }))
        })
    }

    /// Takes a tick; the oldest bar that waits, if one does.
    #[inline]
    pub fn push(&mut self, uic: i64, ts: i64, prices: [f64; K], size: f64) -> Result<Option<Numbered<K>>, BarError> {
        let Self { desk, closed, waiting } = self;
        let mut first = None;
        desk.push(uic, ts, prices, size, &mut |uic, candle| {
            *closed += 1;
            let bar = (*closed, (uic, candle));
            if first.is_none() && waiting.is_empty() { first = Some(bar) } else { waiting.push_back(bar) }
        })?;
        Ok(first.or_else(|| waiting.pop_front()))
    }

    fn push_rows(&mut self, rows: impl Iterator<Item = (i64, i64, [f64; K], f64)>) -> Result<(), BarError> {
        let Self { desk, closed, waiting } = self;
        desk.push_rows(rows, &mut |uic, candle| {
            *closed += 1;
            waiting.push_back((*closed, (uic, candle)));
        })
    }

    /// Closes all open bars and takes all that wait.
    pub fn drain(&mut self) -> VecDeque<Numbered<K>> {
        let Self { desk, closed, waiting } = self;
        desk.flush(&mut |uic, candle| {
            *closed += 1;
            waiting.push_back((*closed, (uic, candle)));
        });
        std::mem::take(waiting)
    }

    /// What went otherwise than into an open bar.
    pub const fn tally(&self) -> Tally {
        self.desk.tally()
    }

    /// Everything, bars that wait too.
    pub fn save(&self) -> Vec<u8> {
        let waiting: Vec<_> = self.waiting.iter().map(|(_, bar)| *bar).collect();
        self.desk.save_with(waiting.iter())
    }

    /// Takes the place of what was there with what was saved.
    pub fn resume(&mut self, bytes: &[u8]) -> Result<(), BarError> {
        let (desk, waiting) = Desk::restore_with(bytes)?;
        *self = Self { desk, closed: waiting.len() as u64, waiting: (1..).zip(waiting).collect() };
        Ok(())
    }

    /// All that wait.
    fn take(&mut self) -> VecDeque<Numbered<K>> {
        std::mem::take(&mut self.waiting)
    }

    /// Puts bars that could not be delivered back to their places.
    fn put_back(&mut self, bars: impl IntoIterator<Item = Numbered<K>>) {
        for bar in bars {
            let at = self.waiting.partition_point(|(number, _)| *number < bar.0);
            self.waiting.insert(at, bar);
        }
    }

    fn revises(&self) -> bool {
        self.desk.settings().late == Late::Revise
    }
}

/// The lock; who has to wait for it lets other threads of Python run.
pub fn hold<'a, T>(py: Python<'_>, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
    match mutex.try_lock() {
        Ok(held) => held,
        Err(TryLockError::Poisoned(held)) => held.into_inner(),
        Err(TryLockError::WouldBlock) => mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner),
    }
}

/// Runs `build`, which calls Python, on a bar without the lock; a bar that could not be built waits again.
pub fn deliver<'py, const K: usize>(
    py: Python<'py>,
    instruments: &Mutex<Instruments<K>>,
    next: Option<Numbered<K>>,
    build: impl FnOnce(&(i64, Candle<f64, K>)) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some((number, bar)) = next else { return Ok(None) };
    gate::guard(|| build(&bar)).map(Some).inspect_err(|_| {
        hold(py, instruments).put_back([(number, bar)]);
    })
}

/// As [`deliver`], for all bars: if one of them cannot be built, all of them wait again.
pub fn deliver_all<'py, const K: usize>(
    py: Python<'py>,
    instruments: &Mutex<Instruments<K>>,
    build: impl Fn(&(i64, Candle<f64, K>)) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut taken = gate::stay(|| Ok::<_, BarError>(hold(py, instruments).drain()))?;
    gate::guard(|| taken.iter().map(|(_, bar)| build(bar)).collect())
        .inspect_err(|_| hold(py, instruments).put_back(std::mem::take(&mut taken)))
}

/// Numbers of instruments: one for all rows, or a column.
pub enum Uics<'py> {
    /// The same in each row.
    One(i64),
    /// A column of int64.
    Column(Values<'py, i64>),
}

impl<'py> Uics<'py> {
    /// Takes an int, or a column of int64, int32 or uint32.
    pub fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(uic) = object.extract::<i64>() {
            return Ok(Self::One(uic));
        }
        let column = Column::new("uic", object)?;
        let wide = match column.kind()? {
            arrow::datatypes::DataType::UInt32 => column.unsigned("uic")?.iter().map(|uic| i64::from(*uic)).collect(),
            arrow::datatypes::DataType::Int32 => column.signed("uic")?.iter().map(|uic| i64::from(*uic)).collect(),
            _ => return column.integers("uic").map(Self::Column),
        };
        Ok(Self::Column(Values::Owned(wide)))
    }
}

/// Columns of ticks on their way into the streams.
pub struct Batch<'a, const K: usize> {
    pub uics: &'a Uics<'a>,
    pub ts: &'a [i64],
    pub names: [&'static str; K],
    pub prices: [&'a [f64]; K],
    pub sizes: Option<&'a [f64]>,
}

/// Pushes the rows with the GIL released; the table of all bars that they closed.
pub fn push_columns<'py, const K: usize>(
    py: Python<'py>,
    instruments: &Mutex<Instruments<K>>,
    batch: &Batch<'_, K>,
    prices: &[[&'static str; 4]; K],
) -> PyResult<Bound<'py, PyAny>> {
    let rows = batch.ts.len();
    let same = |column: &'static str, got: usize| {
        if got == rows { Ok(()) } else { Err(Failure::from(BarError::Length { column, got, want: rows })) }
    };
    for (name, values) in batch.names.iter().zip(batch.prices) {
        same(name, values.len())?;
    }
    same("size", batch.sizes.map_or(rows, <[f64]>::len))?;
    let (one, column) = match batch.uics {
        Uics::One(uic) => (Some(*uic), &[][..]),
        Uics::Column(values) => (None, &values[..]),
    };
    same("uic", if one.is_some() { rows } else { column.len() })?;
    let (ts, columns, sizes) = (batch.ts, batch.prices, batch.sizes);
    let taken = gate::enter(py, || {
        let mut instruments = gate::locked(instruments);
        let number = |row: usize| one.or_else(|| column.get(row).copied()).unwrap_or_default();
        let rows = ts.iter().enumerate().map(|(row, ts)| {
            let value = |column: &[f64]| column.get(row).copied().unwrap_or_default();
            (number(row), *ts, columns.map(value), sizes.map_or(0.0, value))
        });
        instruments.push_rows(rows)?;
        Ok::<_, BarError>((instruments.take(), instruments.revises()))
    })?;
    table_of(py, instruments, taken, batch.sizes.is_some() || K == 1, prices)
}

/// Closes all open bars: the table of them and of those that wait.
pub fn flush_columns<'py, const K: usize>(
    py: Python<'py>,
    instruments: &Mutex<Instruments<K>>,
    prices: &[[&'static str; 4]; K],
) -> PyResult<Bound<'py, PyAny>> {
    let taken = gate::enter(py, || {
        let mut instruments = gate::locked(instruments);
        Ok::<_, BarError>((instruments.drain(), instruments.revises()))
    })?;
    table_of(py, instruments, taken, K == 1, prices)
}

/// The table of bars; if it cannot be made they wait again.
fn table_of<'py, const K: usize>(
    py: Python<'py>,
    instruments: &Mutex<Instruments<K>>,
    (mut taken, revises): (VecDeque<Numbered<K>>, bool),
    with_volume: bool,
    prices: &[[&'static str; 4]; K],
) -> PyResult<Bound<'py, PyAny>> {
    gate::guard(|| {
        let bars = || taken.iter().map(|(_, (_, candle))| candle);
        let integers = |values: Vec<i64>| -> arrow::array::ArrayRef { <i64 as table::Cell>::column(values, None) };
        let mut columns: Columns = vec![
            ("uic".to_owned(), integers(taken.iter().map(|(_, (uic, _))| *uic).collect())),
            ("ts".to_owned(), table::stamps(bars().map(|candle| candle.label).collect())),
        ];
        let empty: Vec<bool> = bars().map(|candle| candle.empty).collect();
        for (at, names) in prices.iter().enumerate() {
            let ohlc = bars().filter_map(|candle| candle.series.get(at));
            columns.extend(table::ohlc(*names, columns_of(ohlc), table::nulls(&empty).as_ref()));
        }
        if with_volume {
            let volume = bars().map(|candle| candle.volume).collect();
            columns.push(("volume".to_owned(), <f64 as table::Cell>::column(volume, None)));
        }
        let ticks = bars().map(|candle| i64::try_from(candle.ticks).unwrap_or(i64::MAX)).collect();
        columns.push(("ticks".to_owned(), integers(ticks)));
        if revises {
            columns.push(("revised".to_owned(), table::flags(bars().map(|candle| candle.revised).collect())));
        }
        table::table(py, columns, &[])
    })
    .inspect_err(|_| hold(py, instruments).put_back(std::mem::take(&mut taken)))
}

fn columns_of<'a>(bars: impl Iterator<Item = &'a Ohlc<f64>>) -> OhlcColumns<f64> {
    let mut columns = OhlcColumns::default();
    for bar in bars {
        columns.open.push(bar.open);
        columns.high.push(bar.high);
        columns.low.push(bar.low);
        columns.close.push(bar.close);
    }
    columns
}

/// A column of floats for a batch.
pub fn floats<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Values<'py, f64>> {
    match Column::new(name, object)?.numbers(name)? {
        super::source::Numbers::Floats(values) => Ok(values),
        super::source::Numbers::Fixed(_) => Err(schema_error(format!(
            "column '{name}' is int64, expected float64: builders stream floats, convert it first"
        ))),
    }
}
