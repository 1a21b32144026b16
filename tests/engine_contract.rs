//! Every engine against the scalar reference, on random networks and inputs.
//!
//! Each run starts both engines from the same weights; then spikes, membrane potentials, counters,
//! thresholds, traces and the weights before normalisation must be equal bit for bit, and the
//! weights after it within the rounding of a column sum.

use proptest::prelude::*;
use spikeseek::engine::cpu::stdp::event::EventEngine;
use spikeseek::engine::cpu::stdp::reference::ReferenceEngine;
use spikeseek::engine::cpu::stdp::{Factors, build, initial_weights};
use spikeseek::engine::{EndView, Engine, LayerSpikes, Probe, StepView, Weights};
use spikeseek::network::{DiehlCook, Lateral, Variant};
use spikeseek::random::{Key, Purpose, below, uniform};
use spikeseek::spikes::SpikeTrain;

type Constructor = fn(&DiehlCook, Factors, &Weights) -> Box<dyn Engine>;

/// Every engine of Diehl & Cook networks; a new one is a new line.
const ENGINES: [(&str, Constructor); 2] = [
    ("reference", |n, f, w| Box::new(ReferenceEngine::new(n, f, w))),
    ("event", |n, f, w| Box::new(EventEngine::new(n, f, w))),
];

/// v_exc, v_inh, refrac_exc and θ after a step, and the crossing neurons.
type Step = ([Vec<f32>; 4], Vec<u32>);

#[derive(Default, PartialEq, Debug)]
struct Everything {
    steps: Vec<Step>,
    end: Vec<(Vec<f32>, Vec<f32>, Vec<f32>)>,
}

impl Probe for Everything {
    fn step(&mut self, v: &StepView<'_>) {
        let states = [v.v_exc, v.v_inh, v.refrac_exc, v.theta].map(<[f32]>::to_vec);
        self.steps.push((states, v.crossed.to_vec()));
    }

    fn end(&mut self, v: &EndView<'_>) {
        self.end.push((v.x_in.to_vec(), v.x_exc.to_vec(), v.weights.w.clone()));
    }
}

/// A network whose neurons are neither silent nor always firing, with every switch thrown somehow.
fn network(seed: u64) -> (DiehlCook, usize) {
    let mut stream = Key::new(seed).stream(Purpose::Synthetic);
    let s = &mut stream;
    let variant = [Variant::OneSpike, Variant::SoftLateral][below(s, 2)];
    let mut between = |low: f64, high: f64| low + (high - low) * uniform(s);
    let mut net = DiehlCook {
        e_thresh: between(-62.0, -45.0),
        e_rest: between(-70.0, -60.0),
        e_tc_decay: between(5.0, 3000.0),
        e_tc_trace: between(5.0, 500.0),
        theta_plus: between(0.0, 1.0),
        tc_theta_decay: between(1e2, 1e7),
        strength_exc: between(5.0, 200.0),
        strength_inh: between(0.0, 100.0),
        nu_pre: between(0.0, 0.02),
        nu_post: between(0.0, 0.05),
        norm: between(5.0, 60.0),
        i_thresh: between(-55.0, -20.0),
        i_rest: between(-65.0, -50.0),
        i_tc_decay: between(5.0, 2000.0),
        ..DiehlCook::new(variant)
    };
    net.map_size = 2 + below(s, 40);
    net.e_refrac = below(s, 8) as f64;
    net.i_refrac = below(s, 8) as f64;
    net.reset_interval = [0, 0, 7, 10, 1][below(s, 5)];
    net.lateral = [Lateral::Positive, Lateral::Negative][below(s, 2)];
    if below(s, 4) == 0 {
        net.norm = 0.0;
    }
    if below(s, 4) == 0 {
        (net.wmin, net.wmax) = (0.1, 0.6);
    }
    if below(s, 4) == 0 {
        net.i_thresh = net.i_rest - 1.0; // inhibitory neurons that fire without input
    }
    if below(s, 4) == 0 {
        net.nu_post = 0.0;
    }
    (net, 5 + below(s, 60))
}

fn input(key: Key, inputs: usize, steps: usize) -> SpikeTrain {
    let mut stream = key.stream(Purpose::Synthetic);
    let rate = 0.02 + 0.2 * uniform(&mut stream);
    let dense: Vec<u8> =
        (0..inputs * steps).map(|_| u8::from(uniform(&mut stream) < rate)).collect();
    SpikeTrain::from_dense(inputs, &dense)
}

