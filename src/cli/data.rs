//! `spikeseek data`: event data sets are made and looked at.

use super::display::piece_bar;
use super::say;
use crate::data::event_data::{EventPart, EventSet};
use crate::data::event_source::EventSource;
use crate::data::inspect::{Map, Spread, Summary, summary};
use crate::data::{digits, make, mnist};
use crate::error::{Error, Result};
use crate::report::recording;
use crate::spikes::{Binning, Origin, Polarity, TimeBins};
use crate::study::folder::write_atomically;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `data`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a small event data set in the format of a real one
    Make(MakeArguments),
    /// Show what an event data set holds: counts, rates, a recording as a picture
    Inspect(InspectArguments),
}

/// Arguments of `data make`.
#[derive(Args)]
struct MakeArguments {
    /// Which data set's format
    #[arg(value_enum)]
    set: MakeName,
    /// Folder to write
    folder: PathBuf,
    /// Recordings (dvs_gesture: trials of twelve gestures) of the training part [default: 600, dvs_gesture 4]
    #[arg(long, value_name = "N")]
    train: Option<usize>,
    /// The same for the test part [default: 200, dvs_gesture 2]
    #[arg(long, value_name = "N")]
    test: Option<usize>,
    /// Seed of all randomness
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// nmnist: folder of MNIST's four files, whose digits are filmed; the embedded 8×8 digits if left out
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Print what was made as JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
enum MakeName {
    /// Digits filmed in three saccades, as .bin files
    Nmnist,
    /// Moving hands, as AEDAT 3.1 with labels and trial lists
    DvsGesture,
    /// Tracks over 700 channels, as HDF5 (needs a build with --features shd)
    Shd,
}

/// Arguments of `data inspect`.
#[derive(Args)]
struct InspectArguments {
    /// The data set's folder or the one above it
    folder: PathBuf,
    /// Which data set; found out if left out
    #[arg(long, value_enum)]
    set: Option<SetName>,
    /// Which part
    #[arg(long, value_enum, default_value = "train")]
    part: PartName,
    /// Recording to show, counted from 0
    #[arg(long, value_name = "I", default_value_t = 0)]
    recording: usize,
    /// Write a picture of the recording to this SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Also count spikes in so many time steps
    #[arg(long, value_name = "T")]
    steps: Option<usize>,
    /// Length of a step in microseconds; equal parts of each recording if left out
    #[arg(long, value_name = "US", requires = "steps")]
    width_us: Option<u64>,
    /// Filter time of the noise filter in microseconds
    #[arg(long, value_name = "US", requires = "steps")]
    denoise_us: Option<u64>,
    /// Columns and rows to scale down to
    #[arg(long, value_names = ["W", "H"], num_args = 2, requires = "steps")]
    size: Option<Vec<u16>>,
    /// Join ON and OFF events
    #[arg(long, requires = "steps")]
    merge: bool,
    /// Most spikes in a step
    #[arg(long, value_name = "K", requires = "steps")]
    capacity: Option<usize>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Clone, Copy)]
#[value(rename_all = "snake_case")]
enum SetName {
    Nmnist,
    DvsGesture,
    Shd,
    Ssc,
}

#[derive(ValueEnum, Clone, Copy)]
enum PartName {
    Train,
    /// SSC only
    Validation,
    Test,
}

