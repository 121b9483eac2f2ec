//! A seeded market in EURUSD that is always there: integers only, so it is the same on every machine.
//! Random spread, bursts, gaps, trends that turn, a daily break at 21:00 UTC and closed week-ends.

use exuvia_model::{DAY, HOUR, MILLISECOND, MINUTE, Price, SECOND, Time};
use exuvia_ports::Xoshiro256;

use super::{Beat, What};
use crate::VenueError;

/// Greatest number of ticks a source may ask for.
const MOST: u64 = 20_000_000;

pub(super) fn read(
    place: &str,
    options: &[(&str, &str)],
    refuse: impl Fn(String) -> VenueError,
) -> Result<Vec<Beat>, VenueError> {
    let seed: u64 = place.parse().map_err(|_| refuse(format!("seed {place:?} is not a whole number")))?;
    let (mut ticks, mut days) = (40_000_u64, 1_u64);
    for (name, value) in options {
        let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
        let number = number.ok_or_else(|| refuse(format!("{name} {value:?} is not a number from 1 to {MOST}")))?;
        match *name {
            "ticks" => ticks = number,
            "days" if number <= 100 => days = number,
            "days" => return Err(refuse(format!("days {number} is more than 100"))),
            _ => return Err(refuse(format!("option {name:?} is unknown: sim has ticks and days"))),
        }
    }
    if ticks.saturating_mul(days) > MOST {
        return Err(refuse(format!("{ticks} ticks on {days} days are more than {MOST}")));
    }
    let start = Time::from_date(2014, 5, 7).unwrap_or_default();
    let mut market = Market::new(seed);
    let mut beats = Vec::new();
    for day in 0..i64::try_from(days).unwrap_or_default() {
        market.day(Time(start.0 + day * DAY), ticks, &mut beats);
    }
    Ok(beats)
}

/// The market's dice.
struct Dice(Xoshiro256);

impl Dice {
    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.0.below(high.abs_diff(low) + 1)).unwrap_or_default()
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.between(1, n) == 1
    }
}

/// The market's state, prices in points of 10⁻⁵.
struct Market {
    dice: Dice,
    mid: i64,
    anchor: i64,
    /// Direction of the present trend, and how many ticks it still lasts.
    trend: (i64, i64),
    /// Ticks that the present burst still lasts.
    burst: i64,
    spread: i64,
}

impl Market {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(Xoshiro256::seeded(seed));
        let mid = 139_250 + dice.between(-300, 300);
        Self { dice, mid, anchor: mid, trend: (0, 0), burst: 0, spread: 13 }
    }

    /// One UTC day: closed from Friday 21:00 to Sunday 21:00, else a break of 5 to 15 minutes at 21:00.
    fn day(&mut self, midnight: Time, ticks: u64, beats: &mut Vec<Beat>) {
        let evening = Time(midnight.0 + 21 * HOUR);
        let end = Time(midnight.0 + DAY);
        // 1970-01-01 was a Thursday.
        match (midnight.0.div_euclid(DAY) + 4).rem_euclid(7) {
            5 => {
                self.span(midnight, evening, ticks, beats);
                beats.push(Beat { time: evening, what: What::Session { open: false } });
            }
            6 => {}
            0 => {
                beats.push(Beat { time: evening, what: What::Session { open: true } });
                self.span(evening, end, ticks, beats);
            }
            _ => {
                let open = Time(evening.0 + self.dice.between(5, 15) * MINUTE);
                self.span(midnight, evening, ticks, beats);
                beats.push(Beat { time: evening, what: What::Session { open: false } });
                beats.push(Beat { time: open, what: What::Session { open: true } });
                self.span(open, end, ticks, beats);
            }
        }
    }

    /// Ticks between two instants, at a rate of `ticks` a day: first their distances as weights and gaps
    /// in milliseconds, then the weights are stretched over the time that the gaps leave.
    fn span(&mut self, from: Time, to: Time, ticks: u64, beats: &mut Vec<Beat>) {
        let length = (to.0 - from.0) / MILLISECOND;
        let count = i64::try_from(ticks).unwrap_or_default() * (to.0 - from.0) / DAY;
        let gaps = (to.0 - from.0) / (3 * HOUR) + 1;
        let one_gap = (length / 8 / gaps).min(360 * SECOND / MILLISECOND);
        let mut rest = length;
        let mut weights = 1;
        let mut plan = Vec::new();
        for _ in 0..count {
            let busy = self.burst > 0;
            self.burst = if busy { self.burst - 1 } else { self.start_burst() };
            let slow = self.dice.between(1, 40);
            let weight = if busy { self.dice.between(0, 12) } else { slow * slow };
            let pause = if self.dice.between(1, count) <= gaps { self.dice.between(one_gap / 4, one_gap) } else { 0 };
            let pause = if rest - pause < length / 2 { 0 } else { pause };
            rest -= pause;
            weights += weight;
            plan.push((weight, pause, busy));
        }
        let (mut weighed, mut paused) = (0, 0);
        for (weight, pause, busy) in plan {
            weighed += weight;
            paused += pause;
            let at = i128::from(rest) * i128::from(weighed) / i128::from(weights);
            let millis = i64::try_from(at).unwrap_or_default() + paused;
            beats.push(Beat { time: Time(from.0 + millis * MILLISECOND), what: self.tick(busy) });
        }
    }

    fn start_burst(&mut self) -> i64 {
        if self.dice.one_in(400) { self.dice.between(20, 120) } else { 0 }
    }

    /// The next prices: a walk with trends that turn, pulled back softly when it has gone far.
    fn tick(&mut self, busy: bool) -> What {
        if self.trend.1 == 0 {
            self.trend = (self.dice.between(-1, 1), self.dice.between(400, 2_400));
        }
        self.trend.1 -= 1;
        let reach = if busy { 7 } else { 3 };
        self.mid += self.dice.between(-reach, reach);
        if self.dice.one_in(9) {
            self.mid += self.trend.0;
        }
        let away = self.mid - self.anchor;
        if away.abs() > 250 && self.dice.one_in(12) {
            self.mid -= away.signum() * 2;
        }
        self.spread = match (busy, self.dice.between(1, 8)) {
            (true, 1) => (self.spread + self.dice.between(5, 20)).min(60),
            (false, 1) => self.dice.between(11, 16),
            _ => self.spread,
        };
        // A tick may move one side only, and the walk may not come near zero in 10⁷ ticks of 7 points.
        let bid = self.mid.max(1_000) - self.spread / 2;
        let ask = bid + self.spread + self.dice.between(0, 2);
        What::Tick { bid: Price::from_raw(bid * 10_000), ask: Price::from_raw(ask * 10_000) }
    }
}
