//! How likely a limit order fills, by how aggressive it is. Orders that did not fill have no fill price, so a ratio from fills alone
//! is too low; this is what corrects it.

/// From this aggressiveness on, orders filled with this probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// (limit − mid)·side/half spread.
    pub from: f64,
    /// Share of orders that filled.
    pub probability: f64,
    /// Orders behind it.
    pub count: usize,
}

/// The probability of a fill as the non-decreasing step function that fits best by least squares (isotonic regression by pooling
/// adjacent violators: Ayer et al., 1955). Pairs with NaN are left out.
///
/// ```
/// use exuvia_market::options::fills::fill_probability;
/// let steps = fill_probability(&[0.0, 0.2, 0.4, 0.6], &[0.0, 1.0, 0.0, 1.0]);
/// let found: Vec<(f64, f64)> = steps.iter().map(|step| (step.from, step.probability)).collect();
/// assert_eq!(found, [(0.0, 0.0), (0.2, 0.5), (0.6, 1.0)]);
/// ```
pub fn fill_probability(aggressiveness: &[f64], filled: &[f64]) -> Vec<Step> {
    let mut pairs: Vec<(f64, f64)> = aggressiveness
        .iter()
        .copied()
        .zip(filled.iter().copied())
        .filter(|(at, filled)| at.is_finite() && filled.is_finite())
        .collect();
    pairs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    // Sums instead of means, so that nothing is rounded until the end.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    let mut last = f64::NAN;
    for (at, filled) in pairs {
        let filled = f64::from(u8::from(filled > 0.0));
        match blocks.last_mut() {
            Some((_, sum, count)) if at == last => {
                *sum += filled;
                *count += 1;
            }
            _ => blocks.push((at, filled, 1)),
        }
        last = at;
    }
    let mut pooled: Vec<(f64, f64, usize)> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        while let Some((from, sum, count)) = pooled.last().copied() {
            if sum * (block.2 as f64) < block.1 * (count as f64) {
                break;
            }
            pooled.pop();
            block = (from, sum + block.1, count + block.2);
        }
        pooled.push(block);
    }
    pooled.into_iter().map(|(from, sum, count)| Step { from, probability: sum / count as f64, count }).collect()
}
