//! A dataset's promises: committed rows are there once, whenever the power goes; readers see one instant; a
//! second writer is refused by name; what a scan leaves out it could leave out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use exuvia_lake::{Compression, Dataset, Day, Declaration, LakeError, PathTemplate, Query};
use exuvia_ports::{Create, Files, FilesError, SimFault, SimFiles, Survives};

const DAY: i64 = 86_400_000_000_000;
const ROOT: &str = "/lake/ticks";

fn ticks() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("ts", utc, false),
        Field::new("number", DataType::Int64, false),
    ]))
}

fn day() -> Day {
    "2026-02-03".parse().unwrap()
}

/// Rows `from..to`: row n has number n, its own second of day n / 1000, and one of seven symbols.
fn rows(from: i64, to: i64) -> RecordBatch {
    let numbers: Vec<i64> = (from..to).collect();
    let stamps = numbers.iter().map(|n| day().start() + n / 1_000 * DAY + n % 1_000 * 1_000_000_000);
    let names = numbers.iter().map(|n| format!("S{}", n % 7));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(names)),
        Arc::new(TimestampNanosecondArray::from_iter_values(stamps).with_timezone("UTC")),
        Arc::new(Int64Array::from(numbers.clone())),
    ];
    RecordBatch::try_new(ticks(), columns).unwrap()
}

fn declared() -> Declaration {
    Declaration::new("ticks", ticks(), "ts", Some("symbol"))
}

fn bucketed() -> Declaration {
    Declaration { buckets: 3, path: "date={date}/bucket={bucket}/part-{part}.parquet".into(), ..declared() }
}

fn made(files: &SimFiles, declaration: Declaration) -> Result<Dataset, LakeError> {
    Dataset::create(Arc::new(files.clone()), Path::new(ROOT), declaration)
}

/// The numbers that a scan finds, sorted.
fn numbers(dataset: &Dataset, query: &Query) -> Result<Vec<i64>, LakeError> {
    let table = dataset.scan(query)?.into_table()?;
    let mut found = Vec::new();
    for batch in &table.batches {
        found.extend_from_slice(batch.column_by_name("number").unwrap().as_primitive::<Int64Type>().values());
    }
    found.sort_unstable();
    Ok(found)
}

fn ways_to_survive() -> Vec<Survives> {
    let fixed = [Survives::Nothing, Survives::Everything, Survives::Names, Survives::Data];
    fixed.into_iter().chain((0..2).map(|seed| Survives::Some { seed })).collect()
}

/// A day's work, step by step; says after each commit how many rows count.
fn work(files: &SimFiles, declaration: &Declaration, committed: &mut i64) -> Result<(), LakeError> {
    let dataset = made(files, declaration.clone())?;
    let mut writer = dataset.writer("first")?;
    let mut step = |writer: &mut exuvia_lake::Writer, to: i64| {
        writer.append(&rows(*committed, to), false)?;
        writer.flush(Some(&to.to_string()))?;
        *committed = to;
        Ok::<_, LakeError>(())
    };
    step(&mut writer, 10)?;
    // Over midnight: one flush, two days.
    step(&mut writer, 1_020)?;
    writer.seal(day(), None)?;
    step(&mut writer, 1_030)?;
    drop(writer);
    let mut writer = dataset.writer("second")?;
    step(&mut writer, 1_040)?;
    writer.seal(Day(day().0 + 1), None)?;
    step(&mut writer, 1_050)?;
    // Late rows, into another part or into the file.
    writer.seal(Day(day().0 + 1), None)?;
    writer.compact(None)?;
    Ok(())
}

