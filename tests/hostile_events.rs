//! Event files that are damaged, hostile or merely unusual: each is read exactly or refused with a
//! message that names the file and the place; none panics or takes memory that its size does not justify.

use proptest::prelude::*;
use spikeseek::data::dvs_gesture::{self, DvsGesture, Gesture, Half};
use spikeseek::data::event_source::EventSource;
use spikeseek::data::nmnist::{self, NMnist};
use spikeseek::data::{aedat, npy};
use spikeseek::spikes::{Binning, Event, Events, Sensor, TimeBins};
use spikeseek::{Error, Result};
use std::fs;
use std::path::Path;

const FIXTURE: &[u8] = include_bytes!("events/synthetic_user99_led.aedat");
const FIXTURE_LABELS: &[u8] = include_bytes!("events/synthetic_user99_led_labels.csv");

/// The message of the format error that reading must give; it names the file.
fn refusal<T: std::fmt::Debug>(name: &str, read: impl Fn(&Path) -> Result<T>) -> String {
    let error = read(Path::new(name)).expect_err("the file is not valid");
    assert!(matches!(error, Error::Format { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(name), "{message}");
    message
}

fn bin(bytes: &[u8]) -> Result<Events> {
    nmnist::parse(Path::new("a.bin"), bytes)
}

fn bin_refusal(bytes: &[u8]) -> String {
    refusal("a.bin", |file| nmnist::parse(file, bytes))
}

fn aedat_refusal(bytes: &[u8]) -> String {
    refusal("a.aedat", |file| aedat::parse(file, bytes))
}

fn npy_refusal(bytes: &[u8]) -> String {
    refusal("a.npy", |file| dvs_gesture::parse_npy(file, bytes))
}

fn list(events: &Events) -> Vec<(u64, u16, u16, u8)> {
    events.iter().map(|e| (e.t_us, e.x, e.y, e.p)).collect()
}

fn events_on(sensor: Sensor, raw: &[(u64, u16, u16, u8)]) -> Events {
    let one = |&(t_us, x, y, p): &(u64, u16, u16, u8)| Event {
        t_us,
        x: x % sensor.width,
        y: y % sensor.height,
        p: p % sensor.polarities,
    };
    Events::from_unordered(sensor, raw.iter().map(one).collect()).unwrap()
}

#[test]
fn nmnist_bits_are_where_they_belong() {
    // x 33, y 2, ON, 0x7fffff µs; then x 0, y 33, OFF, 1 µs: put in order of time.
    let events = bin(&[33, 2, 0xff, 0xff, 0xff, 0, 33, 0, 0, 1]).unwrap();
    assert_eq!(list(&events), [(1, 0, 33, 0), (0x7f_ffff, 33, 2, 1)]);
    assert!(bin(&[]).unwrap().is_empty());
}

/// Row 240 adds 2^13 µs to everything behind it and is no event.
#[test]
fn nmnist_clock_overflow() {
    let bytes = [1, 1, 0, 0, 5, 9, 240, 0, 0, 7, 2, 2, 0, 0, 5, 0, 240, 0, 0, 0, 3, 3, 0, 0, 5];
    let events = bin(&bytes).unwrap();
    assert_eq!(list(&events), [(5, 1, 1, 0), (8197, 2, 2, 0), (16_389, 3, 3, 0)]);
    assert!(bin(&[0, 240, 0, 0, 0]).unwrap().is_empty());
}

#[test]
fn nmnist_pixels_beyond_the_sensor_are_refused() {
    for (x, y) in [(34, 0), (0, 34), (255, 255), (0, 239), (0, 241)] {
        let message = bin_refusal(&[1, 1, 0, 0, 5, x, y, 0, 0, 6]);
        assert!(message.contains("byte 5"), "{message}");
        assert!(message.contains(&format!("x = {x}, y = {y}")), "{message}");
    }
    assert!(bin_refusal(b"<!DOCTYPE html><html>").contains("no N-MNIST recording"));
}

#[test]
fn every_cut_of_a_recording_is_refused_or_ends_at_an_event() {
    let events =
        events_on(nmnist::SENSOR, &[(3, 1, 2, 0), (70_000, 33, 33, 1), (9_000_000, 0, 0, 0)]);
    let whole = nmnist::to_bytes(&events).unwrap();
    for length in 0..whole.len() {
        match bin(&whole[..length]) {
            Ok(cut) => {
                assert_eq!(length % 5, 0);
                assert!(list(&events).starts_with(&list(&cut)));
            }
            Err(_) => {
                let message = bin_refusal(&whole[..length]);
                assert!(message.contains(&format!("byte {}", length / 5 * 5)), "{message}");
            }
        }
    }
}

#[test]
fn the_aedat_fixture_is_read() {
    let events = aedat::parse(Path::new("f"), FIXTURE).unwrap();
    // Decoded by hand (Python's struct): the packet of another kind and the invalid event are left out.
    let expected = [
        (10, 0, 0, 1),
        (25, 10, 20, 0),
        (38, 120, 59, 1),
        (48, 5, 9, 0),
        (59, 127, 127, 1),
        (102_865, 15, 19, 1),
        (119_579, 32, 44, 1),
        ((1 << 31) + 7, 1, 2, 1),
        ((1 << 31) + 9, 3, 4, 0),
    ];
    assert_eq!(list(&events), expected);
}

/// Where the head of the first packet is.
const HEAD: usize = 0x69;

fn with_i32(at: usize, value: i32) -> Vec<u8> {
    let mut bytes = FIXTURE.to_vec();
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn every_cut_of_an_aedat_file_is_refused_or_ends_at_a_packet() {
    let whole = list(&aedat::parse(Path::new("f"), FIXTURE).unwrap());
    let mut ends = 0;
    for length in 0..FIXTURE.len() {
        match aedat::parse(Path::new("f"), &FIXTURE[..length]) {
            Ok(cut) => {
                ends += 1;
                assert!(whole.starts_with(&list(&cut)), "{length}");
            }
            Err(_) => {
                aedat_refusal(&FIXTURE[..length]);
            }
        }
    }
    // Behind the header and behind the first three packets.
    assert_eq!(ends, 4);
}

#[test]
fn aedat_packets_that_cannot_be_are_refused() {
    for number in [25, 1000, i32::MAX, -1, i32::MIN] {
        let mut bytes = with_i32(HEAD + 20, number);
        bytes[HEAD + 16..HEAD + 20].copy_from_slice(&i32::MAX.to_le_bytes());
        let message = aedat_refusal(&bytes);
        assert!(message.contains("events fit into the file"), "{message}");
    }
    let message = aedat_refusal(&with_i32(HEAD + 16, 4));
    assert!(message.contains("capacity 4, 5 events"), "{message}");
    assert!(aedat_refusal(&with_i32(HEAD + 16, -5)).contains("capacity -5"));
    assert!(aedat_refusal(&with_i32(HEAD + 4, -8)).contains("of -8 bytes"));
    assert!(aedat_refusal(&with_i32(HEAD + 4, 4)).contains("4 bytes, time at 4"));
    assert!(aedat_refusal(&with_i32(HEAD + 8, 0)).contains("time at 0"));
    assert!(aedat_refusal(&with_i32(HEAD + 12, -1)).contains("overflow -1"));
    assert!(aedat_refusal(&with_i32(HEAD + 32, -2)).contains("not negative, found -2"));
    assert!(aedat_refusal(&with_i32(HEAD + 28, (128 << 17) + 1)).contains("x = 128, y = 0"));
    assert!(aedat_refusal(&with_i32(HEAD + 28, (128 << 2) + 1)).contains("x = 0, y = 128"));
    // The same words are no events where the valid bit is not set.
    let invalid = aedat::parse(Path::new("f"), &with_i32(HEAD + 28, 128 << 17)).unwrap();
    assert_eq!(list(&invalid), list(&aedat::parse(Path::new("f"), FIXTURE).unwrap())[1..]);
}

#[test]
fn aedat_headers_that_are_none_are_refused() {
    assert!(aedat_refusal(b"").contains("#!AER-DAT3.1"));
    assert!(aedat_refusal(b"#!AER-DAT2.0\r\n").contains("#!AER-DAT2.0"));
    assert!(aedat_refusal(b"#!AER-DAT3.1\r\n").contains("found the end"));
    assert!(aedat_refusal(b"#!AER-DAT3.1\r\n#!END-HEADER").contains("line that ends"));
    assert!(aedat_refusal(b"#!AER-DAT3.1\r\n\x01\0\x01\0").contains("something else"));
    // Packets may begin with the sign that begins a line of the header.
    let mut bytes = b"#!AER-DAT3.1\n#!END-HEADER\n".to_vec();
    bytes.extend([0x23, 0]);
    bytes.extend([0; 26]);
    assert!(aedat::parse(Path::new("f"), &bytes).unwrap().is_empty());
}

#[test]
fn labels_that_are_none_are_refused() {
    let refused = |text: &[u8]| refusal("l.csv", |file| dvs_gesture::parse_labels(file, text));
    const HEADER: &str = "class,startTime_usec,endTime_usec\n";
    assert!(refused(b"").contains("line 1"));
    assert!(refused(b"1,24,50\n").contains("line 1"));
    for line in [
        "0,1,2",
        "12,1,2",
        "1,3,2",
        "1,-1,2",
        "1,2",
        "1,1,2,3",
        "a,1,2",
        "1,1,99999999999999999999",
    ] {
        let text = format!("{HEADER}2,5,9\n{line}\n");
        let with_empty_lines = text.replacen('\n', "\n\n\n", 1);
        for (text, place) in [
            (text.replace('\n', "\r\n"), "line 3"),
            (text, "line 3"),
            (with_empty_lines.replace('\n', "\r\n"), "line 5"),
            (with_empty_lines, "line 5"),
            (format!("{HEADER}\n\n{line}\n"), "line 4"),
        ] {
            let message = refused(text.as_bytes());
            assert!(message.contains(place), "{text:?}: {message}");
        }
    }
    refused(b"class,startTime_usec,endTime_usec\n\xff,\xfe,1\n");
    let good = dvs_gesture::parse_labels(Path::new("l"), FIXTURE_LABELS).unwrap();
    assert_eq!(good[1], Gesture { label: 4, start_us: 102_865, end_us: 119_579 });
    assert_eq!(dvs_gesture::labels_to_text(&good).as_bytes(), FIXTURE_LABELS);
}

#[test]
fn a_gesture_is_from_its_start_to_before_its_end() {
    let trial = aedat::parse(Path::new("f"), FIXTURE).unwrap();
    let labels = dvs_gesture::parse_labels(Path::new("l"), FIXTURE_LABELS).unwrap();
    let gestures = dvs_gesture::cut(&trial, &labels);
    let times = |i: usize| gestures[i].events.times_us().to_vec();
    assert_eq!((gestures[0].label, gestures[1].label), (0, 4));
    assert_eq!(times(0), [1, 14, 24]);
    assert_eq!(times(1), [0]);
}

#[test]
fn numpy_headers_that_cannot_be_are_refused() {
    let good = npy::to_bytes(&npy::Matrix { columns: 4, values: vec![1.0, 2.0, 1.0, 0.5] });
    let events = dvs_gesture::parse_npy(Path::new("n"), &good).unwrap();
    assert_eq!(list(&events), [(500, 1, 2, 1)]);
    for length in 0..good.len() {
        npy_refusal(&good[..length]);
    }
    let text = String::from_utf8_lossy(&good[10..128]).into_owned();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let header = text.replace(from, to);
        let mut bytes = good[..8].to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(&good[128..]);
        bytes
    };
    for (from, to, told) in [
        ("(1, 4)", "(18446744073709551615, 4)", "elements of 8 bytes"),
        ("(1, 4)", "(99999999999999999999, 4)", "'shape'"),
        ("(1, 4)", "(4,)", "a matrix"),
        ("(1, 4)", "(1, 2, 2)", "a matrix"),
        ("(1, 4)", "(2, 2)", "4 columns"),
        ("(1, 4)", "(-1, 4)", "'shape'"),
        ("<f8", "|O", "little-endian"),
        ("<f8", ">f8", "little-endian"),
        ("<f8", "<f4", "elements of 4 bytes"),
        ("False", "Maybe", "fortran_order"),
        ("'descr'", "'desk'", "descr"),
    ] {
        let message = npy_refusal(&with(from, to));
        assert!(message.contains(told), "{to}: {message}");
    }
    let mut long = good.clone();
    long.push(0);
    assert!(npy_refusal(&long).contains("33 bytes"));
    let mut version = good.clone();
    version[6] = 9;
    assert!(npy_refusal(&version).contains("version"));
    for (column, value) in
        [(0, 128.0), (0, 0.5), (1, -1.0), (2, 2.0), (3, -1.0), (3, f64::NAN), (3, 1e300)]
    {
        let mut values = vec![1.0, 2.0, 1.0, 0.5, 1.0, 2.0, 1.0, 0.5];
        values[4 + column] = value;
        let bytes = npy::to_bytes(&npy::Matrix { columns: 4, values });
        assert!(npy_refusal(&bytes).contains("row 1"), "{column} {value}");
    }
}

#[test]
fn folders_that_lack_something_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let message = |result: Result<DvsGesture>| result.unwrap_err().to_string();
    let text = message(DvsGesture::open(dir.path(), Half::Train));
    assert!(text.contains("trials_to_train.txt") && text.contains("ibmGestureTrain"), "{text}");
    fs::write(dir.path().join("trials_to_train.txt"), "user01_led.aedat\n").unwrap();
    let text = message(DvsGesture::open(dir.path(), Half::Train));
    assert!(text.contains("line 1") && text.contains("user01_led.aedat"), "{text}");
    for line in ["../secret.aedat", "/etc/passwd", "user"] {
        fs::write(dir.path().join("trials_to_train.txt"), line).unwrap();
        let text = message(DvsGesture::open(dir.path(), Half::Train));
        assert!(text.contains("line 1"), "{text}");
    }
    fs::write(dir.path().join("trials_to_train.txt"), "\n\n").unwrap();
    message(DvsGesture::open(dir.path(), Half::Train));

    let text = NMnist::open(dir.path(), "Train").unwrap_err().to_string();
    assert!(text.contains("Train/0 to Train/9") && text.contains("none of them"), "{text}");
    fs::create_dir_all(dir.path().join("Train/3")).unwrap();
    let text = NMnist::open(dir.path(), "Train").unwrap_err().to_string();
    assert!(text.contains("no .bin file"), "{text}");
    let absent = dir.path().join("absent");
    assert!(NMnist::open(&absent, "Train").unwrap_err().to_string().contains("no such folder"));
}

#[test]
fn folders_are_read_under_the_usual_names() {
    let bytes = [5, 6, 0x80, 0, 9];
    for sub in ["", "NMNIST", "N-MNIST"] {
        let dir = tempfile::tempdir().unwrap();
        for (class, name) in
            [(7, "00002.bin"), (7, "00001.bin"), (2, "00003.bin"), (2, "notes.txt")]
        {
            let folder = dir.path().join(sub).join(format!("Test/{class}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), bytes).unwrap();
        }
        let set = NMnist::open(dir.path(), "Test").unwrap();
        assert_eq!((set.pieces(), set.files().len()), (3, 3));
        let labels: Vec<u16> = (0..3).map(|i| set.read(i).unwrap()[0].label).collect();
        assert_eq!(labels, [2, 7, 7]);
        assert!(set.files()[1].ends_with("7/00001.bin"));
        assert_eq!(list(&set.read(0).unwrap()[0].events), [(9, 5, 6, 1)]);
    }

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("DvsGesture");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("trials_to_test.txt"), "user99_led.aedat\r\n\r\n").unwrap();
    fs::write(folder.join("user99_led.aedat"), FIXTURE).unwrap();
    fs::write(folder.join("user99_led_labels.csv"), FIXTURE_LABELS).unwrap();
    let trials = DvsGesture::open(dir.path(), Half::Test).unwrap();
    assert_eq!((trials.pieces(), trials.files().len()), (1, 2));
    let from_trials = trials.read(0).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("DVSGesture/ibmGestureTest/user99_led");
    fs::create_dir_all(&folder).unwrap();
    for gesture in &from_trials {
        let bytes = dvs_gesture::npy_to_bytes(&gesture.events);
        fs::write(folder.join(format!("{}.npy", gesture.label)), bytes).unwrap();
    }
    let files = DvsGesture::open(dir.path(), Half::Test).unwrap();
    let from_files: Vec<_> = (0..files.pieces()).flat_map(|i| files.read(i).unwrap()).collect();
    assert_eq!(from_files, from_trials);
    fs::write(folder.join("11.npy"), b"").unwrap();
    assert!(DvsGesture::open(dir.path(), Half::Test).unwrap_err().to_string().contains("11.npy"));
}

proptest! {
    #[test]
    fn nmnist_is_written_and_read(raw in prop::collection::vec((0_u64..20_000_000, any::<u16>(), any::<u16>(), any::<u8>()), 0..60)) {
        let events = events_on(nmnist::SENSOR, &raw);
        prop_assert_eq!(bin(&nmnist::to_bytes(&events).unwrap()).unwrap(), events);
    }

    #[test]
    fn aedat_is_written_and_read(raw in prop::collection::vec((0_u64..1 << 40, any::<u16>(), any::<u16>(), any::<u8>()), 0..60)) {
        let events = events_on(aedat::DVS128, &raw);
        prop_assert_eq!(aedat::parse(Path::new("f"), &aedat::to_bytes(&events).unwrap()).unwrap(), events);
    }

    #[test]
    fn numpy_is_written_and_read(raw in prop::collection::vec((0_u64..1 << 40, any::<u16>(), any::<u16>(), any::<u8>()), 0..60)) {
        let events = events_on(aedat::DVS128, &raw);
        prop_assert_eq!(dvs_gesture::parse_npy(Path::new("f"), &dvs_gesture::npy_to_bytes(&events)).unwrap(), events);
    }

    /// Bytes changed at random: read or refused, and what is read can be binned.
    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = FIXTURE.to_vec();
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if let Ok(events) = aedat::parse(Path::new("f"), &bytes) {
            let binning = Binning { bins: TimeBins::Equal, denoise_us: Some(5000), ..Binning::width_us(10, 1) };
            let (train, _) = binning.apply(&events, spikeseek::random::Key::new(1));
            prop_assert_eq!(train.steps(), 10);
        }
    }
}
