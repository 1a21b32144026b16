//! IDX arrays, plain and compressed: read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::idx;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = idx::parse(Path::new("fuzz.idx"), bytes.len() as u64, bytes) {
        assert_eq!(array.data.len(), array.dims.iter().product::<usize>());
    }
});
