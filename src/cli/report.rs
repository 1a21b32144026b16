//! `spikeseek report`, and the page at the end of a search.

use super::options::study_of;
use super::say;
use crate::engine::LayerSpikes;
use crate::engine::cpu::stdp::build;
use crate::error::Result;
use crate::network::DiehlCook;
use crate::random::{Key, Purpose, below};
use crate::report::{BestNetwork, Page, SampleRaster, html, table};
use crate::spikes::SpikeTrain;
use crate::study::folder::{StudyFolder, write_atomically};
use crate::study::journal;
use crate::study::record::StudyRecord;
use crate::study::settings::StudySettings;
use crate::study::study_file::StudyFile;
use crate::train::{Part, Task, TrainedNetwork};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `report`.
#[derive(Args)]
pub struct Arguments {
    /// Study folder
    folder: PathBuf,
}

/// Writes the page and prints the table.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = StudyFolder::new(&arguments.folder);
    let page = write(&folder)?;
    say(&table(&record_of(&folder, &study_of(&folder)?)?))?;
    say(&format!("report  {}", page.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the report page of a study folder; gives its path. What cannot be shown (a network that
/// is missing, data that is not there any more) becomes a warning on the page.
pub fn write(folder: &StudyFolder) -> Result<PathBuf> {
    let study = study_of(folder)?;
    let record = record_of(folder, &study)?;
    let lines = settings_lines(&study.to_toml()?);
    match &study {
        StudyFile::Stdp(settings) => write_stdp(folder, settings, &record, &lines)?,
        StudyFile::Lif(_) => {
            let page = Page {
                study: &record,
                best: None,
                sample: None,
                settings: &lines,
                warnings: &[],
                units: &[],
            };
            write_atomically(&folder.report(), html(&page).as_bytes())?;
        }
    }
    Ok(folder.report())
}

/// The page of a study of Diehl & Cook networks.
fn write_stdp(
    folder: &StudyFolder,
    settings: &StudySettings,
    record: &StudyRecord,
    lines: &[(String, String)],
) -> Result<()> {
    let mut warnings = Vec::new();
    let network = match folder.best_network().exists() {
        true => TrainedNetwork::load(&folder.best_network())
            .map_err(|error| warnings.push(format!("The best network is not shown: {error}")))
            .ok(),
        false => None,
    };
    if let (Some(best), Some(network)) = (record.best(), &network)
        && best.number != network.trial
    {
        warnings.push(format!(
            "The saved network is that of trial {}, the best trial is {}: the search was cut off \
             between the two. Resume it.",
            network.trial, best.number
        ));
    }
    let task = network.as_ref().and_then(|_| {
        settings.task().map_err(|error| warnings.push(format!("No sample is shown: {error}"))).ok()
    });
    let fits = |task: &Task, network: &TrainedNetwork| task.inputs() == network.weights.inputs;
    let sample = match (&task, &network) {
        (Some(task), Some(network)) if fits(task, network) => {
            Some(Sample::run(task, network, settings.frame.study.seed))
        }
        _ => None,
    };
    let shape = task.as_ref().map(Task::shape);
    let units: Vec<(String, String)> = record
        .space
        .variables
        .iter()
        .filter_map(|v| Some((v.name.clone(), DiehlCook::unit(&v.name)?.to_string())))
        .collect();
    let page = Page {
        study: record,
        best: network.as_ref().map(|network| {
            let (height, width) = shape.unwrap_or((1, network.weights.inputs));
            BestNetwork {
                trial: network.trial,
                weights: &network.weights.w,
                height,
                width,
                neurons: network.weights.neurons,
                assignments: network.readouts.assignment().assigned(),
                theta: &network.weights.theta,
            }
        }),
        sample: match (&sample, &task) {
            (Some(sample), Some(task)) => Some(sample.raster(task)),
            _ => None,
        },
        settings: lines,
        warnings: &warnings,
        units: &units,
    };
    write_atomically(&folder.report(), html(&page).as_bytes())
}

/// The record of a study; of a single training, which has no journal, an empty one.
fn record_of(folder: &StudyFolder, study: &StudyFile) -> Result<StudyRecord> {
    let frame = study.frame();
    if folder.journal().exists() || frame.space.is_some() {
        return journal::read(&folder.journal());
    }
    Ok(StudyRecord { name: frame.study.name.clone(), ..StudyRecord::default() })
}

/// One hold-out image and what the network does with it.
struct Sample {
    input: SpikeTrain,
    output: LayerSpikes,
    label: i32,
    prediction: i32,
}

impl Sample {
    fn run(task: &Task, network: &TrainedNetwork, seed: u64) -> Self {
        let key = Key::new(seed).trial(network.trial);
        let (input, label) = task.sample(Part::HoldOut, 0, key);
        let mut engine = build(&network.network, &network.weights, 1);
        let mut stream = key.stream(Purpose::OneSpikeTest);
        let mut choose =
            |_: usize, _: usize, crossed: &[u32]| crossed[below(&mut stream, crossed.len())];
        let mut outputs = engine.run(std::slice::from_ref(&input), false, &mut choose, None);
        let output = outputs.remove(0);
        let predictions = network.readouts.predict(std::slice::from_ref(&output.exc));
        let own = predictions.iter().find(|(kind, _)| *kind == network.decoder);
        let prediction = own.map_or(-1, |(_, classes)| classes[0]);
        Sample { input, output, label: i32::from(label), prediction }
    }

    fn raster<'a>(&'a self, task: &'a Task) -> SampleRaster<'a> {
        let (image, max_level) = task.image(Part::HoldOut, 0);
        let (height, width) = task.shape();
        SampleRaster {
            label: self.label,
            prediction: self.prediction,
            image,
            height,
            width,
            max_level,
            input: &self.input,
            exc: &self.output.exc,
            inh: &self.output.inh,
        }
    }
}

/// The settings as "table.key" and value, but for the space, which has its own figures.
fn settings_lines(text: &str) -> Vec<(String, String)> {
    let root: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut lines = Vec::new();
    for (table, content) in root.iter().filter(|(table, _)| *table != "space") {
        for (key, value) in content.as_table().into_iter().flatten() {
            lines.push((format!("{table}.{key}"), value.to_string()));
        }
    }
    lines
}
