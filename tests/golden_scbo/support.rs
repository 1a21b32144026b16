//! Reads reference vectors through their index and keeps count of which arrays were used.

use ndarray::ArrayD;
use ndarray_npy::{NpzReader, ReadableElement};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// `<SPIKESEEK_GOLDEN>/scbo`; the root defaults to `tests/golden`.
pub fn root() -> PathBuf {
    std::env::var_os("SPIKESEEK_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
        .join("scbo")
}

/// One npz file and its entry in the index.
pub struct Vectors {
    pub name: String,
    pub entry: Value,
    used: RefCell<BTreeSet<String>>,
}

/// The files whose name starts with a prefix; a set of vectors without any of them fails.
pub fn files(prefix: &str) -> Vec<Vectors> {
    let path = root().join("index.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; set SPIKESEEK_GOLDEN", path.display()));
    let index: Value = serde_json::from_str(&text).expect("index.json is JSON");
    let files = index["files"].as_object().expect("files");
    let found: Vec<Vectors> = files
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, entry)| Vectors {
            name: name.clone(),
            entry: entry.clone(),
            used: RefCell::default(),
        })
        .collect();
    assert!(!found.is_empty(), "no vectors named {prefix}*");
    found
}

impl Vectors {
    /// Names of all arrays.
    pub fn arrays(&self) -> Vec<String> {
        self.entry["arrays"].as_object().expect("arrays").keys().cloned().collect()
    }

    /// Reads an array, checks its shape against the index and marks it as used.
    pub fn array<T: ReadableElement>(&self, array: &str) -> ArrayD<T> {
        let entry = &self.entry["arrays"][array];
        assert!(entry.is_object(), "{}: no array {array} in the index", self.name);
        let path = root().join(format!("{}.npz", self.name));
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut npz = NpzReader::new(file).expect("npz");
        let data: ArrayD<T> =
            npz.by_name(array).unwrap_or_else(|e| panic!("{}: {array}: {e}", path.display()));
        let shape: Vec<usize> = entry["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap() as usize)
            .collect();
        assert_eq!(data.shape(), shape, "{}: {array}: shape differs from the index", self.name);
        self.used.borrow_mut().insert(array.to_string());
        data
    }

    /// The array as a flat vector in row-major order.
    pub fn flat<T: ReadableElement + Clone>(&self, array: &str) -> Vec<T> {
        self.array::<T>(array).iter().cloned().collect()
    }

    /// A float64 array of one element.
    pub fn scalar(&self, array: &str) -> f64 {
        self.flat::<f64>(array)[0]
    }

    /// Fails if an array was never read: nothing may be skipped.
    pub fn finish(&self) {
        let used = self.used.borrow();
        let unused: Vec<_> = self.arrays().into_iter().filter(|a| !used.contains(a)).collect();
        assert!(unused.is_empty(), "{}: arrays not covered: {unused:?}", self.name);
    }
}
