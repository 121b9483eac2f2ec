//! Where a token and what belongs to it lies: everything is beside the token file and named after it.

use std::path::{Path, PathBuf};

use exuvia_ports::{Files, FilesError};

/// The files of one token.
///
/// ```
/// use std::path::Path;
/// use exuvia_engine::tokens::Paths;
/// let paths = Paths::canonical(Path::new("/run/saxo.json"));
/// assert_eq!(paths.lease(), Path::new("/run/saxo.json.lease"));
/// assert_eq!(Paths::parallel(Path::new("/run/saxo.json")).token(), Path::new("/run/saxo.exuvia.json"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    token: PathBuf,
}

impl Paths {
    /// The token file that everybody reads.
    #[must_use]
    pub fn canonical(token: &Path) -> Self {
        Self { token: token.to_path_buf() }
    }

    /// The file that a keeper writes while another one still has the canonical name: `saxo.exuvia.json` beside `saxo.json`.
    #[must_use]
    pub fn parallel(token: &Path) -> Self {
        let stem = token.file_stem().unwrap_or_default().to_string_lossy();
        let ending = token.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
        Self { token: token.with_file_name(format!("{stem}.exuvia{ending}")) }
    }

    /// The token file.
    #[must_use]
    pub fn token(&self) -> &Path {
        &self.token
    }

    /// Who keeps it: read and written under [`Paths::lock`]; 0600.
    #[must_use]
    pub fn lease(&self) -> PathBuf {
        self.beside("lease")
    }

    /// The lock that is held for the moment of a change.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.beside("lock")
    }

    /// The lock that a keeper holds as long as its process lives.
    #[must_use]
    pub fn alive(&self) -> PathBuf {
        self.beside("alive")
    }

    /// Counts and heartbeat; no secrets.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.beside("status")
    }

    /// Where a keeper that may not write the token file any more leaves a pair that is nowhere else; 0600.
    #[must_use]
    pub fn rescue(&self, fence: u64) -> PathBuf {
        self.beside(&format!("rescue-{fence}"))
    }

    fn beside(&self, what: &str) -> PathBuf {
        let name = self.token.file_name().unwrap_or_default().to_string_lossy();
        self.token.with_file_name(format!("{name}.{what}"))
    }

    fn folder(&self) -> &Path {
        self.token.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A name for something in the place of the token file that is no token file.
    pub(super) fn aside(&self, files: &dyn Files, fence: u64) -> PathBuf {
        let name = |number: u32| self.beside(&format!("foreign-{fence}-{number}"));
        (0..u32::MAX).map(name).find(|path| !files.exists(path)).unwrap_or_else(|| name(u32::MAX))
    }

    /// Pairs that were rescued, and what a killed writer left of each of the files.
    pub(super) fn left_over(&self, files: &dyn Files) -> Result<(Vec<PathBuf>, Vec<PathBuf>), FilesError> {
        let token = self.token.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (rescue, hidden) = (format!("{token}.rescue-"), format!(".{token}."));
        let (mut rescued, mut temporary) = (Vec::new(), Vec::new());
        for path in files.list(self.folder())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if exuvia_lake::is_temporary(&path) && name.starts_with(&hidden) {
                temporary.push(path);
            } else if name.starts_with(&rescue) {
                rescued.push(path);
            }
        }
        Ok((rescued, temporary))
    }
}
