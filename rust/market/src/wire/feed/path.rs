//! Where a value stands in a message: `$.data.s`, `$[2]`, `$[-1]`, `$["a.b"]`; `@` instead of `$` starts at a row.

use super::SpecError;

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// `$`: the message.
    Message,
    /// `@`: the row, an element of the array that `rows` names.
    Row,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// `.name` or `["name"]`.
    Key(String),
    /// `[2]`, counted from the front.
    Index(usize),
    /// `[-1]`, counted from the back: 1 is the last.
    Back(usize),
}

/// A parsed path.
///
/// ```
/// use exuvia_market::wire::feed::{Path, Root, Step};
/// let path: Path = r#"@.data[-1]["a.b"]"#.parse()?;
/// assert_eq!(path.root, Root::Row);
/// assert_eq!(path.steps[1], Step::Back(1));
/// assert_eq!(path.to_string(), r#"@.data[-1]["a.b"]"#);
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it starts.
    pub root: Root,
    /// How it goes on.
    pub steps: Vec<Step>,
}

impl std::str::FromStr for Path {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |why: &str| {
            SpecError(format!(
                "path {text:?} {why}: write $ (the message) or @ (a row) and steps such as .name, [2], [-1] or [\"a.b\"]"
            ))
        };
        let (root, mut rest) = match (text.strip_prefix('$'), text.strip_prefix('@')) {
            (Some(rest), _) => (Root::Message, rest),
            (_, Some(rest)) => (Root::Row, rest),
            _ => return Err(wrong("starts with neither $ nor @")),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[\"") {
                let (key, after) = after.split_once("\"]").ok_or_else(|| wrong("has no \"] after [\""))?;
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (number, after) = after.split_once(']').ok_or_else(|| wrong("has no ] after ["))?;
                let back = number.strip_prefix('-');
                let index: usize =
                    back.unwrap_or(number).parse().map_err(|_| wrong("has something else than a number in []"))?;
                if index > 4_096 || (back.is_some() && index == 0) {
                    return Err(wrong("has a number that is no place in an array of up to 4,096"));
                }
                steps.push(if back.is_some() { Step::Back(index) } else { Step::Index(index) });
                rest = after;
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (key, after) = after.split_at(end);
                if key.is_empty() {
                    return Err(wrong("has no name after a point"));
                }
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            } else {
                return Err(wrong("has a step that starts with neither . nor ["));
            }
        }
        let odd = |char: char| matches!(char, '"' | '\\') || char.is_control();
        if steps.iter().any(|step| matches!(step, Step::Key(key) if key.contains(odd))) {
            return Err(wrong("has a name with a quote, a backslash or a control character"));
        }
        if steps.len() > 16 {
            return Err(wrong("has more than 16 steps"));
        }
        Ok(Self { root, steps })
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.root == Root::Message { "$" } else { "@" })?;
        for step in &self.steps {
            match step {
                Step::Key(key) if key.contains(['.', '[', '"']) || key.is_empty() => write!(out, "[\"{key}\"]")?,
                Step::Key(key) => write!(out, ".{key}")?,
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Back(index) => write!(out, "[-{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_path_says_what_one_looks_like() {
        for text in [
            "", "data", "$data", "$.", "$.a..b", "$[", "$[x]", "$[-0]", "$[\"a]", "$[99999]", "$.a[]", "$.a\"b",
            "$.a\\b",
        ] {
            let error = text.parse::<Path>().map_err(|error| error.to_string());
            assert!(
                matches!(&error, Err(words) if words.contains("[-1]") && words.contains(&format!("{text:?}"))),
                "{text}: {error:?}"
            );
        }
    }
}
