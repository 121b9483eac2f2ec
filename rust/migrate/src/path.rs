//! Paths into a value, and the patterns by which rules name them: `$.fills[*].price`, `$[0]`,
//! `$.*.ts`, `$.**` (here and everything below).

use std::fmt::Write as _;
use std::sync::Arc;

use crate::MigrateError;

/// One step of the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A field, column or text key.
    Field(Arc<str>),
    /// A place in a sequence, or an integer key.
    Index(usize),
    /// Any other key, as text.
    Key(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Field(String),
    Index(usize),
    AnyField,
    AnyIndex,
    Deep,
}

/// What a pattern names first below its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head<'a> {
    /// The root itself.
    Root,
    /// A field.
    Field(&'a str),
    /// Every field.
    Any,
    /// An item of a sequence.
    Item,
}

/// A path pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    root: String,
    parts: Vec<Part>,
}

impl Pattern {
    /// Reads a pattern. It starts with `$` (the result), `$raise` (the exception), `$args` (the
    /// arguments after the call), `$self` (declared attributes of an object), `$effects` or `$reads`
    /// (what a call does to the world, and what it asks of it).
    ///
    /// # Errors
    /// `MigrateError::Path` naming the character.
    pub fn parse(text: &str) -> Result<Self, MigrateError> {
        let refuse = |at: usize, what: &str| MigrateError::Path { path: text.into(), at, what: what.into() };
        let rest = text.strip_prefix('$').ok_or_else(|| refuse(0, "it must start with $"))?;
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (root, mut rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if !["", "raise", "args", "self", "effects", "reads"].contains(&root) {
            return Err(refuse(1, "the root is one of $, $raise, $args, $self, $effects, $reads"));
        }
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let at = text.chars().count() - rest.chars().count();
            if let Some(after) = rest.strip_prefix(".**") {
                parts.push(Part::Deep);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(".*") {
                parts.push(Part::AnyField);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("[*]") {
                parts.push(Part::AnyIndex);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("[\"") {
                let (name, after) = after.split_once("\"]").ok_or_else(|| refuse(at, "[\" is not closed by \"]"))?;
                parts.push(Part::Field(name.into()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (number, after) = after.split_once(']').ok_or_else(|| refuse(at, "[ is not closed by ]"))?;
                let index = number.parse().map_err(|_| refuse(at, "an index is a number or *"))?;
                parts.push(Part::Index(index));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at_checked(end).unwrap_or((after, ""));
                if name.is_empty() || name.contains(['*', ']', '"', ' ']) {
                    return Err(refuse(at, "a field's name, * or ** must follow the dot"));
                }
                parts.push(Part::Field(name.into()));
                rest = after;
            } else {
                return Err(refuse(at, "expected . or ["));
            }
        }
        Ok(Self { text: text.into(), root: format!("${root}"), parts })
    }

    /// The pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `$`, `$raise`, `$args`, `$self`, `$effects` or `$reads`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The name that the pattern ends with, indices after it not counted, if it ends with one.
    pub fn leaf(&self) -> Option<&str> {
        let mut parts = self.parts.iter().rev();
        match parts.find(|part| !matches!(part, Part::Index(_) | Part::AnyIndex)) {
            Some(Part::Field(name)) => Some(name),
            _ => None,
        }
    }

    /// What it names first below its root.
    pub(crate) fn head(&self) -> Head<'_> {
        match self.parts.first() {
            None => Head::Root,
            Some(Part::Field(name)) => Head::Field(name),
            Some(Part::AnyField | Part::Deep) => Head::Any,
            Some(Part::Index(_) | Part::AnyIndex) => Head::Item,
        }
    }

    /// Whether the pattern names the value at the end of `steps`.
    pub(crate) fn reaches(&self, root: &str, steps: &[Step]) -> bool {
        if self.root != root {
            return false;
        }
        let mut places = vec![0];
        for step in steps {
            let mut next = Vec::new();
            for place in places {
                self.follow(place, step, &mut |at| {
                    if !next.contains(&at) {
                        next.push(at);
                    }
                });
            }
            places = next;
        }
        places.into_iter().any(|place| self.ends(place))
    }

    /// Whether the next part picks one item of a sequence and leaves its neighbours.
    pub(crate) fn picks(&self, at: usize) -> bool {
        match self.parts.get(at) {
            Some(Part::Index(_)) => true,
            Some(Part::Deep) => self.picks(at + 1),
            _ => false,
        }
    }

    /// How much the pattern pins down: of two that match, the higher one rules.
    pub(crate) fn weight(&self) -> usize {
        let parts = self.parts.iter();
        parts
            .map(|part| match part {
                Part::Field(_) | Part::Index(_) => 100,
                Part::AnyField | Part::AnyIndex => 10,
                Part::Deep => 0,
            })
            .sum::<usize>()
    }

    /// Whether everything from `at` on can match nothing: the pattern names this very value.
    pub(crate) fn ends(&self, at: usize) -> bool {
        self.parts.get(at..).is_some_and(|rest| rest.iter().all(|part| *part == Part::Deep))
    }

    /// Follows `step` from place `at` of the pattern; calls `next` with each place that is reached.
    pub(crate) fn follow(&self, at: usize, step: &Step, next: &mut impl FnMut(usize)) {
        match (self.parts.get(at), step) {
            (Some(Part::Deep), _) => {
                next(at);
                self.follow(at + 1, step, next);
            }
            (Some(Part::Field(name)), Step::Field(field)) if name.as_str() == &**field => next(at + 1),
            (Some(Part::Field(name)), Step::Key(key)) if name == key => next(at + 1),
            (Some(Part::Index(want)), Step::Index(index)) if want == index => next(at + 1),
            (Some(Part::AnyField), Step::Field(_) | Step::Key(_)) => next(at + 1),
            (Some(Part::AnyIndex), _) => next(at + 1),
            _ => {}
        }
    }
}

/// Writes a path; with `places` every index becomes `[*]`.
pub(crate) fn write(root: &str, steps: &[Step], places: bool) -> String {
    let mut text = root.to_owned();
    for step in steps {
        let _ = match step {
            Step::Field(name) if is_plain(name) => write!(text, ".{name}"),
            Step::Field(name) => write!(text, "[\"{name}\"]"),
            Step::Index(_) | Step::Key(_) if places => write!(text, "[*]"),
            Step::Index(at) => write!(text, "[{at}]"),
            Step::Key(key) => write!(text, "[{key}]"),
        };
    }
    text
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_and_broken_ones_name_the_character() {
        for text in
            ["$", "$.a", "$[*].b[3]", "$.**", "$.a.**.b", "$raise.args[0]", "$self.late", "$[\"odd key\"].x", "$.*"]
        {
            assert_eq!(Pattern::parse(text).map(|pattern| pattern.text().to_owned()), Ok(text.to_owned()));
        }
        for (text, at) in [("a.b", 0), ("$x", 1), ("$.a..b", 3), ("$[x]", 1), ("$.a[3", 3), ("$.a b", 1)] {
            match Pattern::parse(text) {
                Err(MigrateError::Path { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
