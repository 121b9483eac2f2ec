//! The lake's promises: a committed row is found, a torn file is never seen, no bit is changed, and every
//! refusal says what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use exuvia_lake::{
    BarColumns, Compression, EncodeOptions, LakeError, Table, bars_path, bars_schema, compare_folders,
    compare_parquet_bytes, compare_tables, decode_parquet, encode_bars, encode_parquet, expect_schema, is_temporary,
    read_parquet, sweep, write_atomic, write_bars,
};
use exuvia_ports::{Create, Files, FilesError, SimFault, SimFiles, Survives, Xoshiro256};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

const ZSTD: Compression = Compression::Zstd(3);

fn some_bars(rows: usize, seed: u64) -> BarColumns {
    let mut dice = Xoshiro256::seeded(seed);
    let mut bars = BarColumns::default();
    for row in 0..rows {
        let prices = std::array::from_fn(|_| 1.0 + dice.unit());
        bars.push(21, row as i64 * 60_000_000_000, prices, dice.below(50) as i64 + 1);
    }
    bars
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn read_bars(files: &dyn Files, path: &Path) -> Result<BarColumns, LakeError> {
    let table = read_parquet(files, path, None)?;
    BarColumns::from_batches(&path.display().to_string(), &table.batches)
}

fn ways_to_survive() -> Vec<Survives> {
    let fixed = [Survives::Nothing, Survives::Everything, Survives::Names, Survives::Data];
    fixed.into_iter().chain((0..16).map(|seed| Survives::Some { seed })).collect()
}

/// How many changing operations `work` needs on a disk that `prepare` made.
fn operations(prepare: &dyn Fn(&SimFiles), work: &dyn Fn(&SimFiles)) -> (u64, u64) {
    let files = SimFiles::new();
    prepare(&files);
    let before = files.operations();
    work(&files);
    (before, files.operations())
}

#[test]
fn after_a_power_cut_at_any_operation_the_old_or_the_new_file_is_whole() {
    let path = Path::new("/lake/state.json");
    // More than one chunk, so that the cut also falls between two writes.
    let (old, new) = (vec![b'o'; 100], vec![b'n'; (1 << 20) + 100]);
    for had_old in [false, true] {
        let prepare = |files: &SimFiles| {
            if had_old {
                write_atomic(files, path, &old, false).unwrap();
            }
        };
        let (from, to) = operations(&prepare, &|files| write_atomic(files, path, &new, false).unwrap());
        assert!(to - from >= 6, "create, two writes, sync, rename, sync_dir: {}", to - from);
        for at in from..=to {
            for survives in ways_to_survive() {
                let files = SimFiles::new();
                prepare(&files);
                files.fault_at(at, SimFault::PowerCut);
                let committed = write_atomic(&files, path, &new, false).is_ok();
                assert_eq!(committed, at == to);
                files.power_on(survives);
                match files.read(path) {
                    Ok(bytes) if bytes == new => {}
                    Ok(bytes) if bytes == old && had_old && !committed => {}
                    Err(error) if error.is_not_found() && !had_old && !committed => {}
                    other => panic!("operation {at}, {survives:?}: {:?}", other.map(|bytes| bytes.len())),
                }
                if files.exists(Path::new("/lake")) {
                    sweep(&files, Path::new("/lake")).unwrap();
                    assert!(!files.list(Path::new("/lake")).unwrap().iter().any(|path| is_temporary(path)));
                }
            }
        }
    }
}

#[test]
fn every_committed_row_is_found_after_a_power_cut_at_any_operation() {
    let root = Path::new("/data/lake");
    let days = ["2026-02-03", "2026-02-03", "2026-02-04", "2026-02-05"];
    let write = |files: &SimFiles, number: usize| {
        let name = format!("bars_{number}m");
        write_bars(files, root, days[number], &name, some_bars(5 + number, number as u64), ZSTD)
    };
    let (from, to) = operations(&|_| {}, &|files| {
        for number in 0..days.len() {
            write(files, number).unwrap();
        }
    });
    for at in from..to {
        for survives in ways_to_survive() {
            let files = SimFiles::new();
            files.fault_at(at, SimFault::PowerCut);
            let committed: Vec<PathBuf> = (0..days.len()).map_while(|number| write(&files, number).ok()).collect();
            assert!(committed.len() < days.len());
            files.power_on(survives);
            for (number, path) in committed.iter().enumerate() {
                let bars = read_bars(&files, path).unwrap_or_else(|error| panic!("{at} {survives:?}: {error}"));
                assert_eq!(bars, some_bars(5 + number, number as u64));
            }
        }
    }
}

#[test]
fn a_failed_write_changes_nothing_and_can_be_repeated() {
    let path = Path::new("/lake/a.parquet");
    let prepare = |files: &SimFiles| write_atomic(files, path, b"old", false).unwrap();
    let (from, to) = operations(&prepare, &|files| write_atomic(files, path, b"new", false).unwrap());
    for fault in [SimFault::Error, SimFault::Full] {
        for at in from..to {
            let files = SimFiles::new();
            prepare(&files);
            files.fault_at(at, fault);
            let failed = write_atomic(&files, path, b"new", false).is_err();
            let last = at == to - 1;
            // Syncing the folder needs no space, so a full disk cannot fail it.
            assert_eq!(failed, !(last && fault == SimFault::Full), "{fault:?} at {at}");
            assert_eq!(files.read(path).unwrap(), if last { b"new" } else { b"old" });
            assert_eq!(files.list(Path::new("/lake")).unwrap(), [path], "the temporary file is gone");
            files.power_on(Survives::Everything);
            write_atomic(&files, path, b"newer", false).unwrap();
            assert_eq!(files.read(path).unwrap(), b"newer");
        }
    }
}

#[test]
fn a_full_disk_is_named_and_keeps_the_old_file() {
    let files = SimFiles::new();
    let path = Path::new("/a.parquet");
    write_atomic(&files, path, &[1; 100], false).unwrap();
    files.set_capacity(Some(150));
    let error = write_atomic(&files, path, &[2; 100], false).unwrap_err();
    assert!(matches!(error, LakeError::Files(FilesError::Full { .. })), "{error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(files.read(path).unwrap(), [1; 100]);
}

#[test]
fn writers_of_one_file_use_different_temporary_files() {
    let files = SimFiles::new();
    let left = Path::new("/.a.parquet.0.tmp");
    files.create(left, Create::default()).unwrap().write(b"of another writer").unwrap();
    write_atomic(&files, Path::new("/a.parquet"), b"mine", false).unwrap();
    assert_eq!(files.read(left).unwrap(), b"of another writer");
    assert_eq!(files.read(Path::new("/a.parquet")).unwrap(), b"mine");
}

#[test]
fn a_sweep_takes_temporary_files_and_nothing_else() {
    let files = SimFiles::new();
    let day = Path::new("/lake/date=2026-02-03");
    files.create_dir_all(day).unwrap();
    let kept = [".hidden", ".x.tmp", "a.parquet", "b.0.tmp", "notes.tmp"].map(|name| day.join(name));
    let swept = [".a.parquet.0.tmp", ".a.parquet.17.tmp"].map(|name| day.join(name));
    for path in kept.iter().chain(&swept) {
        files.create(path, Create::default()).unwrap();
    }
    assert_eq!(sweep(&files, Path::new("/lake")).unwrap(), swept);
    assert_eq!(files.list(day).unwrap(), kept);
    assert!(sweep(&files, Path::new("/nowhere")).unwrap_err().is_not_found());
}

#[test]
fn so_many_leftovers_ask_for_a_sweep() {
    let files = SimFiles::new();
    for number in 0..1_000 {
        files.create(Path::new(&format!("/.a.{number}.tmp")), Create::default()).unwrap();
    }
    let error = write_atomic(&files, Path::new("/a"), b"", false).unwrap_err();
    assert!(error.to_string().contains("call sweep"), "{error}");
    sweep(&files, Path::new("/")).unwrap();
    write_atomic(&files, Path::new("/a"), b"", false).unwrap();
}

#[test]
fn plain_columns_become_arrow_buffers_without_a_copy() {
    let bars = some_bars(100, 1);
    let addresses = (bars.prices[3].as_ptr(), bars.ticks.as_ptr());
    let batch = bars.into_batch().unwrap();
    let close = batch.column_by_name("bid_close").unwrap().as_primitive::<Float64Type>().values().as_ptr();
    let ticks = batch.column_by_name("ticks").unwrap().as_primitive::<Int64Type>().values().as_ptr();
    assert_eq!((close, ticks), addresses);
}

#[test]
fn bars_are_empty_until_one_is_pushed() {
    let mut bars = BarColumns::default();
    assert_eq!((bars.is_empty(), bars.len()), (true, 0));
    bars.push(21, 60, [1.0; 8], 1);
    assert_eq!((bars.is_empty(), bars.len()), (false, 1));
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let mut bars = some_bars(3, 1);
    bars.prices[7].pop();
    let error = bars.into_batch().unwrap_err();
    assert_eq!(
        error.to_string(),
        "column 'ask_close' has 2 values and column 'uic' has 3: all columns of a table must be equally long"
    );
}

#[test]
fn a_file_names_its_maker_its_order_and_its_statistics() {
    let bytes = Bytes::from(encode_bars(some_bars(50, 2), ZSTD).unwrap());
    let reader = SerializedFileReader::new(bytes).unwrap();
    let footer = reader.metadata();
    assert_eq!(footer.file_metadata().created_by(), Some(concat!("exuvia version ", env!("CARGO_PKG_VERSION"))));
    let group = footer.row_group(0);
    let order: Vec<i32> = group.sorting_columns().unwrap().iter().map(|sorting| sorting.column_idx).collect();
    assert_eq!(order, [0, 1]);
    assert!(
        group.columns().iter().all(|column| column.statistics().is_some_and(|found| found.min_bytes_opt().is_some()))
    );

    let mut unsorted = some_bars(2, 2);
    unsorted.ts.reverse();
    let reader = SerializedFileReader::new(Bytes::from(encode_bars(unsorted, ZSTD).unwrap())).unwrap();
    assert!(reader.metadata().row_group(0).sorting_columns().is_none());
}

#[test]
fn an_order_that_is_declared_is_checked() {
    let table = Table::from(batch(vec![
        ("a", Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(2)])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec!["x", "y", "a"])) as ArrayRef),
    ]));
    let sorted_by = |names: &[&str]| EncodeOptions {
        sorted_by: names.iter().map(ToString::to_string).collect(),
        ..EncodeOptions::default()
    };
    encode_parquet(&table, &sorted_by(&["a", "b"])).unwrap();
    let error = encode_parquet(&table, &sorted_by(&["b"])).unwrap_err();
    assert!(matches!(error, LakeError::NotSorted { row: 2, .. }), "{error}");
    assert!(matches!(encode_parquet(&table, &sorted_by(&["c"])), Err(LakeError::MissingColumn { .. })));
}

