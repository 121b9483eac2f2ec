//! The rules of the comparator, as written in `exuvia.toml`: `exact`, `abs:0.01`, `rel:1e-9`,
//! `ulp:4`, `tick:0.00001`, `number`, `record`, `base`, `args`, `parquet`, `ignore(owner, reason)`.

use crate::MigrateError;
use crate::path::{Pattern, Step};

/// How the value at a path is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Equal in type and in all bits; the default everywhere.
    Exact,
    /// Numbers at most this far apart.
    Abs(f64, String),
    /// Numbers at most this share of the larger one apart.
    Rel(f64),
    /// Floats at most so many representable steps apart.
    Ulp(u64),
    /// Numbers less than half a tick apart.
    Tick(f64, String),
    /// Numbers by value, whatever their type.
    Number,
    /// Objects of two classes, by legacy's field names.
    Record,
    /// Exceptions that descend from one builtin class.
    Base,
    /// Exceptions of one class, and their arguments too.
    Args,
    /// Bytes that are Parquet files: decoded and compared as tables.
    Parquet,
    /// Differences here are counted, not judged.
    Ignore {
        /// Who answers for it.
        owner: String,
        /// Why.
        reason: String,
    },
}

const KNOWN: &str = "exact, abs:x, rel:x, ulp:n, tick:x, number, record, base, args, parquet, ignore(owner, reason)";
const MONEY: [&str; 10] =
    ["money", "cash", "equity", "balance", "pnl", "realised", "realized", "commission", "fee", "notional"];

impl Rule {
    /// Reads a rule as written for a path.
    ///
    /// # Errors
    /// `MigrateError::Rule` with what to write instead.
    pub fn parse(pattern: &Pattern, text: &str) -> Result<Self, MigrateError> {
        let refuse = |what: String| MigrateError::Rule { path: pattern.text().into(), rule: text.into(), what };
        let rule = match text.trim() {
            "exact" => Self::Exact,
            "number" => Self::Number,
            "record" => Self::Record,
            "base" => Self::Base,
            "args" => Self::Args,
            "parquet" => Self::Parquet,
            other => {
                if let Some(inside) = other.strip_prefix("ignore(").and_then(|rest| rest.strip_suffix(')')) {
                    let (owner, reason) = inside.split_once(',').unwrap_or((inside, ""));
                    let (owner, reason) = (owner.trim(), reason.trim());
                    if owner.is_empty() || reason.is_empty() {
                        return Err(refuse("ignore names an owner and a reason: ignore(ana, host name)".into()));
                    }
                    return Ok(Self::Ignore { owner: owner.into(), reason: reason.into() });
                }
                let (name, amount) = other
                    .split_once(':')
                    .ok_or_else(|| refuse(format!("there is no such rule; the rules are {KNOWN}")))?;
                let amount = amount.trim();
                let number = || {
                    let value: f64 = amount.parse().map_err(|_| refuse(format!("'{amount}' is not a number")))?;
                    if !value.is_finite() || value <= 0.0 {
                        return Err(refuse(format!("{amount} must be finite and above zero")));
                    }
                    Ok(value)
                };
                match name {
                    "abs" => Self::Abs(number()?, amount.into()),
                    "rel" => Self::Rel(number()?),
                    "tick" => Self::Tick(number()?, amount.into()),
                    "ulp" => Self::Ulp(
                        amount.parse().map_err(|_| refuse(format!("'{amount}' is not a whole number of steps")))?,
                    ),
                    _ => return Err(refuse(format!("there is no rule '{name}'; the rules are {KNOWN}"))),
                }
            }
        };
        let money = pattern.leaf().is_some_and(|leaf| MONEY.contains(&leaf));
        if money && matches!(rule, Self::Rel(_) | Self::Ulp(_)) {
            return Err(refuse("money is compared exactly or by tick, never by a share of itself".into()));
        }
        Ok(rule)
    }

    /// The rule as it is written.
    pub fn name(&self) -> String {
        match self {
            Self::Exact => "exact".into(),
            Self::Abs(_, text) => format!("abs:{text}"),
            Self::Rel(share) => format!("rel:{share:e}"),
            Self::Ulp(steps) => format!("ulp:{steps}"),
            Self::Tick(_, text) => format!("tick:{text}"),
            Self::Number => "number".into(),
            Self::Record => "record".into(),
            Self::Base => "base".into(),
            Self::Args => "args".into(),
            Self::Parquet => "parquet".into(),
            Self::Ignore { owner, reason } => format!("ignore({owner}, {reason})"),
        }
    }

    /// Whether the rule is about numbers.
    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self, Self::Abs(..) | Self::Rel(_) | Self::Ulp(_) | Self::Tick(..) | Self::Number)
    }
}

/// The rules of one unit, and which of them are alive on the way to a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    rules: Vec<(Pattern, Rule)>,
}

/// Places in patterns that the way so far has reached.
pub(crate) type Alive = Vec<(usize, usize)>;

impl Rules {
    /// Reads rules as written: path and rule. Of two that match a value the more specific wins,
    /// then the later.
    ///
    /// # Errors
    /// What is wrong with the first broken path or rule.
    pub fn parse<'a>(written: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MigrateError> {
        let mut rules = Vec::new();
        for (path, rule) in written {
            let pattern = Pattern::parse(path)?;
            let rule = Rule::parse(&pattern, rule)?;
            rules.push((pattern, rule));
        }
        Ok(Self { rules })
    }

    pub(crate) fn start(&self, root: &str) -> Alive {
        let rules = self.rules.iter().enumerate();
        rules.filter(|(_, (pattern, _))| pattern.root() == root).map(|(at, _)| (at, 0)).collect()
    }

    pub(crate) fn follow(&self, alive: &Alive, step: &Step) -> Alive {
        let mut next = Alive::new();
        for (rule, at) in alive {
            if let Some((pattern, _)) = self.rules.get(*rule) {
                pattern.follow(*at, step, &mut |place| {
                    if !next.contains(&(*rule, place)) {
                        next.push((*rule, place));
                    }
                });
            }
        }
        next
    }

    /// The rule in force where `alive` has come to, with its path.
    pub(crate) fn here(&self, alive: &Alive) -> Option<(&Pattern, &Rule)> {
        let matching = alive.iter().filter_map(|(rule, at)| {
            let (pattern, found) = self.rules.get(*rule)?;
            pattern.ends(*at).then_some((pattern.weight(), *rule, pattern, found))
        });
        matching.max_by_key(|(weight, at, _, _)| (*weight, *at)).map(|(_, _, pattern, rule)| (pattern, rule))
    }
}
