//! The same seed gives the same study.

use crate::support::*;
use spikeseek::study::folder::StudyFolder;

fn search(options: &str) -> Results {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet {options}")));
    results(&folder)
}

#[test]
fn the_number_of_workers_changes_nothing() {
    for workers in [1, 2, 4] {
        let results = search(&format!("--workers {workers}"));
        assert_eq!(results, *UNINTERRUPTED, "{workers} workers");
    }
}

/// The points of a sampler that learns depend on results, so on which of them are known; and the models
/// of a resumed study start from what the journal kept.
#[test]
fn a_sampler_that_learns_gives_the_same_points_however_it_runs() {
    let place = Place::new();
    let learning = SEARCH
        .replace("name = \"sobol\"", "name = \"scbo\"\ninitial = 6\ncandidates = 300\nlag = 3");
    assert_ne!(learning, SEARCH);
    let study = place.study(&learning);
    let search = |name: &str, options: &str| {
        let (study, folder) = (study.display(), place.path(name));
        let save = folder.display();
        success(&line(format!("search {study} --save {save} --quiet {options}")));
        folder
    };
    let one = results(&search("one", "--workers 1"));
    let modelled = one.notes.iter().flatten().filter(|note| note.length.is_some()).count();
    assert!(modelled >= 10, "only {modelled} points came from the models");
    for workers in [2, 4] {
        let folder = search(
            &format!("workers {workers}").replace(' ', "_"),
            &format!("--workers {workers}"),
        );
        assert_eq!(results(&folder), one, "{workers} workers");
    }
    for calls in [5, 9, 14] {
        let folder = search(&format!("stopped_{calls}"), &format!("--workers 2 --calls {calls}"));
        let save = folder.display();
        success(&line(format!("search --resume --save {save} --quiet --calls 20 --workers 4")));
        assert_eq!(results(&folder), one, "resumed after {calls}");
    }
    let killed = place.path("killed");
    let (study, save) = (study.display(), killed.display());
    let mut search = Running::start(format!("search {study} --save {save} --quiet --workers 4"));
    search.wait_for(|| journal_len(&killed) >= 30_000);
    search.kill();
    success(&line(format!("search --resume --save {save} --quiet")));
    assert_eq!(results(&killed), one, "killed");
}

#[test]
fn another_seed_gives_other_trials() {
    let results = search("--seed 4");
    for (other, own) in results.trials.iter().zip(&UNINTERRUPTED.trials) {
        assert_ne!(other.1, own.1);
    }
    assert_ne!(results.network, UNINTERRUPTED.network);
}

/// `--calls` counts the trials of earlier runs: a study grows in steps to what it is in one go.
#[test]
fn a_study_can_be_continued_with_more_calls() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet --calls 6 --workers 2")));
    assert_eq!(progress(&folder), (6, 6));
    let smaller = success(&line(format!("search --resume --save {save} --quiet --calls 3")));
    assert!(smaller.stdout.contains("6 trials:"), "{}", smaller.stdout);
    assert_eq!(progress(&folder), (6, 6), "a smaller budget takes nothing away");
    success(&line(format!("search --resume --save {save} --quiet --calls 20")));
    assert_eq!(results(&folder), *UNINTERRUPTED);
    // The settings keep the last budget, so a bare --resume has nothing left to do.
    success(&line(format!("search --resume --save {save} --quiet")));
    assert_eq!(results(&folder), *UNINTERRUPTED);
}

/// Of the attributes only the seconds are new.
#[test]
fn record_time_adds_seconds_and_changes_nothing_else() {
    const SECONDS: [&str; 3] = ["train_seconds", "test_seconds", "eval_time"];
    let timed = search("--record-time --workers 2 --calls 5");
    for ((_, point, finished), own) in timed.trials.into_iter().zip(&UNINTERRUPTED.trials) {
        let mut finished = finished.unwrap();
        for key in SECONDS {
            let seconds = finished.attributes.remove(key).unwrap();
            assert!(seconds.as_f64().is_some_and(|s| s >= 0.0), "{key}: {seconds}");
        }
        assert_eq!((&point, &Some(finished)), (&own.1, &own.2));
    }
}

#[test]
fn without_save_each_search_gets_a_folder_of_its_own() {
    let place = Place::new();
    let study = place.study(SEARCH);
    let arguments = line(format!("search {} --quiet --calls 1", study.display()));
    for _ in 0..2 {
        let ended = program(&arguments).current_dir(place.path("")).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }
    for name in ["runs/small", "runs/small-2"] {
        assert_eq!(progress(&place.path(name)), (1, 1), "{name}");
        assert!(StudyFolder::new(place.path(name)).report().exists(), "{name}");
    }
}
