//! Event data sets as spike trains, made once and kept in a file.
//!
//! A file of the cache (all numbers little-endian):
//!
//! | part | content |
//! |---|---|
//! | 8 bytes | `SPKSET01` |
//! | words | u32: the samples one behind the other, see [`SpikeSet`] |
//! | labels | u16, one a sample |
//! | starts | u64: word at which each sample begins, and the number of words |
//! | head | JSON: numbers of neurons, classes, samples and words, what became of the events |
//! | 16 bytes | u64: bytes of the JSON; u64: XXH3 of everything before |
//!
//! Its name is a hash of the contents of the data set's files, of their names and those of their folders, and of all that the trains depend on, so
//! that neither a changed file nor a changed setting ever meets an old cache. Contents are hashed once for
//! each state of the files, which is told by names, lengths and times of change.

use crate::data::event_source::EventSource;
use crate::data::parallel::in_order;
use crate::random::Key;
use crate::spikes::{Binning, BinningCounts, SpikeSet, pack};
use crate::study::folder::write_atomically;
use crate::{Error, Result};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const MAGIC: &[u8; 8] = b"SPKSET01";
/// Length of the JSON and checksum.
const TAIL: usize = 16;

/// What [`load`] is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Hashes files.
    Hash,
    /// Makes spike trains.
    Convert,
}

/// Hears what is done: stage, pieces done, pieces in all.
pub type Progress<'a> = &'a (dyn Fn(Stage, usize, usize) + Sync);

/// The head of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    neurons: usize,
    classes: usize,
    samples: usize,
    words: usize,
    counts: BinningCounts,
}

/// Gives the trains of a data set: from the cache folder `dir` where they are in it and whole, else made by
/// all processors and put there. A file that is damaged is made anew.
///
/// Which spikes a full step keeps depends on `seed`, piece and number in the piece alone.
///
/// # Errors
/// Those of the source; [`Error::Usage`] if the settings do not fit the sensor; [`Error::Io`].
pub fn load(
    source: &dyn EventSource,
    binning: &Binning,
    seed: u64,
    dir: &Path,
    progress: Progress,
) -> Result<SpikeSet> {
    binning.check(source.sensor())?;
    fs::create_dir_all(dir).map_err(Error::io(dir, "create"))?;
    let settings = serde_json::to_string(&(binning, seed, source.sensor(), source.class_names()))
        .expect("plain data");
    let mut key = Xxh3::new();
    key.update(MAGIC);
    key.update(&contents(source, dir, progress)?.to_le_bytes());
    key.update(settings.as_bytes());
    // Labels may be in the names: of folders (N-MNIST) or of files (Tonic's gestures).
    for part in source.files().iter().flat_map(|path| path.iter().rev().take(2)) {
        key.update(part.as_encoded_bytes());
        key.update(&[0]);
    }
    let path = dir.join(format!("{:032x}.spikes", key.digest128()));
    if path.exists() {
        match open(&path) {
            Ok(set) => return Ok(set),
            Err(error) => tracing::warn!("the cache is made anew: {error}"),
        }
    }
    build(source, binning, seed, &path, progress)?;
    open(&path)
}

/// Opens a file of the cache.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] if it is not whole.
pub fn open(path: &Path) -> Result<SpikeSet> {
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    // SAFETY: the mapping is read-only; files of the cache appear whole under a name of their own and
    // are never written again, and everything that is read from them is checked.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "read"))?;
    let wrong = |place: &str, expected: &str| {
        Error::format(path, place, expected, "something else; the file is cut off or damaged")
    };
    let Some((body, tail)) = map.split_last_chunk::<TAIL>() else {
        return Err(wrong("byte 0", "SPKSET01"));
    };
    let (length, checksum) = tail.split_at(8);
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |&b| u64::from_le_bytes(b));
    if !body.starts_with(MAGIC) {
        return Err(wrong("byte 0", "SPKSET01"));
    }
    if xxh3_64(&map[..map.len() - 8]) != number(checksum) {
        return Err(wrong("last 8 bytes", "the checksum of the file"));
    }
    let parts = || {
        let json_at = body.len().checked_sub(usize::try_from(number(length)).ok()?)?;
        let head: Head = serde_json::from_slice(&body[json_at..]).ok()?;
        let labels_at = MAGIC.len().checked_add(head.words.checked_mul(4)?)?;
        let starts_at = labels_at.checked_add(head.samples.checked_mul(2)?)?;
        let end = starts_at.checked_add(head.samples.checked_add(1)?.checked_mul(8)?)?;
        if end != json_at {
            return None;
        }
        let labels = &body[labels_at..starts_at];
        let labels = labels.as_chunks().0.iter().map(|&label| u16::from_le_bytes(label)).collect();
        let starts = body[starts_at..end].as_chunks().0.iter();
        let starts = starts.map(|&at| usize::try_from(u64::from_le_bytes(at)).ok());
        let starts: Vec<usize> = starts.collect::<Option<_>>()?;
        (starts.last() == Some(&head.words)).then_some((head, labels, starts))
    };
    let (head, labels, starts) = parts().ok_or_else(|| wrong("head", "parts that fit"))?;
    SpikeSet::mapped(head.neurons, head.classes, labels, starts, head.counts, (map, MAGIC.len()))
        .ok_or_else(|| wrong("samples", "spike trains with labels"))
}

