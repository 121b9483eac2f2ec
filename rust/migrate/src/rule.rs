//! The rules of the comparator: what each is, how it is named, and which is in force where.

mod parse;

use crate::MigrateError;
use crate::decimal::Exact;
use crate::ids::Ids;
use crate::path::{Head, Pattern, Step};
use crate::sum::Sum;

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
    /// Numbers less than half a tick apart, and both on the grid of ticks or both off it.
    Tick(f64, String),
    /// Decimals that are the same number of quanta, whatever their exponents.
    Quantum(String),
    /// Sums of the same numbers, added in another way.
    Sum(Sum),
    /// Instants at most this many nanoseconds apart.
    Window(i128, String),
    /// Instants in the same unit of this many nanoseconds.
    Unit(i128, String),
    /// Numbers by value, whatever their type.
    Number,
    /// Names that one renaming explains.
    Ids(Ids),
    /// Items in any order.
    Multiset,
    /// Rows by the values of these fields.
    Keyed {
        /// The fields of the key.
        fields: Vec<String>,
        /// Whether the order of the rows counts.
        ordered: bool,
    },
    /// Sets that share at least this part of all members.
    Jaccard(f64),
    /// Objects of two classes, by legacy's field names.
    Record,
    /// Objects without readable fields, by their repr.
    Repr,
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
        /// The last day on which it holds: as written, and as days since 1970.
        until: Option<(String, i64)>,
        /// How many hits are declared.
        budget: Option<u64>,
    },
}

impl Rule {
    /// The rule as it is written.
    pub fn name(&self) -> String {
        match self {
            Self::Exact => "exact".into(),
            Self::Abs(_, text) => format!("abs:{text}"),
            Self::Rel(share) => format!("rel:{share:e}"),
            Self::Ulp(steps) => format!("ulp:{steps}"),
            Self::Tick(_, text) => format!("tick:{text}"),
            Self::Quantum(text) => format!("quantum:{text}"),
            Self::Sum(sum) => sum.text(),
            Self::Window(_, text) => format!("window:{text}"),
            Self::Unit(_, text) => format!("unit:{text}"),
            Self::Number => "number".into(),
            Self::Ids(ids) => ids.text(),
            Self::Multiset => "multiset".into(),
            Self::Keyed { fields, ordered } => {
                format!("keyed({}{})", fields.join(", "), if *ordered { "; ordered" } else { "" })
            }
            Self::Jaccard(threshold) => format!("jaccard:{threshold}"),
            Self::Record => "record".into(),
            Self::Repr => "repr".into(),
            Self::Base => "base".into(),
            Self::Args => "args".into(),
            Self::Parquet => "parquet".into(),
            Self::Ignore { owner, reason, until, budget } => {
                let until = until.as_ref().map_or_else(String::new, |(text, _)| format!(", until={text}"));
                let budget = budget.map_or_else(String::new, |budget| format!(", budget={budget}"));
                format!("ignore({owner}, {reason}{until}{budget})")
            }
        }
    }

    /// Whether the rule is about numbers or instants.
    pub(crate) fn is_numeric(&self) -> bool {
        matches!(
            self,
            Self::Abs(..)
                | Self::Rel(_)
                | Self::Ulp(_)
                | Self::Tick(..)
                | Self::Quantum(_)
                | Self::Sum(_)
                | Self::Window(..)
                | Self::Unit(..)
                | Self::Number
        )
    }

    /// Whether the rule measures a number by its own size, which money never is.
    pub(crate) fn is_relative(&self) -> bool {
        matches!(self, Self::Rel(_) | Self::Ulp(_) | Self::Sum(_))
    }

    /// The rule's amount as an exact decimal, for decimals and integers.
    pub(crate) fn exact_amount(&self) -> Option<Exact> {
        match self {
            Self::Abs(_, text) | Self::Tick(_, text) | Self::Quantum(text) => Exact::parse(text),
            _ => None,
        }
    }
}

const MONEY: [&str; 20] = [
    "money",
    "cash",
    "equity",
    "balance",
    "pnl",
    "pl",
    "realised",
    "realized",
    "unrealised",
    "unrealized",
    "commission",
    "fee",
    "notional",
    "proceeds",
    "dividend",
    "profit",
    "loss",
    "margin",
    "cost",
    "premium",
];
/// What may stand behind such a word: which money, at which time.
const BEHIND: [&str; 22] = [
    "usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "nzd", "hkd", "sek", "nok", "dkk", "cents", "total", "today",
    "before", "after", "start", "end", "open", "gross", "net",
];

