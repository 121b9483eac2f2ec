//! Rules as they are written in `exuvia.toml`: `tick:0.01`, `keyed(id)`, `ignore(owner, reason)`.

use super::{Rule, is_money};
use crate::decimal::Exact;
use crate::ids::Ids;
use crate::path::{Head, Pattern};
use crate::sum::Sum;
use crate::{MigrateError, day};

const KNOWN: &str = "exact, abs:x, rel:x, ulp:n, tick:x, quantum:x, sum:way(n=, max=), window:1s, unit:ms, number, ids, \
                     multiset, keyed(field), jaccard:x, record, repr, base, args, parquet, \
                     ignore(owner, reason, until=day, budget=n)";

impl Rule {
    /// Reads a rule as written for a path.
    ///
    /// # Errors
    /// `MigrateError::Rule` with what to write instead.
    pub fn parse(pattern: &Pattern, text: &str) -> Result<Self, MigrateError> {
        let refuse = |what: String| MigrateError::Rule { path: pattern.text().into(), rule: text.into(), what };
        let rule = read(text.trim()).map_err(refuse)?;
        if pattern.leaf().is_some_and(is_money) && rule.is_relative() {
            return Err(refuse("money is compared exactly or by tick, never by a share of itself".into()));
        }
        if pattern.root() == "$raise" {
            fits_an_exception(pattern, &rule).map_err(refuse)?;
        }
        Ok(rule)
    }
}

/// Refuses what could never say anything of an exception.
fn fits_an_exception(pattern: &Pattern, rule: &Rule) -> Result<(), String> {
    let whole = matches!(rule, Rule::Exact | Rule::Base | Rule::Args | Rule::Record | Rule::Ignore { .. });
    match pattern.head() {
        Head::Item => Err("an exception has attributes and no items: $raise.args[0] is its first argument".into()),
        Head::Root if !whole => {
            Err("an exception is compared by exact, base, args or record, its attributes by any rule: $raise.code"
                .into())
        }
        _ => Ok(()),
    }
}

fn read(text: &str) -> Result<Rule, String> {
    Ok(match text {
        "exact" => Rule::Exact,
        "number" => Rule::Number,
        "record" => Rule::Record,
        "repr" => Rule::Repr,
        "base" => Rule::Base,
        "args" => Rule::Args,
        "parquet" => Rule::Parquet,
        "multiset" => Rule::Multiset,
        "ids" => Rule::Ids(Ids::parse("")?),
        other => {
            if let Some(inside) = inside(other, "ignore") {
                return ignore(inside);
            }
            if let Some(inside) = inside(other, "ids") {
                return Ids::parse(inside).map(Rule::Ids);
            }
            if let Some(inside) = inside(other, "keyed") {
                return keyed(inside);
            }
            let (name, amount) =
                other.split_once(':').ok_or_else(|| format!("there is no such rule; the rules are {KNOWN}"))?;
            return amounted(name, amount.trim());
        }
    })
}

fn inside<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')
}

fn amounted(name: &str, amount: &str) -> Result<Rule, String> {
    let number = || {
        let value: f64 = amount.parse().map_err(|_| format!("'{amount}' is not a number"))?;
        if !value.is_finite() || value <= 0.0 {
            return Err(format!("{amount} must be finite and above zero"));
        }
        Ok(value)
    };
    Ok(match name {
        "abs" => Rule::Abs(number()?, amount.into()),
        "rel" => Rule::Rel(number()?),
        "tick" => Rule::Tick(number()?, amount.into()),
        "ulp" => Rule::Ulp(amount.parse().map_err(|_| format!("'{amount}' is not a whole number of steps"))?),
        "quantum" => {
            number()?;
            Exact::parse(amount).ok_or_else(|| format!("'{amount}' is not an exact decimal"))?;
            Rule::Quantum(amount.into())
        }
        "jaccard" => {
            let threshold = number()?;
            if threshold > 1.0 {
                return Err(format!("{amount} is more than the whole: a threshold lies above 0 and at most at 1"));
            }
            Rule::Jaccard(threshold)
        }
        "window" => Rule::Window(nanoseconds(amount)?, amount.into()),
        "unit" => Rule::Unit(nanoseconds(amount)?, amount.into()),
        "sum" => Rule::Sum(Sum::parse(amount)?),
        _ => return Err(format!("there is no rule '{name}'; the rules are {KNOWN}")),
    })
}