#[test]
fn the_same_table_gives_the_same_bytes_and_metadata_in_order() {
    let metadata: BTreeMap<String, String> =
        [("zone", "UTC"), ("bot", "legacy")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let options = EncodeOptions { metadata, ..EncodeOptions::default() };
    let table = Table::from(some_bars(10, 3).into_batch().unwrap());
    let bytes = encode_parquet(&table, &options).unwrap();
    assert_eq!(bytes, encode_parquet(&table, &options).unwrap());
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let found = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let keys: Vec<&str> = found.iter().map(|pair| pair.key.as_str()).filter(|key| *key != "ARROW:schema").collect();
    assert_eq!(keys, ["bot", "zone"]);
}

#[test]
fn every_prefix_of_a_file_is_refused_and_says_why() {
    let bytes = Bytes::from(encode_bars(some_bars(20, 4), ZSTD).unwrap());
    for length in 0..bytes.len() {
        let error = decode_parquet("2026-02-03.parquet", bytes.slice(..length), None).unwrap_err();
        assert!(matches!(error, LakeError::NoFooter { .. }), "{length}: {error}");
    }
    let error = decode_parquet("x.parquet", bytes.slice(..100), None).unwrap_err().to_string();
    assert!(error.starts_with("parquet file x.parquet has 100 bytes and no footer: it is half-written"), "{error}");
    let error = decode_parquet("x.csv", Bytes::from_static(b"ts,bid\n1,2\n1,2\n"), None).unwrap_err().to_string();
    assert_eq!(error, "x.csv is not a Parquet file: it begins with \"ts,b\", not with \"PAR1\"");
}

#[test]
fn a_damaged_file_is_an_error_or_a_table_but_never_a_panic() {
    let bytes = encode_bars(some_bars(40, 5), ZSTD).unwrap();
    let mut dice = Xoshiro256::seeded(11);
    std::panic::set_hook(Box::new(|_| {}));
    let mut refused = 0;
    for _ in 0..3_000 {
        let mut broken = bytes.clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(broken.len() as u64) as usize;
            broken[at] ^= 1 << dice.below(8);
        }
        refused += usize::from(decode_parquet("x.parquet", broken, None).is_err());
    }
    let _ = std::panic::take_hook();
    assert!(refused > 1_000, "{refused}");
}

