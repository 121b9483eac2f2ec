//! Student's t and the beta distribution: quantiles by bisection of the regularised incomplete beta function,
//! which is a continued fraction (W. Lentz, *Applied Optics* 15, 1976; DLMF 8.17.22).

use std::f64::consts::PI;

const TINY: f64 = 1e-300;
const TERMS: usize = 10_000;
const STEPS: usize = 400;

/// The logarithm of Γ(x), x > 0 (Lanczos, *SIAM Journal on Numerical Analysis* 1, 1964; g = 7, nine terms).
pub(super) fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let base = x + 7.5;
    let mut sum = 0.999_999_999_999_809_9;
    let mut at = x;
    for term in TERMS {
        at += 1.0;
        sum += term / at;
    }
    0.5 * (2.0 * PI).ln() + (x + 0.5) * base.ln() - base + sum.ln()
}

/// The regularised incomplete beta function I(x; a, b).
pub(super) fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let keep = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    let mut m = 0.0;
    for _ in 0..TERMS {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The `t` above which a share `tail` of Student's distribution with `freedom` degrees of freedom lies.
///
/// ```
/// use exuvia_migrate::gate::t_quantile;
/// assert!((t_quantile(4.0, 0.025) - 2.776_445).abs() < 1e-5);
/// assert!((t_quantile(1e6, 0.025) - 1.959_966).abs() < 1e-5);
/// ```
#[must_use]
pub fn t_quantile(freedom: f64, tail: f64) -> f64 {
    // P(T > t) = I(ν/(ν+t²); ν/2, ½) / 2; far tails lose nothing, since the argument is what is solved for.
    let above = |t: f64| 0.5 * beta(freedom / (freedom + t * t), freedom / 2.0, 0.5);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while above(high) > tail && high < 1e150 {
        high *= 2.0;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if above(middle) > tail {
            low = middle
        } else {
            high = middle
        }
        if high - low <= 1e-13 * high {
            break;
        }
    }
    high
}

/// The `x` below which a share `below` of the beta distribution lies: the ends of Clopper and Pearson's interval
/// (*Biometrika* 26, 1934).
#[must_use]
pub fn beta_quantile(a: f64, b: f64, below: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if beta(middle, a, b) < below {
            low = middle
        } else {
            high = middle
        }
        if high - low <= 1e-14 {
            break;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Student, Biometrika 1908, and later tables.
        for (freedom, tail, value) in [
            (1.0, 0.025, 12.706_204_7),
            (2.0, 0.025, 4.302_652_73),
            (3.0, 0.05, 2.353_363_43),
            (30.0, 0.005, 2.749_995_65),
        ] {
            assert!(
                (t_quantile(freedom, tail) - value).abs() < 1e-6,
                "{freedom} {tail}: {}",
                t_quantile(freedom, tail)
            );
        }
    }

    #[test]
    fn one_degree_of_freedom_is_cauchys_distribution_far_out_too() {
        for tail in [1e-3, 1e-6, 1e-9] {
            let value = 1.0 / (PI * tail).tan();
            assert!((t_quantile(1.0, tail) / value - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn no_miss_in_n_has_the_closed_form() {
        // Beta(1, n): 1 − (1 − x)^n.
        assert!((beta_quantile(1.0, 5.0, 0.95) - (1.0 - 0.05_f64.powf(0.2))).abs() < 1e-12);
        assert!((ln_gamma(0.5) - PI.sqrt().ln()).abs() < 1e-13);
        assert!((ln_gamma(171.0) - 706.573_062_245_787_4).abs() < 1e-9);
    }
}
