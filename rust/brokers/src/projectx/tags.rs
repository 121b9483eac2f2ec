//! The tags that a legacy futures bot gives its orders: `TradingBot-v1.0[-strategy-NAME]-kind-counter-unixtime`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// With what the tags of that bot begin.
pub const BOT_PREFIX: &str = "TradingBot-v1.0";

/// A text that is no tag of that bot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("tag {tag:?} {why}: {BOT_PREFIX}[-strategy-NAME]-kind-counter-unixtime is expected")]
pub struct TagError {
    tag: String,
    why: &'static str,
}

/// A tag in its parts.
///
/// ```
/// use exuvia_brokers::projectx::BotTag;
/// let tag = BotTag::new(Some("Overnight Range"), "bracket", 17, 1_770_128_400)?;
/// assert_eq!(tag.to_string(), "TradingBot-v1.0-strategy-overnight_range-bracket-17-1770128400");
/// assert_eq!(tag.to_string().parse::<BotTag>()?, tag);
/// # Ok::<(), exuvia_brokers::projectx::TagError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BotTag {
    strategy: Option<String>,
    kind: String,
    /// The bot's count of its orders; it starts anew with each process.
    pub counter: u64,
    /// Seconds since 1970.
    pub unixtime: u64,
}

impl BotTag {
    /// A tag. The strategy's name is written as the bot writes it: lower case, `_` for blanks and hyphens.
    ///
    /// # Errors
    /// An empty part, or a kind with a hyphen, which could not be read back.
    pub fn new(strategy: Option<&str>, kind: &str, counter: u64, unixtime: u64) -> Result<Self, TagError> {
        let strategy = strategy.map(|name| name.to_lowercase().replace([' ', '-'], "_"));
        let wrong = |why| Err(TagError { tag: kind.to_owned(), why });
        if kind.is_empty() || strategy.as_deref() == Some("") {
            return wrong("has an empty part");
        }
        if kind.contains('-') || (strategy.is_none() && kind == "strategy") {
            return wrong("has a kind that cannot be told from the parts beside it");
        }
        Ok(Self { strategy, kind: kind.to_owned(), counter, unixtime })
    }

    /// The strategy as it is written in the tag.
    #[must_use]
    pub fn strategy(&self) -> Option<&str> {
        self.strategy.as_deref()
    }

    /// The kind of order: `order`, `bracket`, `stop`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl fmt::Display for BotTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(BOT_PREFIX)?;
        if let Some(strategy) = &self.strategy {
            write!(out, "-strategy-{strategy}")?;
        }
        write!(out, "-{}-{}-{}", self.kind, self.counter, self.unixtime)
    }
}

impl FromStr for BotTag {
    type Err = TagError;

    fn from_str(tag: &str) -> Result<Self, TagError> {
        let wrong = |why| TagError { tag: tag.to_owned(), why };
        let rest = tag.strip_prefix(BOT_PREFIX).and_then(|rest| rest.strip_prefix('-'));
        let parts: Vec<&str> = rest.ok_or_else(|| wrong("begins otherwise"))?.split('-').collect();
        let (strategy, kind, counter, time) = match parts[..] {
            ["strategy", name, kind, counter, time] => (Some(name), kind, counter, time),
            [kind, counter, time] => (None, kind, counter, time),
            _ => return Err(wrong("has too few or too many parts")),
        };
        let number = |text: &str| text.parse().map_err(|_| wrong("has something else where a number belongs"));
        let read = Self::new(strategy, kind, number(counter)?, number(time)?);
        // Only what the bot itself would have written.
        read.ok().filter(|read| read.to_string() == tag).ok_or_else(|| wrong("is not as the bot writes it"))
    }
}