/// In the footer stand the name of the column, as one text, and then the codec: 1 is Snappy, 3 is LZO.
#[test]
fn a_codec_that_no_decoder_has_is_named_and_not_called_damage() {
    let table = Table::from(batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]));
    let options = EncodeOptions { compression: Compression::Snappy, ..EncodeOptions::default() };
    let mut bytes = encode_parquet(&table, &options).unwrap();
    let snappy = b"\x18\x01a\x15\x02";
    let at = bytes.windows(snappy.len()).position(|window| window == snappy).unwrap();
    bytes[at + 4] = 6;
    let refused = decode_parquet("x", bytes, None).unwrap_err();
    assert!(matches!(refused, LakeError::Unsupported { .. }), "{refused}");
    assert!(refused.to_string().contains("LZO") && !refused.to_string().contains("backup"), "{refused}");
}

#[test]
fn a_column_of_another_type_is_named_with_both_types_and_the_remedy() {
    let schema = Arc::new(Schema::new(vec![Field::new("close", DataType::Float64, false)]));
    let text = batch(vec![("close", Arc::new(StringArray::from(vec!["1.0825", "1.5"])) as ArrayRef)]);
    let error = expect_schema("2026-11-20.parquet", &text, &schema, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parquet file 2026-11-20.parquet has column 'close' as Utf8, expected Float64: it was written by another tool; pass cast=True to convert"
    );
    let cast = expect_schema("x", &text, &schema, true).unwrap();
    assert_eq!(cast.column(0).as_primitive::<Float64Type>().values(), &[1.0825, 1.5]);
}

