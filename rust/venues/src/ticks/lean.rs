//! LEAN quote-tick zips: one CSV without a header, `milliseconds since midnight,bid,ask` in the data's zone.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use exuvia_model::{DAY, HOUR, MINUTE, Price, Time};

use super::{Beat, What};
use crate::VenueError;

/// A day of ticks is a few megabytes; what unpacks to more than this is no day of ticks.
const LARGEST: u64 = 1 << 30;

pub(super) fn read(
    place: &str,
    options: &[(&str, &str)],
    refuse: impl Fn(String) -> VenueError,
) -> Result<Vec<Beat>, VenueError> {
    let mut zone = None;
    for (name, value) in options {
        match *name {
            "tz" => zone = Some(offset(value).ok_or_else(|| refuse(format!("tz {value:?} is not UTC or ±hh:mm")))?),
            _ => return Err(refuse(format!("option {name:?} is unknown: lean has tz"))),
        }
    }
    let mut days = Vec::new();
    if place.split(',').any(str::is_empty) {
        return Err(refuse("a path is empty".into()));
    }
    for path in place.split(',') {
        find_days(Path::new(path), &mut days)?;
    }
    days.sort_by_key(|(midnight, _)| *midnight);
    let mut beats: Vec<Beat> = Vec::new();
    for (midnight, path) in days {
        let fxcm = path.components().any(|part| part.as_os_str().eq_ignore_ascii_case("fxcm"));
        let zone = zone.unwrap_or(if fxcm { -5 * HOUR } else { 0 });
        read_day(&path, Time(midnight.0 - zone), &mut beats)?;
    }
    Ok(beats)
}

/// `UTC`, `Z` or `±hh:mm` in nanoseconds east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "UTC" | "Z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * HOUR + minutes * MINUTE))
}

/// The day files of a path with their midnights.
fn find_days(path: &Path, days: &mut Vec<(Time, PathBuf)>) -> Result<(), VenueError> {
    let unreadable = |source| VenueError::File { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        let midnight = midnight(path).ok_or_else(|| VenueError::FileName { path: path.to_owned() })?;
        days.push((midnight, path.to_owned()));
        return Ok(());
    }
    let before = days.len();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if let Some(midnight) = midnight(&file) {
            days.push((midnight, file));
        }
    }
    if days.len() == before { Err(VenueError::NoDays { path: path.to_owned() }) } else { Ok(()) }
}

/// The date in a name like `20140507_quote.zip`.
fn midnight(path: &Path) -> Option<Time> {
    let date = path.file_name()?.to_str()?.strip_suffix("_quote.zip")?;
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Time::from_date(date.get(..4)?.parse().ok()?, date.get(4..6)?.parse().ok()?, date.get(6..)?.parse().ok()?)
}

fn read_day(path: &Path, midnight: Time, beats: &mut Vec<Beat>) -> Result<(), VenueError> {
    let broken = |why: String| VenueError::Zip { path: path.to_owned(), why };
    let file = File::open(path).map_err(|source| VenueError::File { path: path.to_owned(), source })?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    if archive.len() != 1 {
        return Err(broken(format!("it holds {} files", archive.len())));
    }
    let entry = archive.by_index(0).map_err(|error| broken(error.to_string()))?;
    let name = entry.name().map_err(|error| broken(error.to_string()))?.into_owned();
    if !name.to_ascii_lowercase().contains("_eurusd_") {
        return Err(broken(format!("{name:?} in it is not EURUSD, the one instrument of this venue")));
    }
    let mut text = String::new();
    let size = entry.take(LARGEST).read_to_string(&mut text).map_err(|error| broken(error.to_string()))?;
    if size as u64 == LARGEST {
        return Err(broken(format!("it unpacks to more than {LARGEST} bytes")));
    }
    for (number, line) in text.lines().enumerate() {
        let last = beats.last().map(|beat| beat.time);
        let beat = read_line(line, midnight, last).map_err(|why| VenueError::Line {
            path: path.to_owned(),
            line: number + 1,
            text: line.chars().take(80).collect(),
            why,
        })?;
        beats.push(beat);
    }
    Ok(())
}

fn read_line(line: &str, midnight: Time, last: Option<Time>) -> Result<Beat, String> {
    let mut fields = line.split(',');
    let (Some(millis), Some(bid), Some(ask), None) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("milliseconds,bid,ask were expected".into());
    };
    // Fixed point at 10⁻⁹ of a millisecond: some files have fractions of one.
    let millis: Price = millis.parse().map_err(|error| format!("{error}"))?;
    if millis.raw() % 1_000 != 0 {
        return Err("the time is finer than a nanosecond".into());
    }
    let since = millis.raw() / 1_000;
    if !(0..DAY).contains(&since) {
        return Err("the time is not within a day: milliseconds since midnight were expected".into());
    }
    let time = Time(midnight.0 + since);
    if let Some(last) = last.filter(|last| *last > time) {
        return Err(format!("the tick at {time} comes after one at {last}: sort the file by time"));
    }
    let price = |text: &str| match text.parse::<Price>() {
        Ok(price) if price > Price::ZERO => Ok(price),
        Ok(price) => Err(format!("price {price} must be positive")),
        Err(error) => Err(error.to_string()),
    };
    Ok(Beat { time, what: What::Tick { bid: price(bid)?, ask: price(ask)? } })
}
