//! HDF5 files of SHD that are damaged, hostile or merely unusual.
#![cfg(feature = "shd")]

use proptest::prelude::*;
use spikeseek::data::event_source::{EventSource, Recording};
use spikeseek::data::shd::{self, SENSOR, Set, ShdFile};
use spikeseek::spikes::{Event, Events};
use spikeseek::{Error, Result};
use std::path::Path;

fn recordings(raw: &[(Vec<(u32, u16)>, u16)]) -> Vec<Recording> {
    let one = |(events, label): &(Vec<(u32, u16)>, u16)| {
        let event = |&(t, x): &(u32, u16)| Event { t_us: u64::from(t), x: x % 700, y: 0, p: 0 };
        let events = Events::from_unordered(SENSOR, events.iter().map(event).collect()).unwrap();
        Recording { events, label: label % 20 }
    };
    raw.iter().map(one).collect()
}

fn names() -> Vec<String> {
    (0..20).map(|class| format!("word {class}")).collect()
}

fn parse(bytes: &[u8]) -> Result<ShdFile> {
    ShdFile::parse(Path::new("a.h5"), Set::Shd, bytes.to_vec())
}

/// What must come back: float16 seconds, rounded down to microseconds.
fn as_stored(recording: &Recording) -> Vec<(u64, u16)> {
    let time = |t_us: u64| (half::f16::from_f64(t_us as f64 / 1e6).to_f64() * 1e6) as u64;
    let mut events: Vec<_> = recording.events.iter().map(|e| (time(e.t_us), e.x)).collect();
    events.sort_unstable();
    events
}

/// Reads every sample of a file that may be damaged.
fn read_all(bytes: &[u8]) {
    let checked = |error: Error| {
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        assert!(error.to_string().starts_with("a.h5"), "{error}");
    };
    match parse(bytes) {
        Err(error) => checked(error),
        Ok(file) => (0..file.len()).filter_map(|i| file.sample(i).err()).for_each(checked),
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_or_loses_samples() {
    let whole = recordings(&[
        (vec![(1000, 5), (900_000, 699), (0, 0)], 3),
        (vec![], 19),
        (vec![(7, 1)], 0),
    ]);
    let bytes = shd::to_bytes(&whole, &names()).unwrap();
    let file = parse(&bytes).unwrap();
    assert_eq!(file.class_names(), names());
    assert_eq!(file.speakers(), [0, 0, 0]);
    assert_eq!((file.pieces(), file.len()), (1, 3));
    for length in 0..bytes.len() {
        read_all(&bytes[..length]);
    }
    for start in [&b""[..], b"<!DOCTYPE html>", b"PK\x03\x04", b"\x1f\x8b\x08"] {
        let message = parse(start).err().unwrap().to_string();
        assert!(message.contains("an HDF5 file that is whole"), "{message}");
    }
}

#[test]
fn every_byte_may_be_wrong() {
    let whole = recordings(&[(vec![(1000, 5), (900_000, 699)], 3), (vec![(7, 1)], 0)]);
    let bytes = shd::to_bytes(&whole, &names()).unwrap();
    for at in 0..bytes.len() {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            read_all(&damaged);
        }
    }
}

#[test]
fn folders_are_read_under_the_usual_names() {
    let bytes = shd::to_bytes(&recordings(&[(vec![(7, 1)], 4)]), &names()).unwrap();
    for sub in ["", "SHD"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(sub)).unwrap();
        std::fs::write(dir.path().join(sub).join("shd_train.h5"), &bytes).unwrap();
        let file = ShdFile::find(dir.path(), Set::Shd, "train").unwrap();
        assert_eq!(file.read(0).unwrap()[0].label, 4);
        let message = ShdFile::find(dir.path(), Set::Shd, "test").err().unwrap().to_string();
        assert!(message.contains("shd_test.h5"), "{message}");
    }
}

#[test]
fn a_label_beyond_the_classes_is_refused() {
    let mut all = recordings(&[(vec![(7, 1)], 4)]);
    all[0].label = 20;
    let bytes = shd::to_bytes(&all, &names()).unwrap();
    let message = parse(&bytes).err().unwrap().to_string();
    assert!(message.contains("labels, element 0") && message.contains("found 20"), "{message}");
    assert_eq!(ShdFile::parse(Path::new("a.h5"), Set::Ssc, bytes).unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_is_read(raw in prop::collection::vec((prop::collection::vec((0_u32..1_400_000, any::<u16>()), 0..40), any::<u16>()), 0..300)) {
        let whole = recordings(&raw);
        let file = parse(&shd::to_bytes(&whole, &names()).unwrap()).unwrap();
        prop_assert_eq!(file.len(), whole.len());
        let read: Vec<_> = (0..file.pieces()).flat_map(|piece| file.read(piece).unwrap()).collect();
        for (read, written) in read.iter().zip(&whole) {
            prop_assert_eq!(read.label, written.label);
            let events: Vec<_> = read.events.iter().map(|e| (e.t_us, e.x)).collect();
            prop_assert_eq!(events, as_stored(written));
        }
    }
}

#[test]
fn the_size_of_an_element_is_checked_before_memory_is_asked_for() {
    // No element of these files is larger than a reference to an array, 16 bytes.
    let mut file = hdf5_pure::FileBuilder::new();
    let large = ["x".repeat(64), "y".repeat(64)];
    let large: Vec<&str> = large.iter().map(String::as_str).collect();
    file.create_dataset("labels").with_ascii_strings(&large).unwrap();
    let mut spikes = file.create_group("spikes");
    for name in ["times", "units"] {
        spikes.create_dataset(name).with_ascii_strings(&large).unwrap();
    }
    file.add_group(spikes.finish());
    let told = parse(&file.finish().unwrap()).err().expect("refused").to_string();
    assert!(told.contains("at most 16 bytes") && told.contains("64 bytes"), "{told}");
}
