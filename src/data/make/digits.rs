//! N-MNIST from pictures of digits.

use super::camera::Camera;
use super::{fresh_folder, write};
use crate::Result;
use crate::data::nmnist::{SENSOR, to_bytes};
use crate::data::parallel::in_order;
use crate::data::{DataSet, ImageSet};
use crate::random::{Key, Purpose};
use crate::spikes::Events;
use std::path::Path;

/// One of the three movements.
const SACCADE_US: u64 = 105_000;
/// Corners of the triangle that the picture walks, in pixels; the digit is on the sensor everywhere.
const CORNERS: [(f64, f64); 4] = [(0.0, 0.0), (3.0, 6.0), (6.0, 0.0), (0.0, 0.0)];
/// Side of the square that a picture is scaled to.
const SIDE: f64 = 28.0;
/// Change of log intensity that gives an event: about 4,000 of them in a recording, as in N-MNIST.
const THRESHOLD: f64 = 0.55;

/// Writes `dir/Train/<digit>/00001.bin` … and `dir/Test/…`, recordings of the first `train` and `test` pictures
/// of `images`. Recording i of a part depends on its picture, the seed, the part and i alone.
/// `progress` hears of every recording.
///
/// # Errors
/// [`crate::Error::Io`]; also if `dir/Train` or `dir/Test` is there already.
pub fn nmnist(
    dir: &Path,
    images: &DataSet,
    [train, test]: [usize; 2],
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<()> {
    for (number, (name, part, most)) in
        [("Train", &images.train, train), ("Test", &images.test, test)].into_iter().enumerate()
    {
        fresh_folder(&dir.join(name))?;
        for class in 0..part.classes {
            fresh_folder(&dir.join(name).join(class.to_string()))?;
        }
        let key = Key::new(seed).epoch(number as u64);
        in_order(
            most.min(part.len()),
            |i| to_bytes(&film(part, i, key.sample(i as u64))),
            |i, bytes| {
                let class = part.labels[i];
                progress();
                write(&dir.join(format!("{name}/{class}/{:05}.bin", i + 1)), &bytes)
            },
        )?;
    }
    Ok(())
}

/// Films picture `i` of `set` while it walks the triangle, slowly at the corners.
fn film(set: &ImageSet, i: usize, key: Key) -> Events {
    let camera = Camera { sensor: SENSOR, threshold: THRESHOLD, noise_hz: 0.3, step_us: 1000 };
    let image = set.image(i);
    let level = |row: i64, column: i64| {
        let inside =
            (0..set.height as i64).contains(&row) && (0..set.width as i64).contains(&column);
        if !inside {
            return 0.0;
        }
        f64::from(image[row as usize * set.width + column as usize]) / f64::from(set.max_level)
    };
    let picture = |t_us: u64, pixels: &mut [f32]| {
        let saccade = (t_us / SACCADE_US).min(2) as usize;
        let part = (t_us - saccade as u64 * SACCADE_US) as f64 / SACCADE_US as f64;
        let way = part * part * (3.0 - 2.0 * part);
        let (from, to) = (CORNERS[saccade], CORNERS[saccade + 1]);
        let (dx, dy) = (from.0 + way * (to.0 - from.0), from.1 + way * (to.1 - from.1));
        for (pixel, value) in pixels.iter_mut().enumerate() {
            let place = |position: usize, shift: f64, extent: usize| {
                (position as f64 + 0.5 - shift) * extent as f64 / SIDE - 0.5
            };
            let x = place(pixel % usize::from(SENSOR.width), dx, set.width);
            let y = place(pixel / usize::from(SENSOR.width), dy, set.height);
            let (column, row) = (x.floor(), y.floor());
            let (right, down) = (x - column, y - row);
            let (row, column) = (row as i64, column as i64);
            let top = level(row, column) * (1.0 - right) + level(row, column + 1) * right;
            let bottom =
                level(row + 1, column) * (1.0 - right) + level(row + 1, column + 1) * right;
            *value = (top * (1.0 - down) + bottom * down) as f32;
        }
    };
    camera.film(3 * SACCADE_US, picture, &mut key.stream(Purpose::Recording))
}
