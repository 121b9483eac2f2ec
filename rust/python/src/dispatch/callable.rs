//! The heap type with the vectorcall slot, made by hand: a `#[pyclass]` with `__call__` costs twice
//! as much, and 366 ns with keywords. It is a method descriptor, so that a method call makes no
//! bound method; in mode rust a call is one atomic load, one counter and a tail call. A trampoline
//! holds a turnout instead, of the same layout: an operator that returns who serves.

use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use exuvia_migrate::{Mode, nth};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::canary::Choice;
use super::rescue::{Asked, Verdict, given, judge};
use super::shared::Shared;
use super::shared::described;
use super::{turnout, within};

const SHADOW: u8 = Mode::Shadow.code();
const CANARY: u8 = Mode::Canary.code();
const RUST: u8 = Mode::Rust.code();
const RETIRED: u8 = Mode::Retired.code();

/// The object as CPython sees it; `base` must be first.
#[repr(C)]
pub(super) struct Callable {
    base: ffi::PyObject,
    vectorcall: ffi::vectorcallfunc,
    dict: *mut ffi::PyObject,
    pub(super) legacy: *mut ffi::PyObject,
    pub(super) candidate: *mut ffi::PyObject,
    observer: *mut ffi::PyObject,
    pub(super) reverse: *mut ffi::PyObject,
    /// Compares what both sides raised of one call.
    pub(super) raised: *mut ffi::PyObject,
    pub(super) shared: *const Shared,
    counted: bool,
}

/// The callables of one switch.
pub(super) struct Sides<'py> {
    pub(super) legacy: Bound<'py, PyAny>,
    pub(super) candidate: Bound<'py, PyAny>,
    pub(super) observer: Bound<'py, PyAny>,
    /// Observes sampled calls that the candidate serves, in canary and rust: it must return what the candidate returns.
    pub(super) reverse: Option<Bound<'py, PyAny>>,
    /// Compares what both sides raised of one call, `(legacy's, the candidate's, args, kwargs, observed)`, and puts it
    /// on record: whether it is the same, or `None` if it cannot tell.
    pub(super) raised: Option<Bound<'py, PyAny>>,
}

static DISPATCHER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static TURNOUT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Makes a callable; one that is `counted` only ever serves the candidate.
pub(super) fn make(py: Python<'_>, shared: Arc<Shared>, sides: Sides<'_>, counted: bool) -> PyResult<Py<PyAny>> {
    let class = DISPATCHER.get_or_try_init(py, || heap_type(py, c"exuvia._exuvia.Dispatcher", &[], &[]))?;
    made(py, class, shared, sides, counted)
}

/// The turnout of a callable, which is what a trampoline holds; `None` for anything that is no callable of a switch.
pub(super) fn turnout_of(callable: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let py = callable.py();
    if !DISPATCHER.get(py).is_some_and(|class| callable.get_type().is(class)) {
        return Ok(None);
    }
    let class = TURNOUT.get_or_try_init(py, || {
        heap_type(py, c"exuvia._exuvia.Turnout", &[slot(ffi::Py_nb_invert, choose as *mut c_void)], &[turnout::RESCUED])
    })?;
    // SAFETY: the object is of the heap type, whose layout `Callable` is; its fields are live as long as it is, and the
    // count of `shared` is raised for the `Arc` that is made of it.
    let (sides, shared) = unsafe {
        let this = &*callable.as_ptr().cast::<Callable>();
        if this.counted {
            return Ok(None);
        }
        Arc::increment_strong_count(this.shared);
        let sides = Sides {
            legacy: Bound::from_borrowed_ptr(py, this.legacy),
            candidate: Bound::from_borrowed_ptr(py, this.candidate),
            observer: Bound::from_borrowed_ptr(py, this.observer),
            reverse: Bound::from_borrowed_ptr_or_opt(py, this.reverse),
            raised: Bound::from_borrowed_ptr_or_opt(py, this.raised),
        };
        (sides, Arc::from_raw(this.shared))
    };
    made(py, class, shared, sides, false).map(Some)
}

