//! One process writes, any number reads.

use crate::support::*;
use spikeseek::Error;
use spikeseek::study::journal::{Journal, read};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_second_handle_is_refused_until_the_first_is_dropped() {
    let (_folder, path) = folder();
    let journal = create(&path);
    for _ in 0..2 {
        let refused = Journal::open(&path).err();
        assert!(matches!(refused, Some(Error::Locked { path: named }) if named == path));
    }
    assert_eq!(read(&path).unwrap().trials, [], "readers need no lock");
    drop(journal);
    let (journal, _) = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(Error::Locked { .. })));
    drop(journal);
    Journal::open(&path).unwrap();
}

/// Two at once: the journal under construction is locked as well.
#[test]
fn of_many_creators_one_wins() {
    let (_folder, path) = folder();
    let attempts: Vec<_> = std::thread::scope(|scope| {
        let attempt = || Journal::create(&path, "study", &space(), &attributes());
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    for error in attempts.iter().filter_map(|attempt| attempt.as_ref().err()) {
        assert!(matches!(error, Error::Locked { .. } | Error::Usage(_)), "{error:?}");
    }
    drop(attempts);
    assert_eq!(Journal::open(&path).unwrap().1.trials, []);
}

const JOURNAL: &str = "SPIKESEEK_TEST_JOURNAL";

/// The other process of the next test: begins a trial and waits to be killed.
#[test]
#[ignore = "started by the test below in a process of its own"]
fn hold_the_journal() {
    let path = std::env::var_os(JOURNAL).expect("set by the test that starts this");
    let (mut journal, _) = Journal::open(Path::new(&path)).unwrap();
    finish(&mut journal, 0);
    start(&mut journal, 1);
    println!("held");
    loop {
        std::thread::park();
    }
}

#[test]
fn another_process_is_refused_and_a_killed_one_leaves_no_lock() {
    let (_folder, path) = folder();
    start(&mut create(&path), 0);
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::hold_the_journal", "--ignored", "--nocapture"])
        .env(JOURNAL, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(other.stdout.take().unwrap());
    let held = output.lines().map_while(Result::ok).any(|line| line.contains("held"));
    let refused = Journal::open(&path).err();
    let seen = read(&path);
    other.kill().unwrap(); // SIGKILL on Unix.
    other.wait().unwrap();
    assert!(held, "the other process did not get the journal");
    assert!(matches!(refused, Some(Error::Locked { .. })), "{refused:?}");
    assert_eq!(seen.unwrap().trials.len(), 2);

    let (mut journal, record) = Journal::open(&path).unwrap();
    assert_eq!(record.trials[0].finished, Some(finished(0)));
    assert_eq!((&record.trials[1].point, &record.trials[1].finished), (&point(1), &None));
    finish(&mut journal, 1);
    assert_eq!(read(&path).unwrap().trials[1].finished, Some(finished(1)));
}

/// Whatever moment a reader hits, it sees whole trials, and never fewer than before.
#[test]
fn reading_while_another_appends() {
    const TRIALS: u64 = 60;
    let (_folder, path) = folder();
    let mut journal = create(&path);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut count, mut ended, mut readings) = (0, 0, 0);
            while !done.load(Ordering::Relaxed) || readings == 0 {
                let record = read(&path).unwrap();
                for trial in &record.trials {
                    assert_eq!(trial.point, point(trial.number));
                    if let Some(result) = &trial.finished {
                        assert_eq!(*result, finished(trial.number));
                    }
                }
                let ended_now = record.trials.iter().filter(|t| t.finished.is_some()).count();
                assert!(record.trials.len() >= count && ended_now >= ended);
                (count, ended, readings) = (record.trials.len(), ended_now, readings + 1);
            }
        });
        for number in 0..TRIALS {
            if reader.is_finished() {
                break; // It failed; the scope says why.
            }
            start(&mut journal, number);
            finish(&mut journal, number);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(read(&path).unwrap().trials.len() as u64, TRIALS);
}
