//! Answers of the venue as values: JSON whose numbers stay the text that they were, so that they become fixed point without
//! passing through a float.

use std::str::FromStr;

use exuvia_execution::Decimal;
use exuvia_market::wire::json::{JsonError, Reader};
use exuvia_model::{ModelError, Money, Price, Quantity, Time};
use thiserror::Error;

/// A JSON value. A field that is `null` counts as absent, as Saxo leaves such fields out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number as it was written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object, in the order of its fields; of two with one name the last counts.
    Object(Vec<(String, Node)>),
}

/// What cannot be read in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    /// It is not JSON.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// A field that must be there is not, or is of another type.
    #[error("it has no {field}")]
    Missing {
        /// Which field.
        field: &'static str,
    },
    /// A field whose value cannot be.
    #[error("its {field} is {value:?}: {why}")]
    Value {
        /// Which field.
        field: &'static str,
        /// As it came.
        value: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads an answer.
///
/// # Errors
/// `Json` with the place at which it stops being JSON.
pub fn parse(bytes: &[u8]) -> Result<Node, ParseError> {
    let mut reader = Reader::new(bytes);
    let node = Node::read(&mut reader)?;
    reader.end()?;
    Ok(node)
}

/// Bytes as text for a sentence: the first 200 characters, what is not printable replaced.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(200).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

impl Node {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        Ok(match reader.peek()? {
            b'{' => {
                let mut fields = Vec::new();
                reader.object(|reader, key| {
                    let name = String::from_utf8_lossy(&key.bytes()).into_owned();
                    fields.push((name, Self::read(reader)?));
                    Ok(())
                })?;
                Self::Object(fields)
            }
            b'[' => {
                let mut items = Vec::new();
                reader.array(|reader| {
                    items.push(Self::read(reader)?);
                    Ok(())
                })?;
                Self::List(items)
            }
            b'"' => {
                let text = reader.text()?.and_then(|text| text.decode().map(std::borrow::Cow::into_owned));
                text.map_or(Self::Null, Self::Text)
            }
            b't' | b'f' => reader.flag()?.map_or(Self::Null, Self::Flag),
            b'n' => reader.skip().map(|()| Self::Null)?,
            _ => {
                let number = reader.number()?.map(|number| number.as_str().to_owned());
                number.map_or(Self::Null, Self::Number)
            }
        })
    }

    /// The field of this name, unless it is absent or `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value).filter(|value| **value != Self::Null)
    }

    /// The elements of an array; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The rows of a list answer: its `Data`.
    ///
    /// # Errors
    /// `Missing` if there is no such array: an answer without it says nothing about how many there are.
    pub fn data(&self) -> Result<&[Self], ParseError> {
        match self.get("Data") {
            Some(Self::List(rows)) => Ok(rows),
            _ => Err(ParseError::Missing { field: "Data" }),
        }
    }

    /// A text field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Some(Self::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    /// A field that is an id: text, or a number as it was written.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Self::Text(text) | Self::Number(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A field that is `true` or `false`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        if let Some(Self::Flag(flag)) = self.get(name) { Some(*flag) } else { None }
    }

    /// This value as a whole number.
    #[must_use]
    pub fn whole(&self) -> Option<i64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }

    /// A text field that must be there.
    pub(super) fn need(&self, field: &'static str) -> Result<&str, ParseError> {
        self.id(field).ok_or(ParseError::Missing { field })
    }

    /// A whole number that must be there.
    pub(super) fn need_whole(&self, field: &'static str) -> Result<i64, ParseError> {
        self.get(field).and_then(Self::whole).ok_or(ParseError::Missing { field })
    }

    /// An amount, exact: one that does not fit is an error.
    pub(super) fn quantity(&self, field: &'static str) -> Result<Option<Quantity>, ParseError> {
        self.number(field, |text| text.parse().map_err(|error: ModelError| error.to_string()))
    }

    /// A price; what a float's text has beyond 10⁻⁹ is rounded, ties to even.
    pub(super) fn price(&self, field: &'static str) -> Result<Option<Price>, ParseError> {
        self.number(field, nearest)
    }

    /// Money, rounded as a price is.
    pub(super) fn money(&self, field: &'static str) -> Result<Option<Money>, ParseError> {
        self.number(field, nearest)
    }

    /// A time.
    pub(super) fn time(&self, field: &'static str) -> Result<Option<Time>, ParseError> {
        let read = |text: &str| text.parse().map_err(|error: ModelError| value(field, text, error.to_string()));
        self.text(field).map(read).transpose()
    }

    /// A word that is one of a type's.
    pub(super) fn word<T: FromStr<Err = ModelError>>(&self, field: &'static str) -> Result<T, ParseError> {
        let text = self.need(field)?;
        text.parse().map_err(|error: ModelError| value(field, text, error.to_string()))
    }

    /// The value as JSON.
    pub(super) fn written(&self) -> String {
        let list = |items: Vec<String>| items.join(",");
        match self {
            Self::Null => "null".to_owned(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(text) => text.clone(),
            Self::Text(text) => super::orders::quoted(text),
            Self::List(items) => format!("[{}]", list(items.iter().map(Self::written).collect())),
            Self::Object(fields) => {
                let field =
                    |(name, value): &(String, Self)| format!("{}:{}", super::orders::quoted(name), value.written());
                format!("{{{}}}", list(fields.iter().map(field).collect()))
            }
        }
    }

    fn number<T>(
        &self,
        field: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ParseError> {
        match self.get(field) {
            None => Ok(None),
            Some(Self::Number(text)) => read(text).map(Some).map_err(|why| value(field, text, why)),
            Some(other) => Err(value(field, other.kind(), "a number was expected".to_owned())),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

fn value(field: &'static str, value: &str, why: String) -> ParseError {
    ParseError::Value { field, value: shown(value.as_bytes()), why }
}

/// Fixed point from the text of a number, rounded once where it has more than nine decimals.
fn nearest<T: FromStr<Err = ModelError>>(text: &str) -> Result<T, String> {
    match text.parse() {
        Err(ModelError::TooPrecise { .. }) => {
            let decimal = text.parse::<Decimal>().and_then(|decimal| decimal.quantized(-9));
            decimal
                .map_err(|error| error.to_string())?
                .to_string()
                .parse()
                .map_err(|error: ModelError| error.to_string())
        }
        read => read.map_err(|error| error.to_string()),
    }
}
