//! Where a dataset puts its Parquet files: a path with places in braces, so that what a legacy system
//! reads by its own naming can be written under these names.

use serde::{Deserialize, Serialize};

use crate::LakeError;
use crate::dataset::Day;

const KNOWN: [&str; 8] = ["date", "yyyymmdd", "year", "month", "day", "bucket", "symbol", "part"];

/// The rows of a day that share a file: those of a bucket of symbols, those of one symbol, or all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// All rows of the day.
    All,
    /// Those whose symbol falls into this bucket.
    Bucket(u32),
    /// Those of this symbol.
    Symbol(String),
}

/// A checked template, such as `date={date}/bucket={bucket}/part-{part}.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
}

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`LakeError::BadDeclaration`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, LakeError> {
        let bad = |why: String| LakeError::BadDeclaration { what: "path", value: text.to_owned(), why };
        let template = Self { text: text.to_owned() };
        for place in template.places().map_err(bad)? {
            if !KNOWN.contains(&place) {
                return Err(bad(format!("{{{place}}} is unknown: there are {{{}}}", KNOWN.join("}, {"))));
            }
        }
        let of_day = template.has("date")
            || template.has("yyyymmdd")
            || (template.has("year") && template.has("month") && template.has("day"));
        if !of_day {
            return Err(bad(
                "a file belongs to one day: put {date}, {yyyymmdd} or {year}, {month} and {day} in it".into()
            ));
        }
        if template.has("bucket") && template.has("symbol") {
            return Err(bad("{bucket} and {symbol} exclude each other: a file is of a bucket, or of a symbol".into()));
        }
        if !text.ends_with(".parquet") {
            return Err(bad("it does not end in .parquet".into()));
        }
        for name in text.split('/') {
            let wrong = name.is_empty() || name.starts_with(['.', '_']) || name.contains(['\\', '\0', ':']);
            if wrong {
                return Err(bad(format!(
                    "{name:?} is no name of a file or folder here: it is empty, begins with a point or an underscore, or has one of \\ : in it"
                )));
            }
        }
        Ok(template)
    }

    /// Whether `{place}` is in it.
    #[must_use]
    pub fn has(&self, place: &str) -> bool {
        self.text.contains(&format!("{{{place}}}"))
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, relative to the dataset, of a file.
    #[must_use]
    pub fn render(&self, day: Day, group: &Group, part: u32) -> String {
        let mut values = vec![("part", format!("{part:04}"))];
        match group {
            Group::All => values.push(("bucket", "00".to_owned())),
            Group::Bucket(bucket) => values.push(("bucket", format!("{bucket:02}"))),
            // Last, and without braces in it: nothing is filled into a symbol.
            Group::Symbol(symbol) => values.push(("symbol", escaped(symbol))),
        }
        let text = Self::filled(&self.text, day);
        values.into_iter().fold(text, |text, (place, value)| text.replace(&format!("{{{place}}}"), &value))
    }

    /// A part of a path with the day in it.
    pub(crate) fn filled(text: &str, day: Day) -> String {
        let (year, month, date) = day.date();
        let values = [
            ("{date}", day.to_string()),
            ("{yyyymmdd}", format!("{year:04}{month:02}{date:02}")),
            ("{year}", format!("{year:04}")),
            ("{month}", format!("{month:02}")),
            ("{day}", format!("{date:02}")),
        ];
        values.into_iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, &value))
    }

    fn places(&self) -> Result<Vec<&str>, String> {
        let mut places = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}').ok_or("a brace is not closed")?;
            if before.contains('}') {
                return Err("a brace is closed that was not opened".to_owned());
            }
            places.push(place);
            rest = behind;
        }
        if rest.contains('}') { Err("a brace is closed that was not opened".to_owned()) } else { Ok(places) }
    }
}

/// A symbol as a part of a file's name: letters, digits and `-`, `.`, `_` as they are, other bytes as %XX.
fn escaped(symbol: &str) -> String {
    let mut name = String::with_capacity(symbol.len());
    for (at, byte) in symbol.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-' || (at > 0 && matches!(byte, b'.' | b'_'));
        if plain {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.is_empty() { "%".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_template_is_filled_with_day_group_and_part() {
        let day: Day = "2026-02-03".parse().unwrap();
        let of = |text: &str, group: Group| PathTemplate::new(text).unwrap().render(day, &group, 7);
        assert_eq!(
            of("date={date}/bucket={bucket}/{part}.parquet", Group::Bucket(3)),
            "date=2026-02-03/bucket=03/0007.parquet"
        );
        assert_eq!(of("{symbol}/{yyyymmdd}.parquet", Group::Symbol("BRK.B".into())), "BRK.B/20260203.parquet");
        assert_eq!(
            of("{year}/{month}/{day}/{symbol}.parquet", Group::Symbol("../EUR/USD".into())),
            "2026/02/03/%2E.%2FEUR%2FUSD.parquet"
        );
    }

    #[test]
    fn a_template_that_leaves_the_dataset_or_forgets_the_day_is_refused() {
        for text in [
            "{part}.parquet",
            "../{date}.parquet",
            "/{date}.parquet",
            "{date}.csv",
            "{date}/{name}.parquet",
            "_x/{date}.parquet",
            "{date.parquet",
            "date}/{date}.parquet",
            "{date}/{bucket}/{symbol}.parquet",
        ] {
            assert!(matches!(PathTemplate::new(text), Err(LakeError::BadDeclaration { .. })), "{text}");
        }
    }
}
