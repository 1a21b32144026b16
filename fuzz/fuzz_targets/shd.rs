//! HDF5 files of SHD: every sample is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::shd::{Set, ShdFile};
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = ShdFile::parse(Path::new("fuzz.h5"), Set::Shd, bytes.to_vec()) {
        for i in 0..file.len().min(64) {
            if let Ok(recording) = file.sample(i) {
                assert!(recording.events.len() <= bytes.len());
            }
        }
    }
});
