//! Losses and the regulariser against differences and hand values; optimisers.

use crate::support::{assert_close, stream};
use spikeseek::engine::lif::{Pass, Tensor};
use spikeseek::network::{Lif, Readout};
use spikeseek::random::uniform;
use spikeseek::train::loss::{ActivityRegulariser, BatchReduction, LossKind, Objective};
use spikeseek::train::optimiser::{Optimiser, OptimiserKind};

fn pass(network: &Lif, steps: &[usize], seed: u64) -> Pass<f64> {
    let s = &mut stream(seed);
    let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| 5.0 * uniform(s)).collect() };
    Pass {
        steps: steps.to_vec(),
        counts: network.layers.iter().map(|l| draw(steps.len() * l.neurons)).collect(),
        potential: match network.readout {
            Readout::Potential => draw(steps.len() * network.outputs()),
            _ => vec![],
        },
        ..Pass::default()
    }
}

#[test]
fn gradients_are_the_derivatives_of_the_losses() {
    let losses = [
        LossKind::CrossEntropy,
        LossKind::SquaredError { target: 3.0 },
        LossKind::TargetRate { correct: 0.6, other: 0.1 },
    ];
    let strong =
        ActivityRegulariser { low_strength: 100.0, low: 0.2, high_strength: 50.0, high: 0.1 };
    let mut checked = 0;
    for loss in losses {
        for readout in [Readout::SpikeCount, Readout::Rate, Readout::Potential] {
            for (reduction, regulariser) in
                [(BatchReduction::Mean, None), (BatchReduction::Sum, Some(strong))]
            {
                let network = Lif { readout, ..Lif::new(&[4, 6, 3]) };
                let objective = Objective { loss, reduction, regulariser };
                if objective.check(&network).is_err() {
                    assert!(matches!(loss, LossKind::TargetRate { .. }));
                    continue;
                }
                let labels = [2, 0, 1];
                let pass = pass(&network, &[10, 20, 15], 1);
                let scored = objective.score(&network, &pass, &labels);
                let value = |pass: &Pass<f64>| {
                    let scored = objective.score(&network, pass, &labels);
                    let sum: f64 = scored.losses.iter().sum();
                    let share = if reduction == BatchReduction::Mean { 1.0 / 3.0 } else { 1.0 };
                    share * sum + scored.regulariser
                };
                let mut compare = |got: f64, moved: &dyn Fn(f64) -> Pass<f64>| {
                    let h = 1e-6;
                    let want = (value(&moved(h)) - value(&moved(-h))) / (2.0 * h);
                    assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()), "{got}, {want}");
                    checked += 1;
                };
                for l in 0..2 {
                    for k in 0..pass.counts[l].len() {
                        let got = scored.gradient.counts[l].get(k).copied().unwrap_or(0.0);
                        compare(got, &|h| {
                            let mut moved = pass.clone();
                            moved.counts[l][k] += h;
                            moved
                        });
                    }
                }
                for k in 0..pass.potential.len() {
                    compare(scored.gradient.potential[k], &|h| {
                        let mut moved = pass.clone();
                        moved.potential[k] += h;
                        moved
                    });
                }
            }
        }
    }
    assert!(checked > 300, "{checked}");
}

/// Two hidden neurons with rates 0 and 0.5 over ten steps, low = 0.1, high = 0.2:
/// 100·(0.1² + 0)/2 + 50·(0.25 − 0.2)² = 0.5 + 0.125.
#[test]
fn regulariser_by_hand() {
    let network = Lif::new(&[1, 2, 1]);
    let regulariser =
        ActivityRegulariser { low_strength: 100.0, low: 0.1, high_strength: 50.0, high: 0.2 };
    let objective = Objective {
        loss: LossKind::CrossEntropy,
        reduction: BatchReduction::Mean,
        regulariser: Some(regulariser),
    };
    let pass =
        Pass { steps: vec![10], counts: vec![vec![0.0, 5.0], vec![3.0]], ..Pass::<f64>::default() };
    let scored = objective.score(&network, &pass, &[0]);
    assert!((scored.regulariser - 0.625).abs() < 1e-12, "{}", scored.regulariser);
    assert_eq!(scored.predicted, [0]);
}

/// One Adam step from m = q = 0 moves by lr·g/(|g| + ε/√(1−β₂)): a little less than lr.
#[test]
fn optimisers_by_hand() {
    let mut values = [1.0_f64, 2.0];
    let gradient = [0.5, -4.0];
    Optimiser::new(OptimiserKind::Sgd { learning_rate: 0.1 })
        .update(vec![Tensor { values: &mut values, gradient: &gradient }]);
    assert_close("sgd", &values, &[0.95, 2.4], 1e-12);
    let mut values = [1.0_f64, 2.0];
    let mut adam = Optimiser::new(OptimiserKind::adam(0.1));
    adam.update(vec![Tensor { values: &mut values, gradient: &gradient }]);
    let moved = |g: f64| 0.1 * g / (g.abs() + 1e-7 / 0.001_f64.sqrt());
    assert_close("adam", &values, &[1.0 - moved(0.5), 2.0 - moved(-4.0)], 1e-9);
    assert_eq!(adam.steps, 1);
}
