//! What the program refuses, and what it says then.

use crate::support::*;
use spikeseek::study::folder::StudyFolder;

#[test]
fn a_study_in_use_is_refused_and_can_be_looked_at() {
    let place = Place::new();
    let (study, folder) = (place.study(&endless()), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let mut first = Running::start(format!("search {study} --save {save} --quiet --workers 1"));
    assert!(first.wait_for(|| progress(&folder).0 == 1));
    let second = run(&line(format!("search --resume --save {save}")));
    second.refused(1, &["journal.log", "another process", "choose another --save folder"]);
    let third = run(&line(format!("search {study} --save {save}")));
    third.refused(1, &["journal.log", "there is a study already", "--resume"]);

    let shown = success(&line(format!("report {save}")));
    assert!(shown.stdout.contains("1 unfinished"), "{}", shown.stdout);
    let csv = success(&line(format!("export {save}"))).stdout;
    assert!(csv.lines().nth(1).is_some_and(|row| row.contains("RUNNING")), "{csv}");
    assert!(first.kill(), "the first search has gone on");
}

#[test]
fn a_folder_that_is_no_study_is_refused_with_what_to_do() {
    let place = Place::new();
    let empty = place.path("empty");
    std::fs::create_dir(&empty).unwrap();
    for folder in [empty, place.path("none")] {
        let save = folder.display();
        for command in ["search --resume --save", "report", "export", "evaluate"] {
            let ended = run(&line(format!("{command} {save}")));
            ended.refused(1, &[&save.to_string(), "no study", "spikeseek search"]);
        }
    }
    run(&line(format!("retrain {}", place.path("empty").display())))
        .refused(1, &["empty", "no study"]);
    run(&line(format!("retrain {}", place.path("none.toml").display())))
        .refused(1, &["none.toml", "no such file"]);
}

#[test]
fn a_study_keeps_what_it_began_with() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet --calls 2")));
    let before = std::fs::read(StudyFolder::new(&folder).journal()).unwrap();
    for option in ["--seed 4", "--data 100", "--dataset mnist", "--data-dir ."] {
        let ended = run(&line(format!("search --resume --save {save} {option}")));
        ended.refused(1, &["--seed", "cannot change a study", "--resume"]);
    }
    // The same by hand.
    let settings = StudyFolder::new(&folder).settings();
    let text = std::fs::read_to_string(&settings).unwrap();
    for (from, to) in [
        ("seed = 3", "seed = 4"),
        ("steps = 50", "steps = 51"),
        ("\"norm\" = { float = [15.0, 40.0] }", "\"norm\" = { float = [15.0, 41.0] }"),
        ("name = \"sobol\"", "name = \"random\""),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        std::fs::write(&settings, text.replace(from, to)).unwrap();
        run(&line(format!("search --resume --save {save}")))
            .refused(1, &[&save.to_string(), "study.toml is not the one", "put it back"]);
    }
    std::fs::write(&settings, text.replace("calls = 2", "calls = 3")).unwrap();
    success(&line(format!("search --resume --save {save} --quiet")));
    assert_eq!(progress(&folder), (3, 3), "the budget may change");
    let after = std::fs::read(StudyFolder::new(&folder).journal()).unwrap();
    assert!(after.starts_with(&before));
}

#[test]
fn a_folder_with_a_trained_network_is_kept() {
    let place = Place::new();
    let (study, folder) = (place.study(SOLUTION), place.path("t"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("train {study} --save {save} --quiet")));
    let network = std::fs::read(StudyFolder::new(&folder).best_network()).unwrap();
    let search = place.path("search.toml");
    std::fs::write(&search, SEARCH).unwrap();
    run(&line(format!("train {study} --save {save}")))
        .refused(1, &[&save.to_string(), "choose another --save folder"]);
    run(&line(format!("search {} --save {save}", search.display())))
        .refused(1, &[&save.to_string(), "choose another --save folder"]);
    run(&line(format!("search --resume --save {save}")))
        .refused(1, &[&save.to_string(), "nothing to resume"]);
    run(&line(format!("retrain {save}")))
        .refused(1, &[&save.to_string(), "retrain its study file"]);
    assert_eq!(std::fs::read(StudyFolder::new(&folder).best_network()).unwrap(), network);
}

#[test]
fn a_file_without_a_space_or_an_end_is_refused() {
    let place = Place::new();
    let (study, folder) = (place.study(SOLUTION), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    run(&line(format!("search {study} --save {save} --calls 1")))
        .refused(1, &["study.toml", "no [space]", "spikeseek train"]);
    place.study(&SEARCH.replace("calls = 20", ""));
    run(&line(format!("search {study} --save {save}")))
        .refused(1, &["no end", "`calls`", "`minutes`", "--calls"]);
    assert!(!folder.exists(), "nothing is left behind");
}

#[test]
fn options_out_of_range_name_the_option_and_the_range() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let start = format!("search {study} --save {save}");
    // Options, exit code (2: the arguments themselves are wrong), parts of the message.
    let cases: &[(&str, i32, &[&str])] = &[
        ("--calls 0", 2, &["--calls", "1.."]),
        ("--calls many", 2, &["--calls", "invalid digit"]),
        ("--workers 0", 2, &["--workers", "1..=1024"]),
        ("--workers 1025", 2, &["--workers", "1..=1024"]),
        ("--data 0", 2, &["--data", "1.."]),
        ("--data -1", 2, &["-1"]),
        ("--data 999999", 1, &["999999", "there are 1437", "--data"]),
        ("--data 1", 1, &["no image for training", "more images"]),
        ("--dataset nope", 1, &["--dataset", "allowed: `digits`", "MNIST_rate_100"]),
        ("--dataset digit", 1, &["--dataset", "did you mean `digits`?"]),
        ("--dataset mnist", 1, &["--data-dir"]),
        ("--dataset mnist --data-dir /nowhere", 1, &["/nowhere"]),
        ("--seed -1", 2, &["-1"]),
        ("--seed 18446744073709551615", 2, &["--seed", "9223372036854775807"]),
        ("--mpi flexible", 1, &["MPI", "not built in", "--mpi none"]),
        ("--mpi synchronous", 1, &["not built in"]),
        ("--mpi asynchronous", 1, &["not built in"]),
        ("--mpi some", 2, &["--mpi", "none", "flexible"]),
        ("--sede 3", 2, &["--sede", "--seed"]),
    ];
    for (options, code, parts) in cases {
        run(&line(format!("{start} {options}"))).refused(*code, parts);
        assert!(!folder.exists(), "{options}: nothing is left behind");
    }
    run(&line("search")).refused(2, &["<STUDY>", "Usage"]);
    run(&line("search --resume")).refused(2, &["--save"]);
    run(&line("serach")).refused(2, &["search"]);
    run(&line("")).refused(2, &["Usage", "search", "retrain"]);
}

#[test]
fn help_and_version_are_no_errors() {
    for command in ["search", "train", "retrain", "evaluate", "report", "export"] {
        let help = success(&line(format!("{command} --help"))).stdout;
        assert!(help.contains("Usage: spikeseek "), "{help}");
        assert!(success(&line("--help")).stdout.contains(command));
    }
    assert_eq!(success(&line("--version")).stdout.trim(), "spikeseek 0.1.0");
}
