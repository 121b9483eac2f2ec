//! A price fill ratio from real fills: a robust centre for each bucket, drawn towards that of all, with what it is worth.

/// How the centre of a bucket is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Centre {
    /// The median.
    Median,
    /// The mean without this share at each end.
    Trimmed(f64),
}

/// How ratios become one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The centre.
    pub centre: Centre,
    /// Ratios outside are moved to these ends.
    pub winsorise: (f64, f64),
    /// As many samples of the centre of all as each bucket is given.
    pub shrink: f64,
    /// Confidence of the interval.
    pub confidence: f64,
    /// Resamples of the bootstrap; 0 for none.
    pub resamples: u32,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// What a bucket's fills say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Samples.
    pub count: usize,
    /// Their centre.
    pub centre: f64,
    /// Their median.
    pub median: f64,
    /// The distance of their quartiles.
    pub quartiles: f64,
    /// The lower end of the centre's interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// (n·centre + k·centre of all)/(n + k): what to use.
    pub ratio: f64,
}

/// The ratio of all samples, and that of each bucket from 0 to `buckets` − 1; NaN is left out.
pub fn calibrate(ratios: &[f64], bucket: &[u32], buckets: usize, how: &Calibration) -> (Bucket, Vec<Bucket>) {
    let (low, high) = how.winsorise;
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); buckets];
    let mut all = Vec::with_capacity(ratios.len());
    for (ratio, bucket) in ratios.iter().zip(bucket) {
        if ratio.is_nan() {
            continue;
        }
        let value = ratio.clamp(low, high);
        all.push(value);
        if let Some(group) = groups.get_mut(*bucket as usize) {
            group.push(value);
        }
    }
    let mut random = Random(how.seed);
    let mut whole = summary(&mut all, how, &mut random);
    whole.ratio = whole.centre;
    let made = groups
        .into_iter()
        .map(|mut group| {
            let mut one = summary(&mut group, how, &mut random);
            let count = one.count as f64;
            let held = if one.count == 0 { 0.0 } else { count * one.centre };
            one.ratio = (held + how.shrink * whole.centre) / (count + how.shrink);
            one
        })
        .collect();
    (whole, made)
}

fn summary(values: &mut [f64], how: &Calibration, random: &mut Random) -> Bucket {
    values.sort_by(f64::total_cmp);
    let (low, high) = interval(values, how, random);
    Bucket {
        count: values.len(),
        centre: centre(values, how.centre),
        median: quantile(values, 0.5),
        quartiles: quantile(values, 0.75) - quantile(values, 0.25),
        low,
        high,
        ratio: f64::NAN,
    }
}

/// The centre of sorted values.
fn centre(sorted: &[f64], how: Centre) -> f64 {
    match how {
        Centre::Median => quantile(sorted, 0.5),
        Centre::Trimmed(share) => {
            let cut = (share * sorted.len() as f64).floor() as usize;
            let kept = sorted.get(cut..sorted.len().saturating_sub(cut)).unwrap_or_default();
            kept.iter().sum::<f64>() / kept.len() as f64
        }
    }
}

/// A quantile of sorted values, by a straight line between ranks as NumPy does; NaN of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().max(1) - 1) as f64;
    let at = |rank: f64| sorted.get(rank as usize).copied().unwrap_or(f64::NAN);
    at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
}

/// The percentile bootstrap of the centre.
fn interval(sorted: &[f64], how: &Calibration, random: &mut Random) -> (f64, f64) {
    if sorted.is_empty() || how.resamples == 0 {
        return (f64::NAN, f64::NAN);
    }
    let mut centres: Vec<f64> = (0..how.resamples)
        .map(|_| {
            // Ranks instead of values: counting them sorts the resample.
            let mut counts = vec![0_u32; sorted.len()];
            for _ in 0..sorted.len() {
                if let Some(count) = counts.get_mut(random.below(sorted.len())) {
                    *count += 1;
                }
            }
            let drawn: Vec<f64> = sorted
                .iter()
                .zip(&counts)
                .flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize))
                .collect();
            centre(&drawn, how.centre)
        })
        .collect();
    centres.sort_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - how.confidence);
    (quantile(&centres, tail), quantile(&centres, 1.0 - tail))
}

/// SplitMix64 (Steele, Lea & Flood, 2014): the same seed gives the same interval everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        // The upper half of a 128-bit product; its bias is below 2⁻⁶⁰ here.
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
