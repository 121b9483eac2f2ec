//! A process that is no child of this one: whoever waits for children, or hears of their end, never sees it (Linux).
//!
//! One that lives for a moment starts it and ends, so that the system gives it to its reaper. That one is made without
//! a signal for its end: `wait` overlooks such a child, and no handler of SIGCHLD hears of it. Neither copies memory nor
//! runs handlers of `fork`. Where this program is the reaper itself (process 1 of a container), the new process comes
//! back to it as a child: the system has nobody else.

use pyo3::prelude::*;

use crate::failure::Failure;
use crate::gate;

/// Error number of "not implemented", where this system cannot do it.
#[cfg(not(target_os = "linux"))]
const NOT_HERE: i32 = 38;

/// Starts a program that is no child of this one.
///
/// `places` are descriptors here and what they are there; everything else above them is closed there.
/// SIGINT, SIGTERM and SIGHUP are ignored there. Returns its process id and 0, or 0 and the system's error number.
#[pyfunction]
#[pyo3(text_signature = "(program, words, environment, places)")]
fn start_apart(
    py: Python<'_>,
    program: Vec<u8>,
    words: Vec<Vec<u8>>,
    environment: Vec<Vec<u8>>,
    places: Vec<(i32, i32)>,
) -> PyResult<(i32, i32)> {
    gate::enter(py, || Ok::<_, Failure>(start(program, words, environment, &places)))
}

#[cfg(not(target_os = "linux"))]
fn start(_: Vec<u8>, _: Vec<Vec<u8>>, _: Vec<Vec<u8>>, _: &[(i32, i32)]) -> (i32, i32) {
    (0, NOT_HERE)
}

