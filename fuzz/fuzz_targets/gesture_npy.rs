//! Gestures in NumPy files: whatever is read can be written, and reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::dvs_gesture::{npy_to_bytes, parse_npy};
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("0.npy");
    if let Ok(events) = parse_npy(name, bytes) {
        assert!(events.len() <= bytes.len() / 4);
        // Milliseconds as f64 tell whole microseconds apart up to some 2^51.
        if events.times_us().last().is_none_or(|&t| t < 1 << 50) {
            assert_eq!(parse_npy(name, &npy_to_bytes(&events)).expect("own file"), events);
        }
    }
});
