//! Sums whose last digits are declared: as NumPy adds, and with compensation.

/// The sum as `numpy.sum` makes it: eight running sums in blocks of 128, halves above.
///
/// ```
/// assert_eq!(exuvia_market::options::chain::pairwise(&[0.1; 10]), 1.0);
/// ```
pub fn pairwise(values: &[f64]) -> f64 {
    const BLOCK: usize = 128;
    if values.len() < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if values.len() <= BLOCK {
        let (eights, rest) = values.as_chunks::<8>();
        let mut eights = eights.iter();
        let mut lanes = eights.next().copied().unwrap_or_default();
        for eight in eights {
            lanes.iter_mut().zip(eight).for_each(|(lane, value)| *lane += value);
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
        return rest.iter().fold(sum, |sum, value| sum + value);
    }
    let half = values.len() / 2;
    let (left, right) = values.split_at(half - half % 8);
    pairwise(left) + pairwise(right)
}

/// A running sum with compensation (Kahan, 1965).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        let value = value - self.lost;
        let sum = self.sum + value;
        self.lost = sum - self.sum - value;
        self.sum = sum;
    }

    /// The sum so far.
    pub const fn value(self) -> f64 {
        self.sum
    }
}
