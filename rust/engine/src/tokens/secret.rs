//! A secret: shown nowhere, wiped when it is dropped, compared and passed on only by who asks for it by name.

use std::fmt;
use std::hint::black_box;
use std::path::Path;

use exuvia_ports::{Environment, Files};
use sha2::{Digest as _, Sha256};

use super::TokenError;

/// Text that must not be seen: a token, a key, a password.
///
/// ```
/// use exuvia_engine::tokens::Secret;
/// let secret = Secret::new("s3cret");
/// assert_eq!((secret.to_string(), format!("{secret:?}")), ("***".into(), "***".into()));
/// assert_eq!(secret.expose(), "s3cret");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the bytes that go to the venue, and for nothing that is printed or kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value of a variable of the environment, without the white space around it.
    ///
    /// # Errors
    /// `NoSecret` if it is not set, or set to nothing.
    pub fn from_environment(environment: &dyn Environment, name: &str) -> Result<Self, TokenError> {
        let whole = environment.variable(name).map(Self);
        let text = whole.as_ref().map(|whole| whole.0.trim()).unwrap_or_default();
        if text.is_empty() {
            return Err(TokenError::NoSecret { place: format!("environment variable {name}") });
        }
        Ok(Self::new(text))
    }

    /// The content of a file that only its owner may read, without the white space around it.
    ///
    /// # Errors
    /// `Exposed` if others may read the file, `NoSecret` if it is empty or no text, `Files`.
    pub fn from_file(files: &dyn Files, path: &Path) -> Result<Self, TokenError> {
        refuse_exposed(files, path)?;
        let nothing = || TokenError::NoSecret { place: format!("file {}", path.display()) };
        let whole = String::from_utf8(files.read(path)?).map_err(|_| nothing())?;
        let whole = Self(whole);
        let text = whole.0.trim();
        if text.is_empty() { Err(nothing()) } else { Ok(Self::new(text)) }
    }

    /// The first 16 hexadecimal digits of its SHA-256: two tokens are told apart by it, and it gives none away.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(self.0.as_bytes())
    }
}

/// Refuses a file that others may read or write.
pub(super) fn refuse_exposed(files: &dyn Files, path: &Path) -> Result<(), TokenError> {
    let stamp = files.stamp(path)?;
    match stamp.mode {
        Some(mode) if !stamp.is_private() => Err(TokenError::Exposed { path: path.to_path_buf(), mode }),
        _ => Ok(()),
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of `bytes`.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Overwrites the text; the optimiser is told that somebody looks.
fn wipe(text: &mut String) -> Vec<u8> {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.fill(0);
    black_box(bytes)
}

impl Drop for Secret {
    fn drop(&mut self) {
        drop(wipe(&mut self.0));
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_overwritten_first() {
        let mut text = "s3cret".to_owned();
        assert_eq!((wipe(&mut text), text.as_str()), (vec![0; 6], ""));
    }

    #[test]
    fn a_digest_tells_two_secrets_apart_and_is_the_published_one() {
        assert_eq!(Secret::new("abc").digest(), "ba7816bf8f01cfea");
        assert_ne!(Secret::new("abd").digest(), Secret::new("abc").digest());
    }
}
