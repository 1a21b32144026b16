//! The data of a study as its trials see it: images, their encoding, which image belongs to which
//! part.

use crate::data::{DataSet, ImageSet};
use crate::random::{Key, Purpose, Stream, shuffle};
use crate::spikes::{PoissonEncoder, SpikeTrain};

/// Turns an image into input spikes.
pub type Encoder = PoissonEncoder;

/// Part of the data that an evaluation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Split off the training images; what a search maximises.
    HoldOut,
    /// The test images of the data set; never seen by a search.
    Test,
}

/// Images, encoder and split. Shared by all trials of a study.
pub struct Task {
    data: DataSet,
    encoder: Encoder,
    train: Vec<u32>,
    hold_out: Vec<u32>,
}

impl Task {
    /// Uses the first `size` training images (all if None) and splits ⌊(1−hold_out)·size⌋ of them,
    /// drawn without replacement, for training; the rest is the hold-out (spec hpo.md section 1.1).
    /// Every trial of a study has the same split.
    pub fn new(
        data: DataSet,
        encoder: Encoder,
        size: Option<usize>,
        hold_out: f64,
        seed: u64,
    ) -> Self {
        let size = size.unwrap_or(usize::MAX).min(data.train.len());
        let mut order: Vec<u32> = (0..size as u32).collect();
        shuffle(&mut Key::new(seed).stream(Purpose::Split), &mut order);
        let train = ((1.0 - hold_out) * size as f64 + 1e-9) as usize;
        let hold_out = order.split_off(train.min(size));
        Task { data, encoder, train: order, hold_out }
    }

    /// Number of inputs of a network.
    pub fn inputs(&self) -> usize {
        self.data.train.inputs()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.data.train.classes
    }

    /// Rows and columns of an image.
    pub fn shape(&self) -> (usize, usize) {
        (self.data.train.height, self.data.train.width)
    }

    /// Number of training images.
    pub fn train_len(&self) -> usize {
        self.train.len()
    }

    /// Number of images of a part.
    pub fn len(&self, part: Part) -> usize {
        match part {
            Part::HoldOut => self.hold_out.len(),
            Part::Test => self.data.test.len(),
        }
    }

    /// Indices of the training images, in a fresh order for each epoch.
    pub fn epoch_order(&self, key: Key) -> Vec<u32> {
        let mut order = self.train.clone();
        shuffle(&mut key.stream(Purpose::Shuffle), &mut order);
        order
    }

    /// Input spikes and label of a training image. The spikes depend on the key (seed, trial,
    /// epoch) and the image alone.
    pub fn train_sample(&self, image: u32, key: Key) -> (SpikeTrain, u16) {
        self.encode(&self.data.train, image, key.stream(Purpose::EncodeTrain))
    }

    /// Input spikes and label of the `k`-th image of a part.
    pub fn sample(&self, part: Part, k: usize, key: Key) -> (SpikeTrain, u16) {
        let stream = key.stream(Purpose::EncodeTest);
        match part {
            Part::HoldOut => self.encode(&self.data.train, self.hold_out[k], stream),
            Part::Test => self.encode(&self.data.test, k as u32, stream),
        }
    }

    /// Grey levels of the `k`-th image of a part, and the level of full intensity.
    pub fn image(&self, part: Part, k: usize) -> (&[u8], u8) {
        let (set, index) = match part {
            Part::HoldOut => (&self.data.train, self.hold_out[k] as usize),
            Part::Test => (&self.data.test, k),
        };
        (set.image(index), set.max_level)
    }

    fn encode(&self, set: &ImageSet, image: u32, mut stream: Stream) -> (SpikeTrain, u16) {
        let image = image as usize;
        (self.encoder.encode(set.image(image), &mut stream), set.labels[image])
    }
}
