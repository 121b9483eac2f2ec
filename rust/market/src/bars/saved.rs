//! The state of a [`Desk`] as bytes: a magic word, a format version, the settings, the open bars, and a sum over all of
//! it. Newer versions read older bytes; older ones refuse newer bytes with a sentence.

use std::collections::VecDeque;

use exuvia_model::Ohlc;

use super::candle::Candle;
use super::desk::Desk;
use super::feed::Rule;
use super::line::{Held, Line, Settings, Tally};
use super::{BarError, Gaps, Interval, Late, Number, Origin, Side, Span, TimeRule};
use crate::sessions::{Calendar, Schedule, Zone};

const MAGIC: &[u8; 8] = b"EXUVIAB\n";
/// The format that is written, and the newest that is read.
pub const STATE_VERSION: u16 = 1;

impl<N: Number, const K: usize> Desk<N, K> {
    /// Its whole state.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.save_with(std::iter::empty())
    }

    /// Its whole state, and bars that it has made and nobody has taken yet.
    #[must_use]
    pub fn save_with<'a>(&self, waiting: impl ExactSizeIterator<Item = &'a (i64, Candle<N, K>)>) -> Vec<u8> {
        let mut out = Out(MAGIC.to_vec());
        out.bytes(&STATE_VERSION.to_le_bytes());
        out.byte(u8::try_from(K).unwrap_or_default());
        out.byte(u8::from(is_fixed::<N>()));
        out.settings(&self.settings);
        out.maybe(self.first.as_ref(), |out, first| out.i64(*first));
        let Tally { late, disordered, dropped, revised, outside } = self.tally;
        [late, disordered, dropped, revised, outside].into_iter().for_each(|count| out.u64(count));
        out.u64(self.lines.len() as u64);
        for (instrument, line) in &self.lines {
            out.i64(*instrument);
            out.maybe(line.open.as_ref(), Out::held);
            out.bytes(&N::value_bits(line.worth).to_le_bytes());
            out.i64(line.latest);
            out.u64(line.recent.len() as u64);
            line.recent.iter().for_each(|held| out.held(held));
        }
        out.u64(waiting.len() as u64);
        for (instrument, candle) in waiting {
            out.i64(*instrument);
            out.candle(candle);
        }
        let sum = sum_of(&out.0);
        out.u64(sum);
        out.0
    }

    /// The desk that was saved.
    ///
    /// # Errors
    /// `BadState` says what is wrong with the bytes.
    pub fn restore(bytes: &[u8]) -> Result<Self, BarError> {
        Self::restore_with(bytes).map(|(desk, _)| desk)
    }

    /// The desk that was saved, and the bars that nobody had taken.
    ///
    /// # Errors
    /// `BadState` says what is wrong with the bytes.
    #[allow(clippy::type_complexity)]
    pub fn restore_with(bytes: &[u8]) -> Result<(Self, Vec<(i64, Candle<N, K>)>), BarError> {
        let mut state = In::open(bytes)?;
        let (series, fixed) = (state.byte()?, state.byte()?);
        if usize::from(series) != K || fixed != u8::from(is_fixed::<N>()) {
            let name = |series: usize| if series == 2 { "quotes" } else { "trades" };
            let (found, wanted) = (name(usize::from(series)), name(K));
            return Err(bad(format!("the saved state is of a builder for {found}, this one is for {wanted}")));
        }
        let settings = state.settings()?;
        let first = state.maybe(In::i64)?;
        let tally = Tally {
            late: state.u64()?,
            disordered: state.u64()?,
            dropped: state.u64()?,
            revised: state.u64()?,
            outside: state.u64()?,
        };
        let mut lines = Vec::new();
        for _ in 0..state.u64()? {
            let instrument = state.i64()?;
            let open = state.maybe(In::held)?;
            let worth = N::value_from_bits(u128::from_le_bytes(state.array()?));
            let latest = state.i64()?;
            let mut recent = VecDeque::new();
            for _ in 0..state.u64()? {
                recent.push_back(state.held()?);
            }
            lines.push((instrument, Line { open, worth, recent, latest }));
        }
        let mut waiting = Vec::new();
        for _ in 0..state.u64()? {
            waiting.push((state.i64()?, state.candle()?));
        }
        if !state.0.is_empty() {
            return Err(bad(format!("the saved state has {} bytes too many", state.0.len())));
        }
        Self::resumed(settings, first, tally, lines).map(|desk| (desk, waiting))
    }
}

fn bad(why: String) -> BarError {
    BarError::BadState(why)
}

