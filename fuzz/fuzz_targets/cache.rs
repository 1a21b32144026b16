//! Files of the cache of spike trains: a set that opens can be read through, whatever is in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeseek::data::cache;
use std::fs;
use xxhash_rust::xxh3::xxh3_64;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fuzz-{}.spikes", std::process::id()));
    // A right checksum, which no fuzzer guesses: the parts behind it are what is tried.
    let mut file = bytes.to_vec();
    file.extend(xxh3_64(bytes).to_le_bytes());
    fs::write(&path, file).expect("temporary folder");
    if let Ok(set) = cache::open(&path) {
        for i in 0..set.len() {
            let (train, label) = set.sample(i);
            assert!(usize::from(label) < set.classes());
            for step in 0..train.steps() {
                assert!(train.step(step).iter().all(|&id| (id as usize) < set.neurons()));
            }
        }
    }
});
