//! Which end of an interval belongs to it, and with which end its bar is stamped.

use std::str::FromStr;

use super::BarError;

/// An end of an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Its start.
    #[default]
    Left,
    /// Its end.
    Right,
}

impl FromStr for Side {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "left" => Ok(Self::Left),
            "right" => Ok(Self::Right),
            _ => Err(BarError::BadSide(text.to_owned())),
        }
    }
}

/// What stands where an interval between two bars has no tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Gaps {
    /// No bar.
    #[default]
    Skip,
    /// A bar of the close before, without volume and ticks.
    Fill,
    /// A bar without prices.
    Null,
}

impl FromStr for Gaps {
    type Err = BarError;

    fn from_str(text: &str) -> Result<Self, BarError> {
        match text {
            "skip" => Ok(Self::Skip),
            "fill" => Ok(Self::Fill),
            "null" => Ok(Self::Null),
            _ => Err(BarError::BadGaps(text.to_owned())),
        }
    }
}
