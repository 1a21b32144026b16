//! Tonic reads what we write, we read what it reads, and both bin alike.
//!
//! Needs a Python that has Tonic, named by `SPIKESEEK_PYTHON_TONIC` (`tests/tonic/venv.sh` makes one; `./test.sh`
//! sets it). The real N-MNIST recording is looked for in the folder that `SPIKESEEK_SHARED_DATA` names.

use serde_json::{Value, json};
use spikeseek::data::event_data::{EventPart, EventSet};
use spikeseek::data::{digits, dvs_gesture, make, nmnist};
use spikeseek::random::Key;
use spikeseek::spikes::{Binning, Events, TimeBins};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const VARIABLE: &str = "SPIKESEEK_PYTHON_TONIC";
/// Settings of the two reference studies and two more: Tonic's options, and ours.
fn binnings() -> Vec<(Value, Binning)> {
    let equal = |steps| Binning { bins: TimeBins::Equal, ..Binning::width_us(steps, 1) };
    vec![
        (
            json!({ "denoise_us": 10_000, "bins": 100 }),
            Binning { denoise_us: Some(10_000), ..equal(100) },
        ),
        (json!({ "bins": 7 }), equal(7)),
        (
            json!({ "denoise_us": 10_000, "size": [24, 24], "width_us": 1000 }),
            Binning {
                denoise_us: Some(10_000),
                size: Some([24, 24]),
                ..Binning::width_us(20_000, 1000)
            },
        ),
        (
            json!({ "denoise_us": 2_000, "size": [17, 17], "width_us": 5000 }),
            Binning {
                denoise_us: Some(2_000),
                size: Some([17, 17]),
                ..Binning::width_us(4_000, 5000)
            },
        ),
    ]
}

fn python() -> Option<OsString> {
    let python = std::env::var_os(VARIABLE);
    if python.is_none() {
        println!("skipped: {VARIABLE} is not set (./test.sh sets it)");
    }
    python
}

fn run(python: &OsString, script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tonic").join(script);
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{VARIABLE}={}: {e}", python.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn tonic(python: &OsString, kind: &str, file: &Path, options: &Value) -> Value {
    let text =
        run(python, "read_with_tonic.py", &[kind, file.to_str().unwrap(), &options.to_string()]);
    serde_json::from_str(&text).unwrap()
}

fn rows(value: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(value.clone()).unwrap()
}

fn events_of(events: &Events) -> Vec<Vec<u64>> {
    let row = |e: spikeseek::spikes::Event| vec![e.t_us, e.x.into(), e.y.into(), e.p.into()];
    events.iter().map(row).collect()
}

fn spikes_of(binning: &Binning, events: &Events) -> Vec<Vec<u64>> {
    let (train, counts) = binning.apply(events, Key::new(0));
    if matches!(binning.bins, TimeBins::WidthUs(_)) {
        assert_eq!(counts.outside, 0, "the steps of the test reach over all recordings");
    }
    (0..train.steps())
        .flat_map(|t| {
            train.step(t).iter().map(move |&id| vec![t as u64, u64::from(id)]).collect::<Vec<_>>()
        })
        .collect()
}

/// Tonic and we on one file: the events and all binnings.
fn agree(python: &OsString, kind: &str, file: &Path, events: &Events) -> usize {
    let mut compared = 0;
    for (options, binning) in binnings() {
        let theirs = tonic(python, kind, file, &options);
        assert_eq!(rows(&theirs["events"]), events_of(events), "{}", file.display());
        let ours = spikes_of(&binning, events);
        assert_eq!(rows(&theirs["spikes"]), ours, "{} {options}", file.display());
        compared += ours.len();
    }
    compared
}

