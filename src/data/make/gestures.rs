//! DVS128 Gesture from moving discs of light.

use super::camera::Camera;
use super::{fresh_folder, write};
use crate::Result;
use crate::data::aedat::{self, DVS128};
use crate::data::dvs_gesture::{CLASSES, Gesture, labels_to_text};
use crate::data::parallel::in_order;
use crate::random::{Key, Purpose, Stream, uniform};
use crate::spikes::{Event, Events};
use std::f64::consts::{PI, TAU};
use std::path::Path;

/// Length of a gesture; those of the real set take about 6 s.
const GESTURE_US: u64 = 1_500_000;
/// From the start of one gesture to that of the next.
const PERIOD_US: u64 = 1_700_000;
/// Radius of a hand in pixels.
const RADIUS: f64 = 5.0;
/// Intensity behind the hands.
const BACKGROUND: f32 = 0.2;
/// Order of the classes in a trial; arm roll (7) comes twice, as in the real one.
const ORDER: [u16; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10];
/// First subject of the test trials.
const FIRST_TEST_USER: usize = 24;

/// Writes `train` and `test` trials of twelve gestures in IBM's layout into `dir`: `userNN_led.aedat`, their
/// labels and the two lists. `progress` hears of every trial.
///
/// # Errors
/// [`crate::Error::Io`], also if `dir` is there already; [`crate::Error::Usage`] if there are more trials
/// than subjects, 23 and 76.
pub fn dvs_gesture(
    dir: &Path,
    [train, test]: [usize; 2],
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<()> {
    if train >= FIRST_TEST_USER || test > 100 - FIRST_TEST_USER {
        let text = format!("{train} + {test} trials: at most 23 + 76 are possible");
        return Err(crate::Error::Usage(text));
    }
    fresh_folder(dir)?;
    let users: Vec<usize> = (1..=train).chain(FIRST_TEST_USER..FIRST_TEST_USER + test).collect();
    let name = |user: &usize| format!("user{user:02}_led");
    in_order(
        users.len(),
        |i| {
            let (events, gestures) = trial(Key::new(seed).epoch(users[i] as u64));
            Ok((aedat::to_bytes(&events)?, labels_to_text(&gestures)))
        },
        |i, (recording, labels)| {
            let name = name(&users[i]);
            progress();
            write(&dir.join(format!("{name}.aedat")), &recording)?;
            write(&dir.join(format!("{name}_labels.csv")), labels.as_bytes())
        },
    )?;
    for (list, users) in
        [("trials_to_train.txt", &users[..train]), ("trials_to_test.txt", &users[train..])]
    {
        let text: String = users.iter().map(|user| format!("{}.aedat\n", name(user))).collect();
        write(&dir.join(list), text.as_bytes())?;
    }
    Ok(())
}

/// One trial: what is filmed and where the gestures are.
fn trial(key: Key) -> (Events, Vec<Gesture>) {
    let mut all = Vec::new();
    let mut gestures = Vec::new();
    for (number, &label) in ORDER.iter().enumerate() {
        let start_us = number as u64 * PERIOD_US + 100_000;
        let mut stream = key.sample(number as u64).stream(Purpose::Recording);
        let filmed = film(&Motion::new(label, &mut stream), &mut stream);
        all.extend(filmed.iter().map(|e| Event { t_us: e.t_us + start_us, ..e }));
        gestures.push(Gesture { label, start_us, end_us: start_us + GESTURE_US });
    }
    (Events::from_unordered(DVS128, all).expect("events of the camera"), gestures)
}

fn film(motion: &Motion, stream: &mut Stream) -> Events {
    let camera = Camera { sensor: DVS128, threshold: 0.4, noise_hz: 0.05, step_us: 4000 };
    let (width, height) = (i64::from(DVS128.width), i64::from(DVS128.height));
    let picture = |t_us: u64, pixels: &mut [f32]| {
        pixels.fill(BACKGROUND);
        for (x, y) in motion.hands(t_us as f64 * 1e-6) {
            let reach = (3.0 * RADIUS) as i64;
            let (left, top) = (x as i64, y as i64);
            for row in (top - reach).max(0)..(top + reach).min(height) {
                for column in (left - reach).max(0)..(left + reach).min(width) {
                    let distance = (column as f64 - x).hypot(row as f64 - y);
                    // An edge one pixel wide.
                    let light = (RADIUS + 0.5 - distance).clamp(0.0, 1.0) as f32;
                    let pixel = &mut pixels[(row * width + column) as usize];
                    *pixel = pixel.max(BACKGROUND + (1.0 - BACKGROUND) * light);
                }
            }
        }
    };
    camera.film(GESTURE_US, picture, stream)
}

/// How the hands move: a class, and what differs from person to person.
struct Motion {
    label: u16,
    hertz: f64,
    phase: f64,
    extent: f64,
    centre: (f64, f64),
}

impl Motion {
    fn new(label: u16, stream: &mut Stream) -> Self {
        debug_assert!(usize::from(label) < CLASSES.len());
        let mut between = |low: f64, high: f64| low + (high - low) * uniform(stream);
        Motion {
            label,
            hertz: between(1.2, 2.0),
            phase: between(0.0, TAU),
            extent: between(14.0, 20.0),
            centre: (between(60.0, 68.0), between(56.0, 72.0)),
        }
    }

    /// Where the hands are at a time in seconds. The right hand is on the left of the picture.
    fn hands(&self, seconds: f64) -> Vec<(f64, f64)> {
        let angle = self.phase + TAU * self.hertz * seconds;
        let (cx, cy) = self.centre;
        let (sin, cos) = (libm::sin(angle), libm::cos(angle));
        let r = self.extent;
        let (right, left) = (cx - 30.0, cx + 30.0);
        // A wave swings the hand over its elbow.
        let wave = |x: f64| vec![(x + r * sin, cy - 24.0 + 0.25 * r * sin * sin)];
        // Down the picture is positive, so this turns clockwise for who watches.
        let circle = |x: f64, sign: f64| vec![(x + r * cos, cy + sign * r * sin)];
        match self.label {
            0 => vec![(cx - 6.0 - r * (1.0 + sin), cy), (cx + 6.0 + r * (1.0 + sin), cy)],
            1 => wave(right),
            2 => wave(left),
            3 => circle(right, 1.0),
            4 => circle(right, -1.0),
            5 => circle(left, 1.0),
            6 => circle(left, -1.0),
            7 => {
                let half = 0.5 * r;
                vec![(cx + half * cos, cy + half * sin), (cx - half * cos, cy - half * sin)]
            }
            8 => vec![(cx - 20.0, cy + r * sin), (cx + 20.0, cy - r * sin)],
            9 => {
                vec![(right, cy - 10.0), (cx + 10.0, cy + 15.0 + 0.5 * r * libm::sin(2.0 * angle))]
            }
            _ => {
                let other = libm::sin(1.5 * angle + PI / 3.0);
                vec![(cx + 1.5 * r * sin, cy + 1.5 * r * other)]
            }
        }
    }
}
