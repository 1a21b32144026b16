//! Readers, one file a format, the labelled images that they give, and generators of labelled spikes.

pub mod aedat;
pub mod digits;
pub mod dvs_gesture;
pub mod event_source;
#[cfg(feature = "shd")]
mod global_heap;
pub mod idx;
pub mod mnist;
pub mod nmnist;
pub mod npy;
pub mod randman;
pub mod random_spikes;
#[cfg(feature = "shd")]
pub mod shd;

/// Grey-level images with labels, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Grey level that means intensity 1.0: 255 for MNIST, 16 for the 8×8 digits.
    pub max_level: u8,
    /// Number of classes; every label is below it.
    pub classes: usize,
    /// Grey levels, `[image, row, column]`, 0 = background.
    pub pixels: Vec<u8>,
    /// One label an image.
    pub labels: Vec<u16>,
}

/// The two parts of a data set as its files give them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// Training part; the search splits its hold-out from it.
    pub train: ImageSet,
    /// Official test part; only `retrain` and `evaluate` touch it.
    pub test: ImageSet,
}

impl ImageSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True where there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of an image: height × width.
    pub fn inputs(&self) -> usize {
        self.height * self.width
    }

    /// Grey levels of image `i`, row by row.
    pub fn image(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.inputs()..(i + 1) * self.inputs()]
    }
}
