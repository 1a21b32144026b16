//! Kills and powers cuts: the file ends anywhere.

use crate::support::*;
use spikeseek::Error;
use spikeseek::study::journal::{Journal, read};
use std::path::Path;

/// The bytes of a journal of two trials, and the lengths that it had after the first trial ended,
/// after the second began and after the second ended.
fn stages(path: &Path) -> (Vec<u8>, [usize; 3]) {
    let length = || std::fs::metadata(path).unwrap().len() as usize;
    let mut journal = create(path);
    start(&mut journal, 0);
    finish(&mut journal, 0);
    let ended = length();
    start(&mut journal, 1);
    let began = length();
    finish(&mut journal, 1);
    drop(journal);
    (std::fs::read(path).unwrap(), [ended, began, length()])
}

/// Cut at every byte of the last two operations, the journal is read, resumed and completed, and
/// is then the journal that was never cut.
#[test]
fn a_cut_at_any_byte_loses_only_what_was_cut() {
    let (_folder, path) = folder();
    let (bytes, [ended, began, length]) = stages(&path);
    let whole = read(&path).unwrap();
    assert!(length > began + 500, "the last operation is long enough to be cut in many places");
    for cut in ended..=length {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let trials = if cut < began { 1 } else { 2 };
        let seen = read(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes[..cut], "reading changes nothing");
        assert_eq!(seen.trials.len(), trials, "cut at {cut}");
        assert_eq!(seen.trials[0], whole.trials[0], "cut at {cut}");
        if trials == 2 {
            assert_eq!(seen.trials[1].point, whole.trials[1].point, "cut at {cut}");
            assert_eq!(seen.trials[1].finished.is_some(), cut == length, "cut at {cut}");
        }

        let (mut journal, resumed) = Journal::open(&path).unwrap();
        assert_eq!(resumed, seen, "cut at {cut}");
        let lines = bytes[..cut].iter().rposition(|&b| b == b'\n').unwrap() + 1;
        assert_eq!(std::fs::read(&path).unwrap(), bytes[..lines], "cut at {cut}");
        if trials == 1 {
            start(&mut journal, 1);
        }
        if cut < length {
            finish(&mut journal, 1);
        }
        assert_eq!(read(&path).unwrap(), whole, "cut at {cut}");
    }
}

/// A journal appears whole (it is renamed into place), so a cut inside its study is damage: an
/// error, and nothing of the file is removed.
#[test]
fn a_cut_inside_the_study_is_an_error() {
    let (_folder, path) = folder();
    drop(create(&path));
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        for error in [read(&path).err(), Journal::open(&path).err()] {
            assert!(matches!(error, Some(Error::Format { .. })), "cut at {cut}: {error:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes[..cut], "cut at {cut}");
    }
}

/// After a loss of power the end of a file may be anything, zeros and line ends too.
#[test]
fn garbage_at_the_very_end_is_ignored_and_removed() {
    let (_folder, path) = folder();
    journal_of(&path, 2);
    let bytes = std::fs::read(&path).unwrap();
    let whole = read(&path).unwrap();
    let tails: [&[u8]; 6] =
        [b"{", b"{\"op_code\":4\n", b"\0\0\0\0", b"\0\0\0\n", b"\xff\xfe\n", b"{\"op_code\":8}"];
    for tail in tails {
        std::fs::write(&path, [&bytes, tail].concat()).unwrap();
        assert_eq!(read(&path).unwrap(), whole, "{tail:?}");
        assert_eq!(Journal::open(&path).unwrap().1, whole, "{tail:?}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{tail:?}");
    }
}

#[test]
fn garbage_before_the_end_names_its_line() {
    let (_folder, path) = folder();
    journal_of(&path, 2);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for place in 0..lines.len() {
        for garbage in ["{\"op_code\":4", "", "garbage"] {
            let mut lines = lines.clone();
            lines.insert(place, garbage);
            std::fs::write(&path, lines.join("\n") + "\n").unwrap();
            for error in [read(&path).err(), Journal::open(&path).err()] {
                let message = error.map(|e| e.to_string()).unwrap_or_default();
                let wanted = format!("line {}:", place + 1);
                assert!(message.contains(&wanted), "{wanted} {message}");
                assert!(message.contains("delete this line"), "{message}");
            }
        }
    }
}
