//! Every reference vector of `lif/index.json` against every engine.
//!
//! Case names, arrays, shapes and parameters come from the index; the root of the vectors from
//! `SPIKESEEK_GOLDEN`. The vectors are float64: the reference engine in `f64` must agree to 1e-10,
//! the `f32` engines in all spikes and lists, and in the rest to relative 1e-4.

mod support;

use serde_json::Value;
use spikeseek::engine::cpu::lif::reference::{ReferenceEngine, SpikeFunction};
use spikeseek::engine::cpu::lif::{Method, build};
use spikeseek::engine::lif::{LayerRecord, LifEngine, LifWeights, Options, Pass, Real};
use spikeseek::network::{Capacity, Comparison, Lif, NamedCapacity, Reset};
use spikeseek::spikes::SpikeTrain;
use spikeseek::train::loss::{BatchReduction, LossKind, Objective, squares};
use spikeseek::train::optimiser::{Optimiser, OptimiserKind};
use support::{Case, Golden, assert_close};

/// What kind of case it is, told from its parameters and arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Every neuron has a gradient.
    Dense,
    /// Gradient above the second threshold.
    DenseTwoThresholds,
    /// Lists of bounded length.
    Lists,
}

/// Compares what was found with what is recorded, under a name.
type Close<'a> = &'a dyn Fn(&str, &[f64], &[f64]);

/// Makes an engine of a network with these weights and capacities.
type New<'a, T> = &'a dyn Fn(&Lif, &LifWeights<T>, &[usize]) -> Box<dyn LifEngine<T>>;

fn kind(case: &Case<'_>) -> Option<Kind> {
    if case.meta["params"].get("sparse_sizes").is_some() {
        Some(Kind::Lists)
    } else if !case.has("adam_losses") {
        None
    } else if case.meta["about"].as_str()?.contains("masked") {
        Some(Kind::DenseTwoThresholds)
    } else {
        Some(Kind::Dense)
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    numbers(value).iter().map(|&x| x as usize).collect()
}

/// The network of a case.
fn network(golden: &Golden, case: &Case<'_>) -> Lif {
    let meta = &golden.index["meta"];
    let mut network = Lif::new(&sizes(&meta["sizes"]));
    let number = |name: &str| meta[name].as_f64().unwrap_or_else(|| panic!("meta.{name}"));
    assert_eq!(meta["synaptic_gain"], "10*(1-decay)");
    network.input_scale = 10.0;
    network.surrogate_slope = number("beta");
    let second = numbers(&meta["second_thresholds"]);
    let kind = kind(case).expect("a known kind");
    for (l, layer) in network.layers.iter_mut().enumerate() {
        layer.decay = number("decay");
        layer.threshold = number("threshold");
        layer.second_threshold = if kind == Kind::Dense { f64::NEG_INFINITY } else { second[l] };
        layer.capacity = Capacity::Named(NamedCapacity::All);
    }
    match kind {
        Kind::Dense | Kind::DenseTwoThresholds => network.comparison = Comparison::Inclusive,
        Kind::Lists => {
            network.reset = Reset::Emitted;
            let capacities = sizes(&case.meta["params"]["sparse_sizes"]);
            for (layer, &k) in network.layers.iter_mut().zip(&capacities[1..]) {
                layer.capacity = Capacity::Fixed(k);
            }
        }
    }
    network.check().expect("parameters of the index are allowed");
    network
}

fn weights<T: Real>(network: &Lif, case: &Case<'_>) -> LifWeights<T> {
    let mut weights = LifWeights::zeros(network);
    for (l, layer) in weights.layers.iter_mut().enumerate() {
        layer.w = case.array(&format!("w{l}")).iter().map(|&x| T::real(x)).collect();
    }
    weights
}

fn batch(golden: &Golden, network: &Lif, case: &Case<'_>) -> Vec<SpikeTrain> {
    let steps = golden.index["meta"]["T"].as_u64().expect("T") as usize;
    let dense: Vec<u8> = case.array("x").iter().map(|&x| x as u8).collect();
    dense
        .chunks_exact(steps * network.inputs)
        .map(|sample| SpikeTrain::from_dense(network.inputs, sample))
        .collect()
}

fn to_f64<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|x| x.to_f64().expect("finite")).collect()
}

