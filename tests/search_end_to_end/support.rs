//! Studies, processes and what they leave.

use spikeseek::search::sampler::scbo::Note;
use spikeseek::search::space::Point;
use spikeseek::study::folder::StudyFolder;
use spikeseek::study::journal;
use spikeseek::study::record::{Finished, StudyRecord};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// A bound on waiting for a process, not a measurement: 120 s.
const POLLS: u32 = 60_000;
const POLL: Duration = Duration::from_millis(2);

/// A folder for one test.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a study file.
    pub fn study(&self, text: &str) -> PathBuf {
        let path = self.path("study.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A search of 20 trials, each of some tens of milliseconds, about half of them silent.
pub const SEARCH: &str = r#"
[study]
name = "small"
seed = 3

[data]
set = "digits"
size = 900
steps = 50

[training]
readouts = ["all", "vote", "2gram", "log"]

[silence]
update_interval = 200

[silence.rule]
or = [
    { silent = { layer = "exc", threshold = 3, proportion = 0.3, total = "train" } },
    { silent = { layer = "inh", threshold = 1, proportion = 0.3, total = "train" } },
]

[silence.sequential]

[space]
decoder = { categorical = ["all", "vote", "2gram"] }
epochs = { int = [1, 3] }
map_size = { int = [20, 60] }
norm = { float = [15.0, 40.0] }
e_thresh = { float = [-60.0, -45.0] }
nu_post = { float = [1e-3, 1e-1], prior = "log" }

[sampler]
name = "sobol"

[budget]
calls = 20
"#;

/// One network that learns.
pub const SOLUTION: &str = r#"
[study]
name = "solution"
seed = 5

[data]
set = "digits"
size = 400
steps = 60
hold_out = 0.25

[network]
map_size = 30
norm = 25.0
e_thresh = -58.0

[training]
epochs = 2
decoder = "vote"

[silence]
update_interval = 100
"#;

/// A search whose trials take longer than any test: nothing stops them for 10,000 epochs.
pub fn endless() -> String {
    let (head, _) = SEARCH.split_once("[silence.rule]").unwrap();
    format!(
        "{head}\n[space]\nepochs = {{ int = [9999, 10000] }}\n[sampler]\nname = \"random\"\n\
         [budget]\ncalls = 8\n"
    )
}

/// The program, to be given arguments.
pub fn program<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikeseek"));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { code: output.status.code(), stdout, stderr }
    }
}

impl Ended {
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Refused with this exit code and a message that has all these parts.
    pub fn refused(&self, code: i32, parts: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing in {}", self.stderr);
        }
    }
}

pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ended {
    program(arguments).output().unwrap().into()
}

/// Runs and wants success.
pub fn success<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ended {
    let ended = run(arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// Splits a command line at its blanks; the paths of the tests have none.
pub fn line(text: impl AsRef<str>) -> Vec<String> {
    text.as_ref().split_whitespace().map(str::to_string).collect()
}

/// A process that is killed if the test fails before it ends.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(command_line: impl AsRef<str>) -> Self {
        let mut command = program(&line(command_line));
        Running(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// Polls until the condition holds; false where the process ended before.
    pub fn wait_for(&mut self, condition: impl Fn() -> bool) -> bool {
        for _ in 0..POLLS {
            if condition() {
                return true;
            }
            if self.0.as_mut().unwrap().try_wait().unwrap().is_some() {
                return condition();
            }
            std::thread::sleep(POLL);
        }
        panic!("the condition never held");
    }

    /// SIGKILL; true where it hit a living process.
    pub fn kill(mut self) -> bool {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        let status = child.wait_with_output().unwrap().status;
        status.code().is_none()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    pub fn end(mut self) -> Ended {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn record(folder: &Path) -> StudyRecord {
    journal::read(&StudyFolder::new(folder).journal()).unwrap()
}

/// Number of trials in the journal that have begun and that have ended; none yet without a journal.
pub fn progress(folder: &Path) -> (usize, usize) {
    let Ok(record) = journal::read(&StudyFolder::new(folder).journal()) else { return (0, 0) };
    let ended = record.trials.iter().filter(|trial| trial.finished.is_some()).count();
    (record.trials.len(), ended)
}

/// Bytes of the journal; 0 while there is none.
pub fn journal_len(folder: &Path) -> u64 {
    std::fs::metadata(StudyFolder::new(folder).journal()).map_or(0, |data| data.len())
}

/// What a search gives, without the times.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    pub trials: Vec<(u64, Point, Option<Finished>)>,
    /// What the sampler noted of each trial.
    pub notes: Vec<Option<Note>>,
    pub network: Vec<u8>,
}

pub fn results(folder: &Path) -> Results {
    let trials = record(folder).trials;
    let notes = trials.iter().map(Note::of).collect();
    let trials = trials.into_iter().map(|t| (t.number, t.point, t.finished)).collect();
    Results {
        trials,
        notes,
        network: std::fs::read(StudyFolder::new(folder).best_network()).unwrap(),
    }
}

/// Results of [`SEARCH`] with one worker that nothing interrupted.
pub static UNINTERRUPTED: LazyLock<Results> = LazyLock::new(|| {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    success(&line(format!(
        "search {} --save {} --workers 1 --quiet",
        study.display(),
        folder.display()
    )));
    let results = results(&folder);
    let complete = |(_, _, finished): &&(u64, Point, Option<Finished>)| {
        finished.as_ref().is_some_and(|finished| finished.value.is_some())
    };
    let completed = results.trials.iter().filter(complete).count();
    assert!((4..=16).contains(&completed), "{completed} of 20: change SEARCH");
    results
});
