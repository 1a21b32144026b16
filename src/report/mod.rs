//! The report of a study: one HTML page that stands alone, and the closing table of the terminal.
//!
//! Nothing here reads files or the clock: equal input gives equal bytes. A page holds no script and
//! names no other resource; its figures are inline SVG, its pictures PNG in `data:` addresses.
//!
//! | file | idea |
//! |---|---|
//! | `facts` | what the figures and tables want to know of a trial and of a study |
//! | `scale` | scales and their ticks |
//! | `svg` | the writer of SVG elements, and escaping |
//! | `curves` | progress of the study: best so far, silent share, outcomes |
//! | `panels` | accuracy against each hyperparameter |
//! | `optimiser` | trust region, predicted feasibility and lengthscales of SCBO |
//! | `colour`, `picture` | the colour map of the weights; PNG as a `data:` address |
//! | `network_images`, `assignment` | weights of the best network; neurons and θ of each class |
//! | `raster` | spikes of one sample |
//! | `recording` | events of one recording, as a file of its own |
//! | `ranking` | the table of the best trials |
//! | `html` | the page around them |
//! | `table` | the same for the terminal |

mod assignment;
mod colour;
mod curves;
mod facts;
mod html;
mod network_images;
mod optimiser;
mod panels;
mod picture;
mod ranking;
mod raster;
mod recording;
mod scale;
mod svg;
mod table;

#[cfg(test)]
mod example;

pub use recording::recording;
pub use table::table;

use crate::spikes::SpikeTrain;
use crate::study::record::StudyRecord;

/// What a report page shows. Everything but the study may be missing.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The study.
    pub study: &'a StudyRecord,
    /// Weights of the best trial.
    pub best: Option<BestNetwork<'a>>,
    /// One sample as the best network saw it.
    pub sample: Option<SampleRaster<'a>>,
    /// Settings of the study as (key, value), in the order in which they are to be listed.
    pub settings: &'a [(String, String)],
    /// Things that the reader must know before believing the figures.
    pub warnings: &'a [String],
    /// Units of variables as (name of the variable, unit); variables without one are not listed.
    pub units: &'a [(String, String)],
}

/// The trained network of the best trial.
#[derive(Debug, Clone, Copy)]
pub struct BestNetwork<'a> {
    /// Number of the trial.
    pub trial: u64,
    /// Input → excitatory weights, row-major `[height·width × neurons]`.
    pub weights: &'a [f32],
    /// Rows of the input image.
    pub height: usize,
    /// Columns of the input image.
    pub width: usize,
    /// Number of excitatory neurons.
    pub neurons: usize,
    /// Class of each excitatory neuron, −1 where it has none; may be empty.
    pub assignments: &'a [i32],
    /// Adaptive part θ of each excitatory neuron's threshold, mV; may be empty.
    pub theta: &'a [f32],
}

/// What one sample made the best network do.
#[derive(Debug, Clone, Copy)]
pub struct SampleRaster<'a> {
    /// True class.
    pub label: i32,
    /// Predicted class, −1 where there was no prediction.
    pub prediction: i32,
    /// Levels of the input image, row-major `[height × width]`.
    pub image: &'a [u8],
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// The level that is drawn white.
    pub max_level: u8,
    /// Input spikes.
    pub input: &'a SpikeTrain,
    /// Spikes of the excitatory layer.
    pub exc: &'a SpikeTrain,
    /// Spikes of the inhibitory layer.
    pub inh: &'a SpikeTrain,
}

/// Renders the page.
pub fn html(page: &Page) -> String {
    html::page(page)
}

#[cfg(test)]
mod tests;
