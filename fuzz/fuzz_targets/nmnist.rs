//! Recordings of N-MNIST: whatever is read can be written, and reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::nmnist;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz.bin");
    if let Ok(events) = nmnist::parse(name, bytes) {
        assert!(events.len() <= bytes.len() / 5);
        let written = nmnist::to_bytes(&events).expect("events of the sensor");
        assert_eq!(nmnist::parse(name, &written).expect("own file"), events);
    }
});
