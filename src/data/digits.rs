//! 1,797 handwritten 8 × 8 digits, embedded in the program.
//!
//! Grey levels 0..=16, 10 classes, 1,437 training and 360 test images in the order of the source.
//!
//! Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
//! Learning Repository, 1998, licensed CC BY 4.0; the test part of it as scikit-learn ships it.

use crate::Result;
use crate::data::{DataSet, ImageSet, idx};
use std::path::Path;

/// Grey level of full intensity.
const MAX_LEVEL: u8 = 16;
/// The digits 0 to 9.
const CLASSES: usize = 10;

/// Name in error messages and bytes of one embedded file.
macro_rules! embedded {
    ($name:literal) => {
        (
            concat!("data/digits-8x8/", $name),
            include_bytes!(concat!("../../data/digits-8x8/", $name)).as_slice(),
        )
    };
}

/// Unpacks the embedded digits.
///
/// # Errors
/// [`crate::Error::Format`] if the program was built with other files than it should.
pub fn load() -> Result<DataSet> {
    Ok(DataSet {
        train: part(
            embedded!("train-images-idx3-ubyte.gz"),
            embedded!("train-labels-idx1-ubyte.gz"),
        )?,
        test: part(embedded!("t10k-images-idx3-ubyte.gz"), embedded!("t10k-labels-idx1-ubyte.gz"))?,
    })
}

fn part(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<ImageSet> {
    let parse =
        |(name, bytes): (&str, &[u8])| idx::parse(Path::new(name), bytes.len() as u64, bytes);
    idx::image_set(parse(images)?, &parse(labels)?, MAX_LEVEL, CLASSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_source() {
        let set = load().unwrap();
        assert_eq!((set.train.len(), set.test.len()), (1437, 360));
        assert_eq!((set.train.height, set.train.width), (8, 8));
        assert_eq!(set.train.pixels.iter().chain(&set.test.pixels).max(), Some(&16));
        // Class counts of the whole set, from scikit-learn's description of it.
        let mut counts = [0; 10];
        for &label in set.train.labels.iter().chain(&set.test.labels) {
            counts[usize::from(label)] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        // First line of the source's CSV, label last.
        assert_eq!(set.train.image(0)[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!(set.train.labels[0], 0);
    }
}
