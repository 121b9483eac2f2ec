//! Freshness: how long something that should come regularly did not come.

/// A stretch without a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From, UTC nanoseconds: the last sign before it, or the session's first instant.
    pub from: i64,
    /// To: the next sign, or the session's end.
    pub to: i64,
}

/// What the signs of one session say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Signs within the session.
    pub signs: u64,
    /// The longest stretch without one, nanoseconds.
    pub longest: i64,
    /// Stretches longer than allowed, in their order.
    pub beyond: Vec<Gap>,
}

/// Finds the gaps longer than `most` between signs of life in a session, from its first instant to its end: a
/// process that starts late or stops early has one too. A sign that came at most `most` before the session, or after
/// it, counts as its end.
///
/// ```
/// let found = exuvia_migrate::gate::gaps(&[0, 30, 95], (0, 100), 33);
/// assert_eq!((found.longest, found.beyond.len()), (65, 1));
/// ```
#[must_use]
pub fn gaps(signs: &[i64], (open, close): (i64, i64), most: i64) -> Gaps {
    let mut signs = signs.to_vec();
    signs.sort_unstable();
    let inside: Vec<i64> = signs.iter().copied().filter(|sign| (open..close).contains(sign)).collect();
    let before = signs.iter().copied().rfind(|sign| *sign < open && open.saturating_sub(*sign) <= most);
    let after = signs.iter().copied().find(|sign| *sign >= close && sign.saturating_sub(close) <= most);
    let mut found = Gaps { signs: inside.len() as u64, ..Gaps::default() };
    let ends = inside.iter().copied().chain([after.unwrap_or(close)]);
    let mut from = before.unwrap_or(open);
    for to in ends {
        // Only what lies within the session counts of a stretch that reaches beyond it.
        let length = to.min(close).saturating_sub(from.max(open));
        found.longest = found.longest.max(length);
        if to.saturating_sub(from) > most && length > 0 {
            found.beyond.push(Gap { from, to });
        }
        from = to;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_start_and_an_early_end_are_gaps() {
        let found = gaps(&[50, 60], (0, 100), 35);
        assert_eq!(found.beyond, [Gap { from: 0, to: 50 }, Gap { from: 60, to: 100 }]);
        assert_eq!(gaps(&[], (0, 100), 35).beyond, [Gap { from: 0, to: 100 }]);
    }

    #[test]
    fn signs_around_the_session_are_its_ends() {
        assert_eq!(gaps(&[130, -10, 20, 50, 80], (0, 100), 50).beyond, []);
        assert_eq!(gaps(&[-10, 20, 50, 80, 131], (0, 100), 50).beyond, [Gap { from: 80, to: 131 }]);
        // The day before is long ago: the session begins with its first instant.
        assert_eq!(gaps(&[-1000, 20, 50, 80, 900], (0, 100), 50).beyond, []);
    }

    #[test]
    fn the_limit_itself_is_no_gap() {
        assert_eq!(gaps(&[0, 30, 60, 90], (0, 100), 30).beyond, []);
        assert_eq!(gaps(&[0, 31, 60, 90], (0, 100), 30).beyond.len(), 1);
    }
}
