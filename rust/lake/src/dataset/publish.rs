//! How a day gets its files: they are written and synced under temporary names, then the day's manifest is
//! replaced, which is the moment at which the day changes, then they get their names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use exuvia_ports::Files;
use serde::{Deserialize, Serialize};

use crate::dataset::declare::{FORMAT, HOUSE, from_json, to_json};
use crate::dataset::manifest::{FileEntry, Manifest};
use crate::dataset::merge::{Run, merge};
use crate::dataset::order::Order;
use crate::dataset::output::Output;
use crate::dataset::rows::{adapted, failed, group_at, group_column, run_of};
use crate::dataset::scan::ParquetFile;
use crate::dataset::segment::OpenRows;
use crate::dataset::{Dataset, Day, Group, PathTemplate, manifest};
use crate::{LakeError, sweep, write_atomic};

/// Bytes of rows that are in memory at once while they are sorted.
const BUDGET: usize = 24 << 20;

/// Which day is being written, and below which folder temporary files may lie.
#[derive(Serialize, Deserialize)]
struct Work {
    format: u32,
    day: Day,
    folder: String,
}

/// What was written.
pub(crate) struct Added {
    pub files: Vec<String>,
    pub bytes: u64,
}

/// Writes open rows, and those of the files `into`, which they replace, into new files of the day. The day has
/// the rows of all commits up to `sequence` then.
pub(crate) fn publish(
    dataset: &Dataset,
    mut manifest: Manifest,
    open: &[OpenRows],
    into: &[String],
    sequence: u64,
) -> Result<Added, LakeError> {
    let (files, root) = (dataset.files.as_ref(), dataset.root.as_path());
    let folder = folder_of_day(&dataset.declaration.template()?, manifest.day);
    let work = Work { format: FORMAT, day: manifest.day, folder };
    write_atomic(files, &work_path(root), &to_json(&work)?, false)?;
    let mut made = Vec::new();
    let written = write_files(dataset, &manifest, open, into, &mut made);
    if let Err(error) = written {
        // Best effort, to free the space now; the next writer does it otherwise.
        let _ = recover(dataset);
        return Err(error);
    }
    let added = Added {
        files: made.iter().map(|file| file.path.clone()).collect(),
        bytes: made.iter().map(|file| file.bytes).sum(),
    };
    manifest.files.retain(|file| !into.contains(&file.path));
    manifest.remove = into.iter().filter(|path| !added.files.contains(path)).cloned().collect();
    manifest.files.extend(made);
    manifest.files.sort_by(|one, two| (&one.group, one.part).cmp(&(&two.group, two.part)));
    manifest.generation += 1;
    if !open.is_empty() {
        manifest.consumed = sequence;
    }
    manifest::store(files, root, &manifest)?;
    manifest::finish(files, root, manifest)?;
    end_work(files, root)?;
    Ok(added)
}

