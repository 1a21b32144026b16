//! `spikeseek compare`.

use crate::support::Place;

const RUN: &str = "model = \"lif\"\n[data]\nset = \"randman\"\nunits = 30\nclasses = 3\nsteps = 20\n\
    train = 60\ntest = 30\n[network]\nhidden = [40]\nweight_mul = 2.0\nmax_activity = 1.0\n\
    [training]\nepochs = 2\nbatch_size = 10\n";

#[test]
fn methods_are_set_side_by_side() {
    let place = Place::new();
    place.file("run.toml", RUN);
    let json = place.json("compare run.toml --rounds 3 --json");
    assert_eq!((&json["agree"], &json["lists_overflow"]), (&true.into(), &false.into()));
    assert!(
        json["sparse_gradient_difference"].as_f64().unwrap() <= json["tolerance"].as_f64().unwrap()
    );
    // Nothing is dropped, so the dense network is the same one.
    assert_eq!(json["dense_agrees"], true, "{json}");
    let methods = json["methods"].as_array().unwrap();
    let names: Vec<_> = methods.iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["dense", "sparse_ops", "sparse_layer"]);
    for method in methods {
        assert!(method["seconds"].as_f64().unwrap() > 0.0);
        assert_eq!(method["test"]["samples"], 30);
        let layers = method["layers"].as_array().unwrap();
        assert!(layers.len() == 2 && layers[0]["rate"].as_f64().unwrap() > 0.0, "{method}");
        if cfg!(target_os = "linux") {
            let bytes = method["peak_memory_bytes"].as_u64().unwrap();
            // 30·40 + 40·3 weights, their gradients and moments are 21 kB; a page is the least that shows.
            assert!((4_096..500_000_000).contains(&bytes), "{bytes}");
        }
    }
    assert_eq!(methods[0]["ratio"], 1.0);

    let text = place.success("compare run.toml --rounds 1 --epochs 0");
    for part in [
        "ms a batch",
        "peak memory",
        "untrained",
        "sparse_ops and sparse_layer agree",
        "tolerance 1e-3",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn overflow_is_told() {
    let place = Place::new();
    place.file("run.toml", RUN);
    let text = place.success("compare run.toml --rounds 1 --epochs 1 --max_activity 0.06");
    assert!(text.contains("% overflow") && text.contains("since lists overflow"), "{text}");
}

/// Two classes that a network does not tell apart: the errors at its outputs are ±½ and cancel in the bias, where
/// nothing but rounding is left.
#[test]
fn rounding_is_no_disagreement() {
    let place = Place::new();
    place.file(
        "run.toml",
        "model = \"lif\"\n[data]\nset = \"random\"\nsteps = 5\ntrain = 40\ntest = 10\nunits = 1\n\
         classes = 2\n[network]\nhidden = [16, 2, 8]\ndecay = 0.971\nthreshold = 0.46\n\
         weight_mul = 4.66\nrecurrent = true\ninput_scale = 30.0\nsurrogate_slope = 100.0\n\
         reset = \"emitted\"\ncomparison = \"inclusive\"\nreadout = \"potential\"\nbias = true\n\
         learned_decay = \"layer\"\nsecond_threshold = -0.0\nmax_activity = 0.94\n\
         [training]\nbatch_size = 2\nreduction = \"sum\"\n\
         regulariser = { low_strength = 0.1, low = 0.05, high_strength = 0.2, high = 0.1 }\n",
    );
    let json = place.json("compare run.toml --rounds 1 --epochs 0 --json");
    assert_eq!(json["agree"], true, "{json}");
}
