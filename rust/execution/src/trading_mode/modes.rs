//! The mode of each account, as the configuration has it. An account that is not named is in research.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use exuvia_model::ModelError;
use exuvia_ports::{Files, FilesError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Mode;

/// The newest version that this reads.
const FORMAT: u32 = 1;

/// SHA-256 of a configuration.
///
/// ```
/// use exuvia_execution::trading_mode::Digest;
/// let digest = Digest::of(b"abc");
/// assert!(digest.to_string().starts_with("ba7816bf8f01cfea"));
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes: the configuration as it was read.
    #[must_use]
    pub fn of(configuration: &[u8]) -> Self {
        Self(Sha256::digest(configuration).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let known = "64 digits 0-9a-f";
        let bad = || ModelError::Unknown { what: "SHA-256", text: text.to_owned(), known };
        let digits: Vec<u8> = text.bytes().filter_map(|byte| char::from(byte).to_digit(16)?.try_into().ok()).collect();
        if digits.len() != 64 || text.len() != 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |sum, digit| sum * 16 + digit);
        }
        Ok(Self(bytes))
    }
}

/// Why the modes are not known; every account is in research then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModeError {
    /// The file cannot be read.
    #[error("the trading modes cannot be read: {0}")]
    Files(#[from] FilesError),
    /// It says something else.
    #[error("{}: {why}; it is {{\"format\": 1, \"accounts\": {{\"ACCOUNT\": \"research | paper | live\"}}}}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl ModeError {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Unreadable { .. } => "unreadable_modes",
        }
    }
}

/// The mode of each account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes {
    accounts: BTreeMap<String, Mode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    format: u32,
    accounts: BTreeMap<String, Mode>,
}

impl Modes {
    /// What the file says, and the digest of its bytes. Without the file every account is in research: a new installation.
    ///
    /// # Errors
    /// `Files`, `Unreadable`.
    pub fn read(files: &dyn Files, path: &Path) -> Result<(Self, Digest), ModeError> {
        let bytes = match files.read(path) {
            Err(error) if error.is_not_found() => return Ok((Self::default(), Digest::of(b""))),
            found => found?,
        };
        let unreadable = |why| ModeError::Unreadable { path: path.to_path_buf(), why };
        let declared: Declared = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if declared.format > FORMAT {
            let why = format!("it has format {}, this version reads up to {FORMAT}", declared.format);
            return Err(unreadable(why));
        }
        Ok((Self { accounts: declared.accounts }, Digest::of(&bytes)))
    }

    /// The mode of an account; research if it is not named.
    #[must_use]
    pub fn of(&self, account: &str) -> Mode {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    /// The accounts that are named.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Mode)> {
        self.accounts.iter().map(|(account, mode)| (account.as_str(), *mode))
    }
}