/// Whether a field's name says that it holds money: by its last word, a currency or a time behind it aside, as in
/// `closed_notional`, `CashBalance`, `realizedPnL`, `fees_usd`.
pub(crate) fn is_money(name: &str) -> bool {
    let words = words_of(name);
    let last = words.iter().rev().find(|word| !BEHIND.contains(&word.as_str()));
    last.is_some_and(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        MONEY.contains(&word.as_str()) || MONEY.contains(&one) || (one == "losse" || one == "margin")
    })
}

/// The words of a name, in lower case: at `_`, `-`, `.`, spaces and where capitals begin a word. `PnL` is one word.
fn words_of(name: &str) -> Vec<String> {
    let name = name.replace("PnL", "Pnl").replace("P&L", "Pnl");
    let (mut words, mut word, mut small) = (Vec::new(), String::new(), false);
    for (at, letter) in name.char_indices() {
        // The last capital of a run begins the next word: `USDBalance`.
        let next = name.get(at + letter.len_utf8()..).and_then(|rest| rest.chars().next());
        let begins = letter.is_uppercase() && (small || next.is_some_and(char::is_lowercase));
        if matches!(letter, '_' | '-' | ' ' | '.') || begins {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if !matches!(letter, '_' | '-' | ' ' | '.') {
            word.extend(letter.to_lowercase());
        }
        small = letter.is_lowercase() || letter.is_ascii_digit();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
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

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether two values below `root` that are equal without a rule are equal under the rules, with
    /// nothing to remember: not where names are renamed, nor where all of it is ignored.
    pub fn is_plain(&self, root: &str) -> bool {
        let ignored = || matches!(self.here(&self.start(root)), Some((_, Rule::Ignore { .. })));
        self.rules.is_empty() || !(self.has_ids() || ignored())
    }

    /// Whether names are renamed somewhere.
    pub(crate) fn has_ids(&self) -> bool {
        self.rules.iter().any(|(_, rule)| matches!(rule, Rule::Ids(_)))
    }

    /// Whether some object is compared by its repr.
    pub fn wants_repr(&self) -> bool {
        self.rules.iter().any(|(_, rule)| *rule == Rule::Repr)
    }

    /// Whether some rule ends on a day.
    pub fn expires(&self) -> bool {
        self.rules.iter().any(|(_, rule)| matches!(rule, Rule::Ignore { until: Some(_), .. }))
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

    /// The attributes of an exception that rules name, `args` not counted, and whether they name all of them.
    pub fn attributes(&self) -> (Vec<&str>, bool) {
        let (mut names, mut all) = (Vec::new(), false);
        for (pattern, rule) in self.rules.iter().filter(|(pattern, _)| pattern.root() == "$raise") {
            match pattern.head() {
                Head::Field("args") | Head::Item => {}
                Head::Field(name) if names.contains(&name) => {}
                Head::Field(name) => names.push(name),
                Head::Any => all = true,
                Head::Root => all |= *rule == Rule::Record,
            }
        }
        (names, all)
    }

    /// Whether all items below this place stand under the same rules.
    pub(crate) fn is_uniform(&self, alive: &Alive) -> bool {
        !alive.iter().any(|(rule, at)| self.rules.get(*rule).is_some_and(|(pattern, _)| pattern.picks(*at)))
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

#[cfg(test)]
mod tests {
    use super::is_money;

    #[test]
    fn money_is_known_by_its_name_in_every_spelling() {
        for name in [
            "cash",
            "CashBalance",
            "closed_notional",
            "realizedPnL",
            "dailyPnL",
            "unrealizedPNL",
            "pnl_usd",
            "equity_eur",
            "cash_usd",
            "balances",
            "Commissions",
            "fees",
            "fee",
            "total.cost",
            "USDBalance",
            "profit_loss",
            "losses",
            "initialMargin",
            "premium-paid.net",
            "PNL",
            "equity_total",
            "realised_gross",
        ] {
            assert_eq!(is_money(name), name != "premium-paid.net", "{name}");
        }
        for name in [
            "price",
            "mid",
            "cashier",
            "vwap",
            "usd",
            "total",
            "close",
            "balanced",
            "equity_ratio",
            "fee_rate",
            "",
            "_",
        ] {
            assert!(!is_money(name), "{name}");
        }
    }
}
