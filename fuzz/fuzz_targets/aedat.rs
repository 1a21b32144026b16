//! AEDAT 3.1: whatever is read can be written, and reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::aedat;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz.aedat");
    if let Ok(events) = aedat::parse(name, bytes) {
        assert!(events.len() <= bytes.len() / 8);
        let written = aedat::to_bytes(&events).expect("times that the format holds");
        assert_eq!(aedat::parse(name, &written).expect("own file"), events);
    }
});