fn made(
    py: Python<'_>,
    class: &Py<PyAny>,
    shared: Arc<Shared>,
    sides: Sides<'_>,
    counted: bool,
) -> PyResult<Py<PyAny>> {
    // SAFETY: `class` is a heap type below; GenericAlloc returns zeroed memory of its basicsize
    // with the head set and a reference to the type, or null with an exception set. All fields are
    // written before the object is seen by anyone else (the GIL is held, no Python code runs).
    unsafe {
        let made = ffi::PyType_GenericAlloc(class.as_ptr().cast(), 0);
        if made.is_null() {
            return Err(PyErr::fetch(py));
        }
        let this = made.cast::<Callable>();
        (*this).vectorcall = if counted { vectorcall_counted } else { vectorcall };
        (*this).legacy = sides.legacy.into_ptr();
        (*this).candidate = sides.candidate.into_ptr();
        (*this).observer = sides.observer.into_ptr();
        (*this).reverse = sides.reverse.map_or(ptr::null_mut(), Bound::into_ptr);
        (*this).raised = sides.raised.map_or(ptr::null_mut(), Bound::into_ptr);
        (*this).shared = Arc::into_raw(shared);
        (*this).counted = counted;
        Ok(Bound::from_owned_ptr(py, made).unbind())
    }
}

/// The hot path. Nothing here can panic: no indexing, no arithmetic that could overflow.
unsafe extern "C" fn vectorcall(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython passes the object that carries this slot, with the caller's argument array;
    // the callables live as long as the object, which the caller holds.
    unsafe {
        let this = this.cast::<Callable>();
        let shared = &*(*this).shared;
        match shared.mode() {
            CANARY => canary(this, shared, args, nargsf, names),
            mode @ (RUST | RETIRED) => candidate(this, shared, side(this, shared, mode), args, nargsf, names),
            mode => ffi::PyObject_Vectorcall(side(this, shared, mode), args, nargsf, names),
        }
    }
}

/// `~turnout`: the callable that is to serve this call, counted as if it had been called. A canary looks at the arguments:
/// there the turnout is to be called itself.
///
/// An operator costs the interpreter less than a call, and it then calls a function in its own loop, which it cannot
/// if the call comes from C.
unsafe extern "C" fn choose(this: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython passes the object that carries this slot; the callables live as long as it does.
    unsafe {
        let fields = this.cast::<Callable>();
        let shared = &*(*fields).shared;
        let by = match shared.mode() {
            CANARY => this,
            mode => side(fields, shared, mode),
        };
        ffi::Py_INCREF(by);
        by
    }
}

/// What serves the next call in any mode but canary, borrowed; the call is counted.
#[inline]
unsafe fn side(this: *mut Callable, shared: &Shared, mode: u8) -> *mut ffi::PyObject {
    // SAFETY: `this` is live.
    unsafe {
        match mode {
            RUST => {
                let count = shared.candidate_calls.fetch_add(1, Ordering::Relaxed);
                let sampled = drawn(shared, &shared.sample_rust, count) && shared.due();
                if sampled { reversed(this) } else { (*this).candidate }
            }
            RETIRED => {
                shared.candidate_calls.fetch_add(1, Ordering::Relaxed);
                (*this).candidate
            }
            SHADOW => shadowed(this, shared),
            _ => {
                shared.legacy_calls.fetch_add(1, Ordering::Relaxed);
                (*this).legacy
            }
        }
    }
}

/// A method of the candidate: it serves in every mode, by its observer if the object is watched.
unsafe extern "C" fn vectorcall_counted(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as for `vectorcall`.
    unsafe {
        let this = this.cast::<Callable>();
        let shared = &*(*this).shared;
        shared.candidate_calls.fetch_add(1, Ordering::Relaxed);
        let given = nargsf & !(1 << (usize::BITS - 1));
        let by = if given > 0 && shared.watched.has(*args as usize) { reversed(this) } else { (*this).candidate };
        ffi::PyObject_Vectorcall(by, args, nargsf, names)
    }
}

/// Whether the `count`-th call is sampled: by a stream of our own, not the program's.
#[inline]
fn drawn(shared: &Shared, share: &AtomicU64, count: u64) -> bool {
    let share = share.load(Ordering::Relaxed);
    share == u64::MAX || nth(shared.seed.load(Ordering::Relaxed), count) < share
}

/// What serves a sampled call of the candidate: its observer, where there is one.
unsafe fn reversed(this: *mut Callable) -> *mut ffi::PyObject {
    // SAFETY: `this` is live.
    unsafe { if (*this).reverse.is_null() { (*this).candidate } else { (*this).reverse } }
}

