//! The declaration of a feed: which messages are records, where their fields stand, and in which units.

use std::fmt;

use thiserror::Error;

use super::path::{Path, Root};
use super::tree::Tree;

/// A declaration that cannot be followed; the sentence names the place, the value and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SpecError(pub String);

/// A whole declaration.
///
/// ```
/// use exuvia_market::wire::feed::Spec;
/// let spec = Spec::from_json(br#"{"records": {"quote": {
///     "when": {"$.e": "bookTicker"},
///     "fields": {"symbol": "symbol $.s", "ts": "time:ms $.T", "bid": "price $.b", "ask": "price $.a"}}}}"#)?;
/// assert_eq!(spec.records[0].fields[1].name, "ts");
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Whether a frame whose root is an array holds a message in each element.
    pub split: bool,
    /// How prices, sizes and numbers are kept.
    pub numbers: Numbers,
    /// The kinds of records, in the order in which they are tried.
    pub records: Vec<RecordSpec>,
}

/// How prices, sizes and numbers are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Numbers {
    /// In fixed point at 10⁻⁹, exactly.
    #[default]
    Exact,
    /// In fixed point at 10⁻¹⁸, exactly: for tokens of tiny prices and huge amounts.
    Wide,
    /// As the `f64` that is nearest to the text.
    Float,
}

/// One kind of record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordSpec {
    /// Its name, such as `trade`.
    pub name: String,
    /// What a message must say to hold such records; all of it.
    pub when: Vec<(Path, Test)>,
    /// Where the rows stand; without any the message is the one row.
    pub rows: Vec<RowsSpec>,
    /// Whether fields that a message does not name stay as they were for its symbol.
    pub merge: bool,
    /// The field whose repeats and steps back are counted, by symbol.
    pub sequence: Option<String>,
    /// Whether a message that repeats the sequence before it is left out.
    pub skip_repeats: bool,
    /// Two fields of which the first must not be above the second.
    pub crossed: Option<(String, String)>,
    /// The fields in order.
    pub fields: Vec<FieldSpec>,
}

/// Where rows of a record stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsSpec {
    /// An array of rows, or an object that is one row.
    pub path: Path,
    /// What the constant fields say of rows that stand there.
    pub constants: Vec<(String, String)>,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// There at all, and not null.
    Present,
    /// One of these texts, numbers as they are written, or flags.
    Is(Vec<String>),
    /// A text that starts with this.
    Starts(String),
    /// A text that ends with this.
    Ends(String),
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Where it stands; the first that is there and not null.
    pub from: Vec<Source>,
    /// Whether a row without it is a row.
    pub optional: bool,
    /// Names for the codes of a symbol field; a code that is not named refuses the row.
    pub codes: Vec<(String, String)>,
    /// What a price of zero, or below, is.
    pub zero: Zero,
    /// Whether more than nine decimals are rounded (and counted) instead of refused.
    pub round: bool,
    /// How its numbers are kept, if not as the feed's.
    pub keep: Option<Numbers>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A price: above zero unless declared otherwise.
    Price,
    /// An amount: zero or above.
    Size,
    /// Any number.
    Number,
    /// Any number, always as the nearest `f64`: volumes, averages, greeks.
    Float,
    /// A whole number.
    Int,
    /// An instant.
    Time(Unit),
    /// A text that repeats: kept once.
    Symbol,
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// What the place of the rows says.
    Constant,
}

/// What a price of zero or below is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zero {
    /// A row that is left out and counted.
    #[default]
    Skip,
    /// No price: null. Prices below zero are left out.
    Null,
    /// A price, and so is one below zero.
    Keep,
}

/// In which unit a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds since 1970, with a fraction if there is one.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// ISO-8601 text with `Z` or an offset.
    Iso,
}

/// Where a field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the message or the row.
    Path(Path),
    /// When the message was received, as the caller says.
    Received,
    /// The symbol that the caller names.
    Symbol,
}