/// Makes or looks.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Make(arguments) => run_make(arguments)?,
        Command::Inspect(arguments) => run_inspect(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_make(arguments: &MakeArguments) -> anyhow::Result<()> {
    let default = if arguments.set == MakeName::DvsGesture { [4, 2] } else { [600, 200] };
    let mut counts = [arguments.train.unwrap_or(default[0]), arguments.test.unwrap_or(default[1])];
    let (folder, seed) = (&arguments.folder, arguments.seed);
    if arguments.images.is_some() && arguments.set != MakeName::Nmnist {
        return Err(Error::Usage("--images goes with nmnist only".into()).into());
    }
    let bar = piece_bar(arguments.json, "recordings");
    let progress = || bar.inc(1);
    let unit = match arguments.set {
        MakeName::Nmnist => {
            let images = match &arguments.images {
                Some(dir) => mnist::load(dir)?,
                None => digits::load()?,
            };
            counts = [counts[0].min(images.train.len()), counts[1].min(images.test.len())];
            bar.set_length(counts.iter().sum::<usize>() as u64);
            make::nmnist(folder, &images, counts, seed, &progress)?;
            "recordings"
        }
        MakeName::DvsGesture => {
            bar.set_length(counts.iter().sum::<usize>() as u64);
            make::dvs_gesture(folder, counts, seed, &progress)?;
            "trials of 12 gestures"
        }
        MakeName::Shd => {
            bar.set_length(counts.iter().sum::<usize>() as u64);
            make_shd(folder, counts, seed, &progress)?;
            "recordings"
        }
    };
    bar.finish_and_clear();
    let [train, test] = counts;
    if arguments.json {
        let made =
            json!({ "folder": folder, "train": train, "test": test, "unit": unit, "seed": seed });
        return say(&made.to_string());
    }
    say(&format!("made {train} + {test} {unit} in {}", folder.display()))
}

#[cfg(feature = "shd")]
fn make_shd(
    folder: &Path,
    counts: [usize; 2],
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<()> {
    make::shd(folder, counts, seed, progress)
}

#[cfg(not(feature = "shd"))]
fn make_shd(_: &Path, _: [usize; 2], _: u64, _: &(dyn Fn() + Sync)) -> Result<()> {
    Err(Error::Usage("this program was built without HDF5; build it with --features shd".into()))
}

fn run_inspect(arguments: &InspectArguments) -> anyhow::Result<()> {
    let part = match arguments.part {
        PartName::Train => EventPart::Train,
        PartName::Validation => EventPart::Validation,
        PartName::Test => EventPart::Test,
    };
    let set = arguments.set.map(|set| match set {
        SetName::Nmnist => EventSet::Nmnist,
        SetName::DvsGesture => EventSet::DvsGesture,
        SetName::Shd => EventSet::Shd,
        SetName::Ssc => EventSet::Ssc,
    });
    let (set, source) = find(&arguments.folder, set, part)?;
    let binning = arguments.steps.map(|steps| binning(arguments, steps));
    let bar = piece_bar(arguments.json, "pieces");
    let summary = summary(source.as_ref(), binning.as_ref(), &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    let shown = one(source.as_ref(), arguments.recording)?;
    let class = &source.class_names()[usize::from(shown.label)];
    let title = format!("{} recording {}: {class}", set.name(), arguments.recording);
    if let Some(path) = &arguments.svg {
        write_atomically(path, recording(&shown.events, &title).as_bytes())?;
    }
    if arguments.json {
        let shown = json!({
            "number": arguments.recording,
            "label": shown.label,
            "class": class,
            "events": shown.events.len(),
            "duration_ms": shown.events.duration_us() as f64 / 1000.0,
        });
        return say(&json!({ "set": set, "part": part, "summary": summary, "recording": shown })
            .to_string());
    }
    say(&text(set, &summary))?;
    say(&format!("{title}, {} events", shown.events.len()))?;
    say(&Map::of(&shown.events, 68, 34).text())
}

/// The set that was asked for, or the only one that is there.
fn find(
    folder: &Path,
    set: Option<EventSet>,
    part: EventPart,
) -> Result<(EventSet, Box<dyn EventSource>)> {
    if let Some(set) = set {
        return Ok((set, set.open(folder, part)?));
    }
    let (mut errors, mut wanted) = (Vec::new(), Vec::new());
    for set in EventSet::ALL {
        match set.open(folder, part) {
            Ok(source) => return Ok((set, source)),
            Err(Error::Format { place, expected, .. }) if place == "data folder" => {
                wanted.push(format!("{}: {expected}", set.name()));
            }
            Err(Error::Usage(text)) => wanted.push(format!("{}: {text}", set.name())),
            // Files that are there but damaged are what the user wants to hear of.
            Err(error) => errors.push(error),
        }
    }
    Err(errors.into_iter().next().unwrap_or_else(|| {
        let expected = format!("one of\n  {}\n", wanted.join("\n  "));
        let found = if folder.is_dir() { "none of them" } else { "no such folder" };
        Error::format(folder, "data folder", expected, found)
    }))
}

fn binning(arguments: &InspectArguments, steps: usize) -> Binning {
    Binning {
        steps,
        bins: arguments.width_us.map_or(TimeBins::Equal, TimeBins::WidthUs),
        origin: Origin::FirstEvent,
        denoise_us: arguments.denoise_us,
        size: arguments.size.as_ref().map(|size| [size[0], size[1]]),
        polarity: if arguments.merge { Polarity::Merged } else { Polarity::Separate },
        capacity: arguments.capacity,
    }
}

/// Recording `number` of the data set.
fn one(source: &dyn EventSource, number: usize) -> Result<crate::data::event_source::Recording> {
    let mut before = 0;
    for piece in 0..source.pieces() {
        let mut recordings = source.read(piece)?;
        if number < before + recordings.len() {
            return Ok(recordings.swap_remove(number - before));
        }
        before += recordings.len();
    }
    Err(Error::Usage(format!("--recording {number}: there are {before}, counted from 0")))
}

fn text(set: EventSet, summary: &Summary) -> String {
    let Summary { sensor, recordings, silent, events, .. } = summary;
    let spread = |spread: &Spread| {
        format!("{:.1} (least {:.1}, most {:.1})", spread.median, spread.least, spread.most)
    };
    let mut lines = vec![
        format!(
            "{}: {recordings} recordings, {} × {} × {}, {events} events",
            set.name(),
            sensor.width,
            sensor.height,
            sensor.polarities
        ),
        format!("  events a recording, median   {}", spread(&summary.events_per_recording)),
        format!("  duration in ms, median       {}", spread(&summary.duration_ms)),
        format!("  events a ms, median          {}", spread(&summary.events_per_ms)),
    ];
    if let Some(on) = summary.on {
        lines.push(format!("  ON events                    {:.1} %", 100.0 * on));
    }
    if *silent > 0 {
        lines.push(format!("  recordings without events    {silent}"));
    }
    let classes: Vec<String> =
        summary.classes.iter().map(|(name, count)| format!("{name} {count}")).collect();
    lines.push(format!("  classes                      {}", classes.join(", ")));
    if let Some(trains) = &summary.trains {
        let counts = &trains.counts;
        lines.push(format!("as trains of {} steps over {} neurons:", trains.steps, trains.neurons));
        lines.push(format!(
            "  spikes a step                {:.2} ({:.3} % of the neurons), 99 % of the steps have at most {}, the fullest {}",
            trains.spikes_per_step,
            100.0 * trains.activity,
            trains.capacity_99,
            trains.most_per_step
        ));
        lines.push(format!(
            "  events become                {} spikes, {} noise, {} outside, {} duplicates, {} overflow",
            counts.spikes, counts.denoised, counts.outside, counts.duplicates, counts.overflow
        ));
    }
    lines.join("\n") + "\n"
}
