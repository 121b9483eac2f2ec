//! A zone of the compiled-in data: what its clock shows at an instant, and the instant at which it shows a time.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use exuvia_model::SECOND;

use super::CalendarError;

/// Quarters of an hour in the longest gap of a zone's clock (Samoa left out a day in 2011).
const LONGEST_GAP: usize = 4 * 25;

/// An IANA time zone.
///
/// ```
/// use exuvia_market::sessions::Zone;
/// let zone = Zone::named("America/New_York")?;
/// let hour = 3_600_000_000_000;
/// assert_eq!(zone.wall(0), -5 * hour);
/// assert_eq!(zone.instant(-5 * hour), Some(0));
/// # Ok::<(), exuvia_market::sessions::CalendarError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of that IANA name.
    ///
    /// # Errors
    /// `UnknownZone`.
    pub fn named(name: &str) -> Result<Self, CalendarError> {
        name.parse().map(Self).map_err(|_| CalendarError::UnknownZone(name.to_owned()))
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Whether it is universal time by one of its usual names.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        matches!(self.0.name(), "UTC" | "Etc/UTC" | "Zulu" | "Etc/UCT" | "UCT" | "Universal")
    }

    /// What the zone's clock shows at an instant, in nanoseconds since it showed 1970-01-01.
    #[must_use]
    pub fn wall(&self, time: i64) -> i64 {
        let utc = DateTime::from_timestamp_nanos(time).naive_utc();
        let ahead = i64::from(self.0.offset_from_utc_datetime(&utc).fix().local_minus_utc());
        time.saturating_add(ahead * SECOND)
    }

    /// The instant at which the clock shows `wall`: the first if it shows it twice, the end of the gap if it never
    /// does. `None` outside 1677 to 2262.
    #[must_use]
    pub fn instant(&self, wall: i64) -> Option<i64> {
        instant(self.0, DateTime::from_timestamp_nanos(wall).naive_utc())
    }

    pub(super) const fn tz(&self) -> Tz {
        self.0
    }
}

pub(super) fn instant(zone: Tz, mut local: NaiveDateTime) -> Option<i64> {
    for _ in 0..LONGEST_GAP {
        if let Some(found) = zone.from_local_datetime(&local).earliest() {
            return found.timestamp_nanos_opt();
        }
        local = local.checked_add_signed(TimeDelta::minutes(15))?;
    }
    None
}