#[test]
fn a_conversion_never_changes_a_value() {
    let check = |column: ArrayRef, to: DataType| {
        let schema = Arc::new(Schema::new(vec![Field::new("a", to, true)]));
        expect_schema("x.parquet", &batch(vec![("a", column)]), &schema, true).map(|batch| batch.num_rows())
    };
    let floats = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    assert_eq!(check(floats(vec![1.0, -2.0]), DataType::Int64).unwrap(), 2);
    let error = check(floats(vec![1.0, 1.5]), DataType::Int64).unwrap_err();
    assert!(error.to_string().ends_with("value 1.5 in row 1 would change"), "{error}");
    assert!(check(floats(vec![f64::NAN]), DataType::Int64).is_err());
    let big = Arc::new(Int64Array::from(vec![(1 << 53) + 1]));
    assert!(check(big.clone(), DataType::Float64).is_err());
    assert!(check(big, DataType::Int32).is_err());
    assert!(check(Arc::new(StringArray::from(vec!["1,5"])), DataType::Float64).is_err());
    assert_eq!(check(Arc::new(Int32Array::from(vec![7])), DataType::Int64).unwrap(), 1);
}

#[test]
fn missing_and_unexpected_columns_and_nulls_are_named() {
    let schema =
        Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false), Field::new("b", DataType::Int64, false)]));
    let column = |values: Vec<Option<i64>>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let message = |columns| expect_schema("x", &batch(columns), &schema, true).unwrap_err().to_string();
    let full = column(vec![Some(1), Some(2)]);
    assert!(message(vec![("a", full.clone())]).contains("no column 'b': it has 'a'"));
    let extra = message(vec![("a", full.clone()), ("b", full.clone()), ("c", full.clone())]);
    assert!(extra.contains("'c', which the schema does not have: select the schema's columns"), "{extra}");
    let nulls = message(vec![("a", full.clone()), ("b", column(vec![Some(1), None]))]);
    assert!(nulls.contains("has 1 null(s) in column 'b', the first in row 1"), "{nulls}");
    let nullable_without_nulls = batch(vec![("b", full.clone()), ("a", full)]);
    let passed = expect_schema("x", &nullable_without_nulls, &schema, false).unwrap();
    assert_eq!(passed.schema(), schema, "in the schema's order");
}

