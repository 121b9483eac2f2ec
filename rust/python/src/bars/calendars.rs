//! Bindings of `exuvia.sessions`: when markets trade.

use exuvia_market::sessions::{self, CalendarError};
use exuvia_model::Time;
use pyo3::intern;
use pyo3::prelude::*;

use super::source::Column;
use crate::failure::Failure;
use crate::gate;
use crate::integers;

impl From<CalendarError> for Failure {
    fn from(error: CalendarError) -> Self {
        Self::new("CalendarError", &error)
    }
}

/// A calendar as Python gives it: the object or its name.
#[derive(FromPyObject)]
pub enum Calendar {
    /// An object.
    Object(PyCalendar),
    /// A name.
    #[pyo3(annotation = "str")]
    Name(String),
}

impl Calendar {
    /// The calendar itself.
    pub fn resolve(self) -> Result<sessions::Calendar, CalendarError> {
        match self {
            Self::Object(calendar) => Ok(calendar.calendar),
            Self::Name(name) => sessions::Calendar::named(&name),
        }
    }
}

/// When a market trades; times are UTC nanoseconds.
///
/// Args:
///     name: "XNYS", "24/7", "FX24x5" (Sunday 17:00 to Friday 17:00 in New York) or "CME" (17:00 to 17:00 in Chicago).
///     zone: For "24/7": the IANA zone whose days are the sessions, UTC if left out. The others have their own.
///
/// Any other exchange is a list of its sessions: see `from_sessions`.
///
/// Raises:
///     CalendarError: The name or the zone is unknown.
#[pyclass(frozen, eq, from_py_object, name = "Calendar", module = "exuvia.sessions")]
#[derive(Debug, Clone, PartialEq)]
pub struct PyCalendar {
    calendar: sessions::Calendar,
}

#[pymethods]
impl PyCalendar {
    #[new]
    #[pyo3(signature = (name, *, zone=None))]
    fn new(name: &str, zone: Option<&str>) -> PyResult<Self> {
        let calendar = gate::stay(|| -> Result<_, Failure> {
            let calendar = sessions::Calendar::named(name)?;
            match zone {
                None => Ok(calendar),
                Some(zone) if zone == calendar.zone() => Ok(calendar),
                Some(zone) if name == sessions::Calendar::ALWAYS.name() => Ok(sessions::Calendar::days_of(zone)?),
                Some(zone) => Err(Failure::text(
                    "CalendarError",
                    format!("zone={zone:?} with calendar {name:?}: its zone is {}, leave zone out", calendar.zone()),
                )),
            }
        })?;
        Ok(Self { calendar })
    }

