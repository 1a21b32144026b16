//! Files that are no journals: an error that says where and what, never a panic.

use crate::support::*;
use proptest::prelude::*;
use spikeseek::Error;
use spikeseek::study::journal::{Journal, read};

const STUDY: &str = r#"{"op_code":0,"worker_id":"spikeseek","study_name":"s","directions":[2]}"#;
const SPACE: &str = r#"{"op_code":2,"worker_id":"spikeseek","study_id":0,"user_attr":{"spikeseek_space":[{"type":"int","name":"n","low":1,"high":9,"prior":"uniform"}]}}"#;
const TRIAL: &str =
    r#"{"op_code":4,"worker_id":"spikeseek","study_id":0,"datetime_start":null,"params":{"n":3}}"#;

fn message_of(bytes: &[u8]) -> String {
    let (_folder, path) = folder();
    std::fs::write(&path, bytes).unwrap();
    let errors = [read(&path).err(), Journal::open(&path).err()];
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "a file that is refused is not changed");
    let [Some(first), Some(second)] = errors else { panic!("accepted: {errors:?}") };
    assert!(matches!(first, Error::Format { .. }), "{first:?}");
    assert_eq!(first.to_string(), second.to_string());
    first.to_string()
}

#[test]
fn files_that_are_no_journals() {
    for bytes in [&b""[..], b"\n", b"\0\0\0\0", &[0xff; 4096], b"{}", b"PK\x03\x04"] {
        let message = message_of(bytes);
        assert!(message.contains("journal.log: whole file: expected a study"), "{message}");
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep =
        format!(r#"{{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{{"a":{deep}}}}}"#);
    let message = message_of(format!("{STUDY}\n{deep}\n{STUDY}\n").as_bytes());
    assert!(message.contains("line 2") && message.contains("recursion limit"), "{message}");
    let message = message_of(b"\x89PNG\r\n\x1a\n\0\0");
    assert!(message.contains("line 1") && message.contains("as JSON"), "{message}");
    let message = message_of(b"{}\n");
    assert!(message.contains("line 1") && message.contains("op_code"), "{message}");
}

#[test]
fn a_study_of_another_program_is_named() {
    let message = message_of(format!("{STUDY}\n").replace("\"s\"", "\"theirs\"").as_bytes());
    assert!(message.contains("theirs") && message.contains("spikeseek_space"), "{message}");
}

/// Each line is put after a good study with one good trial and before another good line.
#[test]
fn lines_that_are_no_operations() {
    let cases: &[(&str, &str)] = &[
        ("[]", "line 4"),
        ("3", "line 4"),
        (r#"[10,"w"]"#, "an array"),
        (r#"{"op_code":4,"worker_id":"w","study_id":0}"#, "datetime_start"),
        (r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":3}"#, "values"),
        (r#"{"op_code":99,"worker_id":"w"}"#, "op_code 99"),
        (r#"{"op_code":-1,"worker_id":"w"}"#, "invalid value"),
        (r#"{"op_code":"4","worker_id":"w"}"#, "invalid type"),
        (r#"{"op_code":1e999,"worker_id":"w"}"#, "out of range"),
        (r#"{"op_code":4}"#, "worker_id"),
        (r#"{"op_code":4,"worker_id":"w"}"#, "study_id"),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"params":[]}"#,
            "invalid type",
        ),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"params":{"n":99}}"#,
            "`n`",
        ),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"params":{"n":1e300}}"#,
            "`n`",
        ),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"params":{"n":"3"}}"#,
            "`n`",
        ),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"state":7}"#,
            "trial state 7",
        ),
        (
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null,"state":1}"#,
            "one value",
        ),
        (r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":1,"values":null}"#, "one value"),
        (r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":1,"values":[1,2]}"#, "one value"),
        (r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":1,"values":[NaN]}"#, "one value"),
        (r#"{"op_code":6,"worker_id":"w","trial_id":0,"state":256,"values":null}"#, "256"),
        (r#"{"op_code":7,"worker_id":"w","trial_id":0,"step":-1,"intermediate_value":1}"#, "-1"),
        (r#"{"op_code":7,"worker_id":"w","trial_id":0,"step":1}"#, "intermediate_value"),
        (r#"{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":3}"#, "invalid type"),
        (
            r#"{"op_code":9,"worker_id":"w","trial_id":0,"system_attr":{"constraints":"x"}}"#,
            "constraints",
        ),
        (
            r#"{"op_code":9,"worker_id":"w","trial_id":0,"system_attr":{"constraints":[null]}}"#,
            "constraints",
        ),
        (
            r#"{"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"spikeseek_space":[]}}"#,
            "a second, different space",
        ),
        (
            r#"{"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"spikeseek_space":{"n":1}}}"#,
            "spikeseek_space",
        ),
        (r#"{"op_code":8,"worker_id":"spikeseek","trial_id":1,"user_attr":{}}"#, "a line was lost"),
        (
            r#"{"op_code":4,"worker_id":"spikeseek","study_id":18446744073709551615,"datetime_start":null}"#,
            "a line was lost",
        ),
    ];
    for (line, word) in cases {
        let text = format!("{STUDY}\n{SPACE}\n{TRIAL}\n{line}\n{TRIAL}\n");
        let message = message_of(text.as_bytes());
        assert!(message.contains("line 4") && message.contains(word), "{line}\n{message}");
    }
}

#[test]
fn spaces_that_cannot_be() {
    for (good, bad) in [
        (r#""low":1"#, r#""low":10"#),
        (r#""prior":"uniform""#, r#""prior":"cubic""#),
        (r#""type":"int""#, r#""type":"complex""#),
        (r#""type":"int","#, ""),
        (r#""high":9"#, r#""high":1e30"#),
    ] {
        let text = format!("{STUDY}\n{}\n", SPACE.replace(good, bad));
        let message = message_of(text.as_bytes());
        assert!(message.contains("line 2") && message.contains("spikeseek_space"), "{message}");
    }
}

#[test]
fn a_study_without_its_trial_values_or_deleted() {
    let no_params = TRIAL.replace(r#","params":{"n":3}"#, "");
    let message = message_of(format!("{STUDY}\n{SPACE}\n{no_params}\n").as_bytes());
    assert!(message.contains("line 3") && message.contains("`n`"), "{message}");
    let delete = r#"{"op_code":1,"worker_id":"w","study_id":0}"#;
    let message = message_of(format!("{STUDY}\n{SPACE}\n{delete}\n").as_bytes());
    assert!(message.contains("deletes the study `s`"), "{message}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (_folder, path) = folder();
        std::fs::write(&path, bytes).unwrap();
        prop_assert!(read(&path).is_err());
    }

    /// A good journal with bytes changed, lines doubled, lost or swapped: read or refused.
    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        lines in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let (_folder, path) = folder();
        journal_of(&path, 3);
        let text = std::fs::read_to_string(&path).unwrap();
        let all: Vec<&str> = text.lines().collect();
        let header = 3; // the study, and two of its attributes
        let picked = lines.iter().map(|index| all[index.index(all.len())]);
        let mut damaged: Vec<u8> = all[..header]
            .iter()
            .copied()
            .chain(picked)
            .flat_map(|line| format!("{line}\n").into_bytes())
            .collect();
        for (index, byte) in changes {
            let index = index.index(damaged.len());
            damaged[index] = byte;
        }
        std::fs::write(&path, &damaged).unwrap();
        let seen = read(&path);
        let opened = Journal::open(&path).map(|(_, record)| record);
        prop_assert_eq!(seen.ok(), opened.ok());
    }
}
