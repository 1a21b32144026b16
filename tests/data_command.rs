//! `spikeseek data make` and `data inspect` as a user runs them.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn data(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spikeseek"))
        .arg("data")
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("the program runs")
}

fn out(dir: &Path, arguments: &[&str]) -> String {
    let output = data(dir, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refusal(dir: &Path, arguments: &[&str]) -> String {
    let output = data(dir, arguments);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_made_is_what_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let made = out(
        dir.path(),
        &["make", "nmnist", "n", "--train", "9", "--test", "3", "--seed", "4", "--json"],
    );
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(
        made,
        json!({ "folder": "n", "train": 9, "test": 3, "unit": "recordings", "seed": 4 })
    );
    let text = out(
        dir.path(),
        &[
            "inspect",
            "n",
            "--steps",
            "50",
            "--width-us",
            "5000",
            "--size",
            "24",
            "24",
            "--capacity",
            "30",
            "--json",
        ],
    );
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&found["set"], &found["part"]), (&json!("nmnist"), &json!("train")));
    assert_eq!(found["summary"]["recordings"], 9);
    let trains = &found["summary"]["trains"];
    assert_eq!((&trains["neurons"], &trains["steps"]), (&json!(1152), &json!(50)));
    assert!(trains["most_per_step"].as_u64().unwrap() <= 30);
    let count = |name: &str| trains["counts"][name].as_u64().unwrap();
    let parts = ["denoised", "outside", "duplicates", "overflow", "spikes"].map(count);
    assert_eq!(parts.iter().sum::<u64>(), count("events"));
    assert!(count("overflow") > 0);

    let text =
        out(dir.path(), &["inspect", "n", "--part", "test", "--recording", "2", "--svg", "r.svg"]);
    assert!(text.contains("nmnist: 3 recordings, 34 × 34 × 2") && text.contains('█'), "{text}");
    let svg = std::fs::read_to_string(dir.path().join("r.svg")).unwrap();
    roxmltree::Document::parse(&svg).unwrap();
}

#[test]
fn gestures_are_found_too() {
    let dir = tempfile::tempdir().unwrap();
    out(dir.path(), &["make", "dvs_gesture", "g", "--train", "1", "--test", "1"]);
    let text = out(dir.path(), &["inspect", "g", "--part", "test"]);
    assert!(text.contains("dvs_gesture: 12 recordings") && text.contains("arm roll 2"), "{text}");
}

#[test]
fn what_cannot_be_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = refusal(dir.path(), &["inspect", "."]);
    for part in [
        "nmnist: folders Train/0 to Train/9",
        "dvs_gesture: trials_to_train.txt",
        "shd: ",
        "ssc: ",
        "none of them",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    #[cfg(feature = "shd")]
    assert!(text.contains("shd_train.h5") && text.contains("ssc_train.h5"), "{text}");
    let text = refusal(dir.path(), &["inspect", "absent"]);
    assert!(text.contains("no such folder"), "{text}");
    out(dir.path(), &["make", "nmnist", "n", "--train", "2", "--test", "1"]);
    let text = refusal(dir.path(), &["make", "nmnist", "n"]);
    assert!(text.contains("n/Train"), "{text}");
    let text = refusal(dir.path(), &["inspect", "n", "--recording", "2"]);
    assert!(text.contains("there are 2"), "{text}");
    let text = refusal(dir.path(), &["inspect", "n", "--steps", "0"]);
    assert!(text.contains("steps = 0"), "{text}");
    let text = refusal(dir.path(), &["make", "dvs_gesture", "g", "--train", "30"]);
    assert!(text.contains("at most 23 + 76"), "{text}");
    std::fs::create_dir_all(dir.path().join("n/Train/0")).unwrap();
    std::fs::write(dir.path().join("n/Train/0/bad.bin"), b"abc").unwrap();
    let text = refusal(dir.path(), &["inspect", "n"]);
    assert!(text.contains("bad.bin") && text.contains("byte 0"), "{text}");
}
