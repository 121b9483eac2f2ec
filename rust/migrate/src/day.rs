//! Days as numbers, for what expires: a date as it is written, and back.

/// The days since 1970-01-01 of a date written `2027-01-31`; `None` if there is no such day.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let read = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let (year, month, day) = (read(year)?, read(month)?, read(day)?);
    if !(1..=12).contains(&month) || day < 1 || day > length(year, month) {
        return None;
    }
    let years: i64 = 365 * (year - 1970) + leaps(year) - leaps(1970);
    let months: i64 = (1..month).map(|month| length(year, month)).sum();
    Some(years + months + day - 1)
}

/// Leap days before the first of January of `year`, counted from the year 1.
fn leaps(year: i64) -> i64 {
    let past = year - 1;
    past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970_and_days_that_never_were_are_refused() {
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("2000-03-01"), Some(11_017));
        assert_eq!(parse("1969-12-31"), Some(-1));
        assert_eq!(parse("2026-11-21"), Some(20_778));
        assert_eq!(parse("2024-02-29").map(|day| day + 1), parse("2024-03-01"));
        for text in ["2026-02-29", "2026-13-01", "2026-1-01", "26-01-01", "2026-01-32", "2026-01-01-01", "", "x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
