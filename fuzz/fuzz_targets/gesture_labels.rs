//! Labels of a DVS128 Gesture trial: whatever is read can be written, and reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::dvs_gesture::{labels_to_text, parse_labels};
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz_labels.csv");
    if let Ok(gestures) = parse_labels(name, bytes) {
        let written = labels_to_text(&gestures);
        assert_eq!(parse_labels(name, written.as_bytes()).expect("own file"), gestures);
    }
});
