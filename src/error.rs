//! The one error type of the library.
//!
//! Every variant carries what a user needs to act: which file, which place in it, what was expected
//! and what was found. The binary prints the chain and picks the exit code, in one place.

use std::path::{Path, PathBuf};

/// What can go wrong. Outcomes of trials (silent, timed out, failed) are data, not errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried, as a verb: "read", "create", "lock".
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// A data file does not have the bytes that its format asks for.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in it: a byte offset, a field, a line.
        place: String,
        /// What the format asks for.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// A setting in a TOML file is unknown, missing or out of its range.
    #[error(
        "{}{}: {}{message}",
        file.display(),
        line.map(|l| format!(":{l}")).unwrap_or_default(),
        if key.is_empty() { String::new() } else { format!("`{key}`: ") }
    )]
    Config {
        /// The file.
        file: PathBuf,
        /// Line of the key, counted from 1, where it is known.
        line: Option<usize>,
        /// The key with its tables, such as `space.norm.low`; empty where the text is no TOML.
        key: String,
        /// What is wrong, what is allowed and what to do.
        message: String,
    },

    /// Command line arguments that do not go together, or a request that this build cannot serve.
    #[error("{0}")]
    Usage(String),

    /// The study folder is in use by another process.
    #[error(
        "{}: another process (spikeseek search) is using this study; wait for it or choose another --save folder",
        path.display()
    )]
    Locked {
        /// The journal.
        path: PathBuf,
    },
}

/// Result with the library's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes an [`Error::Io`]; for use in `map_err`.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { path, action, source }
    }

    /// Makes an [`Error::Format`].
    pub fn format(
        path: &Path,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Format {
            path: path.to_path_buf(),
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}