/// Tolerances of a number type.
struct Tolerance {
    relative: f64,
    absolute: f64,
}

/// Holds one engine against all arrays of a case.
fn check<T: Real>(
    golden: &Golden,
    case: &Case<'_>,
    name: &str,
    new: New<'_, T>,
    tolerance: &Tolerance,
) {
    let network = network(golden, case);
    let batch = batch(golden, &network, case);
    let capacities: Vec<usize> = (0..network.layers.len())
        .map(|l| match network.layers[l].capacity {
            Capacity::Fixed(k) => k,
            Capacity::Named(_) => network.layers[l].neurons,
        })
        .collect();
    let mut engine = new(&network, &weights(&network, case), &capacities);
    let close = |what: &str, got: &[f64], want: &[f64]| {
        let what = format!("{name}: {}: {what}", case.name);
        assert_close(&what, got, want, tolerance.relative, tolerance.absolute);
    };

    let record = engine.infer(&batch, 0, true).record.expect("a record was asked for");
    for (l, layer) in record.iter().enumerate() {
        check_layer(case, name, l, network.layers[l].neurons, layer, &close);
    }

    let labels: Vec<u32> = case.array("label").iter().map(|&x| x as u32).collect();
    let sum = Objective {
        loss: LossKind::CrossEntropy,
        reduction: BatchReduction::Sum,
        regulariser: None,
    };
    let mut losses = Vec::new();
    engine.step(&batch, 0, &mut |pass: &Pass<T>| {
        let scored = sum.score(&network, pass, &labels);
        losses = to_f64(&scored.losses);
        scored.gradient
    });
    if case.has("loss_ce") {
        close("loss_ce", &losses, &case.array("loss_ce"));
    }
    let gradients = engine.gradients();
    for (l, layer) in gradients.layers.iter().enumerate() {
        close(&format!("g_ce{l}"), &to_f64(&layer.w), &case.array(&format!("g_ce{l}")));
    }

    // Every case has a target; only the dense ones have the loss and gradients that go with it.
    let target: Vec<T> = case.array("target").iter().map(|&x| T::real(x)).collect();
    if case.has("loss_mse") {
        let outputs = network.outputs();
        let mut loss = 0.0;
        engine.step(&batch, 0, &mut |pass: &Pass<T>| {
            let z = pass.counts.last().expect("a layer");
            let mut gradient = vec![T::zero(); z.len()];
            let n = T::real(outputs as f64);
            loss = squares(z, &mut gradient, |c| target[c], n).to_f64().expect("finite");
            let mut all = vec![Vec::new(); network.layers.len()];
            *all.last_mut().expect("a layer") = gradient;
            spikeseek::engine::lif::OutputGradient { counts: all, potential: vec![] }
        });
        close("loss_mse", &[loss], &case.array("loss_mse"));
        let gradients = engine.gradients();
        for (l, layer) in gradients.layers.iter().enumerate() {
            close(&format!("g_mse{l}"), &to_f64(&layer.w), &case.array(&format!("g_mse{l}")));
        }
    }
    if case.has("adam_losses") {
        check_adam(case, &network, &batch, &labels, engine.as_mut(), &close);
    }
}