#[cfg(target_os = "linux")]
use linux::start;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CString, c_char, c_int, c_void};
    use std::ptr;

    const STACK: usize = 64 * 1024;
    /// No descriptor that was given stands below this while they are put into place.
    const ABOVE: c_int = 32;
    /// Where the system cannot close a range, this many are closed one by one.
    const CLOSED: c_int = 65_536;

    /// What the two new processes read, and write their outcome to: all three share memory for that moment.
    struct Plan {
        program: *const c_char,
        words: *const *const c_char,
        environment: *const *const c_char,
        places: *const (c_int, c_int),
        count: usize,
        stack: *mut c_void,
        pid: c_int,
        error: c_int,
    }

    pub fn start(
        program: Vec<u8>,
        words: Vec<Vec<u8>>,
        environment: Vec<Vec<u8>>,
        places: &[(i32, i32)],
    ) -> (i32, i32) {
        let (Ok(program), Ok(words), Ok(environment)) = (CString::new(program), texts(words), texts(environment))
        else {
            return (0, libc::EINVAL);
        };
        let (words, environment) = (Words::new(words), Words::new(environment));
        let (mut first, mut second) = (vec![0_u128; STACK / 16], vec![0_u128; STACK / 16]);
        let mut plan = Plan {
            program: program.as_ptr(),
            words: words.pointers.as_ptr(),
            environment: environment.pointers.as_ptr(),
            places: places.as_ptr(),
            count: places.len(),
            stack: second.as_mut_ptr_range().end.cast(),
            pid: 0,
            error: 0,
        };
        let argument = ptr::from_mut(&mut plan).cast();
        // SAFETY: all signals are blocked meanwhile, as `posix_spawn` does it, so that no handler runs in the
        // shared memory; this thread stands still until the first process has ended and that one until the second
        // has started its program, so plan and both stacks outlive their users.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            let top = first.as_mut_ptr_range().end.cast();
            let between = libc::clone(between, top, libc::CLONE_VM | libc::CLONE_VFORK, argument);
            if between < 0 {
                plan.error = errno();
            } else {
                let mut status = 0;
                while libc::waitpid(between, &raw mut status, libc::__WCLONE) < 0 && errno() == libc::EINTR {}
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        }
        // SAFETY: the memory is this function's own; the other processes wrote it behind the compiler's back.
        unsafe {
            let (pid, error) = (ptr::read_volatile(&raw const plan.pid), ptr::read_volatile(&raw const plan.error));
            if error == 0 { (pid, 0) } else { (0, error) }
        }
    }

    /// Texts, and the list of pointers to them that ends in a null.
    struct Words {
        _texts: Vec<CString>,
        pointers: Vec<*const c_char>,
    }

    impl Words {
        fn new(texts: Vec<CString>) -> Self {
            let mut pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
            pointers.push(ptr::null());
            Self { _texts: texts, pointers }
        }
    }

    fn texts(of: Vec<Vec<u8>>) -> Result<Vec<CString>, std::ffi::NulError> {
        of.into_iter().map(CString::new).collect()
    }

    fn errno() -> c_int {
        // SAFETY: it points to this thread's own number.
        unsafe { *libc::__errno_location() }
    }

    /// The process that lives for a moment.
    extern "C" fn between(argument: *mut c_void) -> c_int {
        let plan: *mut Plan = argument.cast();
        // SAFETY: `start` keeps the plan alive and does not touch it meanwhile.
        unsafe {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let pid = libc::clone(begin, (*plan).stack, flags, argument);
            if pid < 0 {
                ptr::write_volatile(&raw mut (*plan).error, errno());
            } else {
                ptr::write_volatile(&raw mut (*plan).pid, pid);
            }
        }
        0
    }

    /// The new process, up to its program: system calls only.
    extern "C" fn begin(argument: *mut c_void) -> c_int {
        let plan: *mut Plan = argument.cast();
        // SAFETY: as above; descriptors and signals are this process's own copies.
        unsafe {
            signals();
            if descriptors((*plan).places, (*plan).count) {
                libc::execve((*plan).program, (*plan).words, (*plan).environment);
            }
            ptr::write_volatile(&raw mut (*plan).error, errno().max(1));
            libc::_exit(127)
        }
    }

    /// No handler of the parent may run here; what ends the program by the terminal or a supervisor is the parent's.
    unsafe fn signals() {
        // SAFETY: plain system calls on this process's own copies; unknown numbers fail and are left alone.
        unsafe {
            for number in 1..=64 {
                let mut action: libc::sigaction = std::mem::zeroed();
                if libc::sigaction(number, ptr::null(), &raw mut action) != 0 {
                    continue;
                }
                let quiet = matches!(number, libc::SIGINT | libc::SIGTERM | libc::SIGHUP);
                let usual = matches!(number, libc::SIGPIPE | libc::SIGXFSZ | libc::SIGCHLD);
                let ignored = action.sa_sigaction == libc::SIG_IGN && !usual;
                action = std::mem::zeroed();
                action.sa_sigaction = if quiet || ignored { libc::SIG_IGN } else { libc::SIG_DFL };
                libc::sigaction(number, &raw const action, ptr::null_mut());
            }
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        }
    }

    /// Puts each descriptor into its place and closes all above.
    unsafe fn descriptors(places: *const (c_int, c_int), count: usize) -> bool {
        let mut high = [0; 16];
        let mut last = 2;
        if count > high.len() {
            return false;
        }
        // SAFETY: `places` has `count` elements; the rest is system calls on this process's own table.
        unsafe {
            for (at, slot) in high.iter_mut().enumerate().take(count) {
                *slot = libc::fcntl((*places.add(at)).0, libc::F_DUPFD_CLOEXEC, ABOVE);
                if *slot < 0 {
                    return false;
                }
            }
            for (at, from) in high.iter().enumerate().take(count) {
                let to = (*places.add(at)).1;
                if libc::dup2(*from, to) < 0 {
                    return false;
                }
                last = last.max(to);
            }
            if libc::syscall(libc::SYS_close_range, last + 1, c_int::MAX, 0) != 0 {
                for number in last + 1..CLOSED {
                    libc::close(number);
                }
            }
        }
        true
    }
}

/// Registers what is bound here.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(start_apart, module)?)
}
