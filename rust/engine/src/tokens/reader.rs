//! What a broker reads: the pair of now, cheap enough to be asked before each request.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exuvia_ports::{Files, Stamp};

use super::{Pair, TokenError};

/// Where a keeper puts its newest pair for readers of its own process: on a full disk it is nowhere else.
pub(super) type Published = Arc<Mutex<Option<Arc<Pair>>>>;

pub(super) fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tokens of a file that a keeper renews, in this process or in another.
///
/// ```
/// use std::{path::Path, sync::Arc};
/// use exuvia_engine::tokens::Tokens;
/// use exuvia_ports::{Create, Files, SimFiles};
/// let (files, path) = (SimFiles::new(), Path::new("/token.json"));
/// files.create(path, Create::default().private())?.write(br#"{"access_token": "a1"}"#)?;
/// let tokens = Tokens::of(Arc::new(files.clone()), path);
/// assert_eq!(tokens.current()?.access.expose(), "a1");
/// files.create(path, Create::default().private())?.write(br#"{"access_token": "a2"}"#)?;
/// assert_eq!(tokens.current()?.access.expose(), "a2");
/// # Ok::<(), exuvia_engine::tokens::TokenError>(())
/// ```
#[derive(Debug)]
pub struct Tokens {
    files: Arc<dyn Files>,
    path: PathBuf,
    read: Mutex<Option<(Stamp, Arc<Pair>)>>,
    published: Option<Published>,
}

impl Tokens {
    /// The tokens in the file at `path`.
    #[must_use]
    pub fn of(files: Arc<dyn Files>, path: &Path) -> Self {
        Self { files, path: path.to_path_buf(), read: Mutex::new(None), published: None }
    }

    pub(super) fn published(self, published: &Published) -> Self {
        Self { published: Some(Arc::clone(published)), ..self }
    }

    /// The pair of now. The file is looked at, and read if it is another one; while somebody writes it in place and it is not
    /// whole, the pair from before is given.
    ///
    /// # Errors
    /// `Unreadable`, `Newer` or `Files` if there was never a pair.
    pub fn current(&self) -> Result<Arc<Pair>, TokenError> {
        if let Some(newest) = self.published.as_ref().and_then(|published| locked(published).clone()) {
            return Ok(newest);
        }
        let mut read = locked(&self.read);
        match self.newer(read.as_ref()) {
            Ok((stamp, pair)) => {
                *read = Some((stamp, Arc::clone(&pair)));
                Ok(pair)
            }
            Err(error) => read.as_ref().map(|(_, pair)| Arc::clone(pair)).ok_or(error),
        }
    }

    fn newer(&self, seen: Option<&(Stamp, Arc<Pair>)>) -> Result<(Stamp, Arc<Pair>), TokenError> {
        let stamp = self.files.stamp(&self.path)?;
        if let Some((_, pair)) = seen.filter(|(seen, _)| *seen == stamp) {
            return Ok((stamp, Arc::clone(pair)));
        }
        let mut bytes = self.files.read(&self.path)?;
        let pair = Pair::from_json(&bytes, &self.path);
        bytes.fill(0);
        Ok((stamp, Arc::new(pair?)))
    }
}