impl Unit {
    /// The name as a declaration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
            Self::Iso => "iso",
        }
    }

    /// The unit of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self, SpecError> {
        [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos, Self::Iso]
            .into_iter()
            .find(|unit| unit.name() == name)
            .ok_or_else(|| SpecError(format!("time unit {name:?} is unknown: use s, ms, us, ns or iso")))
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Price => "price",
            Self::Size => "size",
            Self::Number => "number",
            Self::Float => "float",
            Self::Int => "int",
            Self::Time(unit) => return write!(out, "time:{}", unit.name()),
            Self::Symbol => "symbol",
            Self::Text => "text",
            Self::Flag => "flag",
            Self::Constant => "constant",
        })
    }
}

impl std::str::FromStr for FieldKind {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Ok(match text {
            "price" => Self::Price,
            "size" => Self::Size,
            "number" => Self::Number,
            "float" => Self::Float,
            "int" => Self::Int,
            "symbol" => Self::Symbol,
            "text" => Self::Text,
            "flag" => Self::Flag,
            "constant" => Self::Constant,
            "time" => {
                return Err(SpecError(
                    "type \"time\" names no unit: write time:s, time:ms, time:us, time:ns or time:iso".to_owned(),
                ));
            }
            _ => match text.strip_prefix("time:") {
                Some(unit) => Self::Time(Unit::named(unit)?),
                None => {
                    let known = "price, size, number, float, int, time:UNIT, symbol, text, flag or constant";
                    return Err(SpecError(format!("type {text:?} is unknown: use {known}")));
                }
            },
        })
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, SpecError> {
        match text.trim() {
            "received" => Ok(Self::Received),
            "symbol" => Ok(Self::Symbol),
            path => path.parse().map(Self::Path),
        }
    }
}

impl FieldSpec {
    /// A field by its short form: `price $.b`, `time:ms? $.T | received`, `constant`.
    ///
    /// # Errors
    /// If it is not of that form.
    pub fn parse(name: &str, text: &str) -> Result<Self, SpecError> {
        let (kind, from) = text.split_once(' ').unwrap_or((text, ""));
        let (kind, optional) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
        let kind = kind.parse()?;
        let from = match kind {
            FieldKind::Constant => Vec::new(),
            _ => from.split('|').map(Source::parse).collect::<Result<_, _>>()?,
        };
        let (codes, zero) = (Vec::new(), Zero::default());
        Ok(Self { name: name.to_owned(), kind, from, optional, codes, zero, round: false, keep: None })
    }

    fn read(name: &str, tree: &Tree, place: &str) -> Result<Self, SpecError> {
        let Tree::Map(parts) = tree else {
            return Self::parse(name, tree.text(place)?);
        };
        let found = |key: &str| parts.iter().find(|(name, _)| name == key).map(|(_, tree)| tree);
        let short =
            found("from").ok_or_else(|| SpecError(format!("{place} has no \"from\", such as \"price $.b\"")))?;
        let mut field = Self::parse(name, short.text(&format!("{place}.from"))?)?;
        for (key, tree) in parts {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "from" => {}
                "codes" => {
                    for (code, name) in tree.map(&place)? {
                        field.codes.push((code.clone(), name.text(&place)?.to_owned()));
                    }
                }
                "zero" => {
                    field.zero = match tree.text(&place)? {
                        "skip" => Zero::Skip,
                        "null" => Zero::Null,
                        "keep" => Zero::Keep,
                        other => {
                            return Err(SpecError(format!("{place} {other:?} is unknown: use skip, null or keep")));
                        }
                    }
                }
                "round" => field.round = tree.flag(&place)?,
                "keep" => field.keep = Some(Numbers::named(tree.text(&place)?)?),
                _ => {
                    return Err(SpecError(format!(
                        "{place} is unknown: a field has from, codes, zero, round and keep"
                    )));
                }
            }
        }
        Ok(field)
    }
}

impl Test {
    fn read(tree: &Tree, place: &str) -> Result<Self, SpecError> {
        Ok(match tree {
            Tree::Text(text) if text == "*" => Self::Present,
            Tree::Text(text) => match (text.strip_prefix('*'), text.strip_suffix('*')) {
                (Some(end), _) => Self::Ends(end.to_owned()),
                (_, Some(start)) => Self::Starts(start.to_owned()),
                _ => Self::Is(vec![text.clone()]),
            },
            Tree::List(words) => Self::Is(words.iter().map(|word| word.word(place)).collect::<Result<_, _>>()?),
            other => Self::Is(vec![other.word(place)?]),
        })
    }
}

