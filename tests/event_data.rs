//! Event data sets from end to end: made, read, converted, kept in the cache.

use spikeseek::data::cache::{self, Stage};
use spikeseek::data::event_data::{EventPart, EventSet};
use spikeseek::data::event_source::EventSource;
use spikeseek::data::{digits, make};
use spikeseek::random::Key;
use spikeseek::spikes::{Binning, SpikeSet};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const QUIET: cache::Progress<'static> = &|_, _, _| ();

fn made_digits(dir: &Path, seed: u64) {
    make::nmnist(dir, &digits::load().unwrap(), [12, 5], seed, &|| ()).unwrap();
}

fn all(set: &SpikeSet) -> Vec<(spikeseek::spikes::SpikeTrain, u16)> {
    (0..set.len()).map(|i| set.sample(i)).collect()
}

fn caches(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "spikes"));
    files.sort();
    files
}

/// The same by hand, without cache and threads.
fn direct(source: &dyn EventSource, binning: &Binning, seed: u64) -> SpikeSet {
    let mut set = SpikeSet::new(binning.neurons(source.sensor()), source.class_names().len());
    for piece in 0..source.pieces() {
        for (number, recording) in source.read(piece).unwrap().iter().enumerate() {
            let key = Key::new(seed).epoch(piece as u64).sample(number as u64);
            let (train, counts) = binning.apply(&recording.events, key);
            set.push(&train, recording.label, counts);
        }
    }
    set
}

#[test]
fn made_digits_look_like_nmnist() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    assert_eq!(source.pieces(), 12);
    let images = digits::load().unwrap();
    let mut labels: Vec<u16> = images.train.labels[..12].to_vec();
    labels.sort_unstable(); // folders are in order of class
    for (piece, label) in labels.into_iter().enumerate() {
        let recording = &source.read(piece).unwrap()[0];
        assert_eq!(recording.label, label);
        // The real recording at hand has 4,325 events in 311 ms, 50 % of them ON.
        let events = &recording.events;
        assert!((1_500..=9_000).contains(&events.len()), "{} events", events.len());
        assert!((290_000..=315_000).contains(&events.duration_us()));
        let on = events.iter().filter(|e| e.p == 1).count() as f64 / events.len() as f64;
        assert!((0.4..=0.6).contains(&on), "{on}");
    }
    // The same seed gives the same files, another one others; a folder is never mixed with another.
    let again = tempfile::tempdir().unwrap();
    made_digits(again.path(), 1);
    let other = tempfile::tempdir().unwrap();
    made_digits(other.path(), 2);
    let read = |dir: &Path| EventSet::Nmnist.open(dir, EventPart::Test).unwrap().read(3).unwrap();
    assert_eq!(read(dir.path()), read(again.path()));
    assert_ne!(read(dir.path()), read(other.path()));
    let images = digits::load().unwrap();
    assert!(make::nmnist(dir.path(), &images, [1, 1], 1, &|| ()).is_err());
}

#[test]
fn made_gestures_are_trials_of_twelve() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("DvsGesture");
    make::dvs_gesture(&folder, [2, 1], 7, &|| ()).unwrap();
    let train = EventSet::DvsGesture.open(dir.path(), EventPart::Train).unwrap();
    let test = EventSet::DvsGesture.open(dir.path(), EventPart::Test).unwrap();
    assert_eq!((train.pieces(), test.pieces()), (2, 1));
    let gestures = train.read(1).unwrap();
    let labels: Vec<u16> = gestures.iter().map(|gesture| gesture.label).collect();
    assert_eq!(labels, [0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]);
    for gesture in &gestures {
        assert!(gesture.events.len() > 2_000, "{}: {}", gesture.label, gesture.events.len());
        assert!(gesture.events.times_us().iter().all(|&t| t < 1_500_000));
    }
    assert_ne!(train.read(0).unwrap(), gestures);
    assert!(make::dvs_gesture(&dir.path().join("many"), [24, 0], 7, &|| ()).is_err());
}

#[cfg(feature = "shd")]
#[test]
fn made_words_are_an_hdf5_file() {
    let dir = tempfile::tempdir().unwrap();
    make::shd(dir.path(), [130, 25], 3, &|| ()).unwrap();
    let train = EventSet::Shd.open(dir.path(), EventPart::Train).unwrap();
    assert_eq!(train.pieces(), 3);
    let recordings: Vec<_> = (0..3).flat_map(|piece| train.read(piece).unwrap()).collect();
    assert_eq!(recordings.len(), 130);
    for (i, recording) in recordings.iter().enumerate() {
        assert_eq!(usize::from(recording.label), i % 20);
        assert!((1_500..=4_000).contains(&recording.events.len()));
        assert!((300_000..1_200_000).contains(&recording.events.duration_us()));
    }
    assert!(EventSet::Shd.open(dir.path(), EventPart::Validation).is_err());
}