#[test]
fn after_a_power_cut_at_any_operation_every_committed_row_is_there_once() {
    let plain = Declaration { path: "{yyyymmdd}.parquet".into(), ..declared() };
    for declaration in [bucketed(), plain] {
        let files = SimFiles::new();
        let mut committed = 0;
        work(&files, &declaration, &mut committed).unwrap();
        let operations = files.operations();
        assert!(operations > 100 && committed == 1_050, "{operations}");
        for at in 0..operations {
            for survives in ways_to_survive() {
                let files = SimFiles::new();
                files.fault_at(at, SimFault::PowerCut);
                let mut committed = 0;
                work(&files, &declaration, &mut committed).unwrap_err();
                files.power_on(survives);
                let told = format!("operation {at}, {survives:?}, committed {committed}");
                let dataset = match Dataset::open(Arc::new(files.clone()), Path::new(ROOT)) {
                    Ok(dataset) => dataset,
                    Err(LakeError::NotADataset { .. }) if committed == 0 => continue,
                    Err(error) => panic!("{told}: {error}"),
                };
                // A reader before any writer has cleaned up.
                let before = numbers(&dataset, &Query::default()).unwrap_or_else(|error| panic!("{told}: {error}"));
                let end = before.len() as i64;
                assert!(end >= committed && before.iter().copied().eq(0..end), "{told}: {before:?}");
                let mut writer = dataset.writer("third").unwrap_or_else(|error| panic!("{told}: {error}"));
                // What was committed without our having been told is told by the mark.
                let mark: i64 = writer.mark().map_or(0, |mark| mark.parse().unwrap());
                assert_eq!(mark, end, "{told}");
                writer.append(&rows(mark, 1_100), false).unwrap();
                writer.seal_before(None, Some("1100")).unwrap_or_else(|error| panic!("{told}: {error}"));
                let after = numbers(&dataset, &Query::default()).unwrap_or_else(|error| panic!("{told}: {error}"));
                assert!(after.iter().copied().eq(0..1_100), "{told}: {} rows", after.len());
                let verified = dataset.verify().unwrap();
                assert_eq!(verified.problems, [], "{told}");
                assert_no_litter(&files, &told);
            }
        }
    }
}

/// Parquet files are those of the manifests, and no temporary file is left.
fn assert_no_litter(files: &SimFiles, told: &str) {
    let dataset = Dataset::open(Arc::new(files.clone()), Path::new(ROOT)).unwrap();
    let mut known: Vec<String> =
        dataset.list().unwrap().days.into_iter().flat_map(|day| day.files).map(|file| file.path).collect();
    known.sort();
    let mut there = Vec::new();
    let mut waiting = vec![Path::new(ROOT).to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for path in files.list(&folder).unwrap() {
            if files.is_dir(&path) {
                waiting.push(path);
            } else {
                assert!(!exuvia_lake::is_temporary(&path), "{told}: {}", path.display());
                if path.extension().is_some_and(|end| end == "parquet") {
                    there.push(path.strip_prefix(ROOT).unwrap().display().to_string());
                }
            }
        }
    }
    there.sort();
    assert_eq!(there, known, "{told}");
}

#[test]
fn after_an_error_at_any_operation_the_rows_are_in_or_can_be_appended_again() {
    let files = SimFiles::new();
    let mut committed = 0;
    work(&files, &bucketed(), &mut committed).unwrap();
    for fault in [SimFault::Error, SimFault::Full] {
        for at in 0..files.operations() {
            let files = SimFiles::new();
            files.fault_at(at, fault);
            let told = format!("{fault:?} at {at}");
            let dataset = loop {
                match made(&files, bucketed()) {
                    Ok(dataset) => break dataset,
                    Err(LakeError::Files(_)) => files.power_on(Survives::Everything),
                    Err(error) => panic!("{told}: {error}"),
                }
            };
            let mut writer = loop {
                match dataset.writer("one") {
                    Ok(writer) => break writer,
                    Err(LakeError::Files(_)) => files.power_on(Survives::Everything),
                    Err(error) => panic!("{told}: {error}"),
                }
            };
            let mut committed = 0;
            for to in [10, 1_020, 1_030, 1_040, 1_050] {
                for attempt in 0.. {
                    assert!(attempt < 3, "{told}");
                    let tried = writer.append(&rows(committed, to), false).and_then(|_| writer.flush(None));
                    let seen = numbers(&dataset, &Query::default()).unwrap_or_else(|error| panic!("{told}: {error}"));
                    match tried {
                        Ok(count) => {
                            assert_eq!(count as i64, to - committed, "{told}");
                            committed = to;
                            assert!(seen.into_iter().eq(0..to), "{told}");
                            break;
                        }
                        // Space comes back; a writer that lives goes on.
                        Err(_) => files.fault_at(u64::MAX, SimFault::Error),
                    }
                }
                for attempt in 0.. {
                    assert!(attempt < 3, "{told}");
                    let sealed = writer.seal_before(None, None);
                    let seen = numbers(&dataset, &Query::default()).unwrap_or_else(|error| panic!("{told}: {error}"));
                    assert!(seen.into_iter().eq(0..to), "{told}: {sealed:?}");
                    if sealed.is_ok() {
                        break;
                    }
                    files.fault_at(u64::MAX, SimFault::Error);
                }
            }
            assert_eq!(dataset.verify().unwrap().problems, [], "{told}");
            assert_no_litter(&files, &told);
        }
    }
}

