//! Which calls a canary serves: the key is found in the arguments as CPython passes them, nothing is
//! bound or copied. A call whose key or amount cannot be read is legacy's.

use std::ffi::c_char;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use exuvia_migrate::page::Caps;
use exuvia_migrate::{Key, sticky};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A path into the arguments: which argument, and the steps from there.
pub(super) struct Place {
    position: Option<usize>,
    name: Option<Py<PyString>>,
    default: Option<Py<PyAny>>,
    steps: Vec<Step>,
}

enum Step {
    Name(Py<PyString>),
    Index(Py<PyAny>),
}

/// `(position | None, name | None, (default,) | (), steps)`, as `dispatch.canary.place` makes it.
pub(super) type Written<'py> =
    (Option<usize>, Option<Bound<'py, PyString>>, Vec<Bound<'py, PyAny>>, Vec<Bound<'py, PyAny>>);

impl Place {
    pub(super) fn read((position, name, default, steps): Written<'_>) -> PyResult<Self> {
        if position.is_none() && name.is_none() {
            return Err(PyValueError::new_err("a place names an argument by position or by name"));
        }
        let interned = |text: &Bound<'_, PyString>| PyString::intern(text.py(), &text.to_string_lossy()).unbind();
        let steps = steps
            .into_iter()
            .map(|step| match step.cast::<PyString>() {
                Ok(name) => Step::Name(interned(name)),
                Err(_) => Step::Index(step.unbind()),
            })
            .collect();
        Ok(Self {
            position,
            name: name.as_ref().map(interned),
            default: default.into_iter().next().map(Bound::unbind),
            steps,
        })
    }

    /// The value there: a new reference, or null without an exception.
    ///
    /// # Safety
    /// As for a vectorcall.
    unsafe fn find(
        &self,
        args: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: `args` holds `count` positional arguments and one for each of `names`.
        unsafe {
            let mut found = self.argument(args, count, names);
            if found.is_null() {
                return found;
            }
            ffi::Py_INCREF(found);
            for step in &self.steps {
                let next = match step {
                    Step::Index(index) => ffi::PyObject_GetItem(found, index.as_ptr()),
                    Step::Name(name) if ffi::PyDict_Check(found) != 0 => ffi::PyObject_GetItem(found, name.as_ptr()),
                    Step::Name(name) => ffi::PyObject_GetAttr(found, name.as_ptr()),
                };
                ffi::Py_DECREF(found);
                if next.is_null() {
                    ffi::PyErr_Clear();
                    return next;
                }
                found = next;
            }
            found
        }
    }

    /// The argument itself, borrowed.
    unsafe fn argument(
        &self,
        args: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: as for `find`; the index is below the length each time.
        unsafe {
            if let Some(position) = self.position.filter(|position| *position < count) {
                return *args.add(position);
            }
            if let (Some(name), false) = (&self.name, names.is_null()) {
                for at in 0..ffi::PyTuple_Size(names) {
                    let given = ffi::PyTuple_GetItem(names, at);
                    if given == name.as_ptr() || ffi::PyUnicode_Compare(given, name.as_ptr()) == 0 {
                        return *args.add(count + at as usize);
                    }
                }
            }
            self.default.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr)
        }
    }
}

/// What a unit's canary is declared to be.
pub(super) struct Canary {
    pub(super) key: Place,
    pub(super) amount: Option<Place>,
    pub(super) salt: [u64; 2],
    pub(super) caps: Caps,
    /// The hash below which a key is served.
    pub(super) share: AtomicU64,
    /// Which keys the candidate served since somebody asked: a bit for each, of 256.
    pub(super) keys: [AtomicU64; 4],
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The key is not in the share.
    Legacy,
    /// The key or the amount could not be read.
    Unkeyed,
    /// A cap was reached.
    Capped,
    /// The candidate serves.
    Candidate,
}

