//! The heap type with the vectorcall slot, made by hand: a `#[pyclass]` with `__call__` costs twice
//! as much, and 366 ns with keywords. It is a method descriptor, so that a method call makes no
//! bound method; in mode rust a call is one atomic load, one counter and a tail call.

use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use exuvia_migrate::Mode;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::Shared;

const SHADOW: u8 = Mode::Shadow.code();
const RUST: u8 = Mode::Rust.code();

/// The object as CPython sees it; `base` must be first.
#[repr(C)]
struct Callable {
    base: ffi::PyObject,
    vectorcall: ffi::vectorcallfunc,
    dict: *mut ffi::PyObject,
    legacy: *mut ffi::PyObject,
    candidate: *mut ffi::PyObject,
    observer: *mut ffi::PyObject,
    shared: *const Shared,
}

/// Makes the callable of one switch.
pub(super) fn make(
    py: Python<'_>,
    shared: Arc<Shared>,
    legacy: Bound<'_, PyAny>,
    candidate: Bound<'_, PyAny>,
    observer: Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    static TYPE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = TYPE.get_or_try_init(py, || heap_type(py))?;
    // SAFETY: `class` is the heap type below; GenericAlloc returns zeroed memory of its basicsize
    // with the head set and a reference to the type, or null with an exception set. All fields are
    // written before the object is seen by anyone else (the GIL is held, no Python code runs).
    unsafe {
        let made = ffi::PyType_GenericAlloc(class.as_ptr().cast(), 0);
        if made.is_null() {
            return Err(PyErr::fetch(py));
        }
        let this = made.cast::<Callable>();
        (*this).vectorcall = vectorcall;
        (*this).legacy = legacy.into_ptr();
        (*this).candidate = candidate.into_ptr();
        (*this).observer = observer.into_ptr();
        (*this).shared = Arc::into_raw(shared);
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
    // the three callables live as long as the object, which the caller holds.
    unsafe {
        let this = this.cast::<Callable>();
        let shared = &*(*this).shared;
        let target = match shared.mode.load(Ordering::Relaxed) {
            RUST => {
                shared.candidate_calls.fetch_add(1, Ordering::Relaxed);
                (*this).candidate
            }
            SHADOW => {
                shared.legacy_calls.fetch_add(1, Ordering::Relaxed);
                (*this).observer
            }
            _ => {
                shared.legacy_calls.fetch_add(1, Ordering::Relaxed);
                (*this).legacy
            }
        };
        ffi::PyObject_Vectorcall(target, args, nargsf, names)
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
        for field in [class, (*fields).dict, (*fields).legacy, (*fields).candidate, (*fields).observer] {
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
        if !(*fields).shared.is_null() {
            drop(Arc::from_raw((*fields).shared));
        }
        let class = ffi::Py_TYPE(this);
        ffi::PyObject_GC_Del(this.cast());
        ffi::Py_DECREF(class.cast());
    }
}

fn heap_type(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let method = py.import("types")?.getattr("MethodType")?;
    METHOD_TYPE.store(method.into_ptr(), Ordering::Relaxed);
    let member = |name: &'static std::ffi::CStr, offset: usize| ffi::PyMemberDef {
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
    let getset: &'static mut [ffi::PyGetSetDef; 2] = Box::leak(Box::new([
        ffi::PyGetSetDef {
            name: c"__dict__".as_ptr(),
            get: Some(ffi::PyObject_GenericGetDict),
            set: Some(ffi::PyObject_GenericSetDict),
            doc: ptr::null(),
            closure: ptr::null_mut(),
        },
        ffi::PyGetSetDef::default(),
    ]));
    let methods: &'static mut [ffi::PyMethodDef; 2] = Box::leak(Box::new([
        ffi::PyMethodDef {
            ml_name: c"__reduce__".as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunction: reduce },
            ml_flags: ffi::METH_NOARGS,
            ml_doc: ptr::null(),
        },
        ffi::PyMethodDef::zeroed(),
    ]));
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut c_void),
        slot(ffi::Py_tp_descr_get, bind as *mut c_void),
        slot(ffi::Py_tp_traverse, traverse as *mut c_void),
        slot(ffi::Py_tp_clear, clear as *mut c_void),
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(ffi::Py_tp_getset, getset.as_mut_ptr().cast()),
        slot(0, ptr::null_mut()),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT
        | ffi::Py_TPFLAGS_HAVE_GC
        | ffi::Py_TPFLAGS_HAVE_VECTORCALL
        | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR
        | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
    let mut spec = ffi::PyType_Spec {
        name: c"exuvia._exuvia.Dispatcher".as_ptr(),
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
