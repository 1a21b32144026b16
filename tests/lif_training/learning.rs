use crate::{data, settings, trainer};
use spikeseek::engine::cpu::lif::Method;
use spikeseek::engine::lif::{LifWeights, OutputGradient};
use spikeseek::network::{Capacity, NamedCapacity, Selection};
use spikeseek::random::Key;
use spikeseek::train::lif::{Settings, Trainer};
use spikeseek::train::loss::ActivityRegulariser;

/// T14: the loss falls, and the sparse network with lists of 5 % of its neurons ends within three
/// points of the dense one, in the mean over three seeds; both well above chance (0.25).
#[test]
fn sparse_networks_learn_as_dense_ones_do() {
    let mut mean = [0.0; 2];
    for seed in 0..3 {
        let (train, test) = data(seed, 60);
        for (slot, (method, share)) in
            [(Method::Dense, 1.0), (Method::SparseLayer, 0.05)].into_iter().enumerate()
        {
            let mut trainer = trainer(settings(method, share, seed));
            let before = trainer.evaluate(&train).loss;
            let mut last = f64::INFINITY;
            for _ in 0..20 {
                last = trainer.epoch(&train, &mut |_, _| true).expect("not interrupted").loss;
            }
            assert!(last < 0.6 * before, "{}: loss {before} → {last}", method.name());
            let accuracy = trainer.evaluate(&test).accuracy;
            println!(
                "seed {seed}, {}: loss {before:.3} → {last:.3}, accuracy {accuracy:.3}",
                method.name()
            );
            mean[slot] += accuracy / 3.0;
        }
    }
    assert!(mean[0] > 0.9, "dense accuracy {}", mean[0]);
    assert!((mean[0] - mean[1]).abs() < 0.03, "dense {}, sparse {}", mean[0], mean[1]);
}

/// All methods give the same course of training where nothing is dropped, to rounding.
#[test]
fn methods_follow_one_another() {
    let (train, _) = data(7, 20);
    let mut losses = Vec::new();
    for method in Method::ALL {
        let mut trainer = trainer(settings(method, 1.0, 7));
        losses.push(trainer.epoch(&train, &mut |_, _| true).expect("not interrupted").loss);
    }
    for loss in &losses {
        assert!((loss - losses[0]).abs() < 1e-2 * losses[0], "{losses:?}");
    }
}

/// The gradient of the network whose gradients reach only neurons above θ₂, against the full one, as
/// the cosine of the angle between them, layer by layer: the last layer is not cut at all.
#[test]
fn gradients_above_the_second_threshold_point_the_same_way() {
    let (train, _) = data(9, 5);
    let cut = settings(Method::Reference, 1.0, 9).network;
    let mut full = cut.clone();
    full.layers[0].second_threshold = f64::NEG_INFINITY;
    let weights: LifWeights<f32> = LifWeights::initial(&cut, Key::new(9));
    let batch: Vec<_> = (0..train.len()).map(|i| train.train(i)).collect();
    let gradients = [&cut, &full].map(|network| {
        let k = [128, crate::CLASSES];
        let mut engine = spikeseek::engine::cpu::lif::build(
            Method::Reference,
            network,
            &weights,
            &k,
            Default::default(),
        );
        engine.step(&batch, 0, &mut |pass| OutputGradient {
            counts: vec![vec![], pass.counts[1].iter().map(|c| c - 3.0).collect()],
            potential: vec![],
        });
        engine.gradients()
    });
    let cosine = |l: usize| {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let (a, b) = (&gradients[0].layers[l].w, &gradients[1].layers[l].w);
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    println!("cosines {:.3} {:.3}", cosine(0), cosine(1));
    assert!(cosine(0) > 0.3, "{}", cosine(0));
    assert!((cosine(1) - 1.0).abs() < 1e-6, "{}", cosine(1));
}

/// Who is dropped at random depends on the seed of the run, and on nothing else of it: the weights are the
/// same here, and nothing is shuffled.
#[test]
fn random_selection_takes_the_seed_of_the_run() {
    let (train, _) = data(4, 10);
    let evaluated = |selection, seed| {
        let mut settings = settings(Method::SparseLayer, 0.05, 4);
        settings.network.weight_mul = 6.0;
        settings.network.selection = selection;
        let checkpoint = trainer(settings.clone()).checkpoint();
        let settings = Settings { seed, ..settings };
        Trainer::resume(settings, &checkpoint).expect("the same network").evaluate(&train)
    };
    let random = |seed| evaluated(Selection::Random, seed);
    assert!(random(1).layers[0].dropped > 0.0);
    assert_eq!(random(1), random(1));
    assert_ne!(random(1), random(2));
    assert_eq!(evaluated(Selection::LowestIds, 1), evaluated(Selection::LowestIds, 2));
}

/// Automatic capacities end the overflow.
#[test]
fn automatic_capacities_grow_until_nothing_is_dropped() {
    let (train, _) = data(3, 20);
    let mut settings = settings(Method::SparseLayer, 1.0, 3);
    settings.network.layers[0].capacity = Capacity::Named(NamedCapacity::Auto);
    settings.network.weight_mul = 6.0;
    settings.capacity_quantile = 1.0;
    let mut trainer = trainer(settings);
    let first = trainer.epoch(&train, &mut |_, _| true).expect("not interrupted");
    assert!(first.layers[0].dropped > 0.0, "{:?}", first.layers[0]);
    assert!(first.layers[0].capacity > 6, "{:?}", first.layers[0]);
    let after = trainer.evaluate(&train);
    assert!(after.layers[0].dropped < first.layers[0].dropped, "{after:?}");
}

/// A layer that is silent at first is woken by the regulariser, and stays silent without it.
/// (Every hidden neuron has a gradient here: a silent neuron below θ₂ has none, regularised or not.)
#[test]
fn the_regulariser_wakes_a_silent_layer() {
    let (train, _) = data(5, 20);
    let rate = |low_strength: f64| {
        let mut settings = settings(Method::SparseLayer, 1.0, 5);
        settings.network.layers[0].second_threshold = -100.0;
        settings.network.weight_mul = 0.2;
        settings.objective.regulariser =
            Some(ActivityRegulariser { low_strength, low: 0.05, high_strength: 0.0, high: 1.0 });
        let mut trainer = trainer(settings);
        for _ in 0..6 {
            trainer.epoch(&train, &mut |_, _| true).expect("not interrupted");
        }
        trainer.evaluate(&train).layers[0].rate
    };
    let (without, with) = (rate(0.0), rate(100.0));
    assert!(with > 0.002 && with > 2.0 * without, "rates {without} and {with}");
}