impl Canary {
    /// Notes that the candidate serves a key. The bit comes of the low end of its hash, the share of the high one.
    #[inline]
    fn note(&self, hash: u64) -> Choice {
        let [one, two, three, four] = &self.keys;
        let word = match (hash >> 6) & 3 {
            0 => one,
            1 => two,
            2 => three,
            _ => four,
        };
        let bit = 1 << (hash & 63);
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Choice::Candidate
    }

    /// Decides one call.
    ///
    /// # Safety
    /// As for a vectorcall; no exception may be set.
    pub(super) unsafe fn choose(
        &self,
        attached: Option<&super::page::Attached>,
        day: &AtomicU64,
        args: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> Choice {
        // SAFETY: passed on; `found` and `amount` are references of our own.
        unsafe {
            let found = self.key.find(args, count, names);
            if found.is_null() {
                return Choice::Unkeyed;
            }
            let hash = hashed(self.salt, found);
            ffi::Py_DECREF(found);
            let Some(hash) = hash else { return Choice::Unkeyed };
            let share = self.share.load(Ordering::Relaxed);
            if hash >= share && share != u64::MAX {
                return Choice::Legacy;
            }
            if !self.caps.any() {
                return self.note(hash);
            }
            let amount = match &self.amount {
                None => 0,
                Some(place) => {
                    let found = place.find(args, count, names);
                    if found.is_null() {
                        return Choice::Unkeyed;
                    }
                    let parts = parts(found);
                    ffi::Py_DECREF(found);
                    match parts {
                        Some(parts) => parts,
                        None => return Choice::Unkeyed,
                    }
                }
            };
            // Without memory that all processes share a cap cannot be kept: legacy serves.
            let Some(attached) = attached else { return Choice::Capped };
            let today = day.load(Ordering::Relaxed);
            if attached.page.admit(&attached.slot, hash, today, amount, &self.caps) {
                self.note(hash)
            } else {
                Choice::Capped
            }
        }
    }
}

/// The hash of a key that is text, bytes or a whole number of 64 bits.
unsafe fn hashed(salt: [u64; 2], key: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: `key` is live; the pointers of text and bytes live as long as it does.
    unsafe {
        let mut size: ffi::Py_ssize_t = 0;
        if ffi::PyUnicode_Check(key) != 0 {
            let text = ffi::PyUnicode_AsUTF8AndSize(key, &raw mut size);
            if text.is_null() {
                ffi::PyErr_Clear();
                return None;
            }
            return Some(sticky(salt, Key::Text(slice::from_raw_parts(text.cast(), size as usize))));
        }
        if ffi::PyLong_Check(key) != 0 {
            let mut overflow = 0;
            let whole = ffi::PyLong_AsLongLongAndOverflow(key, &raw mut overflow);
            return (overflow == 0).then(|| sticky(salt, Key::Whole(whole)));
        }
        if ffi::PyBytes_Check(key) != 0 {
            let mut bytes: *mut c_char = std::ptr::null_mut();
            if ffi::PyBytes_AsStringAndSize(key, &raw mut bytes, &raw mut size) == 0 {
                return Some(sticky(salt, Key::Bytes(slice::from_raw_parts(bytes.cast(), size as usize))));
            }
            ffi::PyErr_Clear();
        }
        None
    }
}

/// An amount in ten-thousandths, without its sign, rounded up; `None` for what is no number.
unsafe fn parts(amount: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: `amount` is live; an exception that arises is cleared.
    unsafe {
        let number = ffi::PyNumber_Float(amount);
        if number.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        let value = ffi::PyFloat_AsDouble(number);
        ffi::Py_DECREF(number);
        // A price such as 99.99 is not exact in binary: what is a millionth of a part above is not rounded up.
        let scaled = value.abs() * 10_000.0;
        let whole =
            if scaled - scaled.round() > 1e-6 * scaled.clamp(1.0, 1e3) { scaled.ceil() } else { scaled.round() };
        (whole.is_finite() && whole < 4.5e15).then_some(whole as u64)
    }
}
