//! The mapped control page as switches see it: a buffer that Python mapped, held for as long as any
//! switch reads it.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use exuvia_migrate::page::{Page, Slot, WORDS};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

#[cfg(unix)]
use super::truncated::Guarded;
use crate::failure::Failure;

/// The memory of a page. The buffer keeps the mapping from being closed.
pub(super) struct Mapping {
    /// Before the buffer: fields are dropped in this order.
    #[cfg(unix)]
    guarded: Option<Guarded>,
    _buffer: PyBuffer<u8>,
    words: *const AtomicU64,
}

// SAFETY: the memory is only ever read and written through atomics, and lives as long as the buffer.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The page, if its header is still ours.
    pub(super) fn page(&self) -> Option<Page<'_>> {
        // SAFETY: `ControlPage::new` saw that so many words are there, writable and aligned; the buffer is
        // held, and where the file is truncated by others there are zeros in its place.
        Page::new(unsafe { slice::from_raw_parts(self.words, WORDS) })
    }
}

/// A mapped control page, `evidence/modes.page`: where each unit may stand, for every process of the fleet.
///
/// >>> import mmap
/// >>> from exuvia._exuvia import ControlPage
/// >>> ControlPage(mmap.mmap(-1, ControlPage.size)).ours
/// False
#[pyclass(frozen, module = "exuvia._exuvia")]
pub struct ControlPage {
    mapping: Arc<Mapping>,
}

#[pymethods]
impl ControlPage {
    /// Takes a writable mapping, as `mmap.mmap` makes one.
    #[new]
    #[pyo3(signature = (mapped), text_signature = "(mapped)")]
    fn new(mapped: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::<u8>::get(mapped)?;
        let words = buffer.buf_ptr().cast_const().cast::<AtomicU64>();
        if buffer.len_bytes() < WORDS * 8 || buffer.readonly() || !words.is_aligned() || !buffer.is_c_contiguous() {
            let text = format!(
                "a control page is {} writable bytes, aligned to 8; this buffer has {}",
                WORDS * 8,
                buffer.len_bytes()
            );
            return Err(Failure::text("MigrateError", text).into());
        }
        Ok(Self {
            mapping: Arc::new(Mapping {
                #[cfg(unix)]
                guarded: Guarded::new(words as usize, WORDS * 8),
                _buffer: buffer,
                words,
            }),
        })
    }

    /// Bytes of a page.
    #[classattr]
    fn size() -> usize {
        WORDS * 8
    }

    /// Whether the header is whole and of this version.
    #[getter]
    fn ours(&self) -> bool {
        self.mapping.page().is_some()
    }

    /// Whether the file was truncated while it was mapped: from then on there is nothing but zeros in its place.
    ///
    /// Whoever asks now and then keeps the guard in force, also if the program sets its own handler of SIGBUS.
    fn truncated(&self) -> bool {
        #[cfg(unix)]
        {
            Guarded::keep();
            self.mapping.guarded.as_ref().is_some_and(Guarded::lost)
        }
        #[cfg(not(unix))]
        false
    }

    /// Where a unit may stand, mode and epoch; `None` if it has no slot or its word is torn.
    fn read(&self, unit: &str) -> Option<(&'static str, u32)> {
        let slot = self.mapping.page()?.slot(unit)?;
        let (mode, epoch) = slot.read(slot.word().load(std::sync::atomic::Ordering::Acquire))?;
        Some((mode.name(), epoch))
    }

    /// What canaries served of a unit on a day: calls, and the sum of amounts in ten-thousandths.
    fn used(&self, unit: &str, day: u64) -> Option<(u64, u64)> {
        Some(self.mapping.page()?.slot(unit)?.used(day))
    }
}

impl ControlPage {
    pub(super) fn attach(&self, unit: &str) -> Option<Attached> {
        let slot = self.mapping.page()?.slot(unit)?;
        // SAFETY: both borrow from the mapping, which the same value keeps alive and never moves.
        let slot: Slot<'static> = unsafe { std::mem::transmute::<Slot<'_>, Slot<'static>>(slot) };
        // SAFETY: as above.
        let page: Page<'static> = unsafe { std::mem::transmute::<Page<'_>, Page<'static>>(self.mapping.page()?) };
        Some(Attached { slot, page, _mapping: Arc::clone(&self.mapping) })
    }
}

/// A unit's slot in a mapping that is held.
pub(super) struct Attached {
    /// Its slot; must not outlive this value.
    pub(super) slot: Slot<'static>,
    /// The whole page; the same holds.
    pub(super) page: Page<'static>,
    _mapping: Arc<Mapping>,
}
