//! MNIST, Fashion-MNIST and other sets of the same four IDX files.

use crate::data::{DataSet, ImageSet, idx};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Grey level of full intensity.
const MAX_LEVEL: u8 = 255;
/// Classes of MNIST and of Fashion-MNIST.
const CLASSES: usize = 10;
/// Folders below the given one that are searched, in this order; torchvision makes the others.
const FOLDERS: [&str; 3] = ["", "MNIST/raw", "raw"];

/// Loads the four files of `dir`.
///
/// Names may be `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, with or without `.gz`
/// (the other three likewise: `train-labels` with `idx1`, `t10k-images`, `t10k-labels`). They lie
/// in `dir` itself, in `dir/MNIST/raw` or in `dir/raw`; the first folder that has one of them must
/// have all.
///
/// # Errors
/// [`Error::Format`] that lists what was looked for if a file is missing, if a file is damaged, or
/// if training and test images differ in size; [`Error::Io`] if a file cannot be read.
pub fn load(dir: &Path) -> Result<DataSet> {
    let folders = FOLDERS.map(|sub| if sub.is_empty() { dir.to_path_buf() } else { dir.join(sub) });
    let has_one = |folder: &&PathBuf| {
        ["train", "t10k"]
            .iter()
            .any(|part| ["images", "labels"].iter().any(|what| find(folder, part, what).is_some()))
    };
    let Some(folder) = folders.iter().find(has_one) else {
        return Err(Error::format(
            dir,
            "data folder",
            format!(
                "MNIST's four files, such as {}, here or in MNIST/raw or raw",
                names("train", "images").join(" or ")
            ),
            if dir.is_dir() { "none of them" } else { "no such folder" },
        ));
    };
    let train = load_part(folder, "train")?;
    let test = load_part(folder, "t10k")?;
    if (train.height, train.width) != (test.height, test.width) {
        return Err(Error::format(
            folder,
            "t10k images",
            format!("{} × {} pixels like the training images", train.height, train.width),
            format!("{} × {}", test.height, test.width),
        ));
    }
    Ok(DataSet { train, test })
}

fn load_part(folder: &Path, part: &str) -> Result<ImageSet> {
    let read = |what| {
        let path = find(folder, part, what).ok_or_else(|| {
            Error::format(
                folder,
                format!("{part} {what}"),
                format!("a file {}", names(part, what).join(" or ")),
                "none of them; the folder holds only a part of the set",
            )
        })?;
        idx::read(&path)
    };
    idx::image_set(read("images")?, &read("labels")?, MAX_LEVEL, CLASSES)
}

/// The names under which a file is distributed.
fn names(part: &str, what: &str) -> [String; 4] {
    let rank = if what == "images" { "idx3" } else { "idx1" };
    [
        format!("{part}-{what}-{rank}-ubyte"),
        format!("{part}-{what}-{rank}-ubyte.gz"),
        format!("{part}-{what}.{rank}-ubyte"),
        format!("{part}-{what}.{rank}-ubyte.gz"),
    ]
}

fn find(folder: &Path, part: &str, what: &str) -> Option<PathBuf> {
    names(part, what).into_iter().map(|name| folder.join(name)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A smallest valid set: 2 + 1 images of 1 × 2 pixels.
    fn file(part: &str, what: &str) -> Vec<u8> {
        let count = if part == "train" { 2 } else { 1 };
        match what {
            "images" => {
                let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2];
                bytes.extend((0..2 * count).map(|i| i * 10));
                bytes
            }
            _ => {
                let mut bytes = vec![0, 0, 8, 1, 0, 0, 0, count];
                bytes.extend((0..count).map(|i| i + 7));
                bytes
            }
        }
    }

    fn write_set(folder: &Path, name: usize) {
        fs::create_dir_all(folder).unwrap();
        for part in ["train", "t10k"] {
            for what in ["images", "labels"] {
                fs::write(folder.join(&names(part, what)[name]), file(part, what)).unwrap();
            }
        }
    }

    #[test]
    fn every_name_and_folder_is_found() {
        for sub in FOLDERS {
            for name in 0..4 {
                let dir = tempfile::tempdir().unwrap();
                write_set(&dir.path().join(sub), name);
                let set = load(dir.path()).unwrap();
                assert_eq!(set.train.pixels, [0, 10, 20, 30]);
                assert_eq!(set.train.labels, [7, 8]);
                assert_eq!(set.test.image(0), [0, 10]);
                assert_eq!(set.test.labels, [7]);
            }
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        write_set(dir.path(), 0);
        fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
        let message = load(dir.path()).unwrap_err().to_string();
        for name in names("t10k", "labels") {
            assert!(message.contains(&name), "{message}");
        }
    }

    #[test]
    fn an_empty_and_an_absent_folder_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let message = load(dir.path()).unwrap_err().to_string();
        assert!(message.contains("train-images-idx3-ubyte.gz"), "{message}");
        assert!(message.contains("none of them"), "{message}");
        let message = load(&dir.path().join("absent")).unwrap_err().to_string();
        assert!(message.contains("no such folder"), "{message}");
    }

    #[test]
    fn parts_of_different_size_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        write_set(dir.path(), 0);
        let tall = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 5, 6];
        fs::write(dir.path().join("t10k-images-idx3-ubyte"), tall).unwrap();
        let message = load(dir.path()).unwrap_err().to_string();
        assert!(message.contains("2 × 1"), "{message}");
    }
}
