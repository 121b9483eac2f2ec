//! Work over rows or symbols on several cores; the threads end before the call does.

use std::ops::Range;

pub use crate::cores::cores;

/// Does `work` on each of `jobs`, on up to `threads` threads; the results come in the order of the jobs.
///
/// Where no thread can be started the caller's does the rest.
pub fn share<J: Sync, R: Send>(jobs: &[J], threads: usize, work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let threads = threads.clamp(1, jobs.len().max(1));
    if threads == 1 {
        return jobs.iter().map(work).collect();
    }
    let work = &work;
    let each = jobs.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let mut parts = jobs.chunks(each);
        let mine = parts.next().unwrap_or_default();
        let started: Vec<_> = parts
            .map(|part| {
                let run = move || part.iter().map(work).collect::<Vec<R>>();
                (part, std::thread::Builder::new().spawn_scoped(scope, run))
            })
            .collect();
        let mut made: Vec<R> = mine.iter().map(work).collect();
        for (part, thread) in started {
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(results)) => made.extend(results),
                // A panic goes on in the caller's thread.
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => made.extend(part.iter().map(work)),
            }
        }
        made
    })
}

/// Rows in ranges for `threads` threads; short columns stay in one piece.
pub(super) fn ranges(rows: usize, threads: usize) -> Vec<Range<usize>> {
    const SHORT: usize = 4_096;
    let parts = threads.clamp(1, rows.div_ceil(SHORT).max(1));
    let each = rows.div_ceil(parts).max(1);
    (0..rows).step_by(each).map(|start| start..(start + each).min(rows)).collect()
}