/// Legacy serves, observed if the call is sampled.
#[inline]
unsafe fn shadowed(this: *mut Callable, shared: &Shared) -> *mut ffi::PyObject {
    // SAFETY: `this` is live.
    unsafe {
        let count = shared.legacy_calls.fetch_add(1, Ordering::Relaxed);
        if drawn(shared, &shared.sample, count) && !within::inside(shared) {
            return (*this).observer;
        }
        shared.unsampled.fetch_add(1, Ordering::Relaxed);
        (*this).legacy
    }
}

unsafe fn canary(
    this: *mut Callable,
    shared: &Shared,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as for `vectorcall`. The top bit of nargsf is PY_VECTORCALL_ARGUMENTS_OFFSET.
    unsafe {
        let count = nargsf & !(1 << (usize::BITS - 1));
        let choice = shared
            .canary
            .get()
            .map_or(Choice::Unkeyed, |canary| canary.choose(shared.attached.get(), &shared.day, args, count, names));
        match choice {
            Choice::Candidate => {
                let count = shared.canary_calls.fetch_add(1, Ordering::Relaxed);
                shared.candidate_calls.fetch_add(1, Ordering::Relaxed);
                let by = if drawn(shared, &shared.sample, count) { reversed(this) } else { (*this).candidate };
                return candidate(this, shared, by, args, nargsf, names);
            }
            Choice::Unkeyed => shared.unkeyed.fetch_add(1, Ordering::Relaxed),
            Choice::Capped => shared.capped.fetch_add(1, Ordering::Relaxed),
            Choice::Legacy => 0,
        };
        ffi::PyObject_Vectorcall(shadowed(this, shared), args, nargsf, names)
    }
}

/// The candidate serves, called directly or `by` its observer; either way legacy answers if it raises and may.
#[inline]
unsafe fn candidate(
    this: *mut Callable,
    shared: &Shared,
    by: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as for `vectorcall`.
    unsafe {
        let result = ffi::PyObject_Vectorcall(by, args, nargsf, names);
        if result.is_null() && shared.fallback.load(Ordering::Relaxed) {
            return rescue(this, shared, by == (*this).reverse, args, nargsf, names);
        }
        result
    }
}

/// The candidate of a pure unit raised: legacy answers, unless the error is the caller's own affair
/// (Ctrl-C, cancellation, a generator's end, a signal's handler) or the arguments may have been changed.
#[cold]
unsafe fn rescue(
    this: *mut Callable,
    shared: &Shared,
    observed: bool,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as for `vectorcall`; the references that Fetch gives are dropped below, or given back.
    #[allow(deprecated)]
    unsafe {
        let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut trace);
        let Some(panicked) = turnout::panicked(kind) else {
            ffi::PyErr_Restore(kind, value, trace);
            return ptr::null_mut();
        };
        if !kind.is_null() {
            ffi::PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut trace);
            if !trace.is_null() && !value.is_null() {
                ffi::PyException_SetTraceback(value, trace);
            }
        }
        let py = Python::assume_attached();
        let count = nargsf & !(1 << (usize::BITS - 1));
        let legacy = Bound::from_borrowed_ptr(py, (*this).legacy);
        let call = given(py, args, count, names);
        let error = Bound::from_borrowed_ptr_or_opt(py, value);
        let found = call.and_then(|(args, named)| {
            judge(&legacy, &args, Some(&named), error.as_ref()).map(|verdict| (verdict, args, named))
        });
        let (given, named) = match found {
            Ok((Verdict::Answer, args, named)) => (args, named),
            Ok((other, ..)) => {
                drop(error);
                if let Verdict::Refuse(why) = other {
                    shared.note_refusal(format!("{} ({why})", described(kind, value)), panicked);
                }
                ffi::PyErr_Restore(kind, value, trace);
                return ptr::null_mut();
            }
            Err(later) => {
                drop(error);
                for each in [kind, value, trace] {
                    ffi::Py_XDECREF(each);
                }
                later.restore(py);
                return ptr::null_mut();
            }
        };
        shared.note_fallback(panicked);
        for each in [kind, value, trace] {
            ffi::Py_XDECREF(each);
        }
        let result = ffi::PyObject_Vectorcall((*this).legacy, args, nargsf, names);
        let raised = Bound::from_borrowed_ptr_or_opt(py, (*this).raised);
        let asked = Asked { shared, raised: raised.as_ref(), error, args: &given, kwargs: Some(&named), observed };
        if !result.is_null() {
            if let Err(later) = asked.ended(py, None) {
                ffi::Py_DECREF(result);
                later.restore(py);
                return ptr::null_mut();
            }
            return result;
        }
        let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut trace);
        ffi::PyErr_NormalizeException(&raw mut kind, &raw mut value, &raw mut trace);
        if !trace.is_null() && !value.is_null() {
            ffi::PyException_SetTraceback(value, trace);
        }
        let ended = asked.ended(py, Bound::from_borrowed_ptr_or_opt(py, value).as_ref());
        match ended {
            Ok(()) => ffi::PyErr_Restore(kind, value, trace),
            Err(later) => {
                for each in [kind, value, trace] {
                    ffi::Py_XDECREF(each);
                }
                later.restore(py);
            }
        }
        result
    }
}

