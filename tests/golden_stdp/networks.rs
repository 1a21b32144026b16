//! Whole networks of experiments 1 and 2, on every engine that takes their batch size.

use crate::support::{Case, Golden, Kind, assert_close};
use serde_json::{Map, Value};
use spikeseek::engine::cpu::stdp::event::EventEngine;
use spikeseek::engine::cpu::stdp::reference::ReferenceEngine;
use spikeseek::engine::cpu::stdp::{Factors, lateral_weight};
use spikeseek::engine::{EndView, Engine, Probe, StepView, Weights};
use spikeseek::network::{DiehlCook, Variant};
use spikeseek::spikes::SpikeTrain;

/// Tolerances of the manifest's conventions: matrix products sum in another order.
const V_TOLERANCE: f64 = 5e-4;
const W_TOLERANCE: f64 = 5e-7;

/// The network of a case: the variant's defaults, then the manifest's hyperparameters.
fn network(case: &Case<'_>) -> DiehlCook {
    let constructor = case.meta["constructor"].as_str().expect("constructor");
    let variant =
        if constructor.contains("dvs") { Variant::SoftLateral } else { Variant::OneSpike };
    let Value::Object(mut fields) = serde_json::to_value(DiehlCook::new(variant)).unwrap() else {
        panic!("a network is a table")
    };
    let empty = Map::new();
    for (key, value) in case.meta["hyperparameters"].as_object().unwrap_or(&empty) {
        // None in the reference switches normalisation or resets off, which is 0 here, and means
        // the default elsewhere; traces of the inhibitory layer have no effect (spec stdp.md 3).
        match (key.as_str(), value.is_null()) {
            ("i_tc_trace", _) => {}
            ("norm" | "reset_interval", true) => drop(fields.insert(key.clone(), Value::from(0))),
            (_, true) => {}
            (_, false) => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    fields.insert("map_size".into(), case.meta["map_size"].clone());
    serde_json::from_value(Value::Object(fields)).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// Everything that the vectors record, in their layout.
#[derive(Default)]
struct Recorder {
    v_exc: Vec<f32>,
    v_inh: Vec<f32>,
    refrac_exc: Vec<f32>,
    theta: Vec<f32>,
    cross: Vec<u8>,
    x_in: Vec<f32>,
    x_exc: Vec<f32>,
    before_norm: Vec<Vec<f32>>,
}

impl Probe for Recorder {
    fn step(&mut self, view: &StepView<'_>) {
        self.v_exc.extend_from_slice(view.v_exc);
        self.v_inh.extend_from_slice(view.v_inh);
        self.refrac_exc.extend_from_slice(view.refrac_exc);
        if view.sample == 0 {
            self.theta.extend_from_slice(view.theta);
        }
        let start = self.cross.len();
        self.cross.resize(start + view.v_exc.len(), 0);
        view.crossed.iter().for_each(|&j| self.cross[start + j as usize] = 1);
    }

    fn end(&mut self, view: &EndView<'_>) {
        self.x_in.extend_from_slice(view.x_in);
        self.x_exc.extend_from_slice(view.x_exc);
        self.before_norm.push(view.weights.w.clone());
    }
}

#[test]
fn whole_networks() {
    let golden = Golden::open();
    let cases = golden.of_kind(Kind::Network);
    assert!(!cases.is_empty());
    for case in &cases {
        let shared = case.shared_inputs();
        let net = network(case);
        let w0 = shared.array::<f32>("w0");
        let (inputs, m) = (w0.shape()[0], w0.shape()[1]);
        assert_eq!((inputs, m), (case.usize("n_inputs"), case.usize("map_size")));
        let d: [f32; 5] = case.flat::<f32>("decays").try_into().unwrap();
        let factors =
            Factors { exc_v: d[0], theta: d[1], exc_trace: d[2], inh_v: d[3], in_trace: d[4] };
        // Our own factors are within one ulp of the recorded ones.
        let own = Factors::new(&net);
        for (ours, recorded) in
            [own.exc_v, own.theta, own.exc_trace, own.inh_v, own.in_trace].iter().zip(d)
        {
            assert!((ours - recorded).abs() <= f32::EPSILON / 2.0, "{}: factors", case.name);
        }
        let lateral: Vec<f32> = (0..m * m).map(|k| lateral_weight(&net, k / m, k % m)).collect();
        let want = case.flat::<f32>("w_lateral");
        let scale = want.iter().fold(1.0_f32, |a, b| a.max(b.abs()));
        assert_close(
            &format!("{}.w_lateral", case.name),
            &lateral,
            &want,
            f64::from(scale) * f64::from(f32::EPSILON),
        );
        // The reference's constructor clamps.
        let (wmin, wmax) = (net.wmin as f32, net.wmax as f32);
        let w = w0.iter().map(|w| w.clamp(wmin, wmax)).collect();
        let weights = Weights { inputs, neurons: m, w, theta: vec![0.0; m] };
        let mut engines: Vec<(&str, Box<dyn Engine>)> =
            vec![("reference", Box::new(ReferenceEngine::new(&net, factors, &weights)))];
        if case.usize("batch") == 1 {
            engines.push(("event", Box::new(EventEngine::new(&net, factors, &weights))));
        }
        let names: Vec<_> = engines.iter().map(|(name, _)| *name).collect();
        for (name, engine) in &mut engines {
            check(case, &shared, name, engine.as_mut());
        }
        case.finish();
        println!("{}: {} arrays on {names:?}", case.name, case.arrays().len());
    }
}

fn check(case: &Case<'_>, shared: &Case<'_>, engine_name: &str, engine: &mut dyn Engine) {
    let label = |array: &str| format!("{} on {engine_name}: {array}", case.name);
    let (m, inputs, steps) = (case.usize("map_size"), case.usize("n_inputs"), case.usize("steps"));
    let batch = case.usize("batch");
    let spikes = shared.flat::<u8>("spikes");
    let pick = case.has("pick").then(|| case.flat::<i32>("pick"));
    let learning: Vec<bool> = case.meta["learning_per_run"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| flag.as_bool().unwrap())
        .collect();
    let mut recorder = Recorder::default();
    let (mut s_exc, mut s_inh) = (vec![], vec![]);
    let (mut theta_end, mut w_end, mut w_sum_end) = (vec![], vec![], vec![]);
    let w_end_runs = case.flat::<i32>("w_end_runs");
    for (run, rows) in case.meta["runs"].as_array().unwrap().iter().enumerate() {
        let trains: Vec<SpikeTrain> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let start = row.as_u64().unwrap() as usize * steps * inputs;
                SpikeTrain::from_dense(inputs, &spikes[start..start + steps * inputs])
            })
            .collect();
        let mut choose = |t: usize, sample: usize, crossing: &[u32]| {
            let pick = pick.as_ref().expect("a one_spike network records its picks");
            let kept = pick[(run * steps + t) * batch + sample];
            let kept = u32::try_from(kept).expect("a pick where neurons crossed");
            assert!(crossing.contains(&kept), "{}: run {run} step {t}", label("pick"));
            kept
        };
        let out = engine.run(&trains, learning[run], &mut choose, Some(&mut recorder));
        for t in 0..steps {
            for sample in &out {
                s_exc.extend(dense_row(m, sample.exc.step(t)));
                s_inh.extend(dense_row(m, sample.inh.step(t)));
            }
        }
        let per_run: Vec<usize> =
            vec![out.iter().map(|o| o.exc.count()).sum(), out.iter().map(|o| o.inh.count()).sum()];
        for (key, got) in ["exc_spikes_per_run", "inh_spikes_per_run"].iter().zip(per_run) {
            assert_eq!(case.meta[*key][run].as_u64(), Some(got as u64), "{}", label(key));
        }
        let weights = engine.weights();
        theta_end.extend_from_slice(&weights.theta);
        if w_end_runs.contains(&(run as i32)) {
            w_end.extend_from_slice(&weights.w);
        }
        for j in 0..m {
            let column = weights.w.iter().skip(j).step_by(m);
            w_sum_end.push(column.map(|&w| f64::from(w)).sum::<f64>() as f32);
        }
    }
    assert_eq!(s_exc, case.flat::<u8>("s_exc"), "{}", label("s_exc"));
    assert_eq!(s_inh, case.flat::<u8>("s_inh"), "{}", label("s_inh"));
    if case.has("cross") {
        assert_eq!(recorder.cross, case.flat::<u8>("cross"), "{}", label("cross"));
    }
    let close = |array: &str, got: &[f32], tolerance: f64| {
        if case.has(array) {
            assert_close(&label(array), got, &case.flat::<f32>(array), tolerance);
        }
    };
    close("v_exc", &recorder.v_exc, V_TOLERANCE);
    close("v_inh", &recorder.v_inh, V_TOLERANCE);
    // Counters, θ and traces are elementwise: exact once crossings are equal.
    close("refrac_exc", &recorder.refrac_exc, 0.0);
    close("theta", &recorder.theta, 0.0);
    close("theta_end", &theta_end, 0.0);
    close("x_in_end", &recorder.x_in, 0.0);
    close("x_exc_end", &recorder.x_exc, 0.0);
    close("w_before_norm", &recorder.before_norm[0], W_TOLERANCE);
    close("w_end", &w_end, W_TOLERANCE);
    if case.has("w_sum_end") {
        let want: Vec<f32> = case.flat::<f64>("w_sum_end").iter().map(|&x| x as f32).collect();
        let scale = want.iter().fold(1.0_f32, |a, b| a.max(b.abs()));
        // A sum over all inputs, each within the relative rounding of the normalisation.
        assert_close(&label("w_sum_end"), &w_sum_end, &want, f64::from(scale) * 1e-6);
    }
}

fn dense_row(n: usize, ids: &[u32]) -> Vec<u8> {
    let mut row = vec![0; n];
    ids.iter().for_each(|&j| row[j as usize] = 1);
    row
}

/// The arrays that networks share are all read (`images` and `labels` belong to the encoder tests,
/// where they are present).
#[test]
fn shared_inputs() {
    for case in Golden::open().of_kind(Kind::SharedInputs) {
        for array in case.arrays() {
            match array.as_str() {
                "spikes" => assert!(case.flat::<u8>("spikes").iter().all(|&s| s <= 1)),
                "w0" => assert!(case.flat::<f32>("w0").iter().all(|&w| (0.0..1.0).contains(&w))),
                "labels" => assert!(case.flat::<i32>("labels").iter().all(|&l| l >= 0)),
                "images" => {
                    // A spike needs a pixel that is not black.
                    let images = case.flat::<f32>("images");
                    let spikes = case.array::<u8>("spikes");
                    let (steps, inputs) = (spikes.shape()[1], spikes.shape()[2]);
                    for (k, &s) in spikes.iter().enumerate() {
                        let pixel = k / (steps * inputs) * inputs + k % inputs;
                        assert!(s == 0 || images[pixel] > 0.0, "{}: black pixel fires", case.name);
                    }
                }
                _ => {}
            }
        }
        case.finish();
    }
}
