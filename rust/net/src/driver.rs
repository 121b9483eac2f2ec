//! The threads on which sockets live: one small tokio runtime that the clients share.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::NetError;

/// A handle on the threads of the clients; clones share them, and the last one to go ends them.
///
/// ```
/// let driver = exuvia_net::Driver::new()?;
/// assert_eq!(driver.wait(async { 1 + 1 }), Some(2));
/// # Ok::<(), exuvia_net::NetError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Driver {
    handle: Handle,
    /// Held, not used: the runtime ends with the last of these.
    _threads: Arc<Threads>,
}

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Never waits: whoever lets go of a client may be a task of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Driver {
    /// Starts one thread; callers that wait drive their own request beside it.
    ///
    /// # Errors
    /// [`NetError::Threads`] if the system gives none.
    pub fn new() -> Result<Self, NetError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("exuvia-net")
            .enable_all()
            .build()
            .map_err(|error| NetError::Threads(error.to_string()))?;
        Ok(Self { handle: runtime.handle().clone(), _threads: Arc::new(Threads(Some(runtime))) })
    }

    /// Waits for what is asked; `None` if the caller is itself a task of some runtime, where waiting would stop others.
    pub fn wait<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        Handle::try_current().is_err().then(|| self.handle.block_on(asked))
    }

    /// Does what is asked on these threads and awaits it from any runtime: sockets belong to the runtime that opened them and
    /// end with it. Whoever stops waiting does not stop what was begun. A panic goes on in the caller.
    pub async fn on_threads<T: Send + 'static>(&self, asked: impl Future<Output = T> + Send + 'static) -> T {
        match self.handle.spawn(asked).await {
            Ok(done) => done,
            Err(ended) => resume_unwind(ended.try_into_panic().unwrap_or_else(|ended| Box::new(ended.to_string()))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waiting_inside_a_task_is_refused_and_the_threads_end_with_the_last_handle() {
        let driver = Driver::new().unwrap();
        let other = driver.clone();
        assert_eq!(driver.wait(async move { other.wait(async { 1 }) }), Some(None), "it would stop the other tasks");
        assert_eq!(driver.wait(driver.on_threads(async { 7 })), Some(7));
        let inside = driver.clone();
        let (done, heard) = std::sync::mpsc::channel();
        driver.handle.spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            done.send(()).unwrap();
        });
        drop((driver, inside));
        assert!(heard.recv().is_err(), "the task went with its threads, at once");
    }

    #[test]
    fn a_panic_on_the_threads_is_the_callers_and_the_threads_go_on() {
        let driver = Driver::new().unwrap();
        let other = driver.clone();
        let task = async move { other.on_threads(async { panic!("of the task") }).await };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| driver.wait::<()>(task)));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"of the task"));
        assert_eq!(driver.wait(driver.on_threads(async { 7 })), Some(7));
    }
}
