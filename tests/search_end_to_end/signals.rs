//! Ctrl-C and SIGTERM: the first lets the running trials finish, the second abandons them.
#![cfg(unix)]

use crate::support::*;

#[test]
fn one_signal_lets_the_running_trials_finish() {
    for (signal, workers) in [("INT", 2), ("TERM", 1)] {
        let place = Place::new();
        let (study, folder) = (place.study(SEARCH), place.path("s"));
        let (study, save) = (study.display(), folder.display());
        let mut search =
            Running::start(format!("search {study} --save {save} --quiet --workers {workers}"));
        search.wait_for(|| progress(&folder).1 >= 2);
        search.signal(signal);
        let ended = search.end();
        assert_eq!(ended.code, Some(130), "{signal}: {ended:?}");
        let remedy = format!("--resume --save {save}");
        assert!(ended.stderr.contains(&remedy), "{signal}: {}", ended.stderr);
        let (begun, finished) = progress(&folder);
        assert_eq!(begun, finished, "{signal}: the running trials have finished");
        assert!(begun < 20, "{signal}: it came too late: make SEARCH longer");
        assert!(ended.stdout.contains(&format!("{begun} trials")), "{}", ended.stdout);

        success(&line(format!("search --resume --save {save} --quiet")));
        assert_eq!(results(&folder), *UNINTERRUPTED, "{signal}");
    }
}

/// The trials would run for hours; the test ends only if they are abandoned.
#[test]
fn two_signals_abandon_the_running_trials() {
    let place = Place::new();
    let (study, folder) = (place.study(&endless()), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    for start in [format!("{study}"), "--resume".to_string()] {
        let mut search =
            Running::start(format!("search {start} --save {save} --json --quiet --workers 2"));
        search.wait_for(|| progress(&folder).0 == 2);
        // Two different ones: equal signals that come together count once.
        search.signal("INT");
        search.signal("TERM");
        let ended = search.end();
        assert_eq!(ended.code, Some(130), "{start}: {ended:?}");
        assert_eq!(progress(&folder), (2, 0), "{start}: both are to be repeated");
        let result: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((&result["trials"], &result["best"]), (&0.into(), &serde_json::Value::Null));
    }
}