/// Lists and potentials of one layer.
fn check_layer<T: Real>(
    case: &Case<'_>,
    name: &str,
    l: usize,
    neurons: usize,
    layer: &LayerRecord<T>,
    close: Close<'_>,
) {
    let states: Vec<f64> = layer.states.iter().flat_map(|s| to_f64(s)).collect();
    close(&format!("state{l}"), &states, &case.array(&format!("state{l}")));
    let mut spikes = vec![0.0; states.len()];
    let mut listed = vec![0.0; states.len()];
    let mut numbers = Vec::new();
    let mut row = 0;
    for list in &layer.lists {
        for t in 0..list.rows() {
            list.spikes(t).iter().for_each(|&id| spikes[row * neurons + id as usize] = 1.0);
            list.row(t).iter().for_each(|&id| listed[row * neurons + id as usize] = 1.0);
            numbers.extend([list.spikes(t).len() as f64, list.row(t).len() as f64]);
            row += 1;
        }
    }
    let exactly = |what: String, got: &[f64]| {
        assert_close(&format!("{name}: {}: {what}", case.name), got, &case.array(&what), 0.0, 0.0);
    };
    exactly(format!("spikes{l}"), &spikes);
    if case.has(&format!("gradmask{l}")) {
        exactly(format!("gradmask{l}"), &listed);
        exactly(format!("num{l}"), &numbers);
    }
}

/// Three steps of Adam on the mean cross-entropy.
fn check_adam<T: Real>(
    case: &Case<'_>,
    network: &Lif,
    batch: &[SpikeTrain],
    labels: &[u32],
    engine: &mut dyn LifEngine<T>,
    close: Close<'_>,
) {
    let mean = Objective {
        loss: LossKind::CrossEntropy,
        reduction: BatchReduction::Mean,
        regulariser: None,
    };
    let want = case.array("adam_losses");
    let mut losses = Vec::new();
    let mut optimiser = Optimiser::new(OptimiserKind::adam(1e-2));
    while losses.len() < want.len() {
        engine.step(batch, 0, &mut |pass: &Pass<T>| {
            let scored = mean.score(network, pass, labels);
            losses.push(scored.mean_loss().to_f64().expect("finite"));
            scored.gradient
        });
        // The last loss is the one after the last step.
        if losses.len() < want.len() {
            optimiser.update(engine.tensors());
        }
    }
    close("adam_losses", &losses, &want);
    for (l, layer) in engine.weights().layers.iter().enumerate() {
        close(&format!("adam_w{l}"), &to_f64(&layer.w), &case.array(&format!("adam_w{l}")));
    }
}

#[test]
fn every_case_is_of_a_known_kind() {
    let golden = Golden::open();
    let cases = golden.cases();
    assert!(!cases.is_empty());
    let unknown: Vec<_> = cases.iter().filter(|c| kind(c).is_none()).map(|c| &c.name).collect();
    assert!(unknown.is_empty(), "cases of an unknown kind, skipped by every test: {unknown:?}");
}

#[test]
fn the_reference_in_double_precision_agrees() {
    let golden = Golden::open();
    for case in golden.cases() {
        check::<f64>(
            &golden,
            &case,
            "reference f64",
            &|n, w, k| Box::new(ReferenceEngine::new(n, w, k, SpikeFunction::Step)),
            &Tolerance { relative: 1e-10, absolute: 1e-10 },
        );
        case.finish();
        println!("{}: {} arrays", case.name, case.arrays().len());
    }
}

#[test]
fn all_engines_agree_in_single_precision() {
    let golden = Golden::open();
    for case in golden.cases() {
        for method in Method::ALL {
            if method == Method::Dense && kind(&case) == Some(Kind::Lists) {
                println!("{}: skipped for dense, which has no lists", case.name);
                continue;
            }
            // Adam divides by |g| where g is small, so weights keep the relative error of g.
            let tolerance = Tolerance { relative: 1e-4, absolute: 2e-5 };
            let new = |n: &Lif, w: &LifWeights<f32>, k: &[usize]| {
                build(method, n, w, k, Options::default())
            };
            check::<f32>(&golden, &case, method.name(), &new, &tolerance);
        }
        case.finish();
    }
}
