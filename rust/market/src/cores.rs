//! How many cores there are.

use std::sync::OnceLock;

/// Cores that this process may use; asked for once, since the answer costs the reading of several files.
#[must_use]
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
