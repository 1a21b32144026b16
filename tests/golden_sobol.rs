//! The Sobol sequence against every array of `b_sobol.npz`.
//!
//! Names, shapes and descriptions come from `scbo/index.json`; the root of the vectors from
//! `SPIKESEEK_GOLDEN`. The scrambled arrays hold summary statistics of a scrambling that depends on
//! another random generator: for those only what any scrambling must share is compared.

use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use spikeseek::random::{Key, Purpose};
use spikeseek::search::sobol::Sobol;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The recipe in the description of the scrambled arrays: 4096 points.
const SCRAMBLED_POINTS: u32 = 4096;

#[test]
fn every_array_of_the_file() {
    let root = std::env::var_os("SPIKESEEK_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
        .join("scbo");
    let path = root.join("index.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; set SPIKESEEK_GOLDEN", path.display()));
    let index: serde_json::Value = serde_json::from_str(&text).expect("index.json is JSON");
    let arrays = index["files"]["b_sobol"]["arrays"].as_object().expect("arrays of b_sobol");
    let mut npz = NpzReader::new(File::open(root.join("b_sobol.npz")).unwrap()).unwrap();
    assert_eq!(npz.names().unwrap().len(), arrays.len(), "the index and the file disagree");

    let (mut equal, mut statistics) = (0, 0);
    for (name, entry) in arrays {
        let want: ArrayD<f64> =
            npz.by_name(name).or_else(|_| npz.by_name(&format!("{name}.npy"))).unwrap();
        let shape: Vec<u64> = want.shape().iter().map(|&n| n as u64).collect();
        assert_eq!(serde_json::json!(shape), entry["shape"], "{name}: shape");
        // Names: sobol_d6, sobol_d6_skip1000 and scrambled_d6_….
        let mut parts = name.split('_');
        let kind = parts.next().unwrap();
        let dimensions: usize =
            parts.next().and_then(|d| d.strip_prefix('d')).unwrap().parse().unwrap();
        if kind == "scrambled" {
            scrambled_like(name, dimensions, want.as_slice().unwrap());
            statistics += 1;
            continue;
        }
        assert_eq!(kind, "sobol", "{name}: unknown kind of array");
        let skip: u32 =
            parts.next().map_or(0, |s| s.strip_prefix("skip").unwrap().parse().unwrap());
        let sobol = Sobol::new(dimensions).unwrap();
        for (row, want) in want.rows().into_iter().enumerate() {
            let point = sobol.point(skip + row as u32);
            assert_eq!(point, want.to_vec(), "{name}: row {row}");
        }
        equal += 1;
    }
    println!("{equal} arrays equal, {statistics} compared as statistics");
    assert!(equal > 0);
}

/// `want`: smallest and largest coordinate mean, minimum, maximum. With one point in each of 4096
/// bins a mean is within half a bin of 0.5, the minimum in the first bin, the maximum in the last.
fn scrambled_like(name: &str, dimensions: usize, want: &[f64]) {
    let bin = 1.0 / f64::from(SCRAMBLED_POINTS);
    let check = |who: &str, found: &[f64]| {
        assert!((found[0] - 0.5).abs() <= bin / 2.0, "{name}, {who}: {found:?}");
        assert!((found[1] - 0.5).abs() <= bin / 2.0, "{name}, {who}: {found:?}");
        assert!((0.0..bin).contains(&found[2]), "{name}, {who}: {found:?}");
        assert!((1.0 - bin..1.0).contains(&found[3]), "{name}, {who}: {found:?}");
    };
    let mut stream = Key::new(3).stream(Purpose::Synthetic);
    let sobol = Sobol::scrambled(dimensions, &mut stream).unwrap();
    let points: Vec<Vec<f64>> = (0..SCRAMBLED_POINTS).map(|k| sobol.point(k)).collect();
    let mean = |j: usize| points.iter().map(|p| p[j]).sum::<f64>() * bin;
    let means: Vec<f64> = (0..dimensions).map(mean).collect();
    let smallest = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all: Vec<f64> = points.concat();
    check("ours", &[smallest(&means), largest(&means), smallest(&all), largest(&all)]);
    check("reference", want);
}