    /// A calendar made of its sessions, such as the schedule of an `exchange_calendars` calendar.
    ///
    /// Args:
    ///     name: What it is to be called.
    ///     opens: First instant of each session, in order: a column of stamps as in bars_from_ticks.
    ///     closes: First instant after each.
    ///     break_starts: First instant of each break; NaT or null where there is none.
    ///     break_ends: First instant after each.
    ///     zone: IANA zone whose date at the last instant names a session.
    ///
    /// Raises:
    ///     CalendarError: Sessions that are empty, overlap or go back, breaks outside of them; names the row.
    #[staticmethod]
    #[pyo3(signature = (name, opens, closes, break_starts=None, break_ends=None, *, zone="UTC"))]
    fn from_sessions(
        name: &str,
        opens: &Bound<'_, PyAny>,
        closes: &Bound<'_, PyAny>,
        break_starts: Option<&Bound<'_, PyAny>>,
        break_ends: Option<&Bound<'_, PyAny>>,
        zone: &str,
    ) -> PyResult<Self> {
        let column = |what: &str, object| Column::new(what, object)?.stamps(what);
        let (opens, closes) = (column("opens", opens)?, column("closes", closes)?);
        let pauses = |what: &str, object: Option<&Bound<'_, PyAny>>| match object {
            Some(object) => Column::new(what, object)?.nullable_stamps(what),
            None => Ok(vec![None; opens.len()]),
        };
        let (starts, ends) = (pauses("break_starts", break_starts)?, pauses("break_ends", break_ends)?);
        gate::stay(|| {
            for (what, length) in [("closes", closes.len()), ("break_starts", starts.len()), ("break_ends", ends.len())]
            {
                if length != opens.len() {
                    let text = format!(
                        "'{what}' has {length} rows, but 'opens' has {}: pass columns of equal length",
                        opens.len()
                    );
                    return Err(Failure::text("CalendarError", text));
                }
            }
            let hours: Vec<(i64, i64)> = opens.iter().copied().zip(closes.iter().copied()).collect();
            let pauses: Vec<Option<(i64, i64)>> = starts.iter().zip(&ends).map(|(from, to)| from.zip(*to)).collect();
            if let Some(row) = starts.iter().zip(&ends).position(|(from, to)| from.is_some() != to.is_some()) {
                let text = format!("session {row} of calendar {name}: its break has only one end");
                return Err(Failure::text("CalendarError", text));
            }
            Ok(Self::listed(name, zone, &hours, &pauses)?)
        })
    }

    /// The break within the session of a date: first instant and first after it; None if there is none.
    ///
    /// Args:
    ///     date: A datetime.date, or text such as "2026-02-03".
    ///
    /// Raises:
    ///     CalendarError: No such date, or the calendar does not cover it.
    fn pause(&self, date: &Bound<'_, PyAny>) -> PyResult<Option<(i64, i64)>> {
        let text = date.str()?.to_string();
        gate::stay(|| -> Result<_, Failure> {
            let session = self.calendar.session(day(&text)?)?;
            Ok(session.and_then(|session| self.calendar.pause(&session)).map(|(from, to)| (from.0, to.0)))
        })
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.calendar.name()
    }

    /// The IANA zone whose clock the sessions follow.
    #[getter]
    fn zone(&self) -> &'static str {
        self.calendar.zone()
    }

    /// Whether the market trades at `ts`.
    ///
    /// Raises:
    ///     CalendarError: The calendar does not cover that time.
    fn is_open(&self, #[pyo3(from_py_with = integers::ts)] ts: i64) -> PyResult<bool> {
        gate::stay(|| self.calendar.is_open(Time(ts)))
    }

    /// The session of a date, or None on weekends and holidays.
    ///
    /// Args:
    ///     date: A datetime.date, or text such as "2026-02-03".
    ///
    /// Raises:
    ///     CalendarError: No such date, or the calendar does not cover it.
    fn session(&self, date: &Bound<'_, PyAny>) -> PyResult<Option<Session>> {
        let text = date.str()?.to_string();
        gate::stay(|| -> Result<_, Failure> { Ok(self.calendar.session(day(&text)?)?.map(Session::from)) })
    }

    /// The session that `ts` lies in, or None.
    ///
    /// Raises:
    ///     CalendarError: The calendar does not cover that time.
    fn session_at(&self, #[pyo3(from_py_with = integers::ts)] ts: i64) -> PyResult<Option<Session>> {
        gate::stay(|| self.calendar.session_at(Time(ts)).map(|session| session.map(Session::from)))
    }

    /// The first instant after `ts` at which the market begins to trade; None if it never stops.
    ///
    /// Raises:
    ///     CalendarError: The calendar does not cover that time.
    fn next_open(&self, #[pyo3(from_py_with = integers::ts)] ts: i64) -> PyResult<Option<i64>> {
        gate::stay(|| self.calendar.next_open(Time(ts)).map(|time| time.map(|time| time.0)))
    }

    /// The first instant after `ts` at which the market stops trading; None if it never does.
    ///
    /// Raises:
    ///     CalendarError: The calendar does not cover that time.
    fn next_close(&self, #[pyo3(from_py_with = integers::ts)] ts: i64) -> PyResult<Option<i64>> {
        gate::stay(|| self.calendar.next_close(Time(ts)).map(|time| time.map(|time| time.0)))
    }

    fn __repr__(&self) -> String {
        if let Some(schedule) = self.calendar.schedule() {
            let (name, zone, count) = (self.calendar.name(), self.calendar.zone(), schedule.sessions().len());
            return format!("<Calendar {name:?} of {count} sessions, zone={zone:?}>");
        }
        format!("Calendar({:?}, zone={:?})", self.calendar.name(), self.calendar.zone())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.calendar.name(), self.calendar.zone()).into_pyobject(py)?.hash()
    }

    #[allow(clippy::type_complexity)] // what pickle asks for
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (&str, &'static str, Option<Listed>))> {
        let list = self.calendar.schedule().map(|schedule| {
            let hours = schedule.sessions().iter().map(|session| (session.open.0, session.close.0)).collect();
            (hours, schedule.pauses().iter().map(|pause| pause.map(|(from, to)| (from.0, to.0))).collect())
        });
        let restore = py.get_type::<Self>().getattr(intern!(py, "_restore"))?;
        Ok((restore, (self.calendar.name(), self.calendar.zone(), list)))
    }

    #[staticmethod]
    #[pyo3(signature = (name, zone, list=None))]
    fn _restore(name: &str, zone: &str, list: Option<Listed>) -> PyResult<Self> {
        match list {
            Some((hours, pauses)) => gate::stay(|| Self::listed(name, zone, &hours, &pauses)),
            None => Self::new(name, (name == sessions::Calendar::ALWAYS.name()).then_some(zone)),
        }
    }
}