#[test]
fn chosen_columns_come_in_the_order_in_which_they_were_asked_for() {
    let bytes = Bytes::from(encode_bars(some_bars(3, 6), ZSTD).unwrap());
    let names = ["ticks", "uic"].map(str::to_owned);
    let table = decode_parquet("x", bytes.clone(), Some(&names)).unwrap();
    let got: Vec<&String> = table.schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(got, ["ticks", "uic"]);
    assert_eq!(table.rows(), 3);
    let error = decode_parquet("x", bytes, Some(&["volume".to_owned()])).unwrap_err();
    assert!(error.to_string().contains("no column 'volume': it has 'uic', 'ts'"), "{error}");
}

#[test]
fn paths_of_the_lake_are_dates_and_names() {
    let root = Path::new("/lake");
    assert_eq!(bars_path(root, "2026-02-03", "bars_1m").unwrap(), Path::new("/lake/date=2026-02-03/bars_1m.parquet"));
    for (day, name) in
        [("2026-2-3", "a"), ("2026-02-30", "a"), ("../../etc", "a"), ("2026-02-03", "../a"), ("2026-02-03", "")]
    {
        assert!(matches!(bars_path(root, day, name), Err(LakeError::BadName { .. })), "{day} {name}");
    }
}

#[test]
fn a_comparison_sees_every_bit_and_says_where() {
    let mut other = some_bars(30, 7);
    other.prices[3][12] = f64::from_bits(other.prices[3][12].to_bits() + 1);
    other.prices[0][20] = -0.0;
    let mut one = some_bars(30, 7);
    one.prices[0][20] = 0.0;
    let bytes = |bars: BarColumns| Bytes::from(encode_bars(bars, ZSTD).unwrap());
    let found = compare_parquet_bytes(bytes(one.clone()), bytes(other), 10).unwrap();
    let paths: Vec<&str> = found.differences.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["$.rows[12].bid_close", "$.rows[20].bid_open"]);
    assert_eq!((found.differences[1].left.as_str(), found.differences[1].right.as_str()), ("0.0", "-0.0"));
    assert_eq!((found.total, found.rows, found.is_equal()), (2, 30, false));
    assert!(compare_parquet_bytes(bytes(one.clone()), bytes(one), 10).unwrap().is_equal());
}

#[test]
fn a_comparison_tells_one_nan_from_another() {
    let table =
        |bits| Table::from(batch(vec![("a", Arc::new(Float64Array::from(vec![f64::from_bits(bits)])) as ArrayRef)]));
    let (one, other) = (table(0x7ff8_0000_0000_0000), table(0x7ff8_0000_0000_0001));
    assert!(compare_tables(&one, &one, 5).unwrap().is_equal());
    let found = compare_tables(&one, &other, 5).unwrap();
    assert_eq!(found.differences[0].right, "NaN (0x7ff8000000000001)");
}

#[test]
fn a_comparison_names_schemas_lengths_and_counts_past_its_limit() {
    let numbers = |name, values: Vec<i64>| batch(vec![(name, Arc::new(Int64Array::from(values)) as ArrayRef)]);
    let found = compare_tables(&numbers("a", vec![1, 2, 3]).into(), &numbers("a", vec![4, 5]).into(), 2).unwrap();
    let paths: Vec<&str> = found.differences.iter().map(|found| found.path.as_str()).collect();
    assert_eq!((paths, found.total), (vec!["$.rows.length", "$.rows[0].a"], 3));
    let two = |names: [&'static str; 2]| {
        let column = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        Table::from(batch(names.map(|name| (name, column.clone())).to_vec()))
    };
    let found = compare_tables(&two(["a", "b"]), &two(["b", "a"]), 9).unwrap();
    assert_eq!((found.total, found.differences[0].path.as_str()), (1, "$.schema"), "the order of columns counts");
    let found = compare_tables(&numbers("a", vec![1]).into(), &numbers("b", vec![1]).into(), 9).unwrap();
    let seen: Vec<(&str, &str, &str)> =
        found.differences.iter().map(|found| (&*found.path, &*found.left, &*found.right)).collect();
    assert_eq!(seen, [("$.schema.a", "Int64 not null", "missing"), ("$.schema.b", "missing", "Int64 not null")]);
}

