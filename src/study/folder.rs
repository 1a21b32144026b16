//! The layout of a study folder.
//!
//! ```text
//! study.toml                  settings as resolved
//! journal.log                 the truth: every trial, in Optuna's journal format
//! networks/best.safetensors   best feasible network so far, with its readouts
//! report.html                 the page
//! ```

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Paths below a study folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFolder(PathBuf);

impl StudyFolder {
    /// The folder at a path, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        StudyFolder(path.into())
    }

    /// Makes the first of `runs/<name>`, `runs/<name>-2`, … that does not exist: two searches that start at
    /// the same moment get a folder each.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn fresh(name: &str) -> Result<Self> {
        Self::fresh_in(Path::new("runs"), name)
    }

    fn fresh_in(runs: &Path, name: &str) -> Result<Self> {
        std::fs::create_dir_all(runs).map_err(Error::io(runs, "create the folder"))?;
        let mut folder = runs.join(name);
        let mut number = 1;
        loop {
            match std::fs::create_dir(&folder) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                made => {
                    made.map_err(Error::io(&folder, "create the folder"))?;
                    return Ok(StudyFolder(folder));
                }
            }
            folder = runs.join(format!("{name}-{number}"));
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Settings as resolved.
    pub fn settings(&self) -> PathBuf {
        self.0.join("study.toml")
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.log")
    }

    /// The best network.
    pub fn best_network(&self) -> PathBuf {
        self.0.join("networks").join("best.safetensors")
    }

    /// The report page.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// Makes the folder and those below it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(&self) -> Result<()> {
        let networks = self.0.join("networks");
        std::fs::create_dir_all(&networks).map_err(Error::io(&networks, "create the folder"))
    }
}

/// Writes a file that appears whole or not at all, also after a power failure.
///
/// # Errors
/// [`Error::Io`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    // Two processes may write the same file, such as `report` beside a search that ends, and so may two
    // threads.
    static DRAFTS: AtomicUsize = AtomicUsize::new(0);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.{number}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = File::create(&draft).map_err(Error::io(&draft, "create")).and_then(|mut file| {
        file.write_all(bytes).map_err(Error::io(&draft, "write"))?;
        file.sync_all().map_err(Error::io(&draft, "write"))?;
        std::fs::rename(&draft, path).map_err(Error::io(path, "create"))
    });
    if written.is_err() {
        // No half a file stays; if that fails too, the first error is the one to tell.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_folder_takes_the_first_free_number() {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("runs");
        let fresh = |name: &str| StudyFolder::fresh_in(&runs, name).unwrap();
        for expected in ["digits", "digits-2", "digits-3"] {
            let folder = fresh("digits");
            assert_eq!(folder.path(), runs.join(expected));
            folder.create().unwrap();
            assert!(folder.best_network().parent().is_some_and(Path::is_dir));
        }
        std::fs::remove_dir_all(runs.join("digits-2")).unwrap();
        assert_eq!(fresh("digits").path(), runs.join("digits-2"));
        assert_eq!(fresh("digit").path(), runs.join("digit"));

        std::fs::write(root.path().join("file"), "").unwrap();
        let error = StudyFolder::fresh_in(&root.path().join("file"), "digits").unwrap_err();
        assert!(error.to_string().contains("file: "), "{error}");
    }

    #[test]
    fn searches_that_start_together_get_a_folder_each() {
        let root = tempfile::tempdir().unwrap();
        let made = std::thread::scope(|scope| {
            let start = || StudyFolder::fresh_in(root.path(), "digits").unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            let folders = threads.into_iter().map(|thread| thread.join().unwrap());
            folders
                .map(|folder| folder.path().to_owned())
                .collect::<std::collections::BTreeSet<_>>()
        });
        assert_eq!(made.len(), 8, "{made:?}");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        for bytes in [&b"a long first content"[..], b"short", b""] {
            write_atomically(&path, bytes).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
            assert_eq!(names(folder.path()), ["page"]);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none").join("page");
        let error = write_atomically(&missing, b"x").unwrap_err().to_string();
        assert!(error.contains("page") && error.contains("cannot create"), "{error}");
        // A folder stands where the file should be: the draft is written, the move fails.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join("inside"), "kept").unwrap();
        assert!(
            matches!(write_atomically(&taken, b"x"), Err(Error::Io { path, .. }) if path == taken)
        );
        assert_eq!(names(folder.path()), ["taken"], "no draft stays");
        assert_eq!(std::fs::read(taken.join("inside")).unwrap(), b"kept");
    }
}
