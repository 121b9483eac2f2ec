//! When markets trade: a [`Calendar`] answers whether an instant is in a session, and which sessions
//! there are. XNYS (New York, with holidays and early closes), FX around the clock from Sunday to
//! Friday, and 24/7. Zone data is compiled in.

mod error;
mod grid;
mod xnys;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::{America, Tz};
use exuvia_model::{DAY, Time};

pub use error::CalendarError;
pub use grid::SessionGrid;

/// The names that [`Calendar::named`] knows.
pub const CALENDARS: [&str; 3] = ["XNYS", "24/7", "FX24x5"];

/// Version of the compiled-in IANA zone data, such as `2025b`.
#[must_use]
pub const fn zone_data_version() -> &'static str {
    chrono_tz::IANA_TZDB_VERSION
}

/// One trading session; `open` belongs to it, `close` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Session {
    /// Midnight UTC of the date that the session is named after.
    pub day: Time,
    /// First instant.
    pub open: Time,
    /// First instant after it.
    pub close: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hours {
    /// Never closed; a session is a day of the zone.
    Always(Tz),
    /// From Sunday 17:00 to Friday 17:00 in New York; a session ends at 17:00 of its date.
    Fx,
    /// 09:30 to 16:00 in New York, with holidays and early closes.
    Xnys,
}

/// When a market trades.
///
/// ```
/// use exuvia_market::sessions::Calendar;
/// let fx = Calendar::named("FX24x5")?;
/// // 17:00 in New York is 22:00 UTC in winter, 21:00 in summer.
/// assert!(fx.is_open("2026-02-06T21:59:59Z".parse()?)?);
/// assert!(!fx.is_open("2026-02-06T22:00:00Z".parse()?)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    hours: Hours,
}

impl Calendar {
    /// FX 24×5: open from Sunday 17:00 to Friday 17:00 in New York.
    pub const FX: Self = Self { hours: Hours::Fx };
    /// Never closed; a session is a day in UTC.
    pub const ALWAYS: Self = Self { hours: Hours::Always(Tz::UTC) };
    /// The New York Stock Exchange since 1990.
    pub const XNYS: Self = Self { hours: Hours::Xnys };

    /// The calendar of that name.
    ///
    /// # Errors
    /// `UnknownCalendar` names the known ones.
    pub fn named(name: &str) -> Result<Self, CalendarError> {
        match name {
            "XNYS" => Ok(Self::XNYS),
            "24/7" => Ok(Self::ALWAYS),
            "FX24x5" => Ok(Self::FX),
            _ => Err(CalendarError::UnknownCalendar(name.to_owned())),
        }
    }

    /// Never closed; a session is a day of the IANA zone, from midnight to midnight there.
    ///
    /// # Errors
    /// `UnknownZone`.
    pub fn days_of(zone: &str) -> Result<Self, CalendarError> {
        let zone: Tz = zone.parse().map_err(|_| CalendarError::UnknownZone(zone.to_owned()))?;
        Ok(Self { hours: Hours::Always(zone) })
    }

