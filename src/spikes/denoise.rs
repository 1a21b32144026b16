//! Removal of isolated events.

use super::Events;

/// Keeps an event if one of its four neighbours (left, right, above, below) had an event less than
/// `filter_time_us` before it. The polarity does not matter, earlier events of the pixel itself do not
/// count, and a removed event still is a neighbour for later ones.
///
/// As in Tonic's `Denoise`, which the reference studies use, the memory of a pixel starts at
/// `filter_time_us`, so that everything passes whose time is below that (spec datasets.md section 6).
/// Tonic takes the largest coordinates of the recording for the size of the sensor; here it is the
/// sensor's own, which differs only for recordings one pixel wide or high.
pub fn denoise(events: &Events, filter_time_us: u64) -> Events {
    let sensor = events.sensor();
    let (width, height) = (usize::from(sensor.width), usize::from(sensor.height));
    let mut valid_until = vec![filter_time_us; width * height];
    let mut kept = Events::new(sensor);
    for event in events.iter() {
        let (x, y) = (usize::from(event.x), usize::from(event.y));
        let at = y * width + x;
        valid_until[at] = event.t_us.saturating_add(filter_time_us);
        let near = |there: bool, neighbour: usize| there && valid_until[neighbour] > event.t_us;
        if near(x > 0, at.wrapping_sub(1))
            || near(x + 1 < width, at + 1)
            || near(y > 0, at.wrapping_sub(width))
            || near(y + 1 < height, at + width)
        {
            kept.push(event);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::{Event, Sensor};

    const NONE: [u64; 0] = [];

    fn kept(events: &[(u64, u16, u16, u8)]) -> Vec<u64> {
        let sensor = Sensor { width: 3, height: 3, polarities: 2 };
        let mut all = Events::new(sensor);
        for &(t_us, x, y, p) in events {
            all.push(Event { t_us, x, y, p });
        }
        denoise(&all, 100).times_us().to_vec()
    }

    #[test]
    fn a_neighbour_of_any_polarity_keeps_an_event() {
        assert_eq!(kept(&[(1000, 1, 1, 0), (1099, 1, 2, 1)]), [1099]);
        assert_eq!(kept(&[(1000, 0, 1, 0), (1001, 1, 1, 0), (1002, 2, 1, 0)]), [1001, 1002]);
    }

    #[test]
    fn diagonal_same_pixel_and_old_events_do_not() {
        assert_eq!(kept(&[(1000, 0, 0, 0), (1001, 1, 1, 0)]), NONE);
        assert_eq!(kept(&[(1000, 1, 1, 0), (1001, 1, 1, 1)]), NONE);
        assert_eq!(kept(&[(1000, 1, 1, 0), (1100, 1, 2, 0)]), NONE);
        // The left end of a row is no neighbour of the right end of the row above.
        assert_eq!(kept(&[(1000, 2, 0, 0), (1001, 0, 1, 0)]), NONE);
    }

    #[test]
    fn everything_passes_at_the_start_of_the_clock() {
        assert_eq!(kept(&[(0, 0, 0, 0), (99, 2, 2, 0), (100, 0, 2, 0)]), [0, 99]);
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        assert_eq!(kept(&[(u64::MAX, 0, 0, 0), (u64::MAX, 0, 1, 0)]), NONE);
    }
}
