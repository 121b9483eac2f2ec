//! Which rows a scan is for: whole files and row groups are told by what is known of them, rows by looking.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowPredicate, ArrowPredicateFn, RowFilter};
use parquet::errors::ParquetError;

use crate::LakeError;
use crate::dataset::declare::Declaration;
use crate::dataset::manifest::FileEntry;
use crate::dataset::parquet_file::{ParquetFile, calm};
use crate::dataset::rows::{bucket, nanoseconds};
use crate::dataset::scan::{Query, ScanStats};
use crate::dataset::{Day, Group};

/// A query, made ready for a dataset.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    time: String,
    symbol: Option<String>,
    /// UTC nanoseconds, from the first up to before the second.
    pub from: i64,
    pub to: i64,
    wanted: Option<Wanted>,
    buckets: HashSet<u32>,
}

#[derive(Debug, Clone)]
struct Wanted {
    names: HashSet<String>,
    /// The same as numbers, where the column has numbers.
    numbers: HashSet<i64>,
}

impl Filter {
    pub(crate) fn new(query: &Query, declaration: &Declaration) -> Result<Self, LakeError> {
        let refuse = |what: String| LakeError::Rows { dataset: declaration.name.clone(), what };
        let wanted = match (&query.symbols, &declaration.symbol) {
            (Some(_), None) => {
                return Err(refuse("symbols were asked for, and no column is declared as the symbol".into()));
            }
            (Some(names), Some(column)) => {
                let kind = declaration.schema.field_with_name(column).map(|field| field.data_type().clone());
                let mut numbers = HashSet::new();
                if kind.is_ok_and(|kind| kind.is_integer()) {
                    for name in names {
                        numbers.insert(name.parse().map_err(|_| {
                            refuse(format!("symbol {name:?} is no whole number, and '{column}' holds whole numbers"))
                        })?);
                    }
                }
                Some(Wanted { names: names.iter().cloned().collect(), numbers })
            }
            (None, _) => None,
        };
        let buckets = query.symbols.iter().flatten().map(|name| bucket(name, declaration.buckets)).collect();
        Ok(Self {
            time: declaration.time.clone(),
            symbol: declaration.symbol.clone(),
            from: query.from.unwrap_or(i64::MIN),
            to: query.to.unwrap_or(i64::MAX),
            wanted,
            buckets,
        })
    }

    pub(crate) fn of_day(&self, day: Day) -> bool {
        day.end() > self.from && day.start() < self.to
    }

    pub(crate) const fn of_span(&self, first: i64, last: i64) -> bool {
        last >= self.from && first < self.to
    }

    /// Whether a file may have rows that are asked for.
    pub(crate) fn of_file(&self, entry: &FileEntry) -> bool {
        let Some(wanted) = &self.wanted else { return self.of_span(entry.first, entry.last) };
        let of_group = match &entry.group {
            Group::All => true,
            Group::Bucket(bucket) => self.buckets.contains(bucket),
            Group::Symbol(symbol) => wanted.names.contains(symbol),
        };
        let listed = entry.symbols.as_ref().is_none_or(|has| has.iter().any(|name| wanted.names.contains(name)));
        of_group && listed && self.of_span(entry.first, entry.last)
    }

    /// Whether a column decides about rows.
    pub(crate) fn looks_at_rows(&self, first: i64, last: i64) -> bool {
        self.wanted.is_some() || first < self.from || last >= self.to
    }

    /// The row groups of a file that may have such rows.
    pub(crate) fn groups(&self, file: &ParquetFile, stats: &mut ScanStats) -> Result<Vec<usize>, LakeError> {
        let failed = |error: ParquetError| file.damaged(&error);
        let all = file.groups().count();
        let mut kept: Vec<usize> = (0..all).collect();
        if let Some((least, most, unit)) = self.bounds(file, &self.time).map_err(failed)? {
            let in_time = |group: &usize| {
                let ns = |array: &ArrayRef| {
                    let value = array.as_primitive::<Int64Type>();
                    value.is_valid(*group).then(|| value.value(*group).saturating_mul(unit))
                };
                ns(&least).is_none_or(|first| first < self.to) && ns(&most).is_none_or(|last| last >= self.from)
            };
            kept.retain(in_time);
        }
        if let (Some(wanted), Some(symbol)) = (&self.wanted, &self.symbol) {
            let in_bounds = self.symbol_bounds(file, symbol, wanted).map_err(failed)?;
            kept.retain(|group| in_bounds.get(*group).copied().unwrap_or(true));
            let before = kept.len();
            let mut in_bloom = Vec::new();
            for group in kept {
                if self.in_bloom(file, symbol, wanted, group).map_err(failed)? {
                    in_bloom.push(group);
                }
            }
            stats.bloom_skipped += before - in_bloom.len();
            kept = in_bloom;
        }
        stats.groups += kept.len();
        stats.groups_skipped += all - kept.len();
        Ok(kept)
    }

    /// Least and most of a time column by row group, as Int64, and the unit.
    fn bounds(&self, file: &ParquetFile, name: &str) -> Result<Option<(ArrayRef, ArrayRef, i64)>, ParquetError> {
        let metadata = file.metadata();
        let of = StatisticsConverter::try_new(name, metadata.schema(), metadata.parquet_schema())?;
        let groups = metadata.metadata().row_groups();
        let number = |array: ArrayRef| {
            let plain = if *array.data_type() == DataType::Date32 { cast(&array, &DataType::Int32) } else { Ok(array) };
            plain.and_then(|plain| cast(&plain, &DataType::Int64)).map_err(ParquetError::from)
        };
        let unit = nanoseconds(of.arrow_field().data_type());
        Ok(Some((number(of.row_group_mins(groups)?)?, number(of.row_group_maxes(groups)?)?, unit)))
    }

