//! A column of symbols — numbers or text, plain or dictionary — as dense numbers, and back.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int64Array, StringArray, UInt32Array};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type,
};
use exuvia_market::bars::Symbols;
use pyo3::prelude::*;

use super::source::{Column, Values, schema_error};
use crate::failure::Failure;

/// The symbols of all rows.
pub struct SymbolColumn<'py> {
    ids: Ids<'py>,
    names: Names,
    count: usize,
    order: Vec<u32>,
}

enum Ids<'py> {
    Borrowed(Values<'py, u32>),
    Owned(Vec<u32>),
}

impl Names {
    /// The name of a number.
    pub fn of(&self, id: u32) -> String {
        match self {
            Self::Dense(_) => id.to_string(),
            Self::Numbers(_, numbers) => numbers.get(id as usize).map_or_else(String::new, ToString::to_string),
            Self::Texts(texts) => texts.get(id as usize).map_or_else(String::new, |text| format!("{text:?}")),
        }
    }
}

/// What the numbers stand for.
pub enum Names {
    /// Themselves, in a column of this type.
    Dense(DataType),
    /// Numbers, in a column of this type.
    Numbers(DataType, Vec<i64>),
    /// Text.
    Texts(Vec<String>),
}

impl Deref for Ids<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Borrowed(values) => values,
            Self::Owned(values) => values,
        }
    }
}

impl<'py> SymbolColumn<'py> {
    /// Takes a column of whole numbers or of text.
    pub fn new(column: Column<'py>, name: &str) -> PyResult<Self> {
        match column.kind()? {
            DataType::UInt32 => {
                let ids = column.unsigned(name)?;
                let greatest = ids.iter().copied().max().unwrap_or_default() as usize;
                if greatest <= most_dense(ids.len()) {
                    let (ids, names) = (Ids::Borrowed(ids), Names::Dense(DataType::UInt32));
                    return Ok(Self { ids, names, count: greatest + 1, order: Vec::new() });
                }
                Ok(Self::numbers(ids.iter().map(|id| i64::from(*id)), ids.len(), DataType::UInt32))
            }
            DataType::Int32 => {
                let ids = column.signed(name)?;
                Ok(Self::numbers(ids.iter().map(|id| i64::from(*id)), ids.len(), DataType::Int32))
            }
            DataType::Int64 => {
                let ids = column.integers(name)?;
                Ok(Self::numbers(ids.iter().copied(), ids.len(), DataType::Int64))
            }
            kind => match column {
                Column::Arrow(_, chunks) => Self::texts(&chunks, name, &kind),
                Column::Numpy(_) => Err(wrong(name, &kind)),
            },
        }
    }

    fn numbers(values: impl Iterator<Item = i64> + Clone, rows: usize, kind: DataType) -> Self {
        let (least, greatest) = values.clone().fold((0, 0), |(low, high), value| (value.min(low), value.max(high)));
        let dense = usize::try_from(greatest).ok().filter(|greatest| least == 0 && *greatest <= most_dense(rows));
        if let Some(greatest) = dense {
            let ids = values.map(|value| u32::try_from(value).unwrap_or_default()).collect();
            return Self { ids: Ids::Owned(ids), names: Names::Dense(kind), count: greatest + 1, order: Vec::new() };
        }
        let (mut known, mut names, mut last) = (HashMap::new(), Vec::new(), None);
        let ids: Vec<u32> = values
            .map(|value| match last {
                Some((before, id)) if before == value => id,
                _ => {
                    let id = *known.entry(value).or_insert_with(|| next(&mut names, value));
                    last = Some((value, id));
                    id
                }
            })
            .collect();
        let order = sorted(&names);
        Self { ids: Ids::Owned(ids), count: names.len(), names: Names::Numbers(kind, names), order }
    }

    fn texts(chunks: &[ArrayRef], name: &str, kind: &DataType) -> PyResult<Self> {
        let mut interner = Interner::default();
        let mut ids = Vec::with_capacity(chunks.iter().map(Array::len).sum());
        for chunk in chunks {
            if chunk.logical_null_count() > 0 {
                let at = (0..chunk.len()).find(|at| chunk.is_null(*at)).unwrap_or_default();
                return Err(null(name, ids.len() + at));
            }
            match chunk.data_type() {
                DataType::Utf8 => {
                    let texts = chunk.as_string::<i32>();
                    ids.extend((0..texts.len()).map(|at| interner.id(texts.value(at))));
                }
                DataType::LargeUtf8 => {
                    let texts = chunk.as_string::<i64>();
                    ids.extend((0..texts.len()).map(|at| interner.id(texts.value(at))));
                }
                DataType::Utf8View => {
                    let texts = chunk.as_string_view();
                    ids.extend((0..texts.len()).map(|at| interner.id(texts.value(at))));
                }
                DataType::Dictionary(key, _) => {
                    let found = match key.as_ref() {
                        DataType::Int8 => dictionary::<Int8Type>(chunk, &mut interner),
                        DataType::Int16 => dictionary::<Int16Type>(chunk, &mut interner),
                        DataType::Int32 => dictionary::<Int32Type>(chunk, &mut interner),
                        DataType::Int64 => dictionary::<Int64Type>(chunk, &mut interner),
                        DataType::UInt8 => dictionary::<UInt8Type>(chunk, &mut interner),
                        DataType::UInt16 => dictionary::<UInt16Type>(chunk, &mut interner),
                        DataType::UInt32 => dictionary::<UInt32Type>(chunk, &mut interner),
                        _ => None,
                    };
                    ids.extend(found.ok_or_else(|| wrong(name, kind))?);
                }
                _ => return Err(wrong(name, kind)),
            }
        }
        let names = interner.names;
        let order = sorted(&names);
        Ok(Self { ids: Ids::Owned(ids), count: names.len(), names: Names::Texts(names), order })
    }

