//! When markets trade: a [`Calendar`] answers whether an instant is in a session, and which sessions
//! there are. XNYS (New York, with holidays and early closes), CME (Globex), FX around the clock from Sunday
//! to Friday, 24/7, and any other as a list of its sessions ([`Schedule`]). Zone data is compiled in.

mod cme;
mod error;
mod grid;
mod schedule;
mod xnys;
mod zone;

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::{America, Tz};
use exuvia_model::{DAY, Time};

pub use error::CalendarError;
pub use grid::SessionGrid;
pub use schedule::Schedule;
pub use zone::Zone;

/// The names that [`Calendar::named`] knows.
pub const CALENDARS: [&str; 4] = ["XNYS", "24/7", "FX24x5", "CME"];

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

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hours {
    /// Never closed; a session is a day of the zone.
    Always(Tz),
    /// From Sunday 17:00 to Friday 17:00 in New York; a session ends at 17:00 of its date.
    Fx,
    /// 09:30 to 16:00 in New York, with holidays and early closes.
    Xnys,
    /// 17:00 of the day before to 17:00 in Chicago, with holidays and early closes.
    Cme,
    /// Sessions that were listed one by one.
    Listed(Arc<Schedule>),
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Futures on CME Globex since 1990: 17:00 to 17:00 in Chicago, holidays end at noon.
    pub const CME: Self = Self { hours: Hours::Cme };

    /// The calendar of that name.
    ///
    /// # Errors
    /// `UnknownCalendar` names the known ones.
    pub fn named(name: &str) -> Result<Self, CalendarError> {
        match name {
            "XNYS" => Ok(Self::XNYS),
            "24/7" => Ok(Self::ALWAYS),
            "FX24x5" => Ok(Self::FX),
            "CME" => Ok(Self::CME),
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

    /// The sessions of a list, with its breaks.
    #[must_use]
    pub fn listed(schedule: Schedule) -> Self {
        Self { hours: Hours::Listed(Arc::new(schedule)) }
    }

    /// The list that this calendar was made of, if it was.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        if let Hours::Listed(schedule) = &self.hours { Some(schedule) } else { None }
    }

    /// Its name, one of [`CALENDARS`] or that of its list.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.hours {
            Hours::Always(_) => "24/7",
            Hours::Fx => "FX24x5",
            Hours::Xnys => "XNYS",
            Hours::Cme => "CME",
            Hours::Listed(schedule) => schedule.name(),
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
        if let Hours::Listed(schedule) = &self.hours {
            return schedule.of_day(day);
        }
        let date = date_of(day);
        let Some((open, close)) = self.hours_of(date)? else { return Ok(None) };
        let session = |open, close| Session { day: day.floor(DAY, 0), open, close };
        Ok(self.instant(open).zip(self.instant(close)).map(|(open, close)| session(open, close)))
    }

    /// The session that an instant lies in; a break belongs to its session.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn session_at(&self, time: Time) -> Result<Option<Session>, CalendarError> {
        if let Hours::Listed(schedule) = &self.hours {
            return schedule.at(time);
        }
        let within = |session: &Session| session.open <= time && time < session.close;
        let today = self.local_day(time);
        let found = self.session(today)?.filter(within);
        if found.is_some() || !matches!(self.hours, Hours::Fx | Hours::Cme) {
            return Ok(found);
        }
        Ok(self.session(Time(today.0.saturating_add(DAY)))?.filter(within))
    }

    /// Whether the market trades at an instant.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn is_open(&self, time: Time) -> Result<bool, CalendarError> {
        let session = self.session_at(time)?;
        let pause = session.and_then(|session| self.pause(&session));
        Ok(session.is_some() && pause.is_none_or(|(from, to)| time < from || to <= time))
    }

    /// The break within a session: its first instant and the first after it.
    #[must_use]
    pub fn pause(&self, session: &Session) -> Option<(Time, Time)> {
        self.schedule().and_then(|schedule| schedule.pause(session))
    }

    /// The first instant after `time` at which the market begins to trade; `None` if it never stops.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn next_open(&self, time: Time) -> Result<Option<Time>, CalendarError> {
        if let Hours::Listed(schedule) = &self.hours {
            return Ok(schedule.next_open(time));
        }
        self.turn(time, |session| session.open, -DAY, |session| session.close)
    }

    /// The first instant after `time` at which the market stops trading; `None` if it never does.
    ///
    /// # Errors
    /// `OutOfRange` where the calendar has no data.
    pub fn next_close(&self, time: Time) -> Result<Option<Time>, CalendarError> {
        if let Hours::Listed(schedule) = &self.hours {
            return Ok(schedule.next_close(time));
        }
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
        if let Hours::Listed(schedule) = &self.hours {
            return Ok(schedule.after(time));
        }
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
        match &self.hours {
            Hours::Always(zone) => *zone,
            Hours::Fx | Hours::Xnys => America::New_York,
            Hours::Cme => America::Chicago,
            Hours::Listed(schedule) => schedule.zone().tz(),
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
        match &self.hours {
            Hours::Always(_) => Ok(Some(((date, NaiveTime::MIN), (tomorrow, NaiveTime::MIN)))),
            Hours::Fx if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) => Ok(None),
            Hours::Fx => Ok(Some(((yesterday, clock(17, 0)), (date, clock(17, 0))))),
            Hours::Xnys => {
                let close = xnys::close_of(date)?;
                Ok(close.map(|(hour, minute)| ((date, clock(9, 30)), (date, clock(hour, minute)))))
            }
            Hours::Cme => {
                let close = cme::close_of(date)?;
                Ok(close.map(|hour| ((yesterday, clock(17, 0)), (date, clock(hour, 0)))))
            }
            // Its sessions are instants already.
            Hours::Listed(_) => Ok(None),
        }
    }

    fn instant(&self, (date, time): LocalTime) -> Option<Time> {
        zone::instant(self.tz(), date.and_time(time)).map(Time)
    }
}

type LocalTime = (NaiveDate, NaiveTime);

/// Days without a session that a search goes through before it gives up.
const LONGEST_PAUSE: usize = 15;
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
