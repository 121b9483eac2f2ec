//! What share of calls or of days may still differ after `mismatches` in `n`.

use super::student::ln_gamma;

const STEPS: usize = 200;

/// The upper bound of the share that differs, at level `alpha`; valid at every look of a run.
///
/// Without a mismatch it is `1 − alpha^(1/n)`. It may be looked at every day as long as one mismatch ends
/// it: under a share `p` the product `1/(1 − p)` per equal call, 0 at a mismatch, is a martingale of mean 1,
/// and by Ville's inequality it reaches `1/alpha` with chance `alpha` at most. With mismatches it is the end
/// of Robbins' confidence sequence, the mixture of binomial likelihoods under Beta(½, ½) (H. Robbins, *Annals
/// of Mathematical Statistics* 41, 1970).
///
/// ```
/// use exuvia_migrate::gate::upper;
/// assert!((upper(0, 5, 0.05) - 0.4507).abs() < 1e-4); // five clean days leave 45 % a day
/// assert!(upper(0, 59, 0.05) < 0.05 && upper(0, 58, 0.05) > 0.05);
/// assert_eq!(upper(0, 0, 0.05), 1.0); // nothing was compared
/// ```
#[must_use]
#[allow(clippy::cast_precision_loss)] // shares of counts above 2^53 do not change by it
pub fn upper(mismatches: u64, n: u64, alpha: f64) -> f64 {
    if n == 0 || mismatches >= n {
        return 1.0;
    }
    let (k, n) = (mismatches as f64, n as f64);
    if mismatches == 0 {
        return -(alpha.ln() / n).exp_m1();
    }
    let evidence = |p: f64| {
        let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        beta(k + 0.5, n - k + 0.5) - beta(0.5, 0.5) - k * p.ln() - (n - k) * (-p).ln_1p()
    };
    let (mut low, mut high) = (k / n, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if evidence(middle) < -alpha.ln() { low = middle } else { high = middle }
    }
    high
}

/// How many equal calls or clean days in a row leave at most `share`.
///
/// ```
/// assert_eq!(exuvia_migrate::gate::needed(0.05, 0.05), Some(59));
/// assert_eq!(exuvia_migrate::gate::needed(0.0, 0.05), None);
/// ```
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the range is checked
pub fn needed(share: f64, alpha: f64) -> Option<u64> {
    let n = (alpha.ln() / (-share).ln_1p()).ceil();
    (share > 0.0 && share < 1.0 && n < 1e15).then(|| n.max(1.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_widens_the_bound_and_more_calls_narrow_it() {
        let bounds = [upper(0, 1000, 0.05), upper(1, 1000, 0.05), upper(2, 1000, 0.05), upper(2, 10_000, 0.05)];
        assert!(bounds[0] < bounds[1] && bounds[1] < bounds[2] && bounds[3] < bounds[1], "{bounds:?}");
        assert!((bounds[0] - 0.002_991).abs() < 1e-6);
    }

    #[test]
    fn what_was_never_equal_is_not_bounded() {
        assert_eq!([upper(0, 0, 0.05), upper(3, 3, 0.05), upper(5, 3, 0.05)], [1.0, 1.0, 1.0]);
    }
}
