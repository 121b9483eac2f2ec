//! Bars of bid and ask as columns: what the aggregation makes and the lake keeps.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, TimestampNanosecondArray};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampNanosecondType,
};
use arrow::record_batch::RecordBatch;

use crate::writable::each_name_once;
use crate::{LakeError, Table, cast_table, expect_schema};

/// Names of the eight price columns in their order in the file.
pub const BAR_PRICES: [&str; 8] =
    ["bid_open", "bid_high", "bid_low", "bid_close", "ask_open", "ask_high", "ask_low", "ask_close"];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut fields = vec![Field::new("uic", DataType::Int32, false), Field::new("ts", utc, false)];
    fields.extend(BAR_PRICES.map(|name| Field::new(name, DataType::Float64, false)));
    fields.push(Field::new("ticks", DataType::Int64, false));
    Arc::new(Schema::new(fields))
});

/// The schema of bar files: `uic` int32, `ts` timestamp[ns, UTC] (start of the bar), bid and ask open, high,
/// low, close as float64, `ticks` int64; no column may have nulls.
#[must_use]
pub fn bars_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Bars as plain columns of equal length.
///
/// ```
/// use exuvia_lake::BarColumns;
/// let mut bars = BarColumns::default();
/// bars.push(21, 0, [1.0, 1.2, 0.9, 1.1, 1.1, 1.3, 1.0, 1.2], 7);
/// let batch = bars.into_batch()?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (1, 11));
/// # Ok::<(), exuvia_lake::LakeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BarColumns {
    /// Instrument.
    pub uic: Vec<i32>,
    /// Start of the bar, UTC nanoseconds.
    pub ts: Vec<i64>,
    /// Bid open, high, low, close, ask open, high, low, close.
    pub prices: [Vec<f64>; 8],
    /// Quotes in the bar.
    pub ticks: Vec<i64>,
}

impl BarColumns {
    /// Empty columns with room for `rows`.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            uic: Vec::with_capacity(rows),
            ts: Vec::with_capacity(rows),
            prices: std::array::from_fn(|_| Vec::with_capacity(rows)),
            ticks: Vec::with_capacity(rows),
        }
    }

    /// Appends a bar.
    pub fn push(&mut self, uic: i32, ts: i64, prices: [f64; 8], ticks: i64) {
        self.uic.push(uic);
        self.ts.push(ts);
        for (column, price) in self.prices.iter_mut().zip(prices) {
            column.push(price);
        }
        self.ticks.push(ticks);
    }

    /// How many bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uic.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uic.is_empty()
    }

    /// Whether the bars are in order of instrument and time.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.uic.iter().zip(&self.ts).is_sorted()
    }

    /// The columns as a record batch of [`bars_schema`]; the vectors become its buffers, nothing is copied.
    ///
    /// # Errors
    /// [`LakeError::Ragged`] if the columns are not equally long.
    pub fn into_batch(self) -> Result<RecordBatch, LakeError> {
        let expected = self.uic.len();
        let lengths = [("ts", self.ts.len()), ("ticks", self.ticks.len())];
        let prices = BAR_PRICES.into_iter().zip(self.prices.iter().map(Vec::len));
        for (column, length) in lengths.into_iter().chain(prices) {
            if length != expected {
                return Err(LakeError::Ragged { column, length, first: "uic", expected });
            }
        }
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(self.uic)),
            Arc::new(TimestampNanosecondArray::from(self.ts).with_timezone("UTC")),
        ];
        columns.extend(self.prices.map(|prices| Arc::new(Float64Array::from(prices)) as ArrayRef));
        columns.push(Arc::new(Int64Array::from(self.ticks)));
        RecordBatch::try_new(bars_schema(), columns).map_err(|error| LakeError::Encode(error.to_string()))
    }

    /// The bars of a table that is to be written.
    ///
    /// # Errors
    /// [`LakeError::Duplicate`]; [`LakeError::NotBars`] for a column of another type; otherwise those of [`expect_schema`].
    pub fn of_table(table: &Table) -> Result<Self, LakeError> {
        each_name_once(&table.schema)?;
        let table = cast_table("to be written", table, &bars_schema(), false).map_err(|error| match error {
            LakeError::WrongType { column, found, expected, .. } => LakeError::NotBars { column, found, expected },
            other => other,
        })?;
        Self::from_batches("to be written", &table.batches)
    }

    /// The columns of record batches that have [`bars_schema`], one after the other.
    ///
    /// # Errors
    /// Those of [`expect_schema`]; `file` is the name in the message.
    pub fn from_batches(file: &str, batches: &[RecordBatch]) -> Result<Self, LakeError> {
        let mut bars = Self::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            let batch = expect_schema(file, batch, &bars_schema(), false)?;
            let mut columns = batch.columns().iter();
            let mut next = || columns.next().map(|column| column as &dyn Array);
            // The schema has been checked, so every column is there and of its type.
            if let Some(uic) = next() {
                bars.uic.extend_from_slice(uic.as_primitive::<Int32Type>().values());
            }
            if let Some(ts) = next() {
                bars.ts.extend_from_slice(ts.as_primitive::<TimestampNanosecondType>().values());
            }
            for prices in &mut bars.prices {
                if let Some(column) = next() {
                    prices.extend_from_slice(column.as_primitive::<Float64Type>().values());
                }
            }
            if let Some(ticks) = next() {
                bars.ticks.extend_from_slice(ticks.as_primitive::<Int64Type>().values());
            }
        }
        Ok(bars)
    }
}