/// Opens and closes of a list, and its breaks.
type Listed = (Vec<(i64, i64)>, Vec<Option<(i64, i64)>>);

impl PyCalendar {
    fn listed(
        name: &str,
        zone: &str,
        hours: &[(i64, i64)],
        pauses: &[Option<(i64, i64)>],
    ) -> Result<Self, CalendarError> {
        let schedule = sessions::Schedule::new(name, sessions::Zone::named(zone)?, hours, pauses)?;
        Ok(Self { calendar: sessions::Calendar::listed(schedule) })
    }
}

/// One trading session: its date, and UTC nanoseconds of open (in it) and close (not in it).
#[pyclass(frozen, eq, get_all, hash, module = "exuvia.sessions")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session {
    /// The date that it is named after, as 2026-02-03.
    date: String,
    /// First instant, UTC nanoseconds.
    open: i64,
    /// First instant after it.
    close: i64,
}

impl From<sessions::Session> for Session {
    fn from(session: sessions::Session) -> Self {
        let (year, month, day) = session.day.date();
        Self { date: format!("{year:04}-{month:02}-{day:02}"), open: session.open.0, close: session.close.0 }
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new(date: String, open: i64, close: i64) -> Self {
        Self { date, open, close }
    }

    fn __repr__(&self) -> String {
        format!("Session(date='{}', open={}, close={})", self.date, self.open, self.close)
    }

    fn __getnewargs__(&self) -> (&str, i64, i64) {
        (&self.date, self.open, self.close)
    }
}

fn day(text: &str) -> Result<Time, Failure> {
    day_of(text).ok_or_else(|| Failure::text("CalendarError", format!("date {text:?} is not of the form 2026-02-03")))
}

fn day_of(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, '-');
    let mut number = || parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?.parse::<i64>().ok();
    Time::from_date(number()?, number()?, number()?)
}

/// Version of the compiled-in IANA zone data, such as "2025b".
#[pyfunction]
fn zone_data_version() -> &'static str {
    sessions::zone_data_version()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCalendar>()?;
    module.add_class::<Session>()?;
    module.add_function(wrap_pyfunction!(zone_data_version, module)?)
}
