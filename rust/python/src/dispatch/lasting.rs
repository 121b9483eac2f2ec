//! A mapping that keeps no descriptor: Python's own keeps one until 3.13, and closes that number when it goes, whosever
//! file it is by then.

use pyo3::exceptions::PyOSError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Maps `size` bytes of a file for as long as the process lives, to be read and written.
#[pyfunction]
#[pyo3(signature = (number, size))]
pub(super) fn map_lasting(py: Python<'_>, number: i32, size: usize) -> PyResult<Bound<'_, PyAny>> {
    let length = isize::try_from(size)?;
    // SAFETY: asks for a new mapping anywhere; nothing of ours lies there.
    let place = unsafe {
        libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, number, 0)
    };
    if place == libc::MAP_FAILED {
        return Err(PyOSError::new_err(std::io::Error::last_os_error()));
    }
    // SAFETY: the memory is never unmapped, so the view outlives nothing; its bytes are plain.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyMemoryView_FromMemory(place.cast(), length, ffi::PyBUF_WRITE)) }
}
