//! What happens when a mapped control page is cut short below us, as by `cp` over it: reading what is no longer in
//! the file is SIGBUS, which would end the trading program. In go the addresses of the pages that are mapped; out
//! comes whether one was lost.
//!
//! The handler lays zeros over a page that was lost, in one system call: every word of it then reads as torn, which
//! means legacy, at the next call. Any other SIGBUS goes on to whoever had the signal before. A handler that came
//! after ours is put behind it by [`Guarded::keep`], which the poller calls: until then, and in a process that
//! blocks the signal, a page that is cut short is fatal still.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use crate::gate;

/// How often the signal is taken back from others: two who fight for it would never end.
const TAKEN_BACK: usize = 16;
/// Codes from here on are of signals that someone sent (macOS); on Linux those are 0 and below.
const SENT: c_int = 0x10000;

/// A page that is mapped. Places are never freed, since the handler may read them at any time, but used again.
struct Place {
    /// Its address; 0 while the place is free.
    start: AtomicUsize,
    lost: AtomicBool,
    next: Option<&'static Place>,
}

static PLACES: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());
/// Bytes of a page, in whole pages of memory.
static LENGTH: AtomicUsize = AtomicUsize::new(0);
/// Who had the signal as we came.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());
/// Who took it since, and has it back as soon as there is a signal for them.
static SINCE: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static WRITING: Mutex<()> = Mutex::new(());

/// A page that is guarded for as long as this value lives; it must be dropped before the page is unmapped.
pub(super) struct Guarded(&'static Place);

impl Guarded {
    /// Guards the `bytes` at `start`, if they begin as a mapping does: at a page of memory.
    pub(super) fn new(start: usize, bytes: usize) -> Option<Self> {
        // SAFETY: asks for a number.
        let unit = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|unit| *unit > 0)?;
        if start == 0 || !start.is_multiple_of(unit) {
            return None;
        }
        let _writing = gate::locked(&WRITING);
        LENGTH.store(bytes.div_ceil(unit) * unit, Ordering::Release);
        if BEFORE.load(Ordering::Acquire).is_null() {
            let before = Box::leak(Box::new(current()?));
            BEFORE.store(before, Ordering::Release);
            install(before);
        }
        let place = places().find(|place| place.start.load(Ordering::Acquire) == 0).unwrap_or_else(|| {
            let (start, lost) = (AtomicUsize::new(0), AtomicBool::new(false));
            let place: &'static Place = Box::leak(Box::new(Place { start, lost, next: places().next() }));
            PLACES.store(ptr::from_ref(place).cast_mut(), Ordering::Release);
            place
        });
        place.lost.store(false, Ordering::Release);
        place.start.store(start, Ordering::Release);
        Some(Self(place))
    }

    /// Whether the page was lost: it holds nothing but zeros, and no other process sees what is written there.
    pub(super) fn lost(&self) -> bool {
        self.0.lost.load(Ordering::Acquire)
    }

    /// Takes the signal back if someone else took it, and keeps who that was for the signals that are not ours.
    pub(super) fn keep() {
        let _writing = gate::locked(&WRITING);
        let Some(now) =
            current().filter(|now| now.sa_sigaction != handler() && !BEFORE.load(Ordering::Acquire).is_null())
        else {
            return;
        };
        if TAKEN.fetch_add(1, Ordering::Relaxed) < TAKEN_BACK {
            install(&now);
            SINCE.store(Box::into_raw(Box::new(now)), Ordering::Release);
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
    }
}

fn places() -> impl Iterator<Item = &'static Place> {
    // SAFETY: what is in the list was leaked by a `Box` and is only ever read.
    std::iter::successors(unsafe { PLACES.load(Ordering::Acquire).as_ref() }, |place| place.next)
}

fn handler() -> libc::sighandler_t {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
    handler as libc::sighandler_t
}

/// Who has the signal now.
fn current() -> Option<libc::sigaction> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks; zeros are a valid action, and the call fills it.
    unsafe { (libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr()) == 0).then(|| action.assume_init()) }
}

/// Takes the signal, with the mask and the flags of who has it: for theirs nothing changes.
fn install(before: &libc::sigaction) {
    let mut ours = *before;
    ours.sa_sigaction = handler();
    ours.sa_flags = (before.sa_flags & !libc::SA_RESETHAND) | libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler has the signature that SA_SIGINFO asks for and calls nothing that a handler may not.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
}

/// No lock, no memory taken, nothing that may panic: this interrupts any thread at any place.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a whole `siginfo_t`.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    let fault = 0 < code && code < SENT;
    if !(fault && lay_zeros(address)) {
        // SAFETY: these are the kernel's own arguments.
        unsafe { pass_on(fault, signal, info, context) };
    }
}

/// Lays zeros over the page that holds an address; whether there is one.
fn lay_zeros(address: usize) -> bool {
    let length = LENGTH.load(Ordering::Acquire);
    let inside = |start: usize| start != 0 && address.wrapping_sub(start) < length;
    let Some(start) = places().map(|place| place.start.load(Ordering::Acquire)).find(|start| inside(*start)) else {
        return false;
    };
    let (rights, how) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED);
    // SAFETY: the range is one that `mmap` gave and that is mapped for as long as its place is taken; it is only read
    // and written through atomics or by Python, which take zeros as they take any other bytes.
    let laid = unsafe { libc::mmap(start as *mut c_void, length, rights, how, -1, 0) };
    if laid as usize != start {
        return false;
    }
    for place in places().filter(|place| place.start.load(Ordering::Acquire) == start) {
        place.lost.store(true, Ordering::Release);
    }
    true
}

/// Gives a signal that is not ours to whoever is to have it.
///
/// # Safety
/// The arguments are those of the handler.
unsafe fn pass_on(fault: bool, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let since = SINCE.swap(ptr::null_mut(), Ordering::AcqRel);
    let before = BEFORE.load(Ordering::Acquire);
    // SAFETY: both are null or were made by a `Box` that is never freed; what they call was given to the kernel as a
    // handler of that signature.
    unsafe {
        let Some(before) = before.as_ref() else { return again(ptr::null(), fault) };
        if !since.is_null() {
            // They may come back to us when they are done, and find who was before.
            return again(since, fault);
        }
        match before.sa_sigaction {
            libc::SIG_IGN if !fault => {}
            libc::SIG_DFL | libc::SIG_IGN => again(ptr::null(), fault),
            theirs => {
                if before.sa_flags & libc::SA_RESETHAND != 0 {
                    give(ptr::null());
                }
                if before.sa_flags & libc::SA_SIGINFO == 0 {
                    let theirs: extern "C" fn(c_int) = std::mem::transmute(theirs);
                    theirs(signal);
                } else {
                    type Informed = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
                    let theirs: Informed = std::mem::transmute(theirs);
                    theirs(signal, info, context);
                }
            }
        }
    }
}

/// Gives the signal away and has it come once more: a fault by itself, when this returns.
///
/// # Safety
/// `action` is a whole action, or null for the system's own.
unsafe fn again(action: *const libc::sigaction, fault: bool) {
    // SAFETY: as above; `raise` may be called in a handler.
    unsafe {
        give(action);
        if !fault {
            libc::raise(libc::SIGBUS);
        }
    }
}

/// # Safety
/// `action` is a whole action, or null for the system's own.
unsafe fn give(action: *const libc::sigaction) {
    // SAFETY: as above; zeros are the action SIG_DFL without a mask.
    unsafe {
        let own = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(libc::SIGBUS, if action.is_null() { &raw const own } else { action }, ptr::null_mut());
    }
}
