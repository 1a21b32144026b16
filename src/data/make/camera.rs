//! A simple model of an event camera.

use crate::random::{Stream, below, fill_normal, uniform};
use crate::spikes::{Event, Events, Sensor};

/// An event camera that looks at a picture of intensities from 0 to 1.
///
/// A pixel remembers the logarithm L = ln(I + [`DARK`]) at its last event. Each time that L has risen (ON)
/// or fallen (OFF, by [`OFF`] as much) by its threshold since then it gives an event. Between two pictures L
/// is taken to be linear. Thresholds differ from pixel to pixel by [`MISMATCH`]; noise events come at a fixed rate, all
/// pixels and both polarities alike.
pub(super) struct Camera {
    /// Pixels.
    pub sensor: Sensor,
    /// Mean threshold of the change of L.
    pub threshold: f64,
    /// Noise events of a pixel in a second.
    pub noise_hz: f64,
    /// Time from picture to picture.
    pub step_us: u64,
}

/// Intensity of black, so that its logarithm is finite.
const DARK: f64 = 0.1;
/// Standard deviation of the thresholds, relative.
const MISMATCH: f64 = 0.05;
/// Threshold of OFF over that of ON. Were they equal, a picture that comes back to where it began would
/// reach the thresholds of all pixels at once.
const OFF: f64 = 1.05;

impl Camera {
    /// Films for `duration_us`. `picture` is called with a time and fills in intensities, row by row.
    pub(super) fn film(
        &self,
        duration_us: u64,
        mut picture: impl FnMut(u64, &mut [f32]),
        stream: &mut Stream,
    ) -> Events {
        let pixels = usize::from(self.sensor.width) * usize::from(self.sensor.height);
        let mut thresholds = vec![0.0; pixels];
        fill_normal(stream, &mut thresholds);
        for threshold in &mut thresholds {
            *threshold = self.threshold * (1.0 + MISMATCH * *threshold).max(0.5);
        }
        let log = |intensity: f32| libm::log(f64::from(intensity) + DARK);
        let mut intensities = vec![0.0; pixels];
        picture(0, &mut intensities);
        let mut last = intensities.clone();
        let mut level: Vec<f64> = intensities.iter().map(|&i| log(i)).collect();
        let mut remembered = level.clone();
        let mut events = Vec::new();
        for step in 0..duration_us / self.step_us {
            let start_us = step * self.step_us;
            picture(start_us + self.step_us, &mut intensities);
            for pixel in 0..pixels {
                if intensities[pixel] == last[pixel] {
                    continue;
                }
                last[pixel] = intensities[pixel];
                let (before, now) = (level[pixel], log(intensities[pixel]));
                level[pixel] = now;
                let on = now > before;
                let by = if on { thresholds[pixel] } else { -OFF * thresholds[pixel] };
                while (now - remembered[pixel] - by) * by >= 0.0 {
                    remembered[pixel] += by;
                    let part = ((remembered[pixel] - before) / (now - before)).clamp(0.0, 1.0);
                    let t_us = start_us + (part * (self.step_us - 1) as f64) as u64;
                    events.push(self.event(t_us, pixel, on));
                }
            }
            let noise = self.noise_hz * pixels as f64 * self.step_us as f64 * 1e-6;
            for _ in 0..(noise + uniform(stream)) as usize {
                let t_us = start_us + below(stream, self.step_us as usize) as u64;
                let (pixel, on) = (below(stream, pixels), below(stream, 2) == 1);
                events.push(self.event(t_us, pixel, on));
            }
        }
        Events::from_unordered(self.sensor, events).expect("pixels of the sensor")
    }

    fn event(&self, t_us: u64, pixel: usize, on: bool) -> Event {
        let width = usize::from(self.sensor.width);
        Event { t_us, x: (pixel % width) as u16, y: (pixel / width) as u16, p: u8::from(on) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    fn film(noise_hz: f64, picture: impl FnMut(u64, &mut [f32])) -> Events {
        let sensor = Sensor { width: 3, height: 1, polarities: 2 };
        let camera = Camera { sensor, threshold: 0.4, noise_hz, step_us: 1000 };
        camera.film(100_000, picture, &mut Key::new(1).stream(Purpose::Recording))
    }

    #[test]
    fn light_gives_on_events_and_dark_gives_off_events_where_it_changes() {
        // ln(1.1/0.1) = 2.4: six thresholds of 0.4 less mismatch up, one fewer of the higher ones down.
        let events = film(0.0, |t_us, picture| {
            picture[1] = if (20_000..60_000).contains(&t_us) { 1.0 } else { 0.0 };
        });
        assert!(events.iter().all(|e| e.x == 1));
        let (on, off): (Vec<_>, Vec<_>) = events.iter().partition(|e| e.p == 1);
        assert!((5..=6).contains(&on.len()), "{on:?}");
        assert_eq!(off.len() + 1, on.len(), "{on:?} {off:?}");
        assert!(on.iter().all(|e| (19_000..20_000).contains(&e.t_us)));
        assert!(off.iter().all(|e| (59_000..60_000).contains(&e.t_us)));
    }

    #[test]
    fn nothing_moves_nothing_comes_but_noise() {
        assert!(film(0.0, |_, picture| picture.fill(0.7)).is_empty());
        // 200 Hz × 3 pixels × 0.1 s = 60; fractions of an event are rounded at random.
        let noise = film(200.0, |_, picture| picture.fill(0.7)).len();
        assert!((40..=80).contains(&noise), "{noise}");
    }
}