impl RowsSpec {
    fn read(tree: &Tree, place: &str) -> Result<Vec<Self>, SpecError> {
        let plain = |path: &str| Ok::<_, SpecError>(Self { path: path.parse()?, constants: Vec::new() });
        match tree {
            Tree::List(paths) => paths.iter().map(|path| plain(path.text(place)?)).collect(),
            Tree::Map(paths) => paths
                .iter()
                .map(|(path, constants)| {
                    let mut rows = plain(path)?;
                    for (name, value) in constants.map(place)? {
                        rows.constants.push((name.clone(), value.word(place)?));
                    }
                    Ok(rows)
                })
                .collect(),
            path => Ok(vec![plain(path.text(place)?)?]),
        }
    }
}

impl RecordSpec {
    fn read(name: &str, tree: &Tree) -> Result<Self, SpecError> {
        let place = format!("records.{name}");
        let mut record = Self { name: name.to_owned(), ..Self::default() };
        for (key, tree) in tree.map(&place)? {
            let place = format!("{place}.{key}");
            let at = |error: SpecError| SpecError(format!("{place}: {error}"));
            match key.as_str() {
                "when" => {
                    for (path, test) in tree.map(&place)? {
                        record.when.push((path.parse().map_err(at)?, Test::read(test, &place)?));
                    }
                }
                "rows" => record.rows = RowsSpec::read(tree, &place).map_err(at)?,
                "merge" => record.merge = tree.flag(&place)?,
                "sequence" => record.sequence = Some(tree.text(&place)?.to_owned()),
                "repeats" => {
                    record.skip_repeats = match tree.text(&place)? {
                        "keep" => false,
                        "skip" => true,
                        other => return Err(SpecError(format!("{place} {other:?} is unknown: use keep or skip"))),
                    }
                }
                "crossed" => match tree {
                    Tree::List(pair) if pair.len() == 2 => {
                        let mut names = pair.iter().map(|name| name.text(&place));
                        if let (Some(bid), Some(ask)) = (names.next(), names.next()) {
                            record.crossed = Some((bid?.to_owned(), ask?.to_owned()));
                        }
                    }
                    _ => return Err(SpecError(format!("{place} must be two names, such as [\"bid\", \"ask\"]"))),
                },
                "fields" => {
                    for (name, field) in tree.map(&place)? {
                        let place = format!("{place}.{name}");
                        let field = FieldSpec::read(name, field, &place);
                        record.fields.push(field.map_err(|error| match error.0.starts_with(&place) {
                            true => error,
                            false => SpecError(format!("{place}: {error}")),
                        })?);
                    }
                }
                _ => {
                    let known = "when, rows, merge, sequence, repeats, crossed and fields";
                    return Err(SpecError(format!("{place} is unknown: a record has {known}")));
                }
            }
        }
        Ok(record)
    }
}

impl Spec {
    /// Reads a declaration from JSON; the shape is that of the Python dict and of the TOML table.
    ///
    /// # Errors
    /// With the place and what to write there.
    pub fn from_json(text: &[u8]) -> Result<Self, SpecError> {
        let tree = Tree::parse(text)?;
        let mut spec = Self { split: false, numbers: Numbers::default(), records: Vec::new() };
        for (key, tree) in tree.map("the declaration")? {
            match key.as_str() {
                "split" => spec.split = tree.flag(key)?,
                "numbers" => spec.numbers = Numbers::named(tree.text(key)?)?,
                "records" => {
                    for (name, record) in tree.map(key)? {
                        spec.records.push(RecordSpec::read(name, record)?);
                    }
                }
                _ => return Err(SpecError(format!("{key} is unknown: a declaration has split, numbers and records"))),
            }
        }
        if spec.records.is_empty() {
            return Err(SpecError("the declaration has no records: name at least one, with its fields".to_owned()));
        }
        Ok(spec)
    }
}

impl Numbers {
    /// The way of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self, SpecError> {
        match name {
            "exact" => Ok(Self::Exact),
            "wide" => Ok(Self::Wide),
            "float" => Ok(Self::Float),
            _ => Err(SpecError(format!("numbers {name:?} is unknown: use exact, wide or float"))),
        }
    }
}

impl Path {
    /// Whether it starts at a row.
    pub(super) fn is_of_row(&self) -> bool {
        self.root == Root::Row
    }
}
