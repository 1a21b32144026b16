//! Small event data sets in the formats of the real ones, so that everything runs where those cannot be
//! had. They are no substitute for them: accuracies on made data say nothing about the real sets.

mod camera;
mod digits;
mod gestures;
#[cfg(feature = "shd")]
mod words;

pub use digits::nmnist;
pub use gestures::dvs_gesture;
#[cfg(feature = "shd")]
pub use words::shd;

use crate::{Error, Result};
use std::path::Path;

/// Makes a folder that must not be there yet, so that made files never mix with others.
fn fresh_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(Error::io(path, "create"))?;
    std::fs::create_dir(path).map_err(Error::io(path, "create"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(Error::io(path, "write"))
}