/// Finishes what a killed writer began: gives files the names that a manifest promised, and removes what no
/// manifest speaks of. May itself be killed and repeated.
pub(crate) fn recover(dataset: &Dataset) -> Result<(), LakeError> {
    let (files, root) = (dataset.files.as_ref(), dataset.root.as_path());
    let path = work_path(root);
    match files.read(&path) {
        Ok(bytes) => {
            let work: Work = from_json(&path, &bytes)?;
            let manifest = manifest::load(files, root, work.day)?;
            manifest::finish(files, root, manifest)?;
            let folder = root.join(&work.folder);
            if files.is_dir(&folder) {
                sweep(files, &folder)?;
            }
            end_work(files, root)?;
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    sweep(files, &root.join(HOUSE))?;
    Ok(())
}

fn work_path(root: &Path) -> PathBuf {
    root.join(HOUSE).join("work.json")
}

fn end_work(files: &dyn Files, root: &Path) -> Result<(), LakeError> {
    files.remove(&work_path(root))?;
    Ok(files.sync_dir(&root.join(HOUSE))?)
}

/// The folder, relative to the dataset, below which all files of a day lie.
fn folder_of_day(template: &PathTemplate, day: Day) -> String {
    let varies = |name: &&str| ["{bucket}", "{symbol}", "{part}"].iter().any(|place| name.contains(place));
    let mut names: Vec<&str> = template.as_str().split('/').collect();
    names.pop();
    let fixed: Vec<&str> = names.into_iter().take_while(|name| !varies(name)).collect();
    // The group fills no place that is left.
    PathTemplate::filled(&fixed.join("/"), day)
}

fn write_files(
    dataset: &Dataset,
    manifest: &Manifest,
    open: &[OpenRows],
    into: &[String],
    made: &mut Vec<FileEntry>,
) -> Result<(), LakeError> {
    let (files, root, declaration) = (dataset.files.as_ref(), dataset.root.as_path(), &dataset.declaration);
    let mut runs: Vec<Box<dyn Run>> = Vec::new();
    for entry in manifest.files.iter().filter(|entry| into.contains(&entry.path)) {
        let file = Arc::new(ParquetFile::open(files, root, entry)?);
        runs.extend(file.groups().map(|(group, rows)| {
            let (file, dataset) = (Arc::clone(&file), dataset.clone());
            Box::new(GroupRun { file, dataset, group, rows }) as Box<dyn Run>
        }));
    }
    runs.extend(
        open.iter().map(|rows| Box::new(OpenRun { rows: rows.clone(), dataset: dataset.clone() }) as Box<dyn Run>),
    );
    let order = Order::new(declaration)?;
    let mut output: Option<Output<'_>> = None;
    merge(&runs, &order, BUDGET / width(&declaration.schema, open), &mut |batch| {
        let column = group_column(batch, declaration)?;
        let mut from = 0;
        while from < batch.num_rows() {
            let group = group_at(column.as_ref(), from);
            let rows = run_of(column.as_ref(), from, batch.num_rows());
            if output.as_ref().is_some_and(|output| *output.group() != group) {
                made.extend(output.take().map(Output::finish).transpose()?);
            }
            let target = match output.take() {
                Some(open) => open,
                None => {
                    let part = next_part(dataset, manifest, &group, into)?;
                    let (place, generation) = ((manifest.day, group, part), manifest.generation + 1);
                    Output::create(files, root, declaration, place, generation, dataset.version())?
                }
            };
            output.insert(target).push(&batch.slice(from, rows))?;
            from += rows;
        }
        Ok(())
    })?;
    made.extend(output.map(Output::finish).transpose()?);
    Ok(())
}

/// The number of a group's next file; a name that somebody else has given is left to him.
fn next_part(dataset: &Dataset, manifest: &Manifest, group: &Group, into: &[String]) -> Result<u32, LakeError> {
    let template = dataset.declaration.template()?;
    let of_group = manifest.files.iter().filter(|file| file.group == *group);
    let mut part = of_group.map(|file| file.part + 1).max().unwrap_or_default();
    if template.has("part") {
        while dataset.files.exists(&dataset.root.join(template.render(manifest.day, group, part))) {
            part += 1;
        }
        return Ok(part);
    }
    let path = template.render(manifest.day, group, 0);
    let known = into.contains(&path);
    if !known && dataset.files.exists(&dataset.root.join(&path)) {
        let path = dataset.root.join(&path).display().to_string();
        return Err(LakeError::Foreign { dataset: dataset.declaration.name.clone(), path });
    }
    Ok(0)
}

/// About how many bytes a row has in memory.
fn width(schema: &Schema, open: &[OpenRows]) -> usize {
    let of = |kind: &DataType| kind.primitive_width().unwrap_or(32);
    let declared: usize = schema.fields().iter().map(|field| of(field.data_type())).sum();
    let rows: usize = open.iter().map(|rows| rows.frame.rows as usize).sum();
    let bytes: usize = open.iter().map(|rows| rows.frame.length as usize).sum();
    declared.max(bytes / rows.max(1)).max(1)
}

struct OpenRun {
    rows: OpenRows,
    dataset: Dataset,
}

impl Run for OpenRun {
    fn rows(&self) -> usize {
        self.rows.frame.rows as usize
    }

    fn read(&self) -> Result<RecordBatch, LakeError> {
        let written = self.rows.read(self.dataset.schema_of(self.rows.frame.schema)?)?;
        adapted(&written, &self.dataset.declaration.schema)
    }
}

struct GroupRun {
    file: Arc<ParquetFile>,
    dataset: Dataset,
    group: usize,
    rows: usize,
}

impl Run for GroupRun {
    fn rows(&self) -> usize {
        self.rows
    }

    fn read(&self) -> Result<RecordBatch, LakeError> {
        let table = self.file.row_group(self.group)?;
        let all = concat_batches(&table.schema, &table.batches).map_err(failed)?;
        adapted(&all, &self.dataset.declaration.schema)
    }
}
