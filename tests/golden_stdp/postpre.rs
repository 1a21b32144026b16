//! STDP with given spike trains, and an input layer that drives a learning population.

use crate::nodes::population_params;
use crate::support::{Case, Golden, Kind, assert_close};
use spikeseek::engine::cpu::stdp::decay_factor;
use spikeseek::engine::cpu::stdp::plasticity::{PostPre, Side, normalise};
use spikeseek::engine::cpu::stdp::population::{Population, TraceRule};
use spikeseek::network::Reduction;

/// Sums in another order and the normalisation's rounding (conventions.tolerances of the manifest).
const W_TOLERANCE: f64 = 5e-7;
const V_TOLERANCE: f64 = 5e-4;

/// Rule, normalisation and their schedule, from a case's `params`.
struct Plasticity {
    rule: PostPre,
    norm: Option<f32>,
    normalise_every: usize,
    additive: bool,
}

fn plasticity(case: &Case<'_>) -> Plasticity {
    let params = &case.meta["params"];
    let nu = params["nu"].as_array().expect("nu");
    let number = |key: &str, default: f64| params[key].as_f64().unwrap_or(default) as f32;
    let reduction = match params["reduction"].as_str() {
        None | Some("default" | "sum") => Reduction::Sum,
        Some("mean") => Reduction::Mean,
        Some(other) => panic!("{}: unknown reduction {other}", case.name),
    };
    Plasticity {
        rule: PostPre {
            nu_pre: nu[0].as_f64().unwrap() as f32,
            nu_post: nu[1].as_f64().unwrap() as f32,
            weight_decay: number("weight_decay", 0.0),
            wmin: number("wmin", f64::NEG_INFINITY),
            wmax: number("wmax", f64::INFINITY),
            reduction,
        },
        norm: params["norm"].as_f64().map(|x| x as f32),
        normalise_every: params["normalise_every"].as_u64().unwrap_or(0) as usize,
        additive: params["additive"].as_bool().unwrap_or(false),
    }
}

impl Plasticity {
    fn step(&self, t: usize, w: &mut [f32], n_post: usize, batch: usize, pre: Side, post: Side) {
        self.rule.step(w, n_post, batch, pre, post);
        if let Some(norm) = self.norm
            && self.normalise_every > 0
            && (t + 1).is_multiple_of(self.normalise_every)
        {
            normalise(w, n_post, norm);
        }
    }
}

/// Trace of given spikes: x ← x·d, then 1 (or +1 if additive) at a spike.
fn update_trace(x: &mut [f32], s: &[bool], decay: f32, additive: bool) {
    for (x, &s) in x.iter_mut().zip(s) {
        *x *= decay;
        if s {
            *x = if additive { *x + 1.0 } else { 1.0 };
        }
    }
}

fn flags(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().map(|&b| b != 0).collect()
}

/// What was recorded every few steps, beside what is computed.
struct Recorded {
    every: usize,
    w: Vec<f32>,
    x_pre: Vec<f32>,
    x_post: Vec<f32>,
}

fn records(case: &Case<'_>) -> usize {
    let steps = case.usize("steps");
    let count = case.array::<f32>("w").shape()[0];
    assert_eq!(steps % count, 0, "{}: records are not evenly spaced", case.name);
    steps / count
}

fn compare(case: &Case<'_>, got: &Recorded) {
    assert_close(&format!("{}.w", case.name), &got.w, &case.flat::<f32>("w"), W_TOLERANCE);
    let (pre, post) = (case.flat::<f32>("x_pre"), case.flat::<f32>("x_post"));
    // Traces are elementwise: exact, given factors within one ulp of the reference's.
    assert_close(&format!("{}.x_pre", case.name), &got.x_pre, &pre, 1e-6);
    assert_close(&format!("{}.x_post", case.name), &got.x_post, &post, 1e-6);
}

