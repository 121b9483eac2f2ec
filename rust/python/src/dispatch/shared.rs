//! What every callable of a unit shares: the mode, what decides a call, and the counters.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use exuvia_migrate::Mode;
use exuvia_net::SystemClock;
use exuvia_ports::Clock;
use pyo3::ffi;

use super::canary::Canary;
use super::page::Attached;
use super::watched::Watched;
use crate::gate;

const TROUBLES: usize = 20;
static CLOCK: OnceLock<SystemClock> = OnceLock::new();

/// What a switch and its callable share: the mode, what decides a call, and the counters.
#[derive(Default)]
pub(crate) struct Shared {
    /// Where this process puts the unit.
    pub(super) own: AtomicU8,
    /// The word of the control page for which that holds.
    pub(super) accepted: AtomicU64,
    pub(super) attached: OnceLock<Attached>,
    pub(super) canary: OnceLock<Canary>,
    pub(super) day: AtomicU64,
    pub(super) sample: AtomicU64,
    /// The share of the calls that are sampled in mode rust.
    pub(super) sample_rust: AtomicU64,
    /// Nanoseconds that lie between two calls sampled in mode rust, at least.
    pub(super) pause_rust: AtomicU64,
    /// When the next one may be, on the clock of this process.
    pub(super) next_rust: AtomicU64,
    pub(super) seed: AtomicU64,
    pub(super) fallback: AtomicBool,
    pub(super) legacy_calls: AtomicU64,
    pub(super) candidate_calls: AtomicU64,
    pub(super) canary_calls: AtomicU64,
    pub(super) unsampled: AtomicU64,
    pub(super) unkeyed: AtomicU64,
    pub(super) capped: AtomicU64,
    /// Calls that the candidate raised in and that legacy was asked to answer.
    pub(super) fallbacks: AtomicU64,
    /// Those of them of which something was said in words.
    pub(super) noted: AtomicU64,
    /// Fallbacks in which legacy returned: the candidate alone raised.
    pub(super) answered: AtomicU64,
    pub(super) same_errors: AtomicU64,
    /// Calls in which the candidate raised and legacy could not be asked: each took the unit back to legacy.
    pub(super) unanswered: AtomicU64,
    /// What the last of them was, until somebody has asked.
    pub(super) fell: Mutex<Option<String>>,
    pub(super) panics: AtomicU64,
    pub(super) compared: AtomicU64,
    pub(super) differed: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) legacy_ns: AtomicU64,
    pub(super) candidate_ns: AtomicU64,
    pub(super) troubles: Mutex<Vec<String>>,
    /// Objects of a candidate class whose calls are observed.
    pub(super) watched: Watched,
}

impl Shared {
    /// Where the next call is served. One relaxed load of the page: while its word is the one that this
    /// process accepted, the mode is its own; else the lower of both, and legacy if it is torn.
    #[inline]
    pub(super) fn mode(&self) -> u8 {
        let own = self.own.load(Ordering::Relaxed);
        let Some(attached) = self.attached.get() else { return own };
        let word = attached.slot.word().load(Ordering::Relaxed);
        if word == self.accepted.load(Ordering::Relaxed) { own } else { lower(attached, word, own) }
    }

    /// Whether a call drawn in mode rust may be sampled: not sooner after the last one than the pause.
    #[cold]
    pub(super) fn due(&self) -> bool {
        let pause = self.pause_rust.load(Ordering::Relaxed);
        if pause == 0 {
            return true;
        }
        let now = u64::try_from(CLOCK.get_or_init(SystemClock::new).monotonic()).unwrap_or(0);
        let next = self.next_rust.load(Ordering::Relaxed);
        let after = now.saturating_add(pause);
        now >= next && self.next_rust.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Counts a call of the candidate that raised and that legacy is asked to answer.
    pub(super) fn note_fallback(&self, panicked: bool) {
        self.panics.fetch_add(u64::from(panicked), Ordering::Relaxed);
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the first of the errors that legacy did not raise as well, in words.
    pub(super) fn note_error(&self, text: impl FnOnce() -> String) {
        if self.noted.fetch_add(1, Ordering::Relaxed) < TROUBLES as u64 {
            self.trouble(text());
        }
    }

    /// Counts a call of the candidate that raised and that legacy cannot answer: legacy serves this process's next call.
    pub(super) fn note_refusal(&self, text: String, panicked: bool) {
        self.panics.fetch_add(u64::from(panicked), Ordering::Relaxed);
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.trouble(text.clone());
        *gate::locked(&self.fell) = Some(text);
        for mode in [Mode::Canary, Mode::Rust] {
            // Not a mode that somebody has put it into meanwhile.
            let _ = self.own.compare_exchange(mode.code(), Mode::Legacy.code(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn trouble(&self, text: String) {
        let mut troubles = gate::locked(&self.troubles);
        if troubles.len() < TROUBLES {
            troubles.push(text);
        }
    }
}

/// An exception in words.
///
/// # Safety
/// `kind` and `value` are live or null; no exception may be set.
pub(super) unsafe fn described(kind: *mut ffi::PyObject, value: *mut ffi::PyObject) -> String {
    // SAFETY: what the calls return is owned here and may be null.
    unsafe {
        let name = if kind.is_null() { kind } else { ffi::PyObject_GetAttrString(kind, c"__name__".as_ptr()) };
        let said = if value.is_null() { value } else { ffi::PyObject_Str(value) };
        let text = format!(
            "{}: {}",
            text_of(name).unwrap_or_else(|| "an error".to_owned()),
            text_of(said).unwrap_or_default()
        );
        ffi::Py_XDECREF(name);
        ffi::Py_XDECREF(said);
        text
    }
}

#[cold]
pub(super) fn lower(attached: &Attached, word: u64, own: u8) -> u8 {
    attached.slot.read(word).map_or(Mode::Legacy.code(), |(mode, _)| mode.code().min(own))
}

/// The text of a Python string; clears the exception of whatever could not be read.
///
/// # Safety
/// `text` is live or null.
pub(super) unsafe fn text_of(text: *mut ffi::PyObject) -> Option<String> {
    // SAFETY: the pointer that CPython returns lives as long as `text`.
    unsafe {
        let mut size: ffi::Py_ssize_t = 0;
        if !text.is_null() && ffi::PyUnicode_Check(text) != 0 {
            let bytes = ffi::PyUnicode_AsUTF8AndSize(text, &raw mut size);
            if !bytes.is_null() {
                let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), size as usize);
                return Some(String::from_utf8_lossy(bytes).chars().take(300).collect());
            }
        }
        ffi::PyErr_Clear();
        None
    }
}