#[test]
fn rows_that_were_not_flushed_are_seen_by_nobody() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 500), false).unwrap();
    assert_eq!(numbers(&dataset, &Query::default()).unwrap(), Vec::<i64>::new());
    assert_eq!(writer.flush(None).unwrap(), 500);
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 500);
    // So many that a part is on the disk before it counts.
    for _ in 0..40 {
        writer.append(&rows(0, 5_000), false).unwrap();
    }
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 500);
    drop(writer);
    let mut writer = dataset.writer("two").unwrap();
    assert_eq!(writer.seal_before(None, None).unwrap().iter().map(|of| of.rows).sum::<u64>(), 500);
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 500);
}

#[test]
fn a_second_writer_is_refused_with_the_name_of_the_first() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let first = dataset.writer("process 7 (collector) on desk-3").unwrap();
    let error = dataset.writer("another").unwrap_err();
    assert!(error.to_string().contains("'ticks' has a writer already: process 7 (collector) on desk-3;"), "{error}");
    drop(first);
    dataset.writer("another").unwrap();
}

#[test]
fn a_scan_begun_before_a_seal_reads_to_its_end_what_was_there() {
    let files = SimFiles::new();
    let dataset = made(&files, bucketed()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 900), false).unwrap();
    writer.seal(day(), None).unwrap();
    writer.append(&rows(900, 1_000), false).unwrap();
    writer.flush(None).unwrap();
    let scan = dataset.scan(&Query::default()).unwrap();
    writer.append(&rows(1_000, 1_500), false).unwrap();
    writer.seal_before(None, None).unwrap();
    writer.compact(None).unwrap();
    assert_eq!(scan.into_table().unwrap().rows(), 1_000);
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 1_500);
}

#[test]
fn files_and_row_groups_without_what_is_asked_for_are_not_read() {
    let files = SimFiles::new();
    let declaration = Declaration { row_group_rows: 100, ..declared() };
    let dataset = made(&files, declaration).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 3_000), false).unwrap();
    writer.seal_before(None, None).unwrap();
    writer.append(&rows(3_000, 3_500), false).unwrap();
    writer.flush(None).unwrap();
    let from = day().start() + DAY;
    let query = Query { from: Some(from), to: Some(from + 5_000_000_000), ..Query::default() };
    let mut scan = dataset.scan(&query).unwrap();
    let found: usize = scan.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
    let stats = scan.stats();
    assert_eq!((found, stats.files, stats.open), (5, 1, 0));
    // Ten groups of a hundred rows, sorted by symbol; in some of them no symbol's morning lies.
    assert!(stats.groups_skipped >= 2 && stats.groups + stats.groups_skipped == 10, "{stats:?}");
    let query = Query { from: Some(from + 900_000_000_000), to: Some(from + 905_000_000_000), ..query };
    assert_eq!(numbers(&dataset, &query).unwrap(), [1_900, 1_901, 1_902, 1_903, 1_904]);
    let query = Query { symbols: Some(vec!["S3".into()]), columns: Some(vec!["number".into()]), ..Query::default() };
    let mut scan = dataset.scan(&query).unwrap();
    let found: Vec<_> = scan.by_ref().map(|batch| batch.unwrap()).collect();
    let stats = scan.stats();
    assert_eq!(found[0].num_columns(), 1);
    assert_eq!(numbers(&dataset, &query).unwrap(), (0..3_500).filter(|n| n % 7 == 3).collect::<Vec<_>>());
    assert!(stats.groups_skipped > 3 * stats.groups, "{stats:?}");
    // A bloom filter knows what least and most do not: every other symbol is missing in between.
    assert_eq!(stats.rows, 500);
}