fn run(
    engine: &mut dyn Engine,
    train: &SpikeTrain,
    learning: bool,
) -> (Vec<LayerSpikes>, Everything) {
    let mut probe = Everything::default();
    // Any rule that depends on nothing but the arguments.
    let mut choose = |t: usize, b: usize, c: &[u32]| c[(t * 7 + b) % c.len()];
    let spikes = engine.run(std::slice::from_ref(train), learning, &mut choose, Some(&mut probe));
    (spikes, probe)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn engines_agree_with_the_reference(seed in any::<u64>()) {
        let (net, inputs) = network(seed);
        let factors = Factors::new(&net);
        let mut weights = initial_weights(&net, inputs, Key::new(seed));
        for (k, learning) in [true, true, false, true, false, true].into_iter().enumerate() {
            let train = input(Key::new(seed).sample(k as u64), inputs, 40);
            let mut results = ENGINES.iter().map(|(name, new)| {
                let mut engine = new(&net, factors, &weights);
                let (spikes, seen) = run(engine.as_mut(), &train, learning);
                (name, spikes, seen, engine.weights())
            });
            let (_, spikes, seen, after) = results.next().unwrap();
            for (name, other_spikes, other_seen, other_after) in results {
                prop_assert_eq!(&spikes, &other_spikes, "{} run {}", name, k);
                prop_assert!(seen == other_seen, "{} run {}: states differ", name, k);
                prop_assert_eq!(&after.theta, &other_after.theta);
                for (a, b) in after.w.iter().zip(&other_after.w) {
                    // Column sums differ by an ulp or two, and with them the factor.
                    prop_assert!((a - b).abs() <= 4.0 * f32::EPSILON * a.abs(), "{} vs {}", a, b);
                }
            }
            weights = after;
        }
    }
}

/// An engine that goes on equals one that is stopped, saved and loaded between the samples, up to
/// the rounding of normalising columns again that are normalised already. (Fixed seeds: a threshold
/// that lies between the two roundings would be luck, and none of these 200 networks has one.)
#[test]
fn going_on_equals_loading() {
    for seed in 0..200 {
        let (net, inputs) = network(seed);
        let factors = Factors::new(&net);
        let start = initial_weights(&net, inputs, Key::new(seed));
        let mut going = EventEngine::new(&net, factors, &start);
        for k in 0..4 {
            let loaded = &mut EventEngine::new(&net, factors, &going.weights());
            let train = input(Key::new(seed).sample(k), inputs, 40);
            let (a, _) = run(&mut going, &train, true);
            let (b, _) = run(loaded, &train, true);
            assert_eq!(a, b, "seed {seed}, sample {k}");
            for (a, b) in going.weights().w.iter().zip(&loaded.weights().w) {
                assert!((a - b).abs() <= 4.0 * f32::EPSILON * a.abs().max(1.0), "seed {seed}");
            }
        }
    }
}

#[test]
fn batches_of_one_get_the_event_engine_and_others_work_too() {
    let (net, inputs) = network(5);
    let weights = initial_weights(&net, inputs, Key::new(5));
    let batch: Vec<_> = (0..3).map(|k| input(Key::new(9).sample(k), inputs, 30)).collect();
    let mut engine = build(&net, &weights, batch.len());
    let spikes = engine.run(&batch, true, &mut |_, _, c: &[u32]| c[0], None);
    assert_eq!(spikes.len(), 3);
    let counts: Vec<_> = spikes.iter().map(|s| s.exc.count()).collect();
    assert!(counts.iter().all(|&c| c > 0), "{counts:?}");
}

#[test]
fn a_train_without_steps_leaves_a_fresh_network_normalised_and_otherwise_unchanged() {
    let net = DiehlCook { norm: 10.0, ..DiehlCook::new(Variant::OneSpike) };
    let weights = initial_weights(&net, 50, Key::new(1));
    for (name, new) in ENGINES {
        let mut engine = new(&net, Factors::new(&net), &weights);
        engine.run(&[SpikeTrain::empty(50)], true, &mut |_, _, c: &[u32]| c[0], None);
        let after = engine.weights();
        for j in 0..net.map_size {
            let sum: f32 = after.w.iter().skip(j).step_by(net.map_size).sum();
            assert!((sum - 10.0).abs() < 1e-4, "{name}: column {j} sums to {sum}");
        }
    }
}

/// By hand: from 1.5, above the bound of 1, depression by 0.1·1 gives 1.4, and the clamp that ends
/// the step 1. (A clamp before it would give 0.9.)
#[test]
fn a_spike_in_the_first_step_meets_weights_that_normalisation_left_above_the_bound() {
    let net = DiehlCook {
        e_thresh: -70.0, // below the rest: all neurons spike without input
        nu_pre: 0.1,
        nu_post: 0.0,
        norm: 0.0,
        map_size: 3,
        ..DiehlCook::new(Variant::SoftLateral)
    };
    let weights = Weights { inputs: 2, neurons: 3, w: vec![1.5; 6], theta: vec![0.0; 3] };
    for (name, new) in ENGINES {
        let mut engine = new(&net, Factors::new(&net), &weights);
        let (spikes, _) = run(engine.as_mut(), &SpikeTrain::from_dense(2, &[1, 0]), true);
        assert_eq!(spikes[0].exc.count(), 3, "{name}");
        assert_eq!(engine.weights().w, [1.0; 6], "{name}");
    }
}