/// What is shown of the function that a callable stands for, by `exuvia.migrate.dispatch.inspected`.
const SHOWN: [&CStr; 5] = [c"__code__", c"__defaults__", c"__kwdefaults__", c"__closure__", c"__globals__"];

/// One of these, of the function that stands in the `__dict__` as the one that is wrapped.
unsafe extern "C" fn shown(this: *mut ffi::PyObject, name: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: CPython passes a live object and the closure of the getter, which is one of the names above.
    unsafe {
        let py = Python::assume_attached();
        let name = CStr::from_ptr(name.cast()).to_string_lossy();
        let found = py
            .import("exuvia.migrate.dispatch.inspected")
            .and_then(|inspected| inspected.getattr("shown"))
            .and_then(|shown| shown.call1((Bound::from_borrowed_ptr(py, this), name)));
        match found {
            Ok(found) => found.into_ptr(),
            Err(error) => {
                error.restore(py);
                ptr::null_mut()
            }
        }
    }
}

static METHOD_TYPE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(ptr::null_mut());

/// `__get__`: binds by calling `types.MethodType`, since `PyMethod_New` is not in the limited API.
unsafe extern "C" fn bind(
    this: *mut ffi::PyObject,
    instance: *mut ffi::PyObject,
    _class: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: both pointers are live objects of the caller (instance may be null); METHOD_TYPE was
    // set to an immortal reference before the first object of this type could exist.
    unsafe {
        if instance.is_null() || instance == ffi::Py_None() {
            ffi::Py_INCREF(this);
            return this;
        }
        ffi::PyObject_CallFunctionObjArgs(
            METHOD_TYPE.load(Ordering::Relaxed),
            this,
            instance,
            ptr::null_mut::<ffi::PyObject>(),
        )
    }
}

/// `__reduce__`: pickles and copies by name, as a function does.
unsafe extern "C" fn reduce(this: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: `this` is a live object; the result is a new reference or null with an exception set.
    unsafe { ffi::PyObject_GetAttrString(this, c"__qualname__".as_ptr()) }
}

unsafe extern "C" fn traverse(this: *mut ffi::PyObject, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the collector calls this with a live object of the heap type; null fields are skipped.
    unsafe {
        let fields = this.cast::<Callable>();
        let class = ffi::Py_TYPE(this).cast::<ffi::PyObject>();
        let sides = [(*fields).legacy, (*fields).candidate, (*fields).observer, (*fields).reverse, (*fields).raised];
        for field in [class, (*fields).dict].into_iter().chain(sides) {
            if !field.is_null() {
                let stop = visit(field, arg);
                if stop != 0 {
                    return stop;
                }
            }
        }
        0
    }
}

unsafe extern "C" fn clear(this: *mut ffi::PyObject) -> c_int {
    // SAFETY: as for traverse. Only the dict is dropped: a call may still arrive while the
    // collector takes the cycle apart, and the dict's `__wrapped__` is what closes the cycles.
    unsafe {
        let fields = this.cast::<Callable>();
        let dict = std::mem::replace(&mut (*fields).dict, ptr::null_mut());
        ffi::Py_XDECREF(dict);
        0
    }
}