    /// For each row group whether one of the symbols lies between its least and its most.
    fn symbol_bounds(&self, file: &ParquetFile, name: &str, wanted: &Wanted) -> Result<Vec<bool>, ParquetError> {
        let metadata = file.metadata();
        let of = StatisticsConverter::try_new(name, metadata.schema(), metadata.parquet_schema())?;
        let groups = metadata.metadata().row_groups();
        let (least, most) = (of.row_group_mins(groups)?, of.row_group_maxes(groups)?);
        if of.arrow_field().data_type().is_integer() {
            let (least, most) = (cast(&least, &DataType::Int64)?, cast(&most, &DataType::Int64)?);
            let (least, most) = (least.as_primitive::<Int64Type>(), most.as_primitive::<Int64Type>());
            let inside = |(low, high): (Option<i64>, Option<i64>)| match low.zip(high) {
                Some((low, high)) => wanted.numbers.iter().any(|number| (low..=high).contains(number)),
                None => true,
            };
            return Ok(least.iter().zip(most).map(inside).collect());
        }
        let (least, most) = (cast(&least, &DataType::Utf8)?, cast(&most, &DataType::Utf8)?);
        let (least, most) = (least.as_string::<i32>(), most.as_string::<i32>());
        // What was cut to fit into the footer is still a bound.
        let inside = |(low, high): (Option<&str>, Option<&str>)| match low.zip(high) {
            Some((low, high)) => wanted.names.iter().any(|name| low <= name.as_str() && name.as_str() <= high),
            None => true,
        };
        Ok(least.iter().zip(most).map(inside).collect())
    }

    fn in_bloom(&self, file: &ParquetFile, name: &str, wanted: &Wanted, group: usize) -> Result<bool, ParquetError> {
        let metadata = file.metadata();
        let columns = metadata.parquet_schema().columns();
        let Some(column) = columns.iter().position(|column| column.name() == name) else { return Ok(true) };
        let integer = metadata.schema().field_with_name(name).map(|field| field.data_type().clone());
        let filter = calm(|| file.builder().get_row_group_column_bloom_filter(group, column))?;
        let Some(filter) = filter else { return Ok(true) };
        Ok(match integer {
            // Hashed as Parquet stores them: 4 bytes up to 32 bits, 8 above.
            Ok(kind) if kind.is_integer() => {
                let wide = matches!(kind, DataType::Int64 | DataType::UInt64);
                wanted.numbers.iter().any(|number| match i32::try_from(*number) {
                    Ok(small) if !wide => filter.check(&small),
                    _ if wide => filter.check(number),
                    // A UInt32 beyond the positive half is stored by its bits.
                    _ => true,
                })
            }
            _ => wanted.names.iter().any(|name| filter.check(name.as_str())),
        })
    }

    /// What looks at the rows of a file.
    pub(crate) fn row_filter(&self, file: &ParquetFile, entry: &FileEntry) -> Result<Option<RowFilter>, LakeError> {
        if !self.looks_at_rows(entry.first, entry.last) {
            return Ok(None);
        }
        let metadata = file.metadata();
        let mask = |name: &str| {
            let root = metadata.schema().index_of(name).map_err(|error| file.damaged(&error.into()))?;
            Ok::<_, LakeError>(ProjectionMask::roots(metadata.parquet_schema(), [root]))
        };
        let mut predicates: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        if let (Some(symbol), Some(_)) = (&self.symbol, &self.wanted) {
            let filter = self.clone();
            predicates
                .push(Box::new(ArrowPredicateFn::new(mask(symbol)?, move |batch| filter.by_symbol(batch.column(0)))));
        }
        if entry.first < self.from || entry.last >= self.to {
            let filter = self.clone();
            predicates
                .push(Box::new(ArrowPredicateFn::new(mask(&self.time)?, move |batch| filter.by_time(batch.column(0)))));
        }
        Ok(Some(RowFilter::new(predicates)))
    }

    pub(crate) fn by_time(&self, column: &ArrayRef) -> Result<BooleanArray, ArrowError> {
        let unit = nanoseconds(column.data_type());
        let plain =
            if *column.data_type() == DataType::Date32 { cast(column, &DataType::Int32)? } else { column.clone() };
        let values = cast(&plain, &DataType::Int64)?;
        let inside =
            |value: Option<i64>| value.is_some_and(|value| (self.from..self.to).contains(&value.saturating_mul(unit)));
        Ok(values.as_primitive::<Int64Type>().iter().map(|value| Some(inside(value))).collect())
    }

    pub(crate) fn by_symbol(&self, column: &ArrayRef) -> Result<BooleanArray, ArrowError> {
        let Some(wanted) = &self.wanted else { return Ok(BooleanArray::from(vec![true; column.len()])) };
        if column.data_type().is_integer() {
            let values = cast(column, &DataType::Int64)?;
            let inside = |value: Option<i64>| value.is_some_and(|value| wanted.numbers.contains(&value));
            return Ok(values.as_primitive::<Int64Type>().iter().map(|value| Some(inside(value))).collect());
        }
        let names = cast(column, &DataType::Utf8)?;
        let mut last = (None, false);
        let inside = |name: Option<&'_ str>| name.is_some_and(|name| wanted.names.contains(name));
        let names = names.as_string::<i32>();
        Ok((0..names.len())
            .map(|row| {
                let name = names.is_valid(row).then(|| names.value(row));
                // Files are sorted by symbol: the next is mostly the same.
                if last.0 != name {
                    last = (name, inside(name));
                }
                Some(last.1)
            })
            .collect())
    }
}
