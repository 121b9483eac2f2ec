//! A declaration as a tree, read from JSON; small and read once, so nothing here is hot.

use super::SpecError;
use crate::wire::json::{JsonError, Reader};

/// A JSON value that owns what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    pub fn parse(text: &[u8]) -> Result<Self, SpecError> {
        let read = |reader: &mut Reader<'_>| -> Result<Self, JsonError> {
            let tree = Self::read(reader)?;
            reader.end().map(|()| tree)
        };
        read(&mut Reader::new(text)).map_err(|error| SpecError(format!("the declaration is not JSON: {error}")))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        match reader.peek()? {
            b'{' => {
                let mut fields = Vec::new();
                reader.object(|reader, key| {
                    let key = key.decode().unwrap_or_default().into_owned();
                    fields.push((key, Self::read(reader)?));
                    Ok(())
                })?;
                Ok(Self::Map(fields))
            }
            b'[' => {
                let mut items = Vec::new();
                reader.array(|reader| {
                    items.push(Self::read(reader)?);
                    Ok(())
                })?;
                Ok(Self::List(items))
            }
            b'"' => Ok(Self::Text(reader.text()?.and_then(|text| text.decode()).unwrap_or_default().into_owned())),
            b't' | b'f' => Ok(Self::Flag(reader.flag()?.unwrap_or_default())),
            b'n' => reader.skip().map(|()| Self::Null),
            _ => Ok(Self::Number(reader.number()?.map(|number| number.as_str().to_owned()).unwrap_or_default())),
        }
    }

    /// What a condition or a table of codes compares with: the text of a word, number or flag.
    pub fn word(&self, place: &str) -> Result<String, SpecError> {
        match self {
            Self::Text(text) | Self::Number(text) => Ok(text.clone()),
            Self::Flag(flag) => Ok(flag.to_string()),
            _ => Err(SpecError(format!("{place} is {}: write a text, a number, true or false", self.kind()))),
        }
    }

    pub fn text(&self, place: &str) -> Result<&str, SpecError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(SpecError(format!("{place} is {}: write a text", self.kind()))),
        }
    }

    pub fn flag(&self, place: &str) -> Result<bool, SpecError> {
        match self {
            Self::Flag(flag) => Ok(*flag),
            _ => Err(SpecError(format!("{place} is {}: write true or false", self.kind()))),
        }
    }

    pub fn map(&self, place: &str) -> Result<&[(String, Self)], SpecError> {
        match self {
            Self::Map(fields) => Ok(fields),
            _ => Err(SpecError(format!("{place} is {}: write a table", self.kind()))),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a flag",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
        }
    }
}