/// A duration such as `250ms`, `5m` or `s`, which is one second.
fn nanoseconds(text: &str) -> Result<i128, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let size: i128 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return Err(format!("'{text}' is not a duration such as 250ms, 1s, 5m, 1h or 1d")),
    };
    let count: i128 = if count.is_empty() { 1 } else { count.parse().map_err(|_| format!("'{text}' is too long"))? };
    if count == 0 || count > 1_000_000_000_000 {
        return Err(format!("'{text}' must be above zero and below a trillion"));
    }
    Ok(count * size)
}

fn keyed(inside: &str) -> Result<Rule, String> {
    let (names, option) = inside.split_once(';').unwrap_or((inside, ""));
    let ordered = match option.trim() {
        "" => false,
        "ordered" => true,
        other => return Err(format!("'{other}' is not known here: keyed(ts, uic; ordered)")),
    };
    let fields: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if fields.iter().any(String::is_empty) {
        return Err("keyed names the fields that tell rows apart: keyed(id) or keyed(ts, uic)".into());
    }
    Ok(Rule::Keyed { fields, ordered })
}

fn ignore(inside: &str) -> Result<Rule, String> {
    let say = "ignore names an owner and a reason: ignore(ana, host name), and if it shall end, \
               ignore(ana, host name, until=2027-01-31, budget=100)";
    let (owner, rest) = inside.split_once(',').unwrap_or((inside, ""));
    let mut parts: Vec<&str> = rest.split(',').collect();
    let (mut until, mut budget) = (None, None);
    while let Some(last) = parts.last().map(|part| part.trim()) {
        if let Some(text) = last.strip_prefix("until=") {
            let day = day::parse(text).ok_or_else(|| format!("'{text}' is not a day such as 2027-01-31"))?;
            until = Some((text.to_owned(), day));
        } else if let Some(text) = last.strip_prefix("budget=") {
            let hits = text.parse::<u64>().ok().filter(|hits| *hits > 0);
            budget = Some(hits.ok_or_else(|| format!("'{text}' is no number of hits"))?);
        } else {
            break;
        }
        parts.pop();
    }
    let (owner, reason) = (owner.trim(), parts.join(","));
    let reason = reason.trim();
    if owner.is_empty() || reason.is_empty() {
        return Err(say.into());
    }
    Ok(Rule::Ignore { owner: owner.into(), reason: reason.into(), until, budget })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str, rule: &str) -> Result<Rule, MigrateError> {
        Rule::parse(&Pattern::parse(path).unwrap(), rule)
    }

    #[test]
    fn every_rule_is_named_as_it_was_written() {
        for rule in [
            "exact",
            "abs:0.01",
            "rel:1e-9",
            "ulp:4",
            "tick:0.25",
            "quantum:0.01",
            "window:250ms",
            "unit:s",
            "number",
            "ids",
            "ids(any, scope=call, name=order)",
            "multiset",
            "keyed(ts, uic)",
            "keyed(id; ordered)",
            "jaccard:0.95",
            "record",
            "repr",
            "base",
            "args",
            "parquet",
            "sum:any+pairwise(n=390, total=780)",
            "ignore(ana, host, of the machine)",
            "ignore(ana, host, until=2027-01-31, budget=9)",
        ] {
            assert_eq!(parsed("$.x", rule).unwrap().name(), rule);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_to_write() {
        for (rule, part) in [
            ("quantum:1e", "not a number"),
            ("jaccard:1.5", "more than the whole"),
            ("window:soon", "not a duration"),
            ("window:0s", "above zero"),
            ("unit:99999999999999999999999999999999999999999s", "too long"),
            ("keyed()", "names the fields"),
            ("keyed(a; sorted)", "'sorted'"),
            ("ids(some)", "'some'"),
            ("ignore(ana, x, until=2027-02-30)", "not a day"),
            ("ignore(ana, x, budget=0)", "no number of hits"),
            ("ignore(ana, until=2027-02-03)", "owner and a reason"),
            ("about:3", "no rule 'about'"),
            ("near", "no such rule"),
        ] {
            let error = parsed("$.x", rule).unwrap_err().to_string();
            assert!(error.contains(part), "{rule}: {error}");
        }
    }

    #[test]
    fn money_is_known_by_the_last_word_of_its_name() {
        for path in ["$.equity", "$.closed_notional", "$.CashBalance", "$.rows[*].pnl", "$.fee[3]", "$.totalFees"] {
            for rule in ["rel:1e-9", "ulp:4", "sum:any(n=3, max=1)"] {
                assert!(parsed(path, rule).unwrap_err().to_string().contains("money"), "{path}");
            }
            assert!(parsed(path, "tick:0.01").is_ok());
        }
        for path in ["$.fee_rate", "$.price", "$.cash.rate", "$"] {
            assert!(parsed(path, "rel:1e-9").is_ok(), "{path}");
        }
    }
}
