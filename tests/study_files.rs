//! Study files that are wrong, each in one place, and study files that come back as they were.

use spikeseek::Error;
use spikeseek::study::settings::StudySettings;
use std::path::Path;

/// A sound file; every wrong one below is this with one line changed.
const SOUND: &str = r#"[study]
name = "sound"
seed = 1
[data]
set = "digits"
size = 100
steps = 20
gain = 128.0
hold_out = 0.2
[network]
variant = "one_spike"
map_size = 20
norm = 30.0
wmax = 1.0
reduction = "sum"
[training]
epochs = 1
batch_size = 1
decoder = "all"
readouts = ["all", "vote"]
time_limit_s = 60.0
[silence]
update_interval = 10
[silence.rule.silent]
layer = "exc"
threshold = 5
proportion = 0.1
total = "train"
[silence.sequential]
alpha = 0.001
warm_up = 10
persistence = 0.5
[space]
e_thresh = { float = [-60.0, -50.0] }
map = { int = [10, 20] }
decoder = { categorical = ["all", "vote"] }
[sampler]
name = "sobol"
[budget]
calls = 3
minutes = 1.0
"#;

/// [`SOUND`] has a variable `map` so that each name of a key stands on one line only.
fn sound() -> String {
    SOUND.replace("map = { int", "map_size = { int")
}

fn parse(text: &str) -> spikeseek::Result<StudySettings> {
    StudySettings::parse(Path::new("study.toml"), text)
}

#[test]
fn the_sound_file_is_sound() {
    let settings = parse(&sound()).unwrap();
    assert_eq!((settings.frame.study.seed, settings.network.norm), (1, 30.0));
    assert_eq!(settings.frame.space.unwrap().dimensions(), 3);
}

/// Checks that the text is refused at this line (the line that has `at`) and key, with these parts.
fn refused(text: &str, at: &str, key: &str, parts: &[&str]) -> Result<(), String> {
    let line = text.lines().position(|line| line.trim() == at.trim()).map(|index| index + 1);
    if line.is_none() {
        return Err(format!("{at:?} is no line of the text"));
    }
    match parse(text) {
        Err(Error::Config { file, line: found, key: named, message }) => {
            let same = file == Path::new("study.toml") && found == line && named == key;
            let missing: Vec<_> = parts.iter().filter(|part| !message.contains(**part)).collect();
            if same && missing.is_empty() && !message.is_empty() {
                return Ok(());
            }
            Err(format!(
                "{at:?}: {found:?} (wanted {line:?}): `{named}`: {message}; lacks {missing:?}"
            ))
        }
        Err(other) => Err(format!("{at:?}: {other:?}")),
        Ok(_) => Err(format!("{at:?}: accepted")),
    }
}

