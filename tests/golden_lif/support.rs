//! Reads the vectors through their index and keeps count of which arrays were used.

use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The index of the vectors and where it lies.
pub struct Golden {
    root: PathBuf,
    pub index: Value,
}

impl Golden {
    /// Opens `<SPIKESEEK_GOLDEN>/lif/index.json`; the root defaults to `tests/golden`.
    pub fn open() -> Golden {
        let root = std::env::var_os("SPIKESEEK_GOLDEN").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
            PathBuf::from,
        );
        let root = root.join("lif");
        let path = root.join("index.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; set SPIKESEEK_GOLDEN", path.display()));
        Golden { root, index: serde_json::from_str(&text).expect("index.json is JSON") }
    }

    pub fn cases(&self) -> Vec<Case<'_>> {
        let files = self.index["files"].as_object().expect("files");
        files
            .iter()
            .map(|(name, meta)| Case {
                file: self.root.join(format!("{name}.npz")),
                name: name.clone(),
                meta,
                used: RefCell::default(),
            })
            .collect()
    }
}

/// One file of vectors.
pub struct Case<'a> {
    file: PathBuf,
    pub name: String,
    pub meta: &'a Value,
    used: RefCell<BTreeSet<String>>,
}

/// What an array may be stored as.
type Reader = fn(&mut NpzReader<File>, &str) -> Option<ArrayD<f64>>;

const READERS: [Reader; 4] = [
    |npz, key| npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::IxDyn>(key).ok(),
    |npz, key| {
        let array = npz.by_name::<ndarray::OwnedRepr<u8>, ndarray::IxDyn>(key).ok()?;
        Some(array.mapv(f64::from))
    },
    |npz, key| {
        let array = npz.by_name::<ndarray::OwnedRepr<i64>, ndarray::IxDyn>(key).ok()?;
        Some(array.mapv(|x| x as f64))
    },
    |npz, key| {
        let array = npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::IxDyn>(key).ok()?;
        Some(array.mapv(f64::from))
    },
];

impl Case<'_> {
    /// Names of all arrays.
    pub fn arrays(&self) -> Vec<String> {
        self.meta["arrays"].as_object().expect("arrays").keys().cloned().collect()
    }

    pub fn has(&self, array: &str) -> bool {
        self.meta["arrays"].get(array).is_some()
    }

    /// Reads an array in row-major order, checks its shape and marks it as used.
    pub fn array(&self, name: &str) -> Vec<f64> {
        let entry = &self.meta["arrays"][name];
        assert!(entry.is_object(), "{}: {name} is not in the index", self.name);
        let file =
            File::open(&self.file).unwrap_or_else(|e| panic!("{}: {e}", self.file.display()));
        let mut npz = NpzReader::new(file).expect("npz");
        let keys = [name.to_string(), format!("{name}.npy")];
        let data = keys
            .iter()
            .find_map(|key| READERS.iter().find_map(|read| read(&mut npz, key)))
            .unwrap_or_else(|| panic!("{}: cannot read {name}", self.file.display()));
        let shape: Vec<usize> = entry["shape"]
            .as_array()
            .expect("shape")
            .iter()
            .map(|n| n.as_u64().expect("a size") as usize)
            .collect();
        assert_eq!(data.shape(), shape, "{name}: shape differs from the index");
        self.used.borrow_mut().insert(name.to_string());
        data.iter().copied().collect()
    }

    /// Fails if an array was never read.
    pub fn finish(&self) {
        let used = self.used.borrow();
        let unused: Vec<_> = self.arrays().into_iter().filter(|a| !used.contains(a)).collect();
        assert!(unused.is_empty(), "{}: arrays not covered: {unused:?}", self.name);
    }
}

/// Asserts |got − want| ≤ absolute + relative·|want| for each element.
pub fn assert_close(what: &str, got: &[f64], want: &[f64], relative: f64, absolute: f64) {
    assert_eq!(got.len(), want.len(), "{what}: lengths differ");
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let allowed = absolute + relative * w.abs();
        assert!((g - w).abs() <= allowed, "{what}[{i}]: got {g}, want {w} ± {allowed:e}");
    }
}
