//! Reads reference vectors through their manifest and keeps count of which arrays were used.

use ndarray::ArrayD;
use ndarray_npy::{NpzReader, ReadableElement};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The manifest of a set of vectors and where it lies.
pub struct Golden {
    pub root: PathBuf,
    pub manifest: Value,
}

impl Golden {
    /// Opens `<SPIKESEEK_GOLDEN>/stdp/manifest.json`; the root defaults to `tests/golden`.
    pub fn open() -> Golden {
        let root = std::env::var_os("SPIKESEEK_GOLDEN").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
            PathBuf::from,
        );
        let root = root.join("stdp");
        let path = root.join("manifest.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; set SPIKESEEK_GOLDEN", path.display()));
        Golden { root, manifest: serde_json::from_str(&text).expect("manifest.json is JSON") }
    }

    /// Every case of every file, in the order of the manifest.
    pub fn cases(&self) -> Vec<Case<'_>> {
        let mut cases = Vec::new();
        for (file, entry) in self.manifest["files"].as_object().expect("files") {
            for (name, meta) in entry["cases"].as_object().expect("cases") {
                cases.push(Case {
                    file: self.root.join(file),
                    name: name.clone(),
                    meta,
                    file_meta: entry,
                    used: RefCell::default(),
                });
            }
        }
        cases
    }

    /// Cases of one kind; see [`Case::kind`].
    pub fn of_kind(&self, kind: Kind) -> Vec<Case<'_>> {
        self.cases().into_iter().filter(|c| c.kind() == Some(kind)).collect()
    }
}

/// What a case tests, told from the keys of its manifest entry, not from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One population under given input current.
    Nodes,
    /// STDP with both trains given.
    OpenLoop,
    /// Input → population with STDP.
    ClosedLoop,
    /// Arrays that the networks of the same file share.
    SharedInputs,
    /// A whole network.
    Network,
    /// Readouts.
    Decoders,
    /// Statistics of an encoder.
    Encoder,
}

/// One case of the manifest.
pub struct Case<'a> {
    pub file: PathBuf,
    pub name: String,
    pub meta: &'a Value,
    pub file_meta: &'a Value,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Case<'a> {
    pub fn kind(&self) -> Option<Kind> {
        let has = |key: &str| self.meta.get(key).is_some();
        let has_nu = self.meta["params"].get("nu").is_some();
        Some(match () {
            () if has("constructor") => Kind::Network,
            () if has("chunks") => Kind::Decoders,
            () if has("formula") => Kind::Encoder,
            () if has_nu && has("node_class") => Kind::ClosedLoop,
            () if has_nu => Kind::OpenLoop,
            () if has("node_class") => Kind::Nodes,
            () if has("encoder") => Kind::SharedInputs,
            () => return None,
        })
    }

    /// The case of the same file that holds what its networks share.
    pub fn shared_inputs(&self) -> Case<'a> {
        let cases = self.file_meta["cases"].as_object().unwrap();
        for (name, meta) in cases {
            let case = Case {
                file: self.file.clone(),
                name: name.clone(),
                meta,
                file_meta: self.file_meta,
                used: RefCell::default(),
            };
            if case.kind() == Some(Kind::SharedInputs) {
                return case;
            }
        }
        panic!("{}: no case with shared inputs", self.file.display());
    }

    pub fn has(&self, array: &str) -> bool {
        self.meta["arrays"].get(format!("{}.{array}", self.name)).is_some()
    }

    /// Short names of all arrays of the case.
    pub fn arrays(&self) -> Vec<String> {
        let prefix = format!("{}.", self.name);
        let arrays = self.meta["arrays"].as_object().expect("arrays");
        arrays.keys().map(|k| k.strip_prefix(&prefix).unwrap_or(k).to_string()).collect()
    }

    /// Reads an array, checks its shape against the manifest and marks it as used.
    pub fn array<T: ReadableElement>(&self, array: &str) -> ArrayD<T> {
        let key = format!("{}.{array}", self.name);
        let entry = &self.meta["arrays"][&key];
        assert!(entry.is_object(), "{key}: not in the manifest");
        let file =
            File::open(&self.file).unwrap_or_else(|e| panic!("{}: {e}", self.file.display()));
        let mut npz = NpzReader::new(file).expect("npz");
        let data: ArrayD<T> = npz
            .by_name(&key)
            .or_else(|_| npz.by_name(&format!("{key}.npy")))
            .unwrap_or_else(|e| panic!("{}: {key}: {e}", self.file.display()));
        let shape: Vec<usize> = entry["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap() as usize)
            .collect();
        assert_eq!(data.shape(), shape, "{key}: shape differs from the manifest");
        self.used.borrow_mut().insert(array.to_string());
        data
    }

    /// The array as a flat vector in row-major order.
    pub fn flat<T: ReadableElement + Clone>(&self, array: &str) -> Vec<T> {
        self.array::<T>(array).iter().cloned().collect()
    }

    pub fn usize(&self, key: &str) -> usize {
        self.meta[key].as_u64().unwrap_or_else(|| panic!("{}: no `{key}`", self.name)) as usize
    }

    /// Fails if an array of the case was never read: nothing may be skipped.
    pub fn finish(&self) {
        let used = self.used.borrow();
        let unused: Vec<_> = self.arrays().into_iter().filter(|a| !used.contains(a)).collect();
        assert!(unused.is_empty(), "{}: arrays not covered: {unused:?}", self.name);
    }
}

/// Largest absolute difference, with its flat index; NaN counts as infinite.
pub fn max_diff(got: &[f32], want: &[f32]) -> (f64, usize) {
    assert_eq!(got.len(), want.len(), "lengths differ");
    let mut worst = (0.0, 0);
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let d = (f64::from(g) - f64::from(w)).abs();
        let d = if d.is_nan() && !(g.is_nan() && w.is_nan()) { f64::INFINITY } else { d };
        if d > worst.0 {
            worst = (d, i);
        }
    }
    worst
}

/// Asserts that two arrays agree within an absolute tolerance.
pub fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f64) {
    let (d, i) = max_diff(got, want);
    assert!(
        d <= tolerance,
        "{what}: differs by {d:e} at flat index {i} (got {}, want {}), tolerance {tolerance:e}",
        got[i],
        want[i]
    );
}
