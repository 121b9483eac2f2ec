//! Many sorted runs become one, in bounded memory and without temporary files: the keys are cut into ranges
//! of so many rows, and each range is gathered from all runs, sorted and handed on.

use arrow::compute::interleave_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::row::Rows;

use crate::LakeError;
use crate::dataset::order::Order;
use crate::dataset::rows::failed;

/// Rows that are handed on at once.
const STEP: usize = 1 << 16;
/// Of so many rows of a run one key is looked at to find where to cut.
const SAMPLE: usize = 1_024;

/// Rows in order, that can be read again and again.
pub(crate) trait Run {
    /// How many.
    fn rows(&self) -> usize;
    /// All of them, with the dataset's present schema.
    fn read(&self) -> Result<RecordBatch, LakeError>;
}

/// Hands the rows of all runs to `sink` in order; about `budget` rows are in memory at once.
///
/// # Errors
/// Those of the runs and of `sink`.
pub(crate) fn merge(
    runs: &[Box<dyn Run>],
    order: &Order<'_>,
    budget: usize,
    sink: &mut dyn FnMut(&RecordBatch) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let total: usize = runs.iter().map(|run| run.rows()).sum();
    let unordered = runs.first().map(|run| run.read()).transpose()?.map(|batch| order.keys(&batch)).transpose()?;
    if unordered.flatten().is_none() {
        return runs.iter().try_for_each(|run| sink(&run.read()?));
    }
    if total <= budget {
        let pieces = runs.iter().map(|run| run.read()).collect::<Result<Vec<_>, _>>()?;
        return gathered(&pieces, order, sink);
    }
    let cuts = cuts_of(runs, order, total.div_ceil(budget))?;
    // For each run the rows at which its ranges begin and end.
    let mut bounds = Vec::with_capacity(runs.len());
    for run in runs {
        let batch = run.read()?;
        let Some(keys) = order.keys(&batch)? else { continue };
        let mut ends: Vec<usize> = cuts.iter().map(|cut| lower_bound(&keys, cut)).collect();
        ends.push(batch.num_rows());
        bounds.push(ends);
    }
    for range in 0..=cuts.len() {
        let mut pieces = Vec::new();
        for (run, ends) in runs.iter().zip(&bounds) {
            let from = range.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
            let to = ends.get(range).copied().unwrap_or_default();
            if from < to {
                // A slice would keep all of the run in memory.
                pieces.push(copied(&run.read()?.slice(from, to - from))?);
            }
        }
        gathered(&pieces, order, sink)?;
    }
    Ok(())
}

/// Sorts pieces that are sorted in themselves.
fn gathered(
    pieces: &[RecordBatch],
    order: &Order<'_>,
    sink: &mut dyn FnMut(&RecordBatch) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let keys =
        pieces.iter().map(|piece| order.keys(piece)).collect::<Result<Option<Vec<Rows>>, _>>()?.unwrap_or_default();
    let mut at: Vec<(usize, usize)> = pieces
        .iter()
        .enumerate()
        .flat_map(|(piece, batch)| (0..batch.num_rows()).map(move |row| (piece, row)))
        .collect();
    let key = |(piece, row): &(usize, usize)| keys.get(*piece).map(|keys| keys.row(*row));
    // Stable, and quick over runs.
    at.sort_by(|a, b| key(a).cmp(&key(b)));
    let pieces: Vec<&RecordBatch> = pieces.iter().collect();
    at.chunks(STEP).try_for_each(|rows| sink(&interleave_record_batch(&pieces, rows).map_err(failed)?))
}

fn copied(slice: &RecordBatch) -> Result<RecordBatch, LakeError> {
    let rows: Vec<(usize, usize)> = (0..slice.num_rows()).map(|row| (0, row)).collect();
    interleave_record_batch(&[slice], &rows).map_err(failed)
}

/// Keys that cut all rows into about so many equal ranges.
fn cuts_of(runs: &[Box<dyn Run>], order: &Order<'_>, ranges: usize) -> Result<Vec<Vec<u8>>, LakeError> {
    let mut samples: Vec<(Vec<u8>, usize)> = Vec::new();
    for run in runs {
        let batch = run.read()?;
        let Some(keys) = order.keys(&batch)? else { continue };
        let mut from = 0;
        while from < batch.num_rows() {
            let weight = SAMPLE.min(batch.num_rows() - from);
            samples.push((keys.row(from + weight / 2).as_ref().to_vec(), weight));
            from += weight;
        }
    }
    samples.sort_unstable();
    let total: usize = samples.iter().map(|sample| sample.1).sum();
    let share = total.div_ceil(ranges.max(1)).max(1);
    let mut cuts: Vec<Vec<u8>> = Vec::new();
    let mut seen = 0;
    for (key, weight) in samples {
        if seen >= share {
            cuts.push(key);
            seen = 0;
        }
        seen += weight;
    }
    cuts.dedup();
    Ok(cuts)
}

/// The first row whose key is not below `cut`.
fn lower_bound(keys: &Rows, cut: &[u8]) -> usize {
    let (mut low, mut high) = (0, keys.num_rows());
    while low < high {
        let middle = usize::midpoint(low, high);
        if keys.row(middle).as_ref() < cut { low = middle + 1 } else { high = middle }
    }
    low
}
