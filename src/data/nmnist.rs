//! N-MNIST (G. Orchard et al., *Converting static image datasets to spiking neuromorphic datasets using
//! saccades*, Frontiers in Neuroscience 9, 2015): `Train/<digit>/*.bin` and `Test/<digit>/*.bin`.
//!
//! A file is one recording without a header. An event is five bytes (spec datasets.md section 2):
//!
//! | byte | content |
//! |---|---|
//! | 0 | x |
//! | 1 | y, 0 at the top; 240 marks an overflow of the clock instead of an event |
//! | 2 | bit 7: polarity, 1 = ON; bits 6–0: bits 22–16 of the time |
//! | 3–4 | bits 15–0 of the time in microseconds, big-endian |
//!
//! An overflow adds 2¹³ µs to all events behind it, as Tonic reads it.

use crate::data::event_source::{EventSource, Recording};
use crate::spikes::{Event, Events, Sensor};
use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The camera's part that N-MNIST shows.
pub const SENSOR: Sensor = Sensor { width: 34, height: 34, polarities: 2 };
/// Classes, one a digit.
const CLASSES: u16 = 10;
/// Row that marks an overflow of the clock.
const OVERFLOW: u8 = 240;
/// What an overflow adds to the time, in microseconds.
const OVERFLOW_US: u64 = 1 << 13;
/// Largest time that an event holds by itself.
const MOST_US: u64 = (1 << 23) - 1;
/// Bytes of an event.
const EVENT_BYTES: usize = 5;
/// Folders below the given one that are searched, in this order; Tonic makes the second.
const FOLDERS: [&str; 3] = ["", "NMNIST", "N-MNIST"];

/// One part of N-MNIST, its files found but not read.
#[derive(Debug, Clone)]
pub struct NMnist {
    files: Vec<PathBuf>,
    labels: Vec<u16>,
}

impl NMnist {
    /// Finds the recordings of `part`, `Train` or `Test`, in `dir`, `dir/NMNIST` or `dir/N-MNIST`: all
    /// `.bin` files in folders 0 to 9, in order of folder and name.
    ///
    /// # Errors
    /// [`Error::Format`] if there are none; [`Error::Io`] if a folder cannot be read.
    pub fn open(dir: &Path, part: &str) -> Result<Self> {
        let folders = FOLDERS.map(|sub| dir.join(sub).join(part));
        let missing = |found: &str| {
            let expected =
                format!("folders {part}/0 to {part}/9 of .bin files, here or in NMNIST or N-MNIST");
            Error::format(dir, "data folder", expected, found)
        };
        let Some(folder) = folders.iter().find(|folder| folder.is_dir()) else {
            return Err(missing(if dir.is_dir() { "none of them" } else { "no such folder" }));
        };
        let mut set = NMnist { files: Vec::new(), labels: Vec::new() };
        for label in 0..CLASSES {
            let of_class = files_in(&folder.join(label.to_string()), "bin")?;
            set.labels.extend(of_class.iter().map(|_| label));
            set.files.extend(of_class);
        }
        if set.files.is_empty() {
            return Err(missing("no .bin file in any of them"));
        }
        Ok(set)
    }
}

/// The files of a folder that end in `.extension`, by name; none where the folder is absent.
pub(super) fn files_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder, "read"))? {
        let path = entry.map_err(Error::io(folder, "read"))?.path();
        if path.extension().is_some_and(|e| e == extension) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl EventSource for NMnist {
    fn sensor(&self) -> Sensor {
        SENSOR
    }

    fn class_names(&self) -> Vec<String> {
        (0..CLASSES).map(|digit| digit.to_string()).collect()
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn pieces(&self) -> usize {
        self.files.len()
    }

    fn read(&self, piece: usize) -> Result<Vec<Recording>> {
        Ok(vec![Recording { events: read(&self.files[piece])?, label: self.labels[piece] }])
    }
}

/// Reads a recording.
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] with the byte offset.
pub fn read(path: &Path) -> Result<Events> {
    parse(path, &fs::read(path).map_err(Error::io(path, "read"))?)
}

/// Reads a recording from its bytes. `file` is the name that errors use. Events that are not in order of
/// time are put in order.
///
/// # Errors
/// [`Error::Format`] if a pixel is not on the sensor or the last event is not whole.
pub fn parse(file: &Path, bytes: &[u8]) -> Result<Events> {
    let (words, rest) = bytes.as_chunks::<EVENT_BYTES>();
    if !rest.is_empty() {
        return Err(Error::format(
            file,
            format!("byte {}", bytes.len() - rest.len()),
            format!("events of {EVENT_BYTES} bytes"),
            format!(
                "{} bytes, then the end; the file is cut off or no N-MNIST recording",
                rest.len()
            ),
        ));
    }
    let mut overflow_us = 0;
    let mut events = Vec::with_capacity(words.len());
    for (i, &[x, y, high, middle, low]) in words.iter().enumerate() {
        if y == OVERFLOW {
            overflow_us += OVERFLOW_US;
            continue;
        }
        let t_us = overflow_us + u64::from(u32::from_be_bytes([0, high & 0x7f, middle, low]));
        let event = Event { t_us, x: u16::from(x), y: u16::from(y), p: high >> 7 };
        if !SENSOR.holds(&event) {
            return Err(Error::format(
                file,
                format!("byte {}", i * EVENT_BYTES),
                format!("x and y below {} (or y = {OVERFLOW})", SENSOR.width),
                format!("x = {x}, y = {y}; this is no N-MNIST recording"),
            ));
        }
        events.push(event);
    }
    Events::from_unordered(SENSOR, events)
}

/// The bytes of a recording.
///
/// # Errors
/// [`Error::Usage`] if the events are of another sensor.
pub fn to_bytes(events: &Events) -> Result<Vec<u8>> {
    if events.sensor() != SENSOR {
        let text = format!("N-MNIST holds events of {SENSOR:?}, not of {:?}", events.sensor());
        return Err(Error::Usage(text));
    }
    let mut bytes = Vec::with_capacity(EVENT_BYTES * events.len());
    let mut overflow_us = 0;
    for event in events.iter() {
        while event.t_us - overflow_us > MOST_US {
            bytes.extend([0, OVERFLOW, 0, 0, 0]);
            overflow_us += OVERFLOW_US;
        }
        let [_, high, middle, low] = ((event.t_us - overflow_us) as u32).to_be_bytes();
        bytes.extend([event.x as u8, event.y as u8, event.p << 7 | high, middle, low]);
    }
    Ok(bytes)
}