#[test]
fn open_loop() {
    let golden = Golden::open();
    let cases = golden.of_kind(Kind::OpenLoop);
    assert!(!cases.is_empty());
    for case in &cases {
        let (batch, n_pre, n_post) =
            (case.usize("batch"), case.usize("n_pre"), case.usize("n_post"));
        let p = plasticity(case);
        let decays = case.flat::<f32>("decays");
        let mut w: Vec<f32> = case.flat::<f32>("w0");
        w.iter_mut().for_each(|x| *x = x.max(p.rule.wmin).min(p.rule.wmax));
        let (pre, post) = (flags(&case.flat("pre")), flags(&case.flat("post")));
        let (mut x_pre, mut x_post) = (vec![0.0; batch * n_pre], vec![0.0; batch * n_post]);
        let mut got = Recorded { every: records(case), w: vec![], x_pre: vec![], x_post: vec![] };
        for t in 0..case.usize("steps") {
            let s_pre = &pre[t * batch * n_pre..(t + 1) * batch * n_pre];
            let s_post = &post[t * batch * n_post..(t + 1) * batch * n_post];
            update_trace(&mut x_pre, s_pre, decays[0], p.additive);
            update_trace(&mut x_post, s_post, decays[1], p.additive);
            let (pre, post) = (Side { s: s_pre, x: &x_pre }, Side { s: s_post, x: &x_post });
            p.step(t, &mut w, n_post, batch, pre, post);
            if (t + 1) % got.every == 0 {
                got.w.extend_from_slice(&w);
                got.x_pre.extend_from_slice(&x_pre);
                got.x_post.extend_from_slice(&x_post);
            }
        }
        compare(case, &got);
        let at = |bound: f32| w.iter().filter(|&&x| x == bound).count() as u64;
        for (key, bound) in [("clamped_low", p.rule.wmin), ("clamped_high", p.rule.wmax)] {
            let want = case.meta[key].as_u64().unwrap();
            assert_eq!(at(bound), want, "{}: {key}", case.name);
        }
        case.finish();
        println!("{}: {} arrays, |dw| ≤ {W_TOLERANCE:e}", case.name, case.arrays().len());
    }
}

#[test]
fn closed_loop() {
    let golden = Golden::open();
    let cases = golden.of_kind(Kind::ClosedLoop);
    assert!(!cases.is_empty());
    for case in &cases {
        let (batch, n_pre, n_post) =
            (case.usize("batch"), case.usize("n_pre"), case.usize("n_post"));
        let p = plasticity(case);
        let params = &case.meta["params"];
        let tc = |key: &str| params[key].as_f64().unwrap();
        let node = &params["node"];
        let defaults = &golden.manifest["constructor_defaults"];
        let class = case.meta["node_class"].as_str().unwrap();
        let node_tc = |key: &str| node.get(key).unwrap_or(&defaults[class][key]).as_f64();
        let decays = [
            decay_factor(1.0, node_tc("tc_decay").unwrap()),
            node_tc("tc_theta_decay").map_or(1.0, |tc| decay_factor(1.0, tc)),
            decay_factor(1.0, tc("tc_post")),
        ];
        let mut node_params = population_params(case, node, defaults, 1.0, decays);
        node_params.trace_rule = TraceRule::Set;
        let mut population = Population::new(node_params, n_post, batch);
        let mut w: Vec<f32> = case.flat::<f32>("w0");
        let pre = flags(&case.flat("pre"));
        let mut x_pre = vec![0.0; batch * n_pre];
        let (mut s, mut v, mut theta) = (vec![], vec![], vec![]);
        let mut got = Recorded { every: records(case), w: vec![], x_pre: vec![], x_post: vec![] };
        let decay_pre = decay_factor(1.0, tc("tc_pre"));
        let mut s_last = vec![false; batch * n_pre];
        for t in 0..case.usize("steps") {
            let mut current = vec![0.0_f32; batch * n_post];
            for (k, _) in s_last.iter().enumerate().filter(|&(_, &s)| s) {
                let row = &w[k % n_pre * n_post..][..n_post];
                let target = &mut current[k / n_pre * n_post..][..n_post];
                target.iter_mut().zip(row).for_each(|(sum, w)| *sum += w);
            }
            s_last.copy_from_slice(&pre[t * batch * n_pre..(t + 1) * batch * n_pre]);
            update_trace(&mut x_pre, &s_last, decay_pre, false);
            population.step(t, &current, true, &mut |_, _, crossing: &[u32]| crossing[0]);
            let pre = Side { s: &s_last, x: &x_pre };
            let post = Side { s: &population.s, x: &population.x };
            p.step(t, &mut w, n_post, batch, pre, post);
            s.extend(population.s.iter().map(|&s| u8::from(s)));
            v.extend_from_slice(&population.v);
            theta.extend_from_slice(&population.theta);
            if (t + 1) % got.every == 0 {
                got.w.extend_from_slice(&w);
                got.x_pre.extend_from_slice(&x_pre);
                got.x_post.extend_from_slice(&population.x);
            }
        }
        assert_eq!(s, case.flat::<u8>("s"), "{}: spikes", case.name);
        assert_close(&format!("{}.v", case.name), &v, &case.flat::<f32>("v"), V_TOLERANCE);
        if case.has("theta") {
            let want = case.flat::<f32>("theta");
            assert_close(&format!("{}.theta", case.name), &theta, &want, 1e-5);
        }
        compare(case, &got);
        case.finish();
        println!("{}: {} arrays, spikes equal", case.name, case.arrays().len());
    }
}
