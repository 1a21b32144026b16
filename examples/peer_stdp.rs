//! Runs a comparison job on spikeseek: the other half of `benchmarking/peers/bindsnet`.
//!
//! `peer_stdp JOBDIR OUTDIR` reads the job that `compare.py` wrote (`job.json`, `w0.npy`, input
//! spikes as offsets and ids a step) and writes spikes, weights, θ and the seconds of each image in
//! the format that `job.py` describes. The one spike of a step is the lowest crossing neuron.

use anyhow::{Context, Result, ensure};
use ndarray::{Array1, Array2};
use ndarray_npy::{read_npy, write_npy};
use serde::Deserialize;
use spikeseek::engine::cpu::stdp::build;
use spikeseek::engine::{LayerSpikes, Weights};
use spikeseek::network::DiehlCook;
use spikeseek::spikes::SpikeTrain;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Deserialize)]
struct Job {
    format: String,
    inputs: usize,
    steps: usize,
    images: usize,
    learning: Vec<bool>,
    one_spike: String,
    network: DiehlCook,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(job_dir), Some(out_dir), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        anyhow::bail!("usage: peer_stdp JOBDIR OUTDIR")
    };
    let text = std::fs::read_to_string(job_dir.join("job.json")).context("job.json")?;
    let job: Job = serde_json::from_str(&text).context("job.json")?;
    ensure!(job.format == "spikeseek peer job 1", "job.json: unknown format {}", job.format);
    ensure!(job.one_spike == "lowest_index", "job.json: unknown rule {}", job.one_spike);
    ensure!(job.learning.len() == job.images, "job.json: one learning flag an image");
    let w0: Array2<f32> = read_npy(job_dir.join("w0.npy")).context("w0.npy")?;
    let m = job.network.map_size;
    ensure!(w0.dim() == (job.inputs, m), "w0.npy: shape {:?}", w0.dim());
    let trains = read_trains(&job_dir, &job)?;
    let weights = Weights {
        inputs: job.inputs,
        neurons: m,
        w: w0.iter().copied().collect(),
        theta: vec![0.0; m],
    };
    let mut engine = build(&job.network, &weights, 1);
    let mut outputs = Vec::with_capacity(job.images);
    let mut seconds = Vec::with_capacity(job.images);
    for (train, &learning) in trains.iter().zip(&job.learning) {
        let started = Instant::now();
        let output =
            engine.run(std::slice::from_ref(train), learning, &mut |_, _, c: &[u32]| c[0], None);
        seconds.push(started.elapsed().as_secs_f64());
        outputs.extend(output);
    }
    std::fs::create_dir_all(&out_dir)?;
    write_layer(&out_dir, "exc", &outputs, |output| &output.exc)?;
    write_layer(&out_dir, "inh", &outputs, |output| &output.inh)?;
    let weights = engine.weights();
    write_npy(out_dir.join("theta.npy"), &Array1::from(weights.theta))?;
    write_npy(out_dir.join("w.npy"), &Array2::from_shape_vec((job.inputs, m), weights.w)?)?;
    let program = format!("spikeseek {}", env!("CARGO_PKG_VERSION"));
    let timing = serde_json::json!({ "program": program, "seconds_per_image": seconds });
    std::fs::write(out_dir.join("timing.json"), timing.to_string())?;
    Ok(())
}

fn read_trains(job_dir: &Path, job: &Job) -> Result<Vec<SpikeTrain>> {
    let offsets: Array1<u32> = read_npy(job_dir.join("input_offsets.npy")).context("offsets")?;
    let ids: Array1<u32> = read_npy(job_dir.join("input_ids.npy")).context("ids")?;
    ensure!(offsets.len() == job.images * job.steps + 1, "input_offsets.npy: wrong length");
    let (offsets, ids) = (offsets.to_vec(), ids.to_vec());
    let mut trains = Vec::with_capacity(job.images);
    for image in 0..job.images {
        let mut train = SpikeTrain::empty(job.inputs);
        for row in image * job.steps..(image + 1) * job.steps {
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            train.push_step(ids.get(range).context("input_ids.npy: too short")?);
        }
        trains.push(train);
    }
    Ok(trains)
}

fn write_layer(
    out_dir: &Path,
    name: &str,
    outputs: &[LayerSpikes],
    layer: fn(&LayerSpikes) -> &SpikeTrain,
) -> Result<()> {
    let mut offsets = vec![0_u32];
    let mut ids = Vec::new();
    for train in outputs.iter().map(layer) {
        for t in 0..train.steps() {
            ids.extend_from_slice(train.step(t));
            offsets.push(ids.len() as u32);
        }
    }
    write_npy(out_dir.join(format!("{name}_offsets.npy")), &Array1::from(offsets))?;
    write_npy(out_dir.join(format!("{name}_ids.npy")), &Array1::from(ids))?;
    Ok(())
}