#[test]
fn tonic_reads_the_real_recording_alike() {
    let Some(python) = python() else { return };
    let Some(shared) = std::env::var_os("SPIKESEEK_SHARED_DATA").map(PathBuf::from) else {
        println!("skipped: SPIKESEEK_SHARED_DATA is not set");
        return;
    };
    let file = shared.join("nmnist-sample/sample_nmnist.bin");
    if !file.exists() {
        println!("skipped: {} is not there", file.display());
        return;
    }
    let events = nmnist::read(&file).unwrap();
    assert_eq!(events.len(), 4325);
    assert_eq!(events.iter().filter(|e| e.p == 1).count(), 2145);
    let spikes = agree(&python, "nmnist", &file, &events);
    println!("4325 events and {spikes} spikes of 4 binnings agree with Tonic");
}

#[test]
fn tonic_reads_our_recordings_alike() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    make::nmnist(dir.path(), &digits::load().unwrap(), [3, 1], 1, &|| ()).unwrap();
    let source = EventSet::Nmnist.open(dir.path(), EventPart::Train).unwrap();
    for (piece, file) in source.files().iter().enumerate() {
        let spikes = agree(&python, "nmnist", file, &source.read(piece).unwrap()[0].events);
        println!("{spikes} spikes agree");
    }
    // Clock overflows.
    let mut late = source.read(0).unwrap().remove(0).events;
    let last = *late.times_us().last().unwrap();
    for k in 0..200 {
        let [x, y] = [k % 34, k / 34];
        late.push(spikeseek::spikes::Event {
            t_us: last + 120_000 * (u64::from(k) + 1),
            x,
            y,
            p: 1,
        });
    }
    let file = dir.path().join("late.bin");
    std::fs::write(&file, nmnist::to_bytes(&late).unwrap()).unwrap();
    let theirs = tonic(&python, "nmnist", &file, &json!({}));
    assert_eq!(rows(&theirs["events"]), events_of(&late));
}

/// Tonic cuts milliseconds × 1000 where we round: times may differ by one microsecond.
#[test]
fn tonic_reads_our_gestures() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    make::dvs_gesture(&dir.path().join("raw"), [1, 0], 1, &|| ()).unwrap();
    let source = EventSet::DvsGesture.open(&dir.path().join("raw"), EventPart::Train).unwrap();
    let gesture = source.read(0).unwrap().swap_remove(3);
    let file = dir.path().join("3.npy");
    std::fs::write(&file, dvs_gesture::npy_to_bytes(&gesture.events)).unwrap();
    let theirs = rows(&tonic(&python, "gesture_npy", &file, &json!({}))["events"]);
    let ours = events_of(&gesture.events);
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs[1..], ours[1..]);
        assert!(ours[0] - theirs[0] <= 1, "{theirs:?} {ours:?}");
    }
}

#[cfg(feature = "shd")]
#[test]
fn h5py_and_we_read_each_other() {
    use spikeseek::data::event_source::EventSource;
    use spikeseek::data::shd::{Set, ShdFile};
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    make::shd(dir.path(), [300, 1], 1, &|| ()).unwrap();
    let [plain, compressed] = ["plain.h5", "compressed.h5"].map(|name| dir.path().join(name));
    run(&python, "write_shd.py", &[plain.to_str().unwrap(), compressed.to_str().unwrap()]);
    for path in [dir.path().join("shd_train.h5"), plain, compressed] {
        let theirs = tonic(&python, "shd", &path, &json!({}));
        let file = ShdFile::open(&path, Set::Shd).unwrap();
        let samples = theirs["samples"].as_array().unwrap();
        assert_eq!(samples.len(), file.len(), "{}", path.display());
        for (i, sample) in samples.iter().enumerate() {
            let recording = file.sample(i).unwrap();
            // We put events in order; files need not have them so.
            let mut events = rows(&sample["events"]);
            events.sort();
            assert_eq!(events, events_of(&recording.events), "{} {i}", path.display());
            assert_eq!(sample["label"], recording.label);
        }
        assert_eq!(theirs["keys"], json!(file.class_names()));
        assert_eq!(theirs["speakers"], json!(file.speakers()));
        println!("{}: {} samples agree", path.display(), samples.len());
    }
}