#[test]
fn a_bloom_filter_excludes_what_lies_between_the_bounds() {
    let files = SimFiles::new();
    // Sorted by time, so that every row group spans all symbols.
    let declaration = Declaration { sort_by: vec!["ts".into()], row_group_rows: 7, ..declared() };
    let dataset = made(&files, declaration).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 70), false).unwrap();
    writer.append(&rows(100_000, 100_007), false).unwrap();
    let odd = rows(70, 71);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["S35"]));
    let odd = RecordBatch::try_new(ticks(), vec![names, odd.column(1).clone(), odd.column(2).clone()]).unwrap();
    writer.append(&odd, false).unwrap();
    writer.seal_before(None, None).unwrap();
    let query = Query { symbols: Some(vec!["S35".into()]), ..Query::default() };
    let mut scan = dataset.scan(&query).unwrap();
    assert_eq!(scan.by_ref().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
    assert!(scan.stats().bloom_skipped >= 9, "{:?}", scan.stats());
}

#[test]
fn a_symbol_that_no_row_has_is_named_with_the_one_that_was_meant() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 70), false).unwrap();
    writer.seal_before(None, None).unwrap();
    let query = Query { symbols: Some(vec!["s3".into()]), ..Query::default() };
    let error = dataset.scan(&query).unwrap_err().to_string();
    assert!(error.contains("no symbol \"s3\": it has \"S3\""), "{error}");
    assert_eq!(dataset.symbols().unwrap().len(), 7);
}

#[test]
fn many_runs_become_files_in_order_within_bounded_memory() {
    let files = SimFiles::new();
    let declaration = Declaration { compression: Compression::Snappy, row_group_rows: 50_000, ..bucketed() };
    let dataset = made(&files, declaration).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    // 1.2 M rows of one day: several ranges of keys.
    let (batches, step) = (12, 100_000);
    for batch in 0..batches {
        let numbers: Vec<i64> = (0..step).map(|n| n * batches + batch).collect();
        let stamps = numbers.iter().map(|n| day().start() + (n * 7_919 % 86_400) * 1_000_000_000);
        let names = numbers.iter().map(|n| format!("SYMBOL-{}", n % 97));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(names)),
            Arc::new(TimestampNanosecondArray::from_iter_values(stamps).with_timezone("UTC")),
            Arc::new(Int64Array::from(numbers.clone())),
        ];
        writer.append(&RecordBatch::try_new(ticks(), columns).unwrap(), false).unwrap();
        writer.flush(None).unwrap();
    }
    let sealed = writer.seal(day(), None).unwrap();
    assert_eq!((sealed.rows, sealed.files.len()), (1_200_000, 3));
    assert_eq!(dataset.verify().unwrap().problems, [], "sorted, in their day, and as they were written");
    assert!(numbers(&dataset, &Query::default()).unwrap().into_iter().eq(0..1_200_000));
}

#[test]
fn equal_keys_keep_the_order_in_which_they_came() {
    let files = SimFiles::new();
    let dataset = made(&files, Declaration { sort_by: vec!["symbol".into()], ..declared() }).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    for part in 0..10 {
        writer.append(&rows(part * 50, part * 50 + 50), false).unwrap();
        writer.flush(None).unwrap();
    }
    writer.seal(day(), None).unwrap();
    let table =
        dataset.scan(&Query { symbols: Some(vec!["S2".into()]), ..Query::default() }).unwrap().into_table().unwrap();
    let found = table.batches[0].column_by_name("number").unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert!(found.is_sorted() && found.len() > 70);
}

