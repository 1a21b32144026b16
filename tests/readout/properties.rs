//! What must hold for any spikes.

use proptest::prelude::*;
use spikeseek::readout::{Counts, Logistic, ReadoutKind, ReadoutSet, Tensor, TensorData};
use spikeseek::spikes::SpikeTrain;
use std::path::Path;

const NEURONS: usize = 6;
const CLASSES: usize = 4;
const STEPS: usize = 9;

/// A few samples with labels; about a fifth of the cells spikes.
fn interval() -> impl Strategy<Value = (Vec<SpikeTrain>, Vec<u16>)> {
    let train = prop::collection::vec(0_u8..5, STEPS * NEURONS).prop_map(|cells| {
        let dense: Vec<u8> = cells.into_iter().map(|v| u8::from(v == 0)).collect();
        SpikeTrain::from_dense(NEURONS, &dense)
    });
    prop::collection::vec((train, 0..CLASSES as u16), 1..16)
        .prop_map(|pairs| pairs.into_iter().unzip())
}

fn trained(spikes: &[SpikeTrain], labels: &[u16]) -> ReadoutSet {
    let mut set = ReadoutSet::new(&ReadoutKind::ALL, NEURONS, CLASSES);
    set.update(spikes, labels);
    set
}

fn load(tensors: &[Tensor]) -> spikeseek::Result<ReadoutSet> {
    ReadoutSet::from_tensors(Path::new("net.safetensors"), NEURONS, CLASSES, tensors)
}

/// Overwrites one value, if there is any.
fn damage_one<T>(values: &mut [T], at: prop::sample::Index, value: T) {
    if !values.is_empty() {
        let k = at.index(values.len());
        values[k] = value;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn saved_state_predicts_and_saves_the_same(
        (spikes, labels) in interval(),
        (test, _) in interval(),
        updates in 0_usize..3,
    ) {
        let mut set = ReadoutSet::new(&ReadoutKind::ALL, NEURONS, CLASSES);
        (0..updates).for_each(|_| set.update(&spikes, &labels));
        let tensors = set.to_tensors();
        let mut loaded = load(&tensors).unwrap();
        prop_assert_eq!(loaded.predict(&test), set.predict(&test));
        prop_assert_eq!(loaded.to_tensors(), tensors);
        // Learning goes on where it stopped.
        set.update(&test, &vec![1; test.len()]);
        loaded.update(&test, &vec![1; test.len()]);
        prop_assert_eq!(loaded.to_tensors(), set.to_tensors());
    }

    #[test]
    fn the_order_of_samples_does_not_matter((spikes, labels) in interval(), rotation in 0_usize..16) {
        let rotate = |set: &mut ReadoutSet| {
            let by = rotation % labels.len();
            let (mut spikes, mut labels) = (spikes.clone(), labels.clone());
            spikes.rotate_left(by);
            labels.rotate_left(by);
            set.update(&spikes, &labels);
        };
        let set = trained(&spikes, &labels);
        let mut rotated = ReadoutSet::new(&ReadoutKind::ALL, NEURONS, CLASSES);
        rotate(&mut rotated);
        // Sums of whole numbers: equal to the last bit.
        prop_assert_eq!(set.assignment(), rotated.assignment());
        prop_assert_eq!(set.predict(&spikes)[2].clone(), rotated.predict(&spikes)[2].clone());
        // A fit stops where no component of the gradient of the mean loss exceeds 1e-4, and rounding
        // decides at which step. The penalty has the curvature 1/samples, so a weight is then within
        // 1e-4·samples of its best value, and a score within that for each spike and the intercept.
        let (ours, other) = (set.logistic().unwrap(), rotated.logistic().unwrap());
        let counts = Counts::new(NEURONS, &spikes);
        let largest = spikes.iter().map(SpikeTrain::count).max().unwrap_or(0);
        let tolerance = 2.0 * 1e-4 * spikes.len() as f64 * (largest + 1) as f64;
        for (a, b) in ours.decision(&counts).iter().zip(other.decision(&counts)) {
            prop_assert!((a - b).abs() < tolerance, "{} {} {}", a, b, tolerance);
        }
    }

    #[test]
    fn only_classes_of_the_last_interval_are_predicted_by_fits((spikes, labels) in interval()) {
        let mut set = trained(&spikes, &labels);
        set.update(&spikes, &vec![2; spikes.len()]);
        for (kind, classes) in set.predict(&spikes) {
            if matches!(kind, ReadoutKind::Log | ReadoutKind::Svm) {
                prop_assert_eq!(classes, vec![2; spikes.len()]);
            }
        }
    }

    #[test]
    fn predictions_are_classes((spikes, labels) in interval(), (test, _) in interval()) {
        for (kind, classes) in trained(&spikes, &labels).predict(&test) {
            prop_assert_eq!(classes.len(), test.len());
            let known = |class: &i32| match kind {
                ReadoutKind::Log | ReadoutKind::Svm => labels.contains(&(*class as u16)),
                _ => (0..CLASSES as i32).contains(class),
            };
            prop_assert!(classes.iter().all(known), "{}: {:?}", kind, classes);
        }
    }

    #[test]
    fn damaged_state_is_an_error_or_predicts(
        (spikes, labels) in interval(),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![-1.0, 0.0, 3.0, 1e9, f64::NAN, f64::INFINITY]),
        damage in 0..4,
    ) {
        let mut tensors = trained(&spikes, &labels).to_tensors();
        let k = which.index(tensors.len());
        let tensor = &mut tensors[k];
        match damage {
            0 => drop(tensors.remove(k)),
            1 => tensor.shape.push(2),
            2 => tensor.shape[0] = usize::MAX,
            _ => match &mut tensor.data {
                TensorData::F32(v) => damage_one(v, at, value as f32),
                TensorData::F64(v) => damage_one(v, at, value),
                TensorData::I32(v) => damage_one(v, at, value as i32),
            },
        }
        match load(&tensors) {
            Ok(set) => prop_assert_eq!(set.predict(&spikes).len(), 5),
            Err(error) => {
                let message = error.to_string();
                prop_assert!(message.starts_with("net.safetensors: tensor `readout."), "{}", message);
            }
        }
    }
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let mut train = SpikeTrain::empty(NEURONS);
    train.push_step(&[1, 2]);
    let tensors = trained(&[train.clone(), train], &[0, 3]).to_tensors();
    for k in 0..tensors.len() {
        let name = tensors[k].name.clone();
        let mut damaged = tensors.clone();
        damaged[k].shape.push(1);
        let message = load(&damaged).unwrap_err().to_string();
        assert!(message.contains(&format!("`{name}`: expected shape")), "{message}");
        damaged.remove(k);
        // Without its classes a fit is not there, which is the state before the first update.
        if !name.ends_with(".classes") {
            let message = load(&damaged).unwrap_err().to_string();
            assert!(message.contains(&format!("`{name}`: expected a tensor")), "{message}");
        }
    }
}

#[test]
fn a_tie_of_log_goes_to_the_lowest_class() {
    // Three silent samples of three classes: all scores are equal and stay 0.
    let counts = Counts::new(2, &vec![SpikeTrain::empty(2); 3]);
    let fit = Logistic::fit(&counts, &[5, 4, 6]);
    assert_eq!(fit.decision(&counts), [0.0; 9]);
    assert_eq!(fit.predict(&counts), [4, 4, 4]);
}
