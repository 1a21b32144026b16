//! `kill -9` loses at most the trials in flight.

use crate::support::*;
use spikeseek::study::folder::StudyFolder;
use std::path::Path;

/// What must be true of a folder whose search was just killed.
fn check_what_is_left(folder: &Path, workers: usize) {
    if !StudyFolder::new(folder).journal().exists() {
        return;
    }
    let left = record(folder);
    let in_flight = left.trials.iter().filter(|trial| trial.finished.is_none()).count();
    assert!(in_flight <= workers, "{in_flight} trials in flight, {workers} workers");
    for (trial, whole) in left.trials.iter().zip(&UNINTERRUPTED.trials) {
        assert_eq!((trial.number, &trial.point), (whole.0, &whole.1));
        if trial.finished.is_some() {
            assert_eq!(trial.finished, whole.2);
        }
    }
}

/// The whole lines of the journal: nothing that follows may change them.
fn whole_lines(folder: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(StudyFolder::new(folder).journal()).unwrap();
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(end);
    bytes
}

#[test]
fn a_killed_search_resumes_to_the_same_results() {
    let uninterrupted = &*UNINTERRUPTED;
    let place = Place::new();
    let study = place.study(SEARCH);
    let mut hits = 0;
    // From the very first byte to late in the search; a journal of 20 trials has above 40 kB.
    for (k, (bytes, workers)) in
        [(1, 2), (2_000, 1), (5_000, 4), (12_000, 2), (20_000, 4), (30_000, 1)].iter().enumerate()
    {
        let folder = place.path(&format!("s{k}"));
        let (study, save) = (study.display(), folder.display());
        let mut search =
            Running::start(format!("search {study} --save {save} --quiet --workers {workers}"));
        search.wait_for(|| journal_len(&folder) >= *bytes);
        hits += usize::from(search.kill());
        check_what_is_left(&folder, *workers);
        let before = whole_lines(&folder);
        success(&line(format!("search --resume --save {save} --quiet --workers 2")));
        assert_eq!(results(&folder), *uninterrupted, "killed at {bytes} bytes");
        assert!(whole_lines(&folder).starts_with(&before), "killed at {bytes} bytes");
    }
    assert!(hits >= 5, "only {hits} kills hit a running search: make SEARCH longer");
}

#[test]
fn a_search_that_is_killed_again_and_again_arrives() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let mut command = format!("search {study} --save {save} --quiet --workers 3");
    let mut hits = 0;
    loop {
        // The fewer bytes, the more kills; each must let at least one trial finish.
        let goal = journal_len(&folder) + 9_000;
        let mut search = Running::start(&command);
        let grown = search.wait_for(|| journal_len(&folder) >= goal);
        if !grown {
            let ended = search.end();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            break;
        }
        hits += usize::from(search.kill());
        check_what_is_left(&folder, 3);
        command = format!("search --resume --save {save} --quiet --workers 3");
    }
    assert!(hits >= 3, "only {hits} kills hit a running search: make SEARCH longer");
    assert_eq!(results(&folder), *UNINTERRUPTED);
}

/// A power cut leaves half a line.
#[test]
fn a_torn_last_line_is_ignored_with_a_warning() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet --calls 8")));
    let journal = StudyFolder::new(&folder).journal();
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() - 7]).unwrap();
    assert_eq!(progress(&folder), (8, 7));

    let ended = success(&line(format!("export {save}")));
    assert!(ended.stderr.contains("last line is incomplete"), "{}", ended.stderr);
    let ended = success(&line(format!("search --resume --save {save} --quiet --calls 20")));
    assert!(ended.stderr.contains("journal.log: the last line"), "{}", ended.stderr);
    assert_eq!(results(&folder), *UNINTERRUPTED);
}

/// The journal alone is enough: it holds the settings, too.
#[test]
fn a_kill_before_the_settings_are_written_can_be_resumed() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet --calls 1")));
    std::fs::remove_file(StudyFolder::new(&folder).settings()).unwrap();
    run(&line(format!("search {study} --save {save}"))).refused(1, &["--resume"]);
    success(&line(format!("search --resume --save {save} --quiet --calls 20")));
    assert_eq!(results(&folder), *UNINTERRUPTED);
    assert!(StudyFolder::new(&folder).settings().exists());
}
