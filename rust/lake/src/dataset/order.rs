//! The order of rows in a file: by group first, then by the declared columns; rows that are equal in all of
//! them stay as they came.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};

use crate::LakeError;
use crate::dataset::declare::Declaration;
use crate::dataset::rows::{failed, group_column};

/// Keys of rows as bytes that compare as the rows do.
pub(crate) struct Order<'a> {
    declaration: &'a Declaration,
    converter: RowConverter,
}

impl<'a> Order<'a> {
    /// The order of a dataset.
    pub(crate) fn new(declaration: &'a Declaration) -> Result<Self, LakeError> {
        let empty = RecordBatch::new_empty(declaration.schema.clone());
        let columns = Self::columns(declaration, &empty)?;
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        Ok(Self { declaration, converter: RowConverter::new(fields).map_err(failed)? })
    }

    fn columns(declaration: &Declaration, batch: &RecordBatch) -> Result<Vec<ArrayRef>, LakeError> {
        let sorted = declaration.sort_by.iter().filter_map(|name| batch.column_by_name(name).cloned());
        Ok(group_column(batch, declaration)?.into_iter().chain(sorted).collect())
    }

    /// The keys of some rows; nothing if no order was declared.
    pub(crate) fn keys(&self, batch: &RecordBatch) -> Result<Option<Rows>, LakeError> {
        let columns = Self::columns(self.declaration, batch)?;
        if columns.is_empty() {
            return Ok(None);
        }
        self.converter.convert_columns(&columns).map(Some).map_err(failed)
    }

    /// The rows in order.
    pub(crate) fn sorted(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        let Some(keys) = self.keys(batch)? else { return Ok(batch.clone()) };
        let rows = u32::try_from(batch.num_rows()).map_err(|error| LakeError::Encode(error.to_string()))?;
        if (1..batch.num_rows()).all(|row| keys.row(row - 1) <= keys.row(row)) {
            return Ok(batch.clone());
        }
        let mut indices: Vec<u32> = (0..rows).collect();
        indices.sort_by_key(|row| keys.row(*row as usize));
        take_record_batch(batch, &UInt32Array::from(indices)).map_err(failed)
    }
}