unsafe extern "C" fn dealloc(this: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; every field is owned exactly once and dropped once, then
    // the memory and the reference to the type that GenericAlloc took.
    unsafe {
        ffi::PyObject_GC_UnTrack(this.cast());
        let fields = this.cast::<Callable>();
        ffi::Py_XDECREF((*fields).dict);
        ffi::Py_XDECREF((*fields).legacy);
        ffi::Py_XDECREF((*fields).candidate);
        ffi::Py_XDECREF((*fields).observer);
        ffi::Py_XDECREF((*fields).reverse);
        ffi::Py_XDECREF((*fields).raised);
        if !(*fields).shared.is_null() {
            drop(Arc::from_raw((*fields).shared));
        }
        let class = ffi::Py_TYPE(this);
        ffi::PyObject_GC_Del(this.cast());
        ffi::Py_DECREF(class.cast());
    }
}

const fn slot(slot: c_int, pfunc: *mut c_void) -> ffi::PyType_Slot {
    ffi::PyType_Slot { slot, pfunc }
}

/// One of the two types of this layout, with slots and methods of its own.
fn heap_type(
    py: Python<'_>,
    name: &'static CStr,
    own: &[ffi::PyType_Slot],
    own_methods: &[ffi::PyMethodDef],
) -> PyResult<Py<PyAny>> {
    let method = py.import("types")?.getattr("MethodType")?;
    METHOD_TYPE.store(method.into_ptr(), Ordering::Relaxed);
    let member = |name: &'static CStr, offset: usize| ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: ffi::Py_T_PYSSIZET,
        offset: offset as ffi::Py_ssize_t,
        flags: ffi::Py_READONLY,
        doc: ptr::null(),
    };
    // CPython copies members into the type; getset and method tables it keeps by pointer, so those leak, once.
    let mut members = [
        member(c"__vectorcalloffset__", offset_of!(Callable, vectorcall)),
        member(c"__dictoffset__", offset_of!(Callable, dict)),
        ffi::PyMemberDef::default(),
    ];
    let mut getset = vec![ffi::PyGetSetDef {
        name: c"__dict__".as_ptr(),
        get: Some(ffi::PyObject_GenericGetDict),
        set: Some(ffi::PyObject_GenericSetDict),
        doc: ptr::null(),
        closure: ptr::null_mut(),
    }];
    getset.extend(SHOWN.map(|name| ffi::PyGetSetDef {
        name: name.as_ptr(),
        get: Some(shown),
        set: None,
        doc: ptr::null(),
        closure: name.as_ptr().cast_mut().cast(),
    }));
    getset.push(ffi::PyGetSetDef::default());
    let getset: &'static mut [ffi::PyGetSetDef] = Vec::leak(getset);
    let mut methods = own_methods.to_vec();
    methods.push(ffi::PyMethodDef {
        ml_name: c"__reduce__".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: reduce },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: ptr::null(),
    });
    methods.push(ffi::PyMethodDef::zeroed());
    let methods: &'static mut [ffi::PyMethodDef] = Vec::leak(methods);
    let mut slots = own.to_vec();
    slots.extend([
        slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut c_void),
        slot(ffi::Py_tp_descr_get, bind as *mut c_void),
        slot(ffi::Py_tp_traverse, traverse as *mut c_void),
        slot(ffi::Py_tp_clear, clear as *mut c_void),
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(ffi::Py_tp_getset, getset.as_mut_ptr().cast()),
        slot(0, ptr::null_mut()),
    ]);
    // Of a type that never changes the interpreter remembers where its methods stand, call site by call site.
    let flags = ffi::Py_TPFLAGS_DEFAULT
        | ffi::Py_TPFLAGS_IMMUTABLETYPE
        | ffi::Py_TPFLAGS_HAVE_GC
        | ffi::Py_TPFLAGS_HAVE_VECTORCALL
        | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR
        | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
    let mut spec = ffi::PyType_Spec {
        name: name.as_ptr(),
        basicsize: size_of::<Callable>() as c_int,
        itemsize: 0,
        flags: flags as u32,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the spec, its slots and members live through the call, which copies what it needs but
    // the getset and method tables (leaked) and the name (static).
    unsafe {
        let class = ffi::PyType_FromSpec(&mut spec);
        if class.is_null() { Err(PyErr::fetch(py)) } else { Ok(Bound::from_owned_ptr(py, class).unbind()) }
    }
}