    /// The symbols as a feed has them.
    pub fn symbols<'a>(&'a self, names: &'a (dyn Fn(u32) -> String + Sync)) -> Symbols<'a> {
        Symbols { ids: &self.ids, names, count: self.count, order: &self.order }
    }

    /// What the numbers stand for.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The column of bars.
    pub fn column(&self, ids: &[u32]) -> ArrayRef {
        let numbers = |kind: &DataType, value: &dyn Fn(u32) -> i64| -> ArrayRef {
            let values = ids.iter().map(|id| value(*id));
            match kind {
                DataType::UInt32 => {
                    Arc::new(values.map(|value| u32::try_from(value).unwrap_or_default()).collect::<UInt32Array>())
                }
                DataType::Int32 => {
                    Arc::new(values.map(|value| i32::try_from(value).unwrap_or_default()).collect::<Int32Array>())
                }
                _ => Arc::new(values.collect::<Int64Array>()),
            }
        };
        match &self.names {
            Names::Dense(DataType::UInt32) => Arc::new(UInt32Array::from(ids.to_vec())),
            Names::Dense(kind) => numbers(kind, &|id| i64::from(id)),
            Names::Numbers(kind, known) => numbers(kind, &|id| known.get(id as usize).copied().unwrap_or_default()),
            Names::Texts(known) => {
                let texts = ids.iter().map(|id| known.get(*id as usize).map_or("", String::as_str));
                Arc::new(StringArray::from_iter_values(texts))
            }
        }
    }
}

/// Numbers up to here index tables; above, the table would be longer than the work.
fn most_dense(rows: usize) -> usize {
    (rows / 4).clamp(1 << 16, 1 << 24)
}

fn next<T>(names: &mut Vec<T>, name: T) -> u32 {
    let id = u32::try_from(names.len()).unwrap_or(u32::MAX);
    names.push(name);
    id
}

fn sorted<T: Ord>(names: &[T]) -> Vec<u32> {
    let mut order: Vec<u32> = (0_u32..).take(names.len()).collect();
    order.sort_unstable_by_key(|id| names.get(*id as usize));
    order
}

fn wrong(name: &str, kind: &DataType) -> PyErr {
    schema_error(format!(
        "column '{name}' is {kind}, expected symbols as uint32, int32, int64 or Arrow text: pyarrow.array(…) makes such text"
    ))
}

fn null(name: &str, row: usize) -> PyErr {
    Failure::text("BarError", format!("column '{name}' is null in row {row}: drop or fill such rows first")).into()
}

/// The numbers of a dictionary's rows; only its distinct texts are looked up. `None` if it is not of text.
fn dictionary<K: ArrowDictionaryKeyType>(chunk: &ArrayRef, interner: &mut Interner) -> Option<Vec<u32>> {
    let array: &DictionaryArray<K> = chunk.as_dictionary_opt::<K>()?;
    let values = array.values();
    let ids: Vec<u32> = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().map(|text| interner.id(text.unwrap_or_default())).collect(),
        DataType::LargeUtf8 => {
            values.as_string::<i64>().iter().map(|text| interner.id(text.unwrap_or_default())).collect()
        }
        DataType::Utf8View => {
            values.as_string_view().iter().map(|text| interner.id(text.unwrap_or_default())).collect()
        }
        _ => return None,
    };
    Some(array.keys().values().iter().map(|key| ids.get(key.as_usize()).copied().unwrap_or_default()).collect())
}

/// Dense numbers for texts, in order of first sight: open addressing with the texts' own bytes.
struct Interner {
    names: Vec<String>,
    hashes: Vec<u64>,
    /// Numbers plus one; 0 is free. Its length is a power of two.
    table: Vec<u32>,
}

impl Default for Interner {
    fn default() -> Self {
        Self { names: Vec::new(), hashes: Vec::new(), table: vec![0; 64] }
    }
}

impl Interner {
    #[inline]
    fn id(&mut self, text: &str) -> u32 {
        let hash = hash_of(text.as_bytes());
        let mask = self.table.len() - 1;
        let mut at = usize::try_from(hash >> 20).unwrap_or_default() & mask;
        loop {
            match self.table.get(at) {
                Some(0) | None => return self.add(text, hash, at),
                Some(found) => {
                    let id = *found - 1;
                    let same = self.hashes.get(id as usize) == Some(&hash);
                    if same && self.names.get(id as usize).is_some_and(|name| name == text) {
                        return id;
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, text: &str, hash: u64, at: usize) -> u32 {
        let id = next(&mut self.names, text.to_owned());
        self.hashes.push(hash);
        if let Some(place) = self.table.get_mut(at) {
            *place = id + 1;
        }
        if self.names.len() * 4 > self.table.len() * 3 {
            self.grow();
        }
        id
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 4 - 1;
        self.table = vec![0; mask + 1];
        for (id, hash) in (1_u32..).zip(&self.hashes) {
            let mut at = usize::try_from(*hash >> 20).unwrap_or_default() & mask;
            while self.table.get(at).is_some_and(|place| *place != 0) {
                at = (at + 1) & mask;
            }
            if let Some(place) = self.table.get_mut(at) {
                *place = id;
            }
        }
    }
}

/// A multiplication for each eight bytes: short texts are hashed in a few cycles.
#[inline]
fn hash_of(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let tail = rest.iter().rev().fold(0_u64, |tail, byte| (tail << 8) | u64::from(*byte));
    let hash = mix(hash, tail);
    hash ^ (hash >> 29)
}
