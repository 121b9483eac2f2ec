//! A few threads that share a list of tasks and end with it. Answers come in the order of the tasks, so nothing
//! depends on how many threads there were.

use std::sync::atomic::{AtomicUsize, Ordering};

pub use crate::cores::cores as threads_of_the_machine;

/// More threads than that only stand in line.
const MOST_THREADS: usize = 64;

/// The answers of `work` to 0, 1, 2, … below `tasks`, by at most so many threads.
pub(super) fn spread<T: Send>(threads: usize, tasks: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads.min(tasks).min(MOST_THREADS);
    if threads <= 1 {
        return (0..tasks).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return done;
            }
            done.push((task, work(task)));
        }
    };
    let mut answers = std::thread::scope(|scope| {
        // A thread that the system refuses to start is one fewer: the others do its tasks.
        let others: Vec<_> =
            (1..threads).filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, take).ok()).collect();
        let mut answers = take();
        for other in others {
            match other.join() {
                Ok(more) => answers.extend(more),
                // The panic of a task is the caller's.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answers
    });
    answers.sort_unstable_by_key(|(task, _)| *task);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_tasks_whatever_the_threads() {
        for threads in [0, 1, 2, 7, 100] {
            assert_eq!(spread(threads, 50, |task| task * task), (0..50).map(|task| task * task).collect::<Vec<_>>());
        }
        assert!(spread(4, 0, |task| task).is_empty());
    }

    #[test]
    fn the_panic_of_a_task_reaches_the_caller() {
        let fallen = std::panic::catch_unwind(|| spread(3, 9, |task| assert_ne!(task, 7)));
        assert!(fallen.is_err());
    }
}
