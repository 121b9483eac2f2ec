//! Greatest and least value of a slice: independent lanes that the compiler turns into SIMD, SSE2 as
//! the baseline and AVX2 where the CPU has it. Both give the same bits as the loop of a single bar.

/// Lanes kept apart: enough to hide the latency of a minimum.
const LANES: usize = 16;

/// The instruction set that the column kernels take on this machine: `avx2`, or the `baseline` of the target.
#[must_use]
pub fn cpu_path() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "avx2";
    }
    "baseline"
}

/// Greatest and least; `None` if empty or if one is NaN or infinite.
pub(super) fn floats(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < LANES {
        let (high, low) = plain(values)?;
        // An infinity shows in the extremes, a NaN hides from comparisons.
        let numbers = values.iter().fold(0, |strange, value| strange | not_itself(*value)) == 0;
        return (numbers && high.is_finite() && low.is_finite()).then_some((high, low));
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was detected just above; the function has no other requirement.
        return unsafe { floats_avx2(values) };
    }
    floats_lanes(values)
}

/// Greatest and least; `None` if empty.
pub(super) fn integers(values: &[i64]) -> Option<(i64, i64)> {
    if values.len() < LANES {
        return plain(values);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was detected just above; the function has no other requirement.
        return unsafe { integers_avx2(values) };
    }
    lanes(values).map(|(high, low, _)| (high, low))
}

/// Whether `stamps` never go back.
pub(super) fn sorted(stamps: &[i64]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if stamps.len() >= LANES && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was detected just above; the function has no other requirement.
        return unsafe { sorted_avx2(stamps) };
    }
    sorted_lanes(stamps)
}

fn plain<N: Copy + PartialOrd>(values: &[N]) -> Option<(N, N)> {
    let (first, rest) = values.split_first()?;
    let (mut high, mut low) = (*first, *first);
    for value in rest {
        if *value > high {
            high = *value;
        }
        if *value < low {
            low = *value;
        }
    }
    Some((high, low))
}

/// Greatest, least, and whether every value equals itself (no NaN). Needs at least one full set of lanes.
#[inline(always)]
fn lanes<N: Copy + PartialOrd>(values: &[N]) -> Option<(N, N, bool)> {
    let (mut high, mut low) = (*values.first_chunk::<LANES>()?, *values.first_chunk::<LANES>()?);
    // As wide as a value, so that the lanes of the comparison need no packing.
    let mut strange = [0_u64; LANES];
    let mut take = |set: &[N; LANES]| {
        for (((high, low), strange), value) in high.iter_mut().zip(&mut low).zip(&mut strange).zip(set) {
            *high = if *value > *high { *value } else { *high };
            *low = if *value < *low { *value } else { *low };
            *strange |= not_itself(*value);
        }
    };
    let (sets, rest) = values.as_chunks::<LANES>();
    sets.iter().for_each(&mut take);
    if !rest.is_empty() {
        // The last set overlaps the one before it: seen twice, a value changes nothing.
        take(values.last_chunk()?);
    }
    for half in [LANES / 2, LANES / 4, LANES / 8, LANES / 16] {
        let ((high, more), (low, less)) = (high.split_at_mut(half), low.split_at_mut(half));
        for (((high, more), low), less) in high.iter_mut().zip(more).zip(low).zip(less) {
            *high = if *more > *high { *more } else { *high };
            *low = if *less < *low { *less } else { *low };
        }
    }
    let [greatest, ..] = high;
    let [least, ..] = low;
    Some((greatest, least, strange.into_iter().fold(0, |all, lane| all | lane) == 0))
}

/// All ones for NaN, the one value that does not equal itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn not_itself<N: PartialOrd>(value: N) -> u64 {
    if value != value { u64::MAX } else { 0 }
}

#[inline(always)]
fn floats_lanes(values: &[f64]) -> Option<(f64, f64)> {
    let (high, low, numbers) = lanes(values)?;
    if !numbers || !high.is_finite() || !low.is_finite() {
        return None;
    }
    // 0.0 and -0.0 are equal but not the same bits: the first in order counts, and lanes lose the order.
    let first_of = |wanted: f64| {
        if wanted == 0.0 { values.iter().copied().find(|value| *value == 0.0).unwrap_or(wanted) } else { wanted }
    };
    Some((first_of(high), first_of(low)))
}

#[inline(always)]
fn sorted_lanes(stamps: &[i64]) -> bool {
    let later = stamps.get(1..).unwrap_or_default();
    // The sign bit of this is `later < earlier`, without the 64-bit compare that SSE2 lacks.
    let backwards =
        stamps.iter().zip(later).fold(0_i64, |seen, (a, b)| seen | (b & !a) | (!(b ^ a) & b.wrapping_sub(*a)));
    backwards >= 0
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn floats_avx2(values: &[f64]) -> Option<(f64, f64)> {
    floats_lanes(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn integers_avx2(values: &[i64]) -> Option<(i64, i64)> {
    lanes(values).map(|(high, low, _)| (high, low))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sorted_avx2(stamps: &[i64]) -> bool {
    sorted_lanes(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed sequence of numbers that look random (a linear congruence), with zeros of both signs.
    fn sequence(length: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match state >> 61 {
                0 => 0.0,
                1 => -0.0,
                _ => f64::from((state >> 40) as i32 % 7 - 3),
            }
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn every_path_gives_the_bits_of_the_plain_loop() {
        for seed in 0..200 {
            let length = 1 + (seed as usize * 7) % 150;
            // All values on one side of zero, so that zeros of both signs are an extreme.
            let below = sequence(length, seed).into_iter().map(|v| if v > 0.0 { -v } else { v }).collect();
            let above = sequence(length, seed).into_iter().map(|v| if v < 0.0 { -v } else { v }).collect();
            for values in [sequence(length, seed), below, above] {
                let bits = |pair: Option<(f64, f64)>| pair.map(|(high, low)| (high.to_bits(), low.to_bits()));
                let want = bits(plain(&values));
                assert_eq!(bits(floats(&values)), want, "{values:?}");
                if length >= LANES {
                    assert_eq!(bits(floats_lanes(&values)), want, "{values:?}");
                }
                #[allow(clippy::cast_possible_truncation)]
                let whole: Vec<i64> = values.iter().map(|value| *value as i64).collect();
                assert_eq!(integers(&whole), plain(&whole));
            }
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_found_at_every_place() {
        for length in [1, 5, 15, 16, 17, 100] {
            for at in 0..length {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let mut values = vec![1.0; length];
                    values[at] = bad;
                    assert_eq!(floats(&values), None, "{bad} at {at} of {length}");
                    assert_eq!(floats_lanes(&values), None, "{bad} at {at} of {length}");
                }
            }
        }
        assert_eq!(floats(&[]), None);
    }

    #[test]
    fn a_step_back_is_found_at_every_place_and_for_the_widest_range() {
        for length in 2..70_usize {
            let rising: Vec<i64> = (0..length as i64).map(|i| i / 2).collect();
            assert!(sorted(&rising) && sorted_lanes(&rising));
            for at in 1..length {
                let mut broken = rising.clone();
                broken[at] = broken[at - 1] - 1;
                assert!(!sorted(&broken) && !sorted_lanes(&broken), "{at} of {length}");
            }
        }
        assert!(sorted(&[i64::MIN, i64::MAX]) && !sorted(&[i64::MAX, i64::MIN]) && sorted(&[]));
    }
}