    /// Its name, one of [`CALENDARS`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.hours {
            Hours::Always(_) => "24/7",
            Hours::Fx => "FX24x5",
            Hours::Xnys => "XNYS",
        }
    }

    /// The zone whose clock the sessions follow.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.tz().name()
    }

    /// The session of a date (any instant of that date in UTC names it); `None` on weekends and holidays.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn session(&self, day: Time) -> Result<Option<Session>, CalendarError> {
        let date = date_of(day);
        let Some((open, close)) = self.hours_of(date)? else { return Ok(None) };
        let session = |open, close| Session { day: day.floor(DAY, 0), open, close };
        Ok(self.instant(open).zip(self.instant(close)).map(|(open, close)| session(open, close)))
    }

    /// The session that an instant lies in.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn session_at(&self, time: Time) -> Result<Option<Session>, CalendarError> {
        let within = |session: &Session| session.open <= time && time < session.close;
        let today = self.local_day(time);
        let found = self.session(today)?.filter(within);
        if found.is_some() || self.hours != Hours::Fx {
            return Ok(found);
        }
        Ok(self.session(Time(today.0.saturating_add(DAY)))?.filter(within))
    }

    /// Whether the market trades at an instant.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn is_open(&self, time: Time) -> Result<bool, CalendarError> {
        self.session_at(time).map(|session| session.is_some())
    }

    /// The first instant after `time` at which the market begins to trade; `None` if it never stops.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn next_open(&self, time: Time) -> Result<Option<Time>, CalendarError> {
        self.turn(time, |session| session.open, -DAY, |session| session.close)
    }

    /// The first instant after `time` at which the market stops trading; `None` if it never does.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn next_close(&self, time: Time) -> Result<Option<Time>, CalendarError> {
        self.turn(time, |session| session.close, DAY, |session| session.open)
    }

    /// The first `end` of a session after `time` that is not the other end of its neighbour.
    fn turn(
        &self,
        time: Time,
        end: impl Fn(&Session) -> Time,
        neighbour: i64,
        other_end: impl Fn(&Session) -> Time,
    ) -> Result<Option<Time>, CalendarError> {
        if matches!(self.hours, Hours::Always(_)) {
            return Ok(None);
        }
        let mut day = self.local_day(time);
        // The longest pause that a calendar has is a few days.
        for _ in 0..LONGEST_PAUSE {
            if let Some(session) = self.session(day)?.filter(|session| end(session) > time) {
                let beside = self.session(Time(day.0.saturating_add(neighbour))).ok().flatten();
                if beside.is_none_or(|beside| other_end(&beside) != end(&session)) {
                    return Ok(Some(end(&session)));
                }
            }
            day = Time(day.0.saturating_add(DAY));
        }
        Ok(None)
    }

    /// The first session that opens after `time`.
    fn session_after(&self, time: Time) -> Result<Option<Session>, CalendarError> {
        let mut day = self.local_day(time);
        for _ in 0..LONGEST_PAUSE {
            if let Some(session) = self.session(day)?.filter(|session| session.open > time) {
                return Ok(Some(session));
            }
            day = Time(day.0.saturating_add(DAY));
        }
        Ok(None)
    }

    fn tz(&self) -> Tz {
        match self.hours {
            Hours::Always(zone) => zone,
            Hours::Fx | Hours::Xnys => America::New_York,
        }
    }

    /// Midnight UTC of the date that the calendar's zone shows at an instant.
    fn local_day(&self, time: Time) -> Time {
        let date = DateTime::from_timestamp_nanos(time.0).with_timezone(&self.tz()).date_naive();
        Time(i64::from(date.num_days_from_ce() - EPOCH_FROM_CE).saturating_mul(DAY))
    }

    /// Open and close of a date on the clock of the zone.
    fn hours_of(&self, date: NaiveDate) -> Result<Option<(LocalTime, LocalTime)>, CalendarError> {
        let tomorrow = date.checked_add_days(Days::new(1)).unwrap_or(date);
        let yesterday = date.checked_sub_days(Days::new(1)).unwrap_or(date);
        match self.hours {
            Hours::Always(_) => Ok(Some(((date, NaiveTime::MIN), (tomorrow, NaiveTime::MIN)))),
            Hours::Fx if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) => Ok(None),
            Hours::Fx => Ok(Some(((yesterday, clock(17, 0)), (date, clock(17, 0))))),
            Hours::Xnys => {
                let close = xnys::close_of(date)?;
                Ok(close.map(|(hour, minute)| ((date, clock(9, 30)), (date, clock(hour, minute)))))
            }
        }
    }

    /// The instant at which the zone's clock shows `local`; the first if it shows it twice, the end of the gap
    /// if it never does. `None` outside 1677 to 2262.
    fn instant(&self, (date, time): LocalTime) -> Option<Time> {
        let mut local = date.and_time(time);
        for _ in 0..LONGEST_GAP {
            if let Some(found) = self.tz().from_local_datetime(&local).earliest() {
                return found.timestamp_nanos_opt().map(Time);
            }
            local = local.checked_add_signed(TimeDelta::minutes(15))?;
        }
        None
    }
}

type LocalTime = (NaiveDate, NaiveTime);

/// Days without a session that a search goes through before it gives up.
const LONGEST_PAUSE: usize = 15;
/// Quarters of an hour in the longest gap of a zone's clock (Samoa left out a day in 2011).
const LONGEST_GAP: usize = 4 * 25;
/// 1970-01-01 in days since the year 1.
const EPOCH_FROM_CE: i32 = 719_163;

fn date_of(day: Time) -> NaiveDate {
    DateTime::from_timestamp_nanos(day.0).date_naive()
}

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

#[cfg(test)]
mod tests;