#[test]
fn how_rows_are_cut_into_batches_makes_no_difference() {
    let whole = some_bars(10, 8).into_batch().unwrap();
    let cut = Table { schema: bars_schema(), batches: vec![whole.slice(0, 3), whole.slice(3, 7)] };
    assert!(compare_tables(&whole.into(), &cut, 5).unwrap().is_equal());
}

#[test]
fn two_lakes_are_compared_file_by_file() {
    let files = SimFiles::new();
    let (a, b) = (Path::new("/a"), Path::new("/b"));
    for (root, seed) in [(a, 1), (b, 1)] {
        write_bars(&files, root, "2026-02-03", "bars_1m", some_bars(5, seed), ZSTD).unwrap();
    }
    assert!(compare_folders(&files, a, b, 5).unwrap().is_equal());
    write_bars(&files, b, "2026-02-04", "bars_1m", some_bars(5, 1), ZSTD).unwrap();
    let mut changed = some_bars(5, 1);
    changed.ticks[2] = 999;
    write_bars(&files, b, "2026-02-03", "bars_1m", changed, ZSTD).unwrap();
    let found = compare_folders(&files, a, b, 5).unwrap();
    let paths: Vec<&str> = found.differences.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(
        paths,
        ["$.files[\"date=2026-02-03/bars_1m.parquet\"].rows[2].ticks", "$.files[\"date=2026-02-04/bars_1m.parquet\"]"]
    );
}

#[test]
fn a_table_without_rows_keeps_its_schema() {
    let bytes = Bytes::from(encode_bars(BarColumns::default(), ZSTD).unwrap());
    let table = decode_parquet("x", bytes, None).unwrap();
    assert_eq!((table.schema.fields(), table.rows()), (bars_schema().fields(), 0));
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX]),
    ]
}

type Row = (i32, i64, [f64; 8], i64);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_bit_of_every_bar_comes_back(
        rows in prop::collection::vec((any::<i32>(), any::<i64>(), prop::array::uniform8(any_float()), any::<i64>()), 0..60),
        codec in prop::sample::select(vec![Compression::None, Compression::Snappy, Compression::Zstd(1), Compression::Zstd(19)]),
    ) {
        let mut bars = BarColumns::default();
        for (uic, ts, prices, ticks) in &rows {
            bars.push(*uic, *ts, *prices, *ticks);
        }
        let bytes = encode_bars(bars, codec).unwrap();
        let table = decode_parquet("x", bytes, None).unwrap();
        let back = BarColumns::from_batches("x", &table.batches).unwrap();
        let bits = |row: &Row| (row.0, row.1, row.2.map(f64::to_bits), row.3);
        let got: Vec<_> = (0..back.len())
            .map(|row| bits(&(back.uic[row], back.ts[row], std::array::from_fn(|at| back.prices[at][row]), back.ticks[row])))
            .collect();
        prop_assert_eq!(got, rows.iter().map(bits).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_with_bloom_filters_holds_the_same_rows() {
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|n| format!("S{n}"))));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let table = Table::from(RecordBatch::try_from_iter([("symbol", names), ("value", values)]).unwrap());
    let plain = encode_parquet(&table, &EncodeOptions::default()).unwrap();
    let bloom = EncodeOptions { bloom: vec!["symbol".to_owned()], ..EncodeOptions::default() };
    let bytes = encode_parquet(&table, &bloom).unwrap();
    assert!(bytes.len() > plain.len());
    assert_eq!(decode_parquet("bloom.parquet", Bytes::from(bytes), None).unwrap().batches, table.batches);
}
