//! The modes of a unit, in the order in which it climbs.

use std::str::FromStr;

use crate::MigrateError;

/// Which side serves a call. The order is that of the climb: `min` of two modes is the safer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mode {
    /// Legacy's own code, untouched.
    #[default]
    Legacy,
    /// Legacy serves, the candidate runs after it and is compared.
    Shadow,
    /// A capped share of the keys is served by the candidate.
    Canary,
    /// The candidate serves.
    Rust,
    /// Legacy is deleted. Comes with the deletion certificate.
    Retired,
}

impl Mode {
    /// Every mode, lowest first.
    pub const ALL: [Self; 5] = [Self::Legacy, Self::Shadow, Self::Canary, Self::Rust, Self::Retired];

    /// The name in configuration and journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Rust => "rust",
            Self::Retired => "retired",
        }
    }

    /// The byte of the control page.
    pub const fn code(self) -> u8 {
        match self {
            Self::Legacy => 0,
            Self::Shadow => 1,
            Self::Canary => 2,
            Self::Rust => 3,
            Self::Retired => 4,
        }
    }

    /// Reads a byte of the control page; what is not ours means legacy.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Shadow,
            2 => Self::Canary,
            3 => Self::Rust,
            4 => Self::Retired,
            _ => Self::Legacy,
        }
    }
}

impl FromStr for Mode {
    type Err = MigrateError;

    fn from_str(text: &str) -> Result<Self, MigrateError> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| MigrateError::Mode { value: text.to_owned(), known: Self::ALL.map(Self::name).join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_come_back_and_foreign_bytes_mean_legacy() {
        for mode in Mode::ALL {
            assert_eq!(Mode::from_code(mode.code()), mode);
            assert_eq!(mode.name().parse::<Mode>(), Ok(mode));
        }
        assert_eq!(Mode::from_code(200), Mode::Legacy);
        assert!("Rust".parse::<Mode>().is_err());
    }

    #[test]
    fn the_lower_of_two_modes_is_the_safer() {
        assert_eq!(Mode::Rust.min(Mode::Shadow), Mode::Shadow);
        assert_eq!(Mode::Legacy.min(Mode::Retired), Mode::Legacy);
    }
}
