//! The samples of a LIF run: training, validation and test part.

use super::data_table::{DataTable, Encoder};
use crate::data::{DataSet, ImageSet};
use crate::error::{Error, Result};
use crate::random::{Key, Purpose, shuffle};
use crate::spikes::{BernoulliEncoder, BinningCounts, PoissonEncoder, SpikeSet};

/// Hears what is being done, how much of it is done, and how much there is.
pub type Loading<'a> = &'a (dyn Fn(&'static str, usize, usize) + Sync);

/// Labelled spike trains in three parts.
#[derive(Debug)]
pub struct Samples {
    /// What is trained on.
    pub train: SpikeSet,
    /// What choices are made on: split off the training samples, or the set's own. May be empty.
    pub validation: SpikeSet,
    /// What the result is measured on.
    pub test: SpikeSet,
}

impl Samples {
    /// Draws `limits` training and test samples by seed (all where None), and splits ⌊(1 − hold_out)·n⌋ of
    /// the training ones for training; the rest is the validation part.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are not so many, or none would be left to train or to test on.
    pub fn split(
        train: &SpikeSet,
        test: &SpikeSet,
        limits: [Option<usize>; 2],
        hold_out: f64,
        seed: u64,
    ) -> Result<Samples> {
        let chosen = Chosen::draw([train.len(), test.len()], limits, hold_out, seed)?;
        Ok(Samples {
            train: train.choose(&chosen.train),
            validation: train.choose(&chosen.validation),
            test: test.choose(&chosen.test),
        })
    }

    /// Pictures as spikes, each encoded with a stream of its own; else as [`Samples::split`].
    pub(super) fn encode(
        data: &DataSet,
        table: &DataTable,
        seed: u64,
        loading: Loading<'_>,
    ) -> Result<Samples> {
        let key = Key::new(seed);
        let available = [data.train.len(), data.test.len()];
        let limits = [table.train, table.test];
        let chosen = Chosen::draw(available, limits, table.hold_out, seed)?;
        let (probability, step_ms) = table.intensity();
        let max_level = data.train.max_level;
        let bernoulli = BernoulliEncoder::new(table.steps, probability.min(1.0));
        let poisson = PoissonEncoder::new(table.steps, step_ms, table.gain, max_level);
        let encode = |part: &ImageSet, chosen: &[usize], purpose: Purpose, what| {
            let mut set = SpikeSet::new(part.inputs(), part.classes);
            for (done, &i) in chosen.iter().enumerate() {
                let mut stream = key.sample(i as u64).stream(purpose);
                let train = match table.encoder {
                    Encoder::Poisson => poisson.encode(part.image(i), &mut stream),
                    Encoder::Bernoulli => {
                        let level = |&grey: &u8| f32::from(grey) / f32::from(max_level);
                        let levels: Vec<f32> = part.image(i).iter().map(level).collect();
                        bernoulli.encode(&levels, &mut stream)
                    }
                };
                let spikes = train.count() as u64;
                let counts = BinningCounts { events: spikes, spikes, ..Default::default() };
                set.push(&train, part.labels[i], counts);
                loading(what, done + 1, chosen.len());
            }
            set
        };
        let training = |chosen, what| encode(&data.train, chosen, Purpose::EncodeTrain, what);
        Ok(Samples {
            train: training(&chosen.train, "training pictures encoded"),
            validation: training(&chosen.validation, "validation pictures encoded"),
            test: encode(&data.test, &chosen.test, Purpose::EncodeTest, "test pictures encoded"),
        })
    }
}

/// Which samples each part has, in an order of their own.
struct Chosen {
    train: Vec<usize>,
    validation: Vec<usize>,
    test: Vec<usize>,
}

impl Chosen {
    fn draw(
        available: [usize; 2],
        limits: [Option<usize>; 2],
        hold_out: f64,
        seed: u64,
    ) -> Result<Chosen> {
        let mut train = draw("train", available[0], limits[0], Key::new(seed))?;
        let test = draw("test", available[1], limits[1], Key::new(seed).epoch(1))?;
        let validation = train.split_off(trained(train.len(), hold_out)?);
        Ok(Chosen { train, validation, test })
    }
}

/// Which samples of `available` are used, in an order of their own.
fn draw(key: &str, available: usize, limit: Option<usize>, address: Key) -> Result<Vec<usize>> {
    let limit = limit.unwrap_or(available);
    if limit > available || limit == 0 {
        let text = format!("`data.{key}`: {limit} samples were asked for, there are {available}");
        return Err(Error::Usage(text));
    }
    let mut order: Vec<usize> = (0..available).collect();
    shuffle(&mut address.stream(Purpose::Split), &mut order);
    order.truncate(limit);
    Ok(order)
}

/// Samples that are left for training.
fn trained(samples: usize, hold_out: f64) -> Result<usize> {
    match ((1.0 - hold_out) * samples as f64 + 1e-9) as usize {
        0 => Err(Error::Usage(format!(
            "`data.hold_out` = {hold_out} leaves none of {samples} samples for training; give less, or \
             more samples"
        ))),
        n => Ok(n),
    }
}
