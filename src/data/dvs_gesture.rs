//! DVS128 Gesture (A. Amir et al., *A low power, fully event-based gesture recognition system*, CVPR 2017) in
//! its two layouts.
//!
//! * As IBM distributes it: `trials_to_train.txt` and `trials_to_test.txt` list recordings
//!   `userNN_<light>.aedat`, each with `userNN_<light>_labels.csv`, whose lines
//!   `class,startTime_usec,endTime_usec` cut gestures out of it: class 1 to 11, start ≤ t < end. Every line
//!   is a sample. A trial has arm roll twice, so the 98 + 24 trials give 1,176 + 288 samples.
//! * As Tonic distributes it: `ibmGestureTrain/userNN_<light>/<0 to 10>.npy` (and `ibmGestureTest`), rows
//!   x, y, polarity, time in milliseconds. One file a class and trial, so one of the two arm rolls is
//!   missing: 1,077 + 264 samples.
//!
//! The clock of a sample starts at the beginning of its gesture. Spec datasets.md section 3.

use crate::data::aedat::{self, DVS128};
use crate::data::event_source::{EventSource, Recording};
use crate::data::nmnist::files_in;
use crate::data::npy;
use crate::spikes::{Event, Events, Sensor};
use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The gestures, in order of their labels.
pub const CLASSES: [&str; 11] = [
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter-clockwise",
    "left arm clockwise",
    "left arm counter-clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
];
/// Folders below the given one that are searched, in this order: the archive's and Tonic's.
const FOLDERS: [&str; 3] = ["", "DvsGesture", "DVSGesture"];
/// Latest time that is believed, in microseconds: 2⁵³, more than 200 years.
const MOST_US: f64 = (1_u64 << 53) as f64;

/// Which half of the data set; subjects 1 to 23 or 24 to 29.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the two halves
pub enum Half {
    Train,
    Test,
}

/// One half of DVS128 Gesture, its files found but not read.
#[derive(Debug, Clone)]
pub struct DvsGesture {
    layout: Layout,
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
enum Layout {
    /// Files alternate: recording, labels.
    Trials,
    /// One label a file.
    Npy(Vec<u16>),
}

impl DvsGesture {
    /// Finds the files of a half in `dir`, `dir/DvsGesture` or `dir/DVSGesture`.
    ///
    /// # Errors
    /// [`Error::Format`] if neither layout is there or a listed file is missing; [`Error::Io`].
    pub fn open(dir: &Path, half: Half) -> Result<Self> {
        let (list, tonic) = match half {
            Half::Train => ("trials_to_train.txt", "ibmGestureTrain"),
            Half::Test => ("trials_to_test.txt", "ibmGestureTest"),
        };
        for folder in FOLDERS.map(|sub| dir.join(sub)) {
            if folder.join(list).is_file() {
                return trials(&folder, list);
            }
            if folder.join(tonic).is_dir() {
                return npy_files(&folder.join(tonic));
            }
        }
        Err(Error::format(
            dir,
            "data folder",
            format!(
                "{list} with its .aedat files (IBM's layout) or {tonic}/user…/*.npy (Tonic's), here or in \
                 DvsGesture or DVSGesture"
            ),
            if dir.is_dir() { "neither" } else { "no such folder" },
        ))
    }
}

fn trials(folder: &Path, list: &str) -> Result<DvsGesture> {
    let list = folder.join(list);
    let text = fs::read_to_string(&list).map_err(Error::io(&list, "read"))?;
    let mut files = Vec::new();
    for (number, name) in text.lines().map(str::trim).enumerate().filter(|line| !line.1.is_empty())
    {
        let line = format!("line {}", number + 1);
        // A list names files beside it and nothing else.
        let Some(stem) = name.strip_suffix(".aedat").filter(|stem| !stem.contains(['/', '\\']))
        else {
            return Err(Error::format(&list, line, "a name such as user01_led.aedat", name));
        };
        for name in [name.to_string(), format!("{stem}_labels.csv")] {
            let path = folder.join(&name);
            if !path.is_file() {
                return Err(Error::format(&list, line, format!("a file {name} beside it"), "none"));
            }
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Error::format(&list, "line 1", "names of .aedat files", "none"));
    }
    Ok(DvsGesture { layout: Layout::Trials, files })
}

fn npy_files(folder: &Path) -> Result<DvsGesture> {
    let mut trials = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder, "read"))? {
        trials.push(entry.map_err(Error::io(folder, "read"))?.path());
    }
    trials.sort();
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    for trial in trials {
        for file in files_in(&trial, "npy")? {
            let label = file.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let Some(label) = label.filter(|&label: &u16| usize::from(label) < CLASSES.len())
            else {
                return Err(Error::format(&file, "file name", "0.npy to 10.npy", "another name"));
            };
            files.push(file);
            labels.push(label);
        }
    }
    if files.is_empty() {
        return Err(Error::format(folder, "data folder", "user…/0.npy to 10.npy", "none"));
    }
    Ok(DvsGesture { layout: Layout::Npy(labels), files })
}

impl EventSource for DvsGesture {
    fn sensor(&self) -> Sensor {
        DVS128
    }