fn is_fixed<N: Number>() -> bool {
    // Of the two numbers only fixed point has a unit that is a fraction.
    N::from_bits(1).to_float() == 1e-9
}

/// FNV-1a over the bytes: it finds what was cut, mixed up or flipped, and keeps out no forger.
fn sum_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

struct Out(Vec<u8>);

impl Out {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn maybe<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn held<N: Number, const K: usize>(&mut self, held: &Held<N, K>) {
        self.i64(held.start);
        self.i64(held.end);
        self.candle(&held.candle);
    }

    fn candle<N: Number, const K: usize>(&mut self, candle: &Candle<N, K>) {
        let Candle { label, series, volume, ticks, first, last, empty, revised } = candle;
        [*label, *first, *last].into_iter().for_each(|time| self.i64(time));
        for ohlc in series {
            [ohlc.open, ohlc.high, ohlc.low, ohlc.close].into_iter().for_each(|value| self.u64(value.to_bits()));
        }
        self.u64(volume.to_bits());
        self.u64(*ticks);
        self.byte(u8::from(*empty) | (u8::from(*revised) << 1));
    }

    fn settings<N: Number>(&mut self, settings: &Settings<N>) {
        match &settings.rule {
            Rule::Time(rule) => {
                self.byte(0);
                self.rule(rule);
            }
            Rule::Ticks(count) => {
                self.byte(1);
                self.u64(*count);
            }
            Rule::Volume(size) => {
                self.byte(2);
                self.u64(size.to_bits());
            }
            Rule::Value(size) => {
                self.byte(3);
                self.u64(size.to_bits());
            }
        }
        self.byte(u8::from(settings.label == Side::Right));
        self.byte(match settings.late {
            Late::IntoCurrent => 0,
            Late::Drop => 1,
            Late::Reject => 2,
            Late::Revise => 3,
        });
        self.byte(match settings.gaps {
            Gaps::Skip => 0,
            Gaps::Fill => 1,
            Gaps::Null => 2,
        });
        self.u64(settings.keep as u64);
    }

