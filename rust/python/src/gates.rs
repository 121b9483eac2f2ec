//! Bindings of the gates' arithmetic, and the key difference of two Parquet files. The Python half in
//! `exuvia.migrate.gates` reads artefacts and says what the numbers mean.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use exuvia_lake::{LakeError, Table, compare_tables, read_parquet};
use exuvia_migrate::gate::{self as arithmetic, Interval};
use exuvia_net::SystemFiles;
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::gate;

/// What stands between the columns of a key.
const BETWEEN: &str = "\u{1f}";

/// Verdict, estimate, lower and upper end.
type Judged = (&'static str, f64, f64, f64);
/// Key, legacy's value, the candidate's, how far apart, whether within.
type Paired = (String, String, String, f64, bool);
/// Rows of both sides, then rows of one side only by key.
type Keys = (u64, Vec<(String, u64)>, Vec<(String, u64)>);
/// Rows of legacy and of the candidate, keys, rows of equal key and other values, differences of the schema.
type Tables = (usize, usize, Keys, u64, Vec<(String, String, String)>);

/// Signs, the longest gap, the gaps that are too long.
type Silence = (u64, i64, Vec<(i64, i64)>);

const fn judged(interval: &Interval) -> Judged {
    (interval.outcome.name(), interval.middle, interval.low, interval.high)
}

/// The upper bound of the share that differs after `mismatches` in `n`.
#[pyfunction]
fn gate_upper(mismatches: u64, n: u64, alpha: f64) -> PyResult<f64> {
    gate::stay(|| Ok::<_, Failure>(arithmetic::upper(mismatches, n, alpha)))
}

/// How many equal calls or clean days in a row leave at most `share`; None if no number does.
#[pyfunction]
fn gate_needed(share: f64, alpha: f64) -> PyResult<Option<u64>> {
    gate::stay(|| Ok::<_, Failure>(arithmetic::needed(share, alpha)))
}

/// The level of a daily look, from 1.
#[pyfunction]
fn gate_level(look: u32, alpha: f64) -> PyResult<f64> {
    gate::stay(|| Ok::<_, Failure>(arithmetic::level(look, alpha)))
}

/// Joins rows of key and value: pairs, keys of legacy only, keys of the candidate only.
#[pyfunction]
fn gate_join(
    py: Python<'_>,
    legacy: Vec<(String, String)>,
    candidate: Vec<(String, String)>,
    most: String,
) -> PyResult<(Vec<Paired>, Vec<String>, Vec<String>)> {
    gate::enter(py, || {
        let joined = arithmetic::join(&legacy, &candidate, &most);
        let pairs = joined.pairs.into_iter();
        let pairs = pairs.map(|pair| (pair.key, pair.legacy, pair.candidate, pair.apart, pair.within)).collect();
        Ok::<_, Failure>((pairs, joined.only_legacy, joined.only_candidate))
    })
}

/// Whether differences by session lean to one side.
#[pyfunction]
fn gate_location(values: Vec<f64>, limit: f64, level: f64) -> PyResult<Judged> {
    gate::stay(|| Ok::<_, Failure>(judged(&arithmetic::location(&values, limit, level))))
}

/// Whether differences grow from session to session.
#[pyfunction]
fn gate_drift(values: Vec<f64>, limit: f64, level: f64) -> PyResult<Judged> {
    gate::stay(|| Ok::<_, Failure>(judged(&arithmetic::drift(&values, limit, level))))
}

/// Judges counts by minute of each session: the verdict, the interval by calls, that by days.
#[pyfunction]
fn gate_rate(
    py: Python<'_>,
    sessions: Vec<Vec<[u32; 2]>>,
    within: f64,
    level: f64,
) -> PyResult<(&'static str, Judged, Judged)> {
    gate::enter(py, || {
        let found = arithmetic::rate(&sessions, within, level);
        Ok::<_, Failure>((found.outcome.name(), judged(&found.calls), judged(&found.days)))
    })
}

/// Keys that the sides do not have equally often: key, legacy's count, the candidate's.
#[pyfunction]
fn gate_counts(py: Python<'_>, legacy: Vec<String>, candidate: Vec<String>) -> PyResult<Vec<(String, u64, u64)>> {
    gate::enter(py, || {
        let found = arithmetic::counts(&legacy, &candidate).into_iter();
        Ok::<_, Failure>(found.map(|apart| (apart.key, apart.legacy, apart.candidate)).collect())
    })
}

/// Bins whose rows are not the same on both sides: bin, rows that left it, rows that came.
#[pyfunction]
fn gate_moved(
    py: Python<'_>,
    legacy: Vec<(String, String)>,
    candidate: Vec<(String, String)>,
) -> PyResult<Vec<(String, u64, u64)>> {
    gate::enter(py, || {
        let found = arithmetic::moved(&legacy, &candidate).into_iter();
        Ok::<_, Failure>(found.map(|bin| (bin.bin, bin.left, bin.came)).collect())
    })
}

/// Two sets: how many members both have, then the members of one side only.
#[pyfunction]
fn gate_overlap(
    py: Python<'_>,
    legacy: Vec<String>,
    candidate: Vec<String>,
) -> PyResult<(u64, Vec<String>, Vec<String>)> {
    gate::enter(py, || {
        let found = arithmetic::overlap(&legacy, &candidate);
        Ok::<_, Failure>((found.both, found.only_legacy, found.only_candidate))
    })
}

/// Judges the overlap of a run of sessions, members of both and of either.
#[pyfunction]
fn gate_overlap_run(sessions: Vec<[u64; 2]>, at_least: f64, level: f64) -> PyResult<Judged> {
    gate::stay(|| Ok::<_, Failure>(judged(&arithmetic::overlap_run(&sessions, at_least, level))))
}

/// Gaps between signs of life: signs in the session, the longest gap, those longer than `most`.
#[pyfunction]
fn gate_gaps(py: Python<'_>, signs: Vec<i64>, session: (i64, i64), most: i64) -> PyResult<Silence> {
    gate::enter(py, || {
        let found = arithmetic::gaps(&signs, session, most);
        Ok::<_, Failure>((found.signs, found.longest, found.beyond.iter().map(|gap| (gap.from, gap.to)).collect()))
    })
}

/// Lines in which a text stands as a word of its own.
#[pyfunction]
fn gate_mentions(py: Python<'_>, text: String, what: String) -> PyResult<Vec<usize>> {
    gate::enter(py, || Ok::<_, Failure>(arithmetic::mentions(&text, &what)))
}

/// Compares two Parquet files by the keys of their rows.
#[pyfunction]
fn gate_parquet(py: Python<'_>, legacy: PathBuf, candidate: PathBuf, key: Vec<String>) -> PyResult<Tables> {
    gate::enter(py, || {
        let read = |path: &PathBuf| read_parquet(&SystemFiles, path, None);
        let (one, other) = (read(&legacy)?, read(&candidate)?);
        let empty = |table: &Table| Table { schema: table.schema.clone(), batches: Vec::new() };
        let schema = compare_tables(&empty(&one), &empty(&other), usize::MAX)?.differences;
        let schema = schema.into_iter().map(|found| (found.path, found.left, found.right)).collect();
        let keys = arithmetic::key_difference(&rendered(&legacy, &one, &key)?, &rendered(&candidate, &other, &key)?);
        let names = |table: &Table| table.schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        let theirs = names(&other);
        let shared: Vec<String> = names(&one).into_iter().filter(|name| theirs.contains(name)).collect();
        let whole =
            arithmetic::key_difference(&rendered(&legacy, &one, &shared)?, &rendered(&candidate, &other, &shared)?);
        let changed = keys.both.saturating_sub(whole.both);
        Ok::<_, Failure>((
            one.rows(),
            other.rows(),
            (keys.both, keys.only_legacy, keys.only_candidate),
            changed,
            schema,
        ))
    })
}

/// The values of some columns of each row as one text.
fn rendered(file: &Path, table: &Table, columns: &[String]) -> Result<Vec<String>, Failure> {
    let failed = |error: ArrowError| Failure::text("SchemaError", format!("parquet file {}: {error}", file.display()));
    let mut at = Vec::with_capacity(columns.len());
    for name in columns {
        at.push(table.schema.index_of(name).map_err(|_| LakeError::MissingColumn {
            file: file.display().to_string(),
            column: name.clone(),
            found: table.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", "),
        })?);
    }
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::with_capacity(table.rows());
    for batch in &table.batches {
        let columns = batch.project(&at).map_err(failed)?;
        let writers: Result<Vec<_>, _> =
            columns.columns().iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options)).collect();
        let writers = writers.map_err(failed)?;
        for row in 0..batch.num_rows() {
            let mut text = String::new();
            for (place, writer) in writers.iter().enumerate() {
                if place > 0 {
                    text.push_str(BETWEEN);
                }
                text.push_str(&writer.value(row).try_to_string().map_err(failed)?);
            }
            rows.push(text);
        }
    }
    Ok(rows)
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gate_upper, module)?)?;
    module.add_function(wrap_pyfunction!(gate_needed, module)?)?;
    module.add_function(wrap_pyfunction!(gate_level, module)?)?;
    module.add_function(wrap_pyfunction!(gate_join, module)?)?;
    module.add_function(wrap_pyfunction!(gate_location, module)?)?;
    module.add_function(wrap_pyfunction!(gate_drift, module)?)?;
    module.add_function(wrap_pyfunction!(gate_rate, module)?)?;
    module.add_function(wrap_pyfunction!(gate_counts, module)?)?;
    module.add_function(wrap_pyfunction!(gate_moved, module)?)?;
    module.add_function(wrap_pyfunction!(gate_overlap, module)?)?;
    module.add_function(wrap_pyfunction!(gate_overlap_run, module)?)?;
    module.add_function(wrap_pyfunction!(gate_gaps, module)?)?;
    module.add_function(wrap_pyfunction!(gate_mentions, module)?)?;
    module.add_function(wrap_pyfunction!(gate_parquet, module)?)
}