    fn class_names(&self) -> Vec<String> {
        CLASSES.map(str::to_string).to_vec()
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn pieces(&self) -> usize {
        match &self.layout {
            Layout::Trials => self.files.len() / 2,
            Layout::Npy(labels) => labels.len(),
        }
    }

    fn read(&self, piece: usize) -> Result<Vec<Recording>> {
        let bytes = |path: &Path| fs::read(path).map_err(Error::io(path, "read"));
        match &self.layout {
            Layout::Trials => {
                let [recording, labels] = [&self.files[2 * piece], &self.files[2 * piece + 1]];
                let gestures = parse_labels(labels, &bytes(labels)?)?;
                Ok(cut(&aedat::read(recording)?, &gestures))
            }
            Layout::Npy(labels) => {
                let file = &self.files[piece];
                let events = parse_npy(file, &bytes(file)?)?;
                Ok(vec![Recording { events, label: labels[piece] }])
            }
        }
    }
}

/// A gesture in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gesture {
    /// Label, 0 to 10: one below the class in the file.
    pub label: u16,
    /// First microsecond.
    pub start_us: u64,
    /// First microsecond behind it.
    pub end_us: u64,
}

/// Reads the labels of a trial. `file` is the name that errors use.
///
/// # Errors
/// [`Error::Format`] with the line if one is not class, start, end with class 1 to 11 and start ≤ end.
pub fn parse_labels(file: &Path, bytes: &[u8]) -> Result<Vec<Gesture>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let wrong = |line: u64, expected: &str, found: String| {
        Err(Error::format(file, format!("line {line}"), expected, found))
    };
    const HEADER: [&str; 3] = ["class", "startTime_usec", "endTime_usec"];
    match reader.headers() {
        Ok(header) if header.iter().eq(HEADER) => {}
        Ok(header) => {
            return wrong(1, &HEADER.join(","), header.iter().collect::<Vec<_>>().join(","));
        }
        Err(e) => return wrong(1, &HEADER.join(","), e.to_string()),
    }
    let mut gestures = Vec::new();
    for record in reader.records() {
        let line_of = |place: Option<&csv::Position>| {
            // The reader's place is where it began to look: before empty lines and half an end of line.
            let from = (place.map_or(0, csv::Position::byte) as usize).min(bytes.len());
            let ends = bytes[from..].iter().take_while(|b| b"\r\n".contains(b)).count();
            1 + bytes[..from + ends].iter().filter(|&&b| b == b'\n').count() as u64
        };
        let record = match record {
            Ok(record) => record,
            Err(e) => return wrong(line_of(e.position()), "three numbers", e.to_string()),
        };
        let line = line_of(record.position());
        let numbers: Option<Vec<u64>> = record.iter().map(|text| text.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[class @ 1..=11, start_us, end_us]) if start_us <= end_us => {
                gestures.push(Gesture { label: class as u16 - 1, start_us, end_us });
            }
            _ => {
                let found = record.iter().collect::<Vec<_>>().join(",");
                return wrong(line, "class 1 to 11, start and a later end", found);
            }
        }
    }
    Ok(gestures)
}

/// The text of a trial's labels.
pub fn labels_to_text(gestures: &[Gesture]) -> String {
    let mut text = "class,startTime_usec,endTime_usec\n".to_string();
    for gesture in gestures {
        text += &format!("{},{},{}\n", gesture.label + 1, gesture.start_us, gesture.end_us);
    }
    text
}

/// Cuts the gestures out of a trial.
pub fn cut(trial: &Events, gestures: &[Gesture]) -> Vec<Recording> {
    let one = |gesture: &Gesture| {
        let mut events = Events::new(trial.sensor());
        for event in trial.between(gesture.start_us, gesture.end_us).iter() {
            events.push(Event { t_us: event.t_us - gesture.start_us, ..event });
        }
        Recording { events, label: gesture.label }
    };
    gestures.iter().map(one).collect()
}

/// Reads a gesture in Tonic's layout. Times are rounded to whole microseconds. `file` is the name that
/// errors use.
///
/// # Errors
/// [`Error::Format`] if the file is no matrix of four columns or a row is no event of [`DVS128`].
pub fn parse_npy(file: &Path, bytes: &[u8]) -> Result<Events> {
    let matrix = npy::parse(file, bytes, 4)?;
    let mut events = Vec::with_capacity(matrix.values.len() / 4);
    for (row, &[x, y, p, t_ms]) in matrix.values.as_chunks::<4>().0.iter().enumerate() {
        let whole = |value: f64, end: u16| {
            (value >= 0.0 && value < f64::from(end) && value.fract() == 0.0).then_some(value as u16)
        };
        let t_us = Some((t_ms * 1000.0).round()).filter(|t| (0.0..=MOST_US).contains(t));
        match (whole(x, DVS128.width), whole(y, DVS128.height), whole(p, 2), t_us) {
            (Some(x), Some(y), Some(p), Some(t)) => {
                events.push(Event { t_us: t as u64, x, y, p: p as u8 });
            }
            _ => {
                return Err(Error::format(
                    file,
                    format!("row {row}"),
                    "x and y below 128, polarity 0 or 1 and a time in ms that is not negative",
                    format!("{x}, {y}, {p}, {t_ms}"),
                ));
            }
        }
    }
    Events::from_unordered(DVS128, events)
}

/// The bytes of a gesture in Tonic's layout.
pub fn npy_to_bytes(events: &Events) -> Vec<u8> {
    let row = |e: Event| [f64::from(e.x), f64::from(e.y), f64::from(e.p), e.t_us as f64 / 1000.0];
    npy::to_bytes(&npy::Matrix { columns: 4, values: events.iter().flat_map(row).collect() })
}
