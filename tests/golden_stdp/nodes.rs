//! Populations under given currents, bit for bit.

use crate::support::{Case, Golden, Kind, assert_close};
use serde_json::Value;
use spikeseek::engine::cpu::stdp::population::{Population, PopulationParams, TraceRule};

/// Reads a population's parameters: those of the case, else the constructor defaults of its class.
pub fn population_params(
    case: &Case<'_>,
    given: &Value,
    defaults: &Value,
    dt: f64,
    decays: [f32; 3],
) -> PopulationParams {
    let class = case.meta["node_class"].as_str().expect("node_class");
    let value = |key: &str| given.get(key).unwrap_or(&defaults[class][key]);
    let number = |key: &str| {
        value(key).as_f64().unwrap_or_else(|| panic!("{}: no number `{key}`", case.name)) as f32
    };
    let adaptive = match class {
        "LIFNodes" => false,
        "AdaptiveLIFNodes" | "DiehlAndCookNodes" => true,
        other => panic!("{}: unknown node class {other}", case.name),
    };
    let additive = value("traces_additive").as_bool().unwrap_or(false);
    PopulationParams {
        dt: dt as f32,
        rest: number("rest"),
        reset: number("reset"),
        thresh: number("thresh"),
        refrac: number("refrac"),
        lower_bound: value("lbound").as_f64().map(|x| x as f32),
        theta_plus: adaptive.then(|| number("theta_plus")),
        one_spike: value("one_spike").as_bool().unwrap_or(false),
        decay_v: decays[0],
        decay_theta: decays[1],
        decay_trace: decays[2],
        trace_rule: match additive {
            true => TraceRule::Add { scale: number("trace_scale") },
            false => TraceRule::Set,
        },
    }
}

#[test]
fn populations() {
    let golden = Golden::open();
    let cases = golden.of_kind(Kind::Nodes);
    assert!(!cases.is_empty());
    for case in &cases {
        check(case, &golden.manifest["constructor_defaults"]);
        case.finish();
        println!("{}: {} arrays, bit for bit", case.name, case.arrays().len());
    }
}

fn check(case: &Case<'_>, defaults: &Value) {
    let (batch, n, steps) = (case.usize("batch"), case.usize("n"), case.usize("steps"));
    let learning = case.meta["learning"].as_bool().unwrap();
    let decays: [f32; 3] = case.flat::<f32>("decays").try_into().unwrap();
    let dt = case.meta["dt"].as_f64().unwrap();
    let params = population_params(case, &case.meta["params"], defaults, dt, decays);
    let current = case.flat::<f32>("I");
    let pick = case.has("pick").then(|| case.flat::<i32>("pick"));
    let mut population = Population::new(params, n, batch);
    let (mut v, mut refrac, mut trace, mut theta) = (vec![], vec![], vec![], vec![]);
    let (mut s, mut crossed) = (vec![], vec![]);
    for (t, input) in current.chunks_exact(batch * n).enumerate() {
        let mut choose = |_: usize, sample: usize, crossing: &[u32]| {
            let kept =
                pick.as_ref().expect("a one_spike case records its picks")[t * batch + sample];
            let kept = u32::try_from(kept).expect("a pick where neurons crossed");
            assert!(crossing.contains(&kept), "{}: step {t}: {kept} did not cross", case.name);
            kept
        };
        population.step(t, input, learning, &mut choose);
        v.extend_from_slice(&population.v);
        refrac.extend_from_slice(&population.refrac_count);
        trace.extend_from_slice(&population.x);
        theta.extend_from_slice(&population.theta);
        s.extend(population.s.iter().map(|&s| u8::from(s)));
        crossed.extend(population.crossed.iter().map(|&c| u8::from(c)));
    }
    assert_eq!(current.len(), steps * batch * n);
    assert_eq!(s, case.flat::<u8>("s"), "{}: spikes", case.name);
    let spikes: u64 = s.iter().map(|&s| u64::from(s)).sum();
    assert_eq!(spikes, case.meta["spike_count"].as_u64().unwrap(), "{}: spike count", case.name);
    // Elementwise paths are exact in float32 given the same factors (conventions.tolerances).
    assert_close(&format!("{}.v", case.name), &v, &case.flat::<f32>("v"), 0.0);
    let counts = case.flat::<f32>("refrac_count");
    assert_close(&format!("{}.refrac_count", case.name), &refrac, &counts, 0.0);
    if case.has("trace") {
        assert_close(&format!("{}.trace", case.name), &trace, &case.flat::<f32>("trace"), 0.0);
    }
    if case.has("theta") {
        assert_close(&format!("{}.theta", case.name), &theta, &case.flat::<f32>("theta"), 0.0);
    }
    if case.has("cross") {
        assert_eq!(crossed, case.flat::<u8>("cross"), "{}: crossings", case.name);
    }
}
