//! Bindings of `exuvia.lake`: bars and Arrow tables to Parquet bytes or files and back, and datasets. Python objects are
//! read with the GIL held; everything after that runs without it.

mod bars;
mod dataset;
mod held;
mod tables;

use exuvia_lake::LakeError;
use exuvia_ports::FilesError;
use pyo3::prelude::*;

use crate::failure::Failure;

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        let class = match &error {
            LakeError::Files(FilesError::NotFound { .. }) => "LakeNotFoundError",
            LakeError::Files(FilesError::Denied { .. }) => "LakePermissionError",
            LakeError::NotADataset { .. } => "LakeNotFoundError",
            LakeError::Held { .. } => "LakeHeldError",
            LakeError::BadOption { .. }
            | LakeError::BadName { .. }
            | LakeError::NotSorted { .. }
            | LakeError::BadDeclaration { .. }
            | LakeError::DeclaredOtherwise { .. }
            | LakeError::OneFolder { .. }
            | LakeError::UnknownSymbol { .. } => "LakeOptionError",
            error if error.is_schema() => "SchemaError",
            _ => "LakeError",
        };
        Self::new(class, &error)
    }
}

/// Adds this area to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    bars::register(module)?;
    tables::register(module)?;
    dataset::register(module)?;
    held::register(module)
}