#[test]
fn the_cache_gives_what_was_put_in() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    let binning = Binning {
        capacity: Some(20),
        denoise_us: Some(10_000),
        size: Some([24, 24]),
        ..Binning::width_us(60, 5000)
    };
    let expected = direct(source.as_ref(), &binning, 5);
    let cache_dir = dir.path().join("some/cache");
    let calls = Mutex::new(Vec::new());
    let first = cache::load(source.as_ref(), &binning, 5, &cache_dir, &|stage, done, of| {
        calls.lock().unwrap().push((stage, done, of))
    })
    .unwrap();
    let calls = calls.into_inner().unwrap();
    let of_stage =
        |stage| calls.iter().filter(|call| call.0 == stage).map(|c| c.1).collect::<Vec<_>>();
    assert_eq!(of_stage(Stage::Hash), (1..=12).collect::<Vec<_>>());
    assert_eq!(of_stage(Stage::Convert), (1..=12).collect::<Vec<_>>());
    for set in [
        first,
        cache::load(source.as_ref(), &binning, 5, &cache_dir, &|_, _, _| panic!("nothing to do"))
            .unwrap(),
    ] {
        assert_eq!(all(&set), all(&expected));
        assert_eq!(set.counts(), expected.counts());
        assert!(set.counts().overflow > 0);
        assert_eq!((set.neurons(), set.classes(), set.steps()), (24 * 24 * 2, 10, 60));
    }
    assert_eq!(caches(&cache_dir).len(), 1);
}

#[test]
fn two_who_miss_the_same_cache_both_get_it() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    let (binning, cache_dir) = (Binning::width_us(10, 30_000), dir.path().join("cache"));
    let expected = all(&direct(source.as_ref(), &binning, 1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let set = cache::load(source.as_ref(), &binning, 1, &cache_dir, QUIET).unwrap();
                assert_eq!(all(&set), expected);
            });
        }
    });
    assert_eq!(caches(&cache_dir).len(), 1);
}

#[test]
fn whatever_changes_gets_a_cache_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let cache_dir = dir.path().join("cache");
    let load = |binning: &Binning, seed| {
        let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
        all(&cache::load(source.as_ref(), binning, seed, &cache_dir, QUIET).unwrap())
    };
    let base = Binning { capacity: Some(5), ..Binning::width_us(30, 10_000) };
    let before = load(&base, 1);
    let mut sets = BTreeSet::from([format!("{before:?}")]);
    for (binning, seed) in [
        (base.clone(), 2),
        (Binning { steps: 29, ..base.clone() }, 1),
        (Binning { denoise_us: Some(3000), ..base.clone() }, 1),
        (Binning { capacity: Some(6), ..base.clone() }, 1),
        (Binning { size: Some([17, 17]), ..base.clone() }, 1),
    ] {
        sets.insert(format!("{:?}", load(&binning, seed)));
    }
    assert_eq!((sets.len(), caches(&cache_dir).len()), (6, 6));

    // Another content under the same name and length.
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    let file = source.files()[0].clone();
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(7);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_ne!(load(&base, 1), before);
    assert_eq!(caches(&cache_dir).len(), 7);
    // The old content at another time: the old cache.
    bytes[0] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(load(&base, 1), before);
    assert_eq!(caches(&cache_dir).len(), 7);

    // A class under another name: the files are the same and in the same order.
    let class = |name: &str| dir.path().join("Train").join(name);
    fs::remove_dir_all(class("8")).unwrap();
    let labels = |set: &[(_, u16)]| set.iter().map(|(_, label)| *label).collect::<Vec<_>>();
    assert_eq!(labels(&load(&base, 1)).last(), Some(&9));
    fs::rename(class("9"), class("8")).unwrap();
    assert_eq!(labels(&load(&base, 1)).last(), Some(&8));
}

#[test]
fn a_broken_cache_is_refused_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Test).unwrap();
    let binning = Binning { size: Some([4, 4]), ..Binning::width_us(4, 80_000) };
    let cache_dir = dir.path().join("cache");
    let expected = all(&cache::load(source.as_ref(), &binning, 1, &cache_dir, QUIET).unwrap());
    let path = caches(&cache_dir).remove(0);
    let whole = fs::read(&path).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let message = cache::open(&path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    };
    for length in 0..whole.len() {
        damaged(&whole[..length]);
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        damaged(&bytes);
    }
    let again = all(&cache::load(source.as_ref(), &binning, 1, &cache_dir, QUIET).unwrap());
    assert_eq!(again, expected);
    assert_eq!(fs::read(&path).unwrap(), whole);
}

/// Words that are no trains, under a checksum that is right.
#[test]
fn a_cache_that_only_looks_whole_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Test).unwrap();
    let binning = Binning { size: Some([2, 2]), ..Binning::width_us(2, 160_000) };
    let cache_dir = dir.path().join("cache");
    cache::load(source.as_ref(), &binning, 1, &cache_dir, QUIET).unwrap();
    let path = caches(&cache_dir).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 8..whole.len() - 8 {
        for value in [0, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let end = bytes.len() - 8;
            let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..end]);
            bytes[end..].copy_from_slice(&checksum.to_le_bytes());
            fs::write(&path, &bytes).unwrap();
            match cache::open(&path) {
                Ok(set) => assert_eq!(all(&set).len(), 5),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
}

#[test]
fn an_error_in_a_recording_leaves_no_cache() {
    let dir = tempfile::tempdir().unwrap();
    made_digits(dir.path(), 1);
    let cache_dir = dir.path().join("cache");
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    let broken = &source.files()[6];
    fs::write(broken, [40, 0, 0, 0, 0]).unwrap();
    let error = cache::load(source.as_ref(), &Binning::width_us(4, 80_000), 1, &cache_dir, QUIET);
    let message = error.unwrap_err().to_string();
    assert!(message.contains(broken.to_str().unwrap()) && message.contains("x = 40"), "{message}");
    let left = fs::read_dir(&cache_dir).unwrap().map(|e| e.unwrap().path());
    let left: Vec<_> = left.filter(|p| p.extension().is_none_or(|e| e != "contents")).collect();
    assert!(left.is_empty(), "{left:?}");
}
