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
use std::io::Write;
use std::path::{Path, PathBuf};

/// Paths below a study folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFolder(PathBuf);

impl StudyFolder {
    /// The folder at a path, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        StudyFolder(path.into())
    }

    /// The first of `runs/<name>`, `runs/<name>-2`, … that holds no study.
    pub fn fresh(name: &str) -> Self {
        let numbered = (2..).map(|k| format!("{name}-{k}"));
        let mut names = std::iter::once(name.to_string()).chain(numbered);
        let free = names.find(|name| !Path::new("runs").join(name).exists());
        StudyFolder(Path::new("runs").join(free.unwrap_or_else(|| name.to_string())))
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
    // Two processes may write the same file, such as `report` beside a search that ends.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
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