#[test]
fn a_damaged_segment_is_named_and_a_torn_end_is_not() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    for part in 0..4 {
        writer.append(&rows(part * 50, part * 50 + 50), false).unwrap();
        writer.flush(None).unwrap();
    }
    drop(writer);
    let path = Path::new("/lake/ticks/_exuvia/open/00000001.seg");
    let whole = files.read(path).unwrap();
    let put = |bytes: &[u8]| files.create(path, Create::default()).unwrap().write(bytes).unwrap();
    for cut in (0..whole.len()).step_by(61) {
        put(&whole[..cut]);
        let found = numbers(&dataset, &Query::default()).unwrap();
        assert!(found.len().is_multiple_of(50) && found.iter().copied().eq(0..found.len() as i64), "{cut}");
    }
    for at in (256..whole.len() / 2).step_by(97) {
        let mut bad = whole.clone();
        bad[at] ^= 0x55;
        put(&bad);
        let told = dataset.scan(&Query::default()).and_then(|scan| scan.into_table());
        match told {
            Err(error) => assert!(error.to_string().contains("00000001.seg is damaged at byte"), "{at}: {error}"),
            // Padding, which nobody reads.
            Ok(table) => assert_eq!(table.rows(), 200, "{at}"),
        }
    }
}

#[test]
fn a_file_that_another_tool_changed_is_found() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 500), false).unwrap();
    let sealed = writer.seal(day(), None).unwrap();
    let path = Path::new(ROOT).join(&sealed.files[0]);
    let whole = files.read(&path).unwrap();
    let mut bad = whole.clone();
    bad[whole.len() / 3] ^= 1;
    files.create(&path, Create::default()).unwrap().write(&bad).unwrap();
    let found = dataset.verify().unwrap();
    assert_eq!((found.problems.len(), found.problems[0].path.as_str()), (1, sealed.files[0].as_str()));
    files.create(&path, Create::default()).unwrap().write(&whole[..100]).unwrap();
    let error = dataset.scan(&Query::default()).unwrap_err();
    assert!(error.to_string().contains("another tool has changed it"), "{error}");
}

#[test]
fn a_schema_evolves_and_says_what_it_did() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 10), false).unwrap();
    writer.seal(day(), None).unwrap();
    writer.append(&rows(10, 20), false).unwrap();
    let mut fields: Vec<Field> = ticks().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("iv", DataType::Float64, true));
    let wider = Arc::new(Schema::new(fields.clone()));
    assert_eq!(writer.evolve(&wider).unwrap(), ["added 'iv' Float64: it is null in earlier rows"]);
    assert_eq!(writer.evolve(&wider).unwrap(), Vec::<String>::new());
    let mut columns = rows(20, 30).columns().to_vec();
    columns.push(Arc::new(Float64Array::from(vec![0.25; 10])));
    writer.append(&RecordBatch::try_new(wider, columns).unwrap(), false).unwrap();
    writer.flush(None).unwrap();
    let nulls = |dataset: &Dataset| {
        let table = dataset
            .scan(&Query { columns: Some(vec!["iv".into()]), ..Query::default() })
            .unwrap()
            .into_table()
            .unwrap();
        (table.rows(), table.batches.iter().map(|batch| batch.column(0).null_count()).sum::<usize>())
    };
    assert_eq!(nulls(&dataset), (30, 20));
    writer.seal(day(), None).unwrap();
    assert_eq!(nulls(&dataset), (30, 20));
    let compacted = writer.compact(None).unwrap();
    assert_eq!((compacted[0].before, compacted[0].files.len()), (2, 1));
    assert_eq!(writer.compact(None).unwrap(), []);
    assert_eq!(nulls(&dataset), (30, 20));
    fields[2] = Field::new("number", DataType::Int32, false);
    let error = writer.evolve(&Arc::new(Schema::new(fields.clone()))).unwrap_err().to_string();
    assert!(error.contains("'number' cannot become Int32, it is Int64"), "{error}");
    fields.remove(0);
    assert!(matches!(writer.evolve(&Arc::new(Schema::new(fields))), Err(LakeError::Evolution { .. })));
}