/// A line of [`SOUND`], what stands there instead, the key that is named, parts of the message.
type Case<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (line, instead, key, parts) in cases {
        let text = SOUND.replace("map = { int", "map_size = { int");
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{line}");
        let text = text.replacen(&format!("\n{line}\n"), &format!("\n{instead}\n"), 1);
        wrong.extend(refused(&text, instead, key, parts).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const STUDY_NAME: &[&str] = &["is not allowed; give letters, digits"];

#[test]
fn study_and_data() {
    check(&[
        ("name = \"sound\"", "name = 7", "study.name", &["expected a string"]),
        ("name = \"sound\"", "name = \"\"", "study.name", STUDY_NAME),
        ("name = \"sound\"", "name = \"a/b\"", "study.name", STUDY_NAME),
        ("name = \"sound\"", "name = \"..\"", "study.name", STUDY_NAME),
        ("name = \"sound\"", "name = \".hidden\"", "study.name", STUDY_NAME),
        ("name = \"sound\"", "name = \"two words\"", "study.name", STUDY_NAME),
        ("name = \"sound\"", "name = \"ü\"", "study.name", STUDY_NAME),
        ("seed = 1", "seed = -1", "study.seed", &["-1"]),
        ("seed = 1", "seed = 9223372036854775808", "study.seed", &["to 9223372036854775807"]),
        ("seed = 1", "seed = 1.5", "study.seed", &["floating point"]),
        ("seed = 1", "sead = 1", "study.sead", &["did you mean `seed`?"]),
        ("set = \"digits\"", "set = 3", "data.set", &["expected a string"]),
        ("set = \"digits\"", "set = \"digts\"", "data.set", &["did you mean `digits`?", "mnist"]),
        ("set = \"digits\"", "set = \"CIFAR\"", "data.set", &["allowed: `digits`"]),
        ("size = 100", "size = 0", "data.size", &["0 is not allowed", "above 0"]),
        ("size = 100", "size = -3", "data.size", &["-3"]),
        ("size = 100", "size = \"all\"", "data.size", &["string"]),
        ("steps = 20", "steps = 0", "data.steps", &["0 is not allowed; give 1 to 10000"]),
        ("steps = 20", "steps = 10001", "data.steps", &["10001", "1 to 10000"]),
        ("gain = 128.0", "gain = 0.0", "data.gain", &["above 0 and up to 1e6 Hz"]),
        ("gain = 128.0", "gain = -1.0", "data.gain", &["above 0"]),
        ("gain = 128.0", "gain = nan", "data.gain", &["NaN is not allowed"]),
        ("gain = 128.0", "gain = inf", "data.gain", &["inf is not allowed"]),
        ("gain = 128.0", "gain = true", "data.gain", &["boolean"]),
        ("hold_out = 0.2", "hold_out = 0.0", "data.hold_out", &["0 < hold_out < 1"]),
        ("hold_out = 0.2", "hold_out = 1.0", "data.hold_out", &["0 < hold_out < 1"]),
        ("hold_out = 0.2", "hold_out = -0.1", "data.hold_out", &["0 < hold_out < 1"]),
        ("hold_out = 0.2", "hold_out = nan", "data.hold_out", &["0 < hold_out < 1"]),
        ("hold_out = 0.2", "holdout = 0.2", "data.holdout", &["did you mean `hold_out`?"]),
    ]);
}

#[test]
fn network_and_training() {
    check(&[
        ("variant = \"one_spike\"", "variant = 1", "network.variant", &["string"]),
        (
            "variant = \"one_spike\"",
            "variant = \"onespike\"",
            "network.variant",
            &["did you mean `one_spike`?", "`soft_lateral`"],
        ),
        ("map_size = 20", "map_size = 0", "network.map_size", &["0 is not allowed", "1 to 65536"]),
        ("map_size = 20", "map_size = 65537", "network.map_size", &["65537", "1 to 65536"]),
        ("map_size = 20", "map_size = -2", "network.map_size", &["-2"]),
        ("map_size = 20", "map_size = 2.5", "network.map_size", &["2.5"]),
        ("map_size = 20", "mapsize = 20", "network.mapsize", &["did you mean `map_size`?"]),
        ("norm = 30.0", "norm = -1.0", "network.norm", &["-1 is not allowed", "0 or more"]),
        ("norm = 30.0", "norm = nan", "network.norm", &["finite"]),
        ("norm = 30.0", "norm = \"much\"", "network.norm", &["expected"]),
        ("norm = 30.0", "dt = 0.0", "network.dt", &["above 0"]),
        ("norm = 30.0", "e_rest = inf", "network.e_rest", &["finite"]),
        ("norm = 30.0", "weight_decay = 1.0", "network.weight_decay", &["weight_decay < 1"]),
        ("norm = 30.0", "wmin = 1.0", "network.wmin", &["not below wmax"]),
        ("reduction = \"sum\"", "reduction = \"max\"", "network.reduction", &["`sum`", "`mean`"]),
        ("epochs = 1", "epochs = 0", "training.epochs", &["0 is not allowed; give 1 to 10000"]),
        ("epochs = 1", "epochs = 10001", "training.epochs", &["1 to 10000"]),
        ("epochs = 1", "epochs = -1", "training.epochs", &["-1"]),
        ("epochs = 1", "epoch = 1", "training.epoch", &["did you mean `epochs`?"]),
        ("batch_size = 1", "batch_size = 0", "training.batch_size", &["1 to 4096"]),
        ("batch_size = 1", "batch_size = 4097", "training.batch_size", &["1 to 4096"]),
        (
            "decoder = \"all\"",
            "decoder = \"3gram\"",
            "training.decoder",
            &["did you mean `2gram`?", "`svm`"],
        ),
        ("decoder = \"all\"", "decoder = []", "training.decoder", &[""]),
        (
            "readouts = [\"all\", \"vote\"]",
            "readouts = [\"all\", \"veto\"]",
            "training.readouts",
            &["`vote`"],
        ),
        (
            "readouts = [\"all\", \"vote\"]",
            "readouts = \"all\"",
            "training.readouts",
            &["sequence"],
        ),
        (
            "time_limit_s = 60.0",
            "time_limit_s = 0.0",
            "training.time_limit_s",
            &["0 is not allowed; give a number of seconds above 0"],
        ),
        ("time_limit_s = 60.0", "time_limit_s = -5.0", "training.time_limit_s", &["above 0"]),
        ("time_limit_s = 60.0", "time_limit_s = nan", "training.time_limit_s", &["above 0"]),
        ("time_limit_s = 60.0", "time_limit_s = 1e300", "training.time_limit_s", &["1000"]),
    ]);
}

/// The plain engine has all lateral weights in a matrix.
#[test]
fn maps_that_are_too_large_for_batches() {
    let text = sound().replace("map_size = 20", "map_size = 16385");
    assert!(parse(&text).is_ok());
    for (line, instead) in
        [("batch_size = 1", "batch_size = 2"), ("wmax = 1.0", "weight_decay = 0.1")]
    {
        let error = parse(&text.replace(line, instead)).unwrap_err().to_string();
        assert!(error.contains("network.map_size") && error.contains("at most 16384"), "{error}");
    }
}

#[test]
fn silence_space_sampler_and_budget() {
    let leaf = "silence.rule.silent";
    check(&[
        ("update_interval = 10", "update_interval = -1", "silence.update_interval", &["-1"]),
        ("update_interval = 10", "update_intervall = 10", "silence.update_intervall", &["did you"]),
        ("layer = \"exc\"", "layer = \"out\"", &format!("{leaf}.layer"), &["(exc, inh)"]),
        ("threshold = 5", "threshold = 0", &format!("{leaf}.threshold"), &["at least 1 spike"]),
        ("threshold = 5", "threshold = -1", &format!("{leaf}.threshold"), &["-1"]),
        ("proportion = 0.1", "proportion = 1.0", &format!("{leaf}.proportion"), &["in [0, 1)"]),
        ("total = \"train\"", "total = 0", &format!("{leaf}.total"), &["at least 1 sample"]),
        ("total = \"train\"", "total = \"test\"", &format!("{leaf}.total"), &["\"train\""]),
        ("alpha = 0.001", "alpha = 0.6", "silence.sequential.alpha", &["in (0, 0.5]"]),
        ("alpha = 0.001", "alpha = 0.0", "silence.sequential.alpha", &["in (0, 0.5]"]),
        ("persistence = 0.5", "persistence = 0.0", "silence.sequential.persistence", &["(0, 1]"]),
        ("warm_up = 10", "warmup = 10", "silence.sequential.warmup", &["did you mean `warm_up`?"]),
        (
            "[silence.rule.silent]",
            "[silence.rule.silence]",
            "silence.rule.silence",
            &["did you mean `silent`?", "`spikes_per_sample`"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "e_tresh = { float = [-60.0, -50.0] }",
            "space.e_tresh",
            &["unknown variable; did you mean `e_thresh`?", "`epochs`", "`nu_post`"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "norm = { float = [-1.0, 50.0] }",
            "space.norm",
            &["-1 is not allowed", "0 or more"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "e_thresh = { float = [-50.0, -60.0] }",
            "space.e_thresh.float",
            &["low must be below high"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "variant = { float = [0.0, 1.0] }",
            "space.variant",
            &[""],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "epochs = { int = [0, 3] }",
            "space.epochs",
            &["0 is not allowed", "1"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "epochs = { int = [1, 2147483648] }",
            "space.epochs",
            &["2147483648 is not allowed", "1 to 10000"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "dt = { float = [0.25, 4.0] }",
            "space.dt",
            &["encoded once", "[network]"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "tc_theta_decay = { float = [1e6, 1000000.0000000001], prior = \"log\" }",
            "space.tc_theta_decay.float",
            &["too narrow", "uniform"],
        ),
        (
            "e_thresh = { float = [-60.0, -50.0] }",
            "epochs = { float = [1.0, 3.0] }",
            "space.epochs",
            &["1"],
        ),
        (
            "map_size = { int = [10, 20] }",
            "map_size = { int = [10, 70000] }",
            "space.map_size",
            &["70000", "1 to 65536"],
        ),
        (
            "decoder = { categorical = [\"all\", \"vote\"] }",
            "decoder = { categorical = [\"all\", \"3gram\"] }",
            "space.decoder",
            &["3gram", "`2gram`", "`svm`"],
        ),
        (
            "name = \"sobol\"",
            "name = \"sobel\"",
            "sampler.name",
            &["did you mean `sobol`?", "random"],
        ),
        ("name = \"sobol\"", "name = 3", "sampler.name", &["expected a string"]),
        ("calls = 3", "calls = 0", "budget.calls", &["0 is not allowed", "above 0"]),
        ("calls = 3", "calls = -3", "budget.calls", &["-3"]),
        ("calls = 3", "calls = 1.5", "budget.calls", &["floating point"]),
        ("calls = 3", "trials = 3", "budget.trials", &["`calls`", "`minutes`"]),
        ("minutes = 1.0", "minutes = 0.0", "budget.minutes", &["above 0"]),
        ("minutes = 1.0", "minutes = inf", "budget.minutes", &["above 0"]),
        ("minutes = 1.0", "minutes = nan", "budget.minutes", &["above 0"]),
        ("[budget]", "[buget]", "buget", &["did you mean `budget`?", "`silence`"]),
        ("[sampler]", "[sampler", "", &["not valid TOML", "expected `]`"]),
    ]);
}

/// A line taken out: text of the file, the line that is named instead, the key, part of the message.
#[test]
fn what_is_missing_is_named_where_it_belongs() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("name = \"sound\"\n", "[study]", "study", "missing field `name`"),
        ("set = \"digits\"\n", "[data]", "data", "missing field `set`"),
        ("update_interval = 10\n", "[silence]", "silence", "missing field `update_interval`"),
        (
            "layer = \"exc\"\n",
            "[silence.rule.silent]",
            "silence.rule.silent",
            "missing field `layer`",
        ),
    ];
    for (gone, at, key, part) in cases {
        let text = sound();
        assert_eq!(text.matches(gone).count(), 1, "{gone}");
        refused(&text.replacen(gone, "", 1), at, key, &[part]).unwrap();
    }
    let named = sound().replace("name = \"sobol\"", "nam = \"sobol\"");
    refused(&named, "nam = \"sobol\"", "sampler.nam", &["did you mean `name`?"]).unwrap();
    let mnist = sound().replace("\"digits\"", "\"mnist\"");
    refused(&mnist, "[data]", "data.dir", &["is missing", "--data-dir"]).unwrap();
    match parse("") {
        Err(Error::Config { key, message, .. }) => {
            let expected = "there is no table [study]: missing field `name`";
            assert_eq!((key.as_str(), message.as_str()), ("study", expected));
        }
        other => panic!("{other:?}"),
    }
}

/// What `search` writes into the study folder is what it was told.
#[test]
fn settings_survive_being_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        // Run files of LIF networks are not studies; tests/lif_training reads them.
        .filter(|(_, text)| !text.contains("\nmodel = \"lif\"\n"))
        .collect();
    assert!(files.len() >= 2, "the experiments are there");
    files.push(("sound".to_string(), sound()));
    for set in ["MNIST_rate_25", "MNIST_rate_250"] {
        let set = format!("set = \"{set}\"\ndir = \"a b/ä\\\\\"");
        files.push((set.clone(), sound().replace("set = \"digits\"", &set)));
    }
    // Nothing optional.
    files.push((
        "bare".to_string(),
        "[study]\nname = \"x\"\n[data]\nset = \"digits\"\n[silence]\nupdate_interval = 0\n".into(),
    ));
    for (name, text) in files {
        let settings = parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = settings.to_toml().unwrap();
        let again = parse(&written).unwrap_or_else(|error| panic!("{name}: {error}\n{written}"));
        assert_eq!(again, settings, "{name}\n{written}");
        assert_eq!(again.to_toml().unwrap(), written, "{name}");
    }
}

proptest::proptest! {
    /// Whatever stands behind a key of a sound file, the answer is settings or a message with the
    /// file, never a panic.
    #[test]
    fn no_value_makes_it_panic(
        line in 0..43_usize,
        value in "-?[0-9]{1,20}|[0-9]e[0-9]{1,4}|nan|\"[a-z_/.]{0,8}\"|\\[[0-9, ]{0,6}\\]|\\{\\}|true",
    ) {
        let text: Vec<String> = sound()
            .lines()
            .enumerate()
            .map(|(k, old)| match old.split_once(" = ") {
                Some((key, _)) if k == line => format!("{key} = {value}"),
                _ => old.to_string(),
            })
            .collect();
        match parse(&text.join("\n")) {
            Err(error) => proptest::prop_assert!(error.to_string().starts_with("study.toml")),
            Ok(settings) => proptest::prop_assert!(parse(&settings.to_toml().unwrap()).is_ok()),
        }
    }
}
