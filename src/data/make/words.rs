//! SHD from ridges that move over the channels.

use super::write;
use crate::Result;
use crate::data::event_source::Recording;
use crate::data::parallel::in_order;
use crate::data::shd::{SENSOR, Set, to_bytes};
use crate::random::{Key, Purpose, Stream, fill_normal, uniform};
use crate::spikes::{Event, Events};
use std::path::Path;

/// Ridges (formants) of a word.
const RIDGES: usize = 3;
/// Spikes of a recording, about.
const SPIKES: usize = 3000;
/// Standard deviation of a ridge in channels.
const WIDTH: f64 = 12.0;

/// Writes `dir/shd_train.h5` and `dir/shd_test.h5` with `train` and `test` recordings, classes in turn. A
/// word is `RIDGES` tracks over the channels, each a slanted line with a bend; who speaks shifts and
/// stretches it. `progress` hears of every recording.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn shd(
    dir: &Path,
    [train, test]: [usize; 2],
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(crate::Error::io(dir, "create"))?;
    let classes = Set::Shd.classes();
    let words: Vec<Word> = (0..classes)
        .map(|class| Word::new(&mut Key::new(seed).sample(class as u64).stream(Purpose::Recording)))
        .collect();
    let names: Vec<String> = (0..classes).map(|class| format!("word {class}")).collect();
    // Epoch 0 is the words themselves.
    for (number, (name, count)) in [("train", train), ("test", test)].into_iter().enumerate() {
        let key = Key::new(seed).epoch(number as u64 + 1);
        let mut recordings = Vec::new();
        in_order(
            count,
            |i| {
                let mut stream = key.sample(i as u64).stream(Purpose::Recording);
                let events = words[i % classes].speak(&mut stream);
                Ok(Recording { events, label: (i % classes) as u16 })
            },
            |_, recording| {
                progress();
                recordings.push(recording);
                Ok(())
            },
        )?;
        write(&dir.join(format!("shd_{name}.h5")), &to_bytes(&recordings, &names)?)?;
    }
    Ok(())
}

/// Tracks of the ridges: channel at the start, in the middle and at the end, as fractions.
struct Word {
    tracks: [[f64; 3]; RIDGES],
    seconds: f64,
}

impl Word {
    fn new(stream: &mut Stream) -> Self {
        let tracks = std::array::from_fn(|_| std::array::from_fn(|_| 0.1 + 0.8 * uniform(stream)));
        Word { tracks, seconds: 0.5 + 0.4 * uniform(stream) }
    }

    fn speak(&self, stream: &mut Stream) -> Events {
        let seconds = self.seconds * (0.85 + 0.3 * uniform(stream));
        let shift = 40.0 * (uniform(stream) - 0.5);
        let count = (SPIKES as f64 * (0.8 + 0.4 * uniform(stream))) as usize;
        let mut normal = vec![0.0; count];
        fill_normal(stream, &mut normal);
        let mut events = Vec::with_capacity(count);
        for (i, normal) in normal.into_iter().enumerate() {
            let [start, middle, end] = self.tracks[i % RIDGES];
            let at = uniform(stream);
            let track = if at < 0.5 {
                start + 2.0 * at * (middle - start)
            } else {
                middle + (2.0 * at - 1.0) * (end - middle)
            };
            let channel = track * f64::from(SENSOR.width) + shift + WIDTH * normal;
            if (0.0..f64::from(SENSOR.width)).contains(&channel) {
                events.push(Event {
                    t_us: (at * seconds * 1e6) as u64,
                    x: channel as u16,
                    y: 0,
                    p: 0,
                });
            }
        }
        Events::from_unordered(SENSOR, events).expect("channels of the sensor")
    }
}