#[test]
fn rows_that_do_not_fit_are_refused_with_the_reason_and_nothing_of_them_is_taken() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    let good = rows(0, 3);
    let refused = |writer: &mut exuvia_lake::Writer, at: usize, name: &str, column: ArrayRef| {
        let mut fields: Vec<Field> = ticks().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut columns = good.columns().to_vec();
        fields[at] = Field::new(name, column.data_type().clone(), true);
        columns[at] = column;
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        writer.append(&batch, false).unwrap_err().to_string()
    };
    let text = refused(&mut writer, 2, "number", Arc::new(StringArray::from(vec!["1", "2", "3"])));
    assert!(text.contains("rows for dataset 'ticks': column 'number' is Utf8, and the dataset has Int64"), "{text}");
    let text = refused(&mut writer, 2, "nummer", good.column(2).clone());
    assert!(text.contains("'nummer' is not in the dataset"), "{text}");
    let text = refused(&mut writer, 2, "number", Arc::new(Int64Array::from(vec![Some(1), None, None])));
    assert!(text.contains("2 null(s) in column 'number', the first in row 1"), "{text}");
    let milliseconds = TimestampNanosecondArray::from(vec![day().start(), day().start() / 1_000_000, 0]);
    let text = refused(&mut writer, 1, "ts", Arc::new(milliseconds.with_timezone("UTC")));
    assert!(text.contains("'ts' in row 1 is 1770076800000, which is 1970-01-01T00:29:30"), "{text}");
    assert_eq!(writer.flush(None).unwrap(), 0);
}

#[test]
fn a_full_disk_and_a_read_only_one_are_named() {
    let files = SimFiles::new();
    let dataset = made(&files, declared()).unwrap();
    let mut writer = dataset.writer("one").unwrap();
    files.set_capacity(Some(3_000));
    writer.append(&rows(0, 900), false).unwrap();
    let error = writer.flush(None).unwrap_err();
    assert!(matches!(error, LakeError::Files(FilesError::Full { .. })), "{error}");
    files.set_capacity(None);
    writer.append(&rows(0, 900), false).unwrap();
    assert_eq!(writer.flush(None).unwrap(), 900);
    drop(writer);
    files.set_read_only(true);
    assert!(matches!(dataset.writer("one"), Err(LakeError::Files(FilesError::Denied { .. }))));
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 900, "reading needs no permission to write");
}

#[test]
fn a_dataset_declared_otherwise_is_not_taken_for_this_one() {
    let files = SimFiles::new();
    made(&files, declared()).unwrap();
    made(&files, declared()).unwrap();
    let error = made(&files, bucketed()).unwrap_err();
    assert!(error.to_string().contains("buckets is 1, not 3"), "{error}");
    let odd = Declaration { time: "number".into(), symbol: Some("ts".into()), ..declared() };
    assert!(made(&files, odd).unwrap_err().to_string().contains("symbol \"ts\" cannot be used"));
    assert!(PathTemplate::new("{date}/{symbol}.parquet").is_ok());
}

#[test]
fn a_file_that_somebody_else_wrote_is_not_overwritten() {
    let files = SimFiles::new();
    let dataset = made(&files, Declaration { path: "{symbol}/{date}.parquet".into(), ..declared() }).unwrap();
    let path = Path::new("/lake/ticks/S3/2026-02-03.parquet");
    files.create_dir_all(path.parent().unwrap()).unwrap();
    files.create(path, Create::default()).unwrap().write(b"legacy's").unwrap();
    let mut writer = dataset.writer("one").unwrap();
    writer.append(&rows(0, 70), false).unwrap();
    let error = writer.seal(day(), None).unwrap_err();
    assert!(error.to_string().contains("S3/2026-02-03.parquet is there already"), "{error}");
    assert_eq!(files.read(path).unwrap(), b"legacy's");
    assert_eq!(numbers(&dataset, &Query::default()).unwrap().len(), 70, "the rows are open still");
    files.remove(path).unwrap();
    assert_eq!(writer.seal(day(), None).unwrap().files.len(), 7);
    let by_day: BTreeMap<_, _> = dataset.list().unwrap().days.into_iter().map(|day| (day.day, day.rows())).collect();
    assert_eq!(by_day, BTreeMap::from([(day(), 70)]));
}
