//! Do the bars that come in lie whole in the intervals that they are to fill? A bar cannot be split: what of its
//! high was before the edge nobody knows.

use exuvia_model::Time;

use super::{BarError, Grid, Interval, Place};

/// Steps between bars below which no length is read from them.
const STEPS: usize = 3;
/// Steps below which all must be alike: a few bars of a quiet market may well be two intervals apart.
const MANY: usize = 8;

/// How long bars with these stamps are, if the stamps show it: the smallest step between two of them, if at least
/// half of all steps are just that (of fewer than eight: all) and all others are multiples of it.
///
/// ```
/// use exuvia_market::bars::length_of_bars;
/// assert_eq!(length_of_bars(&[0, 60, 120, 180]).map(|length| length.nanos()), Some(60));
/// assert_eq!(length_of_bars(&[0, 70, 200]), None);
/// ```
#[must_use]
pub fn length_of_bars(ts: &[i64]) -> Option<Interval> {
    let steps = || ts.iter().zip(ts.get(1..).unwrap_or_default()).map(|(before, time)| time.saturating_sub(*before));
    let smallest = steps().filter(|step| *step > 0).min()?;
    let (mut alike, mut others) = (0, 0);
    for step in steps().filter(|step| *step != 0) {
        if step == smallest {
            alike += 1;
        } else if step > 0 && step % smallest == 0 {
            others += 1;
        } else {
            return None;
        }
    }
    let steps = alike + others;
    if steps < STEPS || alike < others || (steps < MANY && others > 0) {
        return None;
    }
    Interval::new(smallest).ok()
}

/// Checks that each bar of `length` that starts at a stamp of `ts` ends within its interval of `grid`; without a
/// length, that of [`length_of_bars`] counts, and where the stamps do not show it nothing is checked. What ends
/// after the last interval of a session is whole: nothing trades there.
///
/// # Errors
/// `Straddles` names the first bar that does not.
pub fn check_whole(ts: &[i64], length: Option<Interval>, grid: &mut impl Grid) -> Result<(), BarError> {
    let Some(known) = length.or_else(|| length_of_bars(ts)) else { return Ok(()) };
    let mut open: Option<(i64, i64)> = None;
    for (row, time) in ts.iter().enumerate() {
        let (start, end) = match open.filter(|(start, end)| (*start..*end).contains(time)) {
            Some(bounds) => bounds,
            None => match grid.place(*time)? {
                Place::In { start, end, .. } => (start, end),
                Place::Out { .. } => continue,
            },
        };
        open = Some((start, end));
        if time.saturating_add(known.nanos()) > end && matches!(grid.place(end), Ok(Place::In { .. })) {
            let (time, end) = (Time(*time), Time(end));
            let how = if length.is_some() { "as of says" } else { "the step between the rows" };
            return Err(BarError::Straddles { row, time, length: known, how, end });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bars::Fixed;

    fn every(nanos: i64) -> Fixed {
        Fixed::new(Interval::new(nanos).unwrap(), 0)
    }

    #[test]
    fn a_length_is_read_only_where_the_steps_agree() {
        for (ts, length) in [
            (vec![], None),
            (vec![0, 60, 120], None),
            (vec![0, 60, 120, 180], Some(60)),
            (vec![0, 60, 60, 120, 180], Some(60)),
            (vec![0, 60, 120, 600, 660], None),
            (vec![0, 60, 120, 180, 240, 300, 600, 660, 720], Some(60)),
            (vec![0, 60, 180, 300, 420, 540, 660, 780, 900], None),
            (vec![0, 60, 120, 180, 190], None),
            (vec![180, 120, 60, 0], None),
        ] {
            assert_eq!(length_of_bars(&ts).map(Interval::nanos), length, "{ts:?}");
        }
    }

    #[test]
    fn a_bar_over_an_edge_is_refused_and_named() {
        let minutes = [0, 60, 120, 180];
        for whole in [60, 120, 180, 300] {
            assert_eq!(check_whole(&minutes, None, &mut every(whole)), Ok(()), "{whole}");
        }
        for (split, bad) in [(90, 1), (30, 0), (59, 0), (150, 2)] {
            let error = check_whole(&minutes, None, &mut every(split)).unwrap_err();
            assert!(matches!(error, BarError::Straddles { row, .. } if row == bad), "{split}: {error}");
        }
        let declared = Interval::new(30).unwrap();
        assert_eq!(check_whole(&minutes, Some(declared), &mut every(90)), Ok(()));
        assert!(check_whole(&minutes[..1], Some(declared), &mut every(20)).is_err());
    }
}