/// Makes the trains and writes the file, which appears whole or not at all.
fn build(
    source: &dyn EventSource,
    binning: &Binning,
    seed: u64,
    path: &Path,
    progress: Progress,
) -> Result<()> {
    // Neither two processes nor two threads that miss the same file may share a draft.
    static DRAFTS: AtomicUsize = AtomicUsize::new(0);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}.{number}.new", std::process::id()));
    let written = write(source, binning, seed, &draft, progress)
        .and_then(|()| fs::rename(&draft, path).map_err(Error::io(path, "create")));
    if written.is_err() {
        // No half a file stays; if that fails too, the first error is the one to tell.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write(
    source: &dyn EventSource,
    binning: &Binning,
    seed: u64,
    path: &Path,
    progress: Progress,
) -> Result<()> {
    let file = File::create(path).map_err(Error::io(path, "create"))?;
    let mut out = Hashed { out: BufWriter::new(file), hash: Xxh3::new() };
    let classes = source.class_names().len();
    let neurons = binning.neurons(source.sensor());
    let mut head =
        Head { neurons, classes, samples: 0, words: 0, counts: BinningCounts::default() };
    let (mut labels, mut starts) = (Vec::new(), vec![0_u64]);
    out.write(path, MAGIC)?;
    let pieces = source.pieces();
    let convert = |piece: usize| {
        let recordings = source.read(piece)?;
        let samples = recordings.iter().enumerate().map(|(number, recording)| {
            let key = Key::new(seed).epoch(piece as u64).sample(number as u64);
            let (train, counts) = binning.apply(&recording.events, key);
            let bytes: Vec<u8> = pack(&train).into_iter().flat_map(u32::to_le_bytes).collect();
            (recording.label, bytes, counts)
        });
        Ok(samples.collect::<Vec<_>>())
    };
    in_order(pieces, convert, |piece, samples| {
        for (label, bytes, counts) in samples {
            out.write(path, &bytes)?;
            head.words += bytes.len() / 4;
            head.samples += 1;
            head.counts += counts;
            labels.push(label);
            starts.push(head.words as u64);
        }
        progress(Stage::Convert, piece + 1, pieces);
        Ok(())
    })?;
    let json = serde_json::to_vec(&head).expect("plain data");
    out.write(path, &labels.into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>())?;
    out.write(path, &starts.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>())?;
    out.write(path, &json)?;
    out.write(path, &(json.len() as u64).to_le_bytes())?;
    let checksum = out.hash.digest();
    out.write(path, &checksum.to_le_bytes())?;
    let file = out.out.into_inner().map_err(|e| Error::io(path, "write")(e.into_error()))?;
    file.sync_all().map_err(Error::io(path, "write"))
}

/// A file and the hash of what has been written to it.
struct Hashed {
    out: BufWriter<File>,
    hash: Xxh3,
}

impl Hashed {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(Error::io(path, "write"))
    }
}

/// Hash of the contents of a source's files, in order. Looked up by names, lengths and times of change
/// where they have been hashed before.
fn contents(source: &dyn EventSource, dir: &Path, progress: Progress) -> Result<u128> {
    let files = source.files();
    let mut state = Xxh3::new();
    for path in files {
        let metadata = fs::metadata(path).map_err(Error::io(path, "read"))?;
        let changed = metadata.modified().map_err(Error::io(path, "read"))?;
        let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        state.update(path.as_os_str().as_encoded_bytes());
        state.update(&[0]);
        state.update(&metadata.len().to_le_bytes());
        state.update(&since.to_le_bytes());
    }
    let known: PathBuf = dir.join(format!("{:032x}.contents", state.digest128()));
    if let Some(hash) = fs::read_to_string(&known).ok().and_then(|text| parse_hash(&text)) {
        return Ok(hash);
    }
    let mut all = Xxh3::new();
    in_order(
        files.len(),
        |i| hash_file(&files[i]),
        |i, hash| {
            all.update(&hash.to_le_bytes());
            progress(Stage::Hash, i + 1, files.len());
            Ok(())
        },
    )?;
    let hash = all.digest128();
    write_atomically(&known, format!("{hash:032x}\n").as_bytes())?;
    Ok(hash)
}

fn parse_hash(text: &str) -> Option<u128> {
    let digits = text.strip_suffix('\n').filter(|digits| digits.len() == 32)?;
    u128::from_str_radix(digits, 16).ok()
}

fn hash_file(path: &Path) -> Result<u128> {
    let mut file = File::open(path).map_err(Error::io(path, "read"))?;
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(Error::io(path, "read"))? {
            0 => return Ok(hash.digest128()),
            count => hash.update(&buffer[..count]),
        }
    }
}
