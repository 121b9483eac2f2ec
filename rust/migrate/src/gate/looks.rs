//! How the level is spent over daily looks.

/// The level of a look: `alpha / (k (k + 1))` at look `k` from 1. The sum over all looks is `alpha`, so that
/// a wrong PASS at any of them has at most that chance, however the looks depend on each other (Boole's
/// inequality; the spending function is `alpha · k / (k + 1)`).
///
/// ```
/// use exuvia_migrate::gate::level;
/// assert_eq!(level(1, 0.05), 0.025);
/// assert!((1..10_000).map(|look| level(look, 0.05)).sum::<f64>() < 0.05);
/// ```
#[must_use]
pub fn level(look: u32, alpha: f64) -> f64 {
    let k = f64::from(look.max(1));
    alpha / (k * (k + 1.0))
}