    fn rule(&mut self, rule: &TimeRule) {
        let (unit, count) = match rule.span {
            Span::Fixed(every) => (0, every.nanos()),
            Span::Days(days) => (1, i64::from(days)),
            Span::Weeks(weeks) => (2, i64::from(weeks)),
            Span::Months(months) => (3, i64::from(months)),
        };
        self.byte(unit);
        self.i64(count);
        self.byte(u8::from(rule.closed == Side::Right) | (u8::from(rule.label == Side::Right) << 1));
        let (origin, at) = match rule.origin {
            Origin::Epoch => (0, 0),
            Origin::Start => (1, 0),
            Origin::StartDay => (2, 0),
            Origin::End => (3, 0),
            Origin::EndDay => (4, 0),
            Origin::At(time) => (5, time),
        };
        self.byte(origin);
        self.i64(at);
        self.i64(rule.offset);
        self.text(rule.zone.name());
        self.maybe(rule.calendar.as_ref(), |out, calendar| {
            out.text(calendar.name());
            out.text(calendar.zone());
            out.maybe(calendar.schedule(), |out, schedule| {
                out.u64(schedule.sessions().len() as u64);
                for (session, pause) in schedule.sessions().iter().zip(schedule.pauses()) {
                    out.i64(session.open.0);
                    out.i64(session.close.0);
                    out.maybe(pause.as_ref(), |out, (from, to)| {
                        out.i64(from.0);
                        out.i64(to.0);
                    });
                }
            });
        });
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    /// Checks magic word, version and sum.
    fn open(bytes: &'a [u8]) -> Result<Self, BarError> {
        let short = || bad(format!("the saved state has {} bytes and was cut short", bytes.len()));
        let Some(body) = bytes.strip_prefix(MAGIC.as_slice()) else {
            return Err(if bytes.len() < MAGIC.len() {
                short()
            } else {
                bad("these bytes are no saved state of a builder: give what to_bytes() returned".to_owned())
            });
        };
        let (version, body) = body.split_first_chunk::<2>().ok_or_else(short)?;
        let version = u16::from_le_bytes(*version);
        if version > STATE_VERSION {
            return Err(bad(format!(
                "the saved state has format {version}, this exuvia reads up to {STATE_VERSION}: it was saved by a newer one, upgrade here too"
            )));
        }
        let (body, sum) = body.split_last_chunk::<8>().ok_or_else(short)?;
        let whole = bytes.get(..bytes.len() - 8).unwrap_or_default();
        if u64::from_le_bytes(*sum) != sum_of(whole) {
            return Err(bad("the saved state was cut or changed: its checksum differs".to_owned()));
        }
        Ok(Self(body))
    }

    fn array<const L: usize>(&mut self) -> Result<[u8; L], BarError> {
        let (found, rest) =
            self.0.split_first_chunk::<L>().ok_or_else(|| bad("the saved state ends too early".to_owned()))?;
        self.0 = rest;
        Ok(*found)
    }

    fn byte(&mut self) -> Result<u8, BarError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Result<u64, BarError> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, BarError> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, BarError> {
        let length = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        let (text, rest) =
            self.0.split_at_checked(length).ok_or_else(|| bad("the saved state ends within a name".to_owned()))?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| bad("the saved state has a name that is no text".to_owned()))
    }

    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, BarError>) -> Result<Option<T>, BarError> {
        if self.byte()? == 0 { Ok(None) } else { read(self).map(Some) }
    }

    fn held<N: Number, const K: usize>(&mut self) -> Result<Held<N, K>, BarError> {
        Ok(Held { start: self.i64()?, end: self.i64()?, candle: self.candle()? })
    }

    fn candle<N: Number, const K: usize>(&mut self) -> Result<Candle<N, K>, BarError> {
        let (label, first, last) = (self.i64()?, self.i64()?, self.i64()?);
        let mut series = [Ohlc::default(); K];
        for ohlc in &mut series {
            let mut number = || self.u64().map(N::from_bits);
            *ohlc = Ohlc { open: number()?, high: number()?, low: number()?, close: number()? };
        }
        let volume = N::from_bits(self.u64()?);
        let ticks = self.u64()?;
        let flags = self.byte()?;
        let (empty, revised) = (flags & 1 != 0, flags & 2 != 0);
        Ok(Candle { label, series, volume, ticks, first, last, empty, revised })
    }

    fn settings<N: Number>(&mut self) -> Result<Settings<N>, BarError> {
        let rule = match self.byte()? {
            0 => Rule::Time(self.rule()?),
            1 => Rule::Ticks(self.u64()?),
            2 => Rule::Volume(N::from_bits(self.u64()?)),
            3 => Rule::Value(N::from_bits(self.u64()?)),
            other => return Err(bad(format!("the saved state has rule {other}, which is none"))),
        };
        let label = side(self.byte()?);
        let late = match self.byte()? {
            0 => Late::IntoCurrent,
            1 => Late::Drop,
            2 => Late::Reject,
            _ => Late::Revise,
        };
        let gaps = match self.byte()? {
            0 => Gaps::Skip,
            1 => Gaps::Fill,
            _ => Gaps::Null,
        };
        let keep = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        Ok(Settings { rule, label, late, gaps, keep })
    }

    fn rule(&mut self) -> Result<TimeRule, BarError> {
        let (unit, count) = (self.byte()?, self.i64()?);
        let small = u32::try_from(count).unwrap_or(1);
        let span = match unit {
            0 => Span::Fixed(Interval::new(count)?),
            1 => Span::Days(small),
            2 => Span::Weeks(small),
            _ => Span::Months(small),
        };
        let sides = self.byte()?;
        let (origin, at) = (self.byte()?, self.i64()?);
        let origin = match origin {
            0 => Origin::Epoch,
            1 => Origin::Start,
            2 => Origin::StartDay,
            3 => Origin::End,
            4 => Origin::EndDay,
            _ => Origin::At(at),
        };
        let offset = self.i64()?;
        let zone = Zone::named(&self.text()?)?;
        let calendar = self.maybe(Self::calendar)?;
        Ok(TimeRule { span, closed: side(sides & 1), label: side(sides & 2), origin, offset, zone, calendar })
    }

    fn calendar(&mut self) -> Result<Calendar, BarError> {
        let (name, zone) = (self.text()?, self.text()?);
        let listed = self.maybe(|state| {
            let (mut hours, mut pauses) = (Vec::new(), Vec::new());
            for _ in 0..state.u64()? {
                hours.push((state.i64()?, state.i64()?));
                pauses.push(state.maybe(|state| Ok((state.i64()?, state.i64()?)))?);
            }
            Ok(Schedule::new(&name, Zone::named(&zone)?, &hours, &pauses)?)
        })?;
        Ok(match listed {
            Some(schedule) => Calendar::listed(schedule),
            None if name == Calendar::ALWAYS.name() => Calendar::days_of(&zone)?,
            None => Calendar::named(&name)?,
        })
    }
}

const fn side(flag: u8) -> Side {
    if flag == 0 { Side::Left } else { Side::Right }
}
