//! A text that must not be there, such as 401.

/// Lines, from 1, in which `what` stands as a word of its own: `401` is not in `14012` nor in `4010`.
///
/// ```
/// let log = "GET /prices 200\nGET /prices 401 Unauthorized\nheld 14012";
/// assert_eq!(exuvia_migrate::gate::mentions(log, "401"), [2]);
/// ```
#[must_use]
pub fn mentions(text: &str, what: &str) -> Vec<usize> {
    if what.is_empty() {
        return Vec::new();
    }
    text.lines().enumerate().filter(|(_, line)| stands_in(line, what)).map(|(number, _)| number + 1).collect()
}

fn stands_in(line: &str, what: &str) -> bool {
    let (starts, ends) = (what.starts_with(char::is_alphanumeric), what.ends_with(char::is_alphanumeric));
    line.match_indices(what).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + what.len()..).and_then(|text| text.chars().next());
        let goes_on_before = starts && before.is_some_and(char::is_alphanumeric);
        let goes_on_after = ends && after.is_some_and(char::is_alphanumeric);
        !goes_on_before && !goes_on_after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_at_the_ends_and_between_signs_but_not_in_another() {
        assert_eq!(mentions("401\n{\"status\":401}\n4010\nx401\n=401;", "401"), [1, 2, 5]);
        assert_eq!(mentions("a\nπ401π\n401.5", "401"), [3]);
        assert_eq!(mentions("login failed: 401!", "failed: 401!"), [1]);
        assert!(mentions("anything", "").is_empty());
    }
}
