//! Spiking Heidelberg Digits and Spiking Speech Commands (B. Cramer et al., *The Heidelberg spiking data
//! sets for the systematic evaluation of spiking neural networks*, IEEE TNNLS 33, 2022): HDF5 files
//! `shd_train.h5`, `shd_test.h5`, `ssc_train.h5`, `ssc_valid.h5`, `ssc_test.h5`.
//!
//! | data set | content |
//! |---|---|
//! | `/spikes/times` | \[n\] variable-length arrays of float16 (or wider), seconds |
//! | `/spikes/units` | \[n\] variable-length arrays of integers, channel 0 to 699 |
//! | `/labels` | \[n\] integers |
//! | `/extra/keys` | names of the classes |
//! | `/extra/speaker` | \[n\] integers |
//!
//! The types are taken from the file. Float16 limits the resolution of times: 0.49 ms from 0.5 s on and
//! 0.98 ms from 1 s on, so bins below 1 ms invent structure. Times become whole microseconds by rounding
//! down, as in Tonic; the events of a sample are put in order of time and channel. Spec datasets.md
//! section 4.

use crate::data::event_source::{EventSource, Recording};
use crate::data::global_heap::{HeapWriter, Heaps, REFERENCE_BYTES};
use crate::spikes::{Event, Events, Sensor};
use crate::{Error, Result};
use half::f16;
use hdf5_pure::{
    Datatype, DatatypeByteOrder, File, FileBuilder, FloatingPointLayout, Layout, make_u16_type,
};
use memmap2::Mmap;
use std::path::{Path, PathBuf};

/// The 700 channels of the artificial cochlea; all events are of one kind.
pub const SENSOR: Sensor = Sensor { width: 700, height: 1, polarities: 1 };
/// Samples that are read at once.
const PIECE: usize = 64;
/// Latest time that is believed, in seconds.
const MOST_SECONDS: f64 = 1e9;

/// Which of the two data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Spiking Heidelberg Digits: ten digits in English, ten in German.
    Shd,
    /// Spiking Speech Commands: 35 words.
    Ssc,
}

impl Set {
    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Set::Shd => 20,
            Set::Ssc => 35,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Set::Shd => "shd",
            Set::Ssc => "ssc",
        }
    }
}

/// One file of SHD or SSC: its table of contents; the spikes stay in the file.
pub struct ShdFile {
    path: [PathBuf; 1],
    bytes: Bytes,
    base: u64,
    times: Arrays,
    units: Arrays,
    labels: Vec<u16>,
    speakers: Vec<u64>,
    class_names: Vec<String>,
}

/// The bytes of the file.
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Bytes::Mapped(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

/// A data set of variable-length arrays.
struct Arrays {
    references: Vec<[u8; REFERENCE_BYTES]>,
    item: Item,
}

/// The numbers of an array; little-endian.
#[derive(Clone, Copy)]
enum Item {
    Float(usize),
    /// Channels: a sign bit would make the number larger than the sensor.
    Integer(usize),
}

impl ShdFile {
    /// Finds `shd_<part>.h5` (or `ssc_…`) in `dir`, `dir/SHD` or `dir/SSC`; the last two are Tonic's.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not there or not as the module says; [`Error::Io`].
    pub fn find(dir: &Path, set: Set, part: &str) -> Result<Self> {
        let name = format!("{}_{part}.h5", set.name());
        let folders = [dir.to_path_buf(), dir.join(set.name().to_uppercase())];
        match folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file()) {
            Some(path) => Self::open(&path, set),
            None => Err(Error::format(
                dir,
                "data folder",
                format!(
                    "{name}, here or in {} (unpacked, no .zip or .gz)",
                    set.name().to_uppercase()
                ),
                if dir.is_dir() { "none" } else { "no such folder" },
            )),
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// As [`ShdFile::find`].
    pub fn open(path: &Path, set: Set) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(Error::io(path, "read"))?;
        // SAFETY: the mapping is read-only and all of its bytes are checked where they are used, so
        // another program that writes the file can spoil what is read but nothing else.
        let bytes = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "read"))?;
        let hdf5 = File::open(path).map_err(|e| no_hdf5(path, &e))?;
        Self::index(path, set, Bytes::Mapped(bytes), &hdf5)
    }

    /// Opens a file that is in memory. `path` is the name that errors use.
    ///
    /// # Errors
    /// As [`ShdFile::find`].
    pub fn parse(path: &Path, set: Set, bytes: Vec<u8>) -> Result<Self> {
        let hdf5 = File::from_bytes(bytes.clone()).map_err(|e| no_hdf5(path, &e))?;
        Self::index(path, set, Bytes::Owned(bytes), &hdf5)
    }

    fn index(path: &Path, set: Set, bytes: Bytes, hdf5: &File) -> Result<Self> {
        let superblock = hdf5.superblock();
        if (superblock.offset_size, superblock.length_size) != (8, 8) {
            let found = format!("{} and {}", superblock.offset_size, superblock.length_size);
            return Err(Error::format(
                path,
                "superblock",
                "addresses and lengths of 8 bytes",
                found,
            ));
        }
        let base = superblock.base_address.get();
        let reader = Reader { path, hdf5, file_bytes: bytes.get().len() as u64 };
        let times = reader.arrays("spikes/times", |t| matches!(t, Item::Float(_)), "floats")?;
        let units = reader.arrays("spikes/units", |t| matches!(t, Item::Integer(_)), "integers")?;
        let labels = reader.labels(set.classes())?;
        for (name, count) in [("times", times.references.len()), ("units", units.references.len())]
        {
            if count != labels.len() {
                return Err(Error::format(
                    path,
                    format!("spikes/{name}"),
                    format!("{} samples, as many as labels", labels.len()),
                    count.to_string(),
                ));
            }
        }
        let speakers = reader.optional_integers("extra/speaker", labels.len());
        let numbers = || (0..set.classes()).map(|class| class.to_string()).collect();
        let class_names = reader.names("extra/keys", set.classes()).unwrap_or_else(numbers);
        let path = [path.to_path_buf()];
        Ok(ShdFile { path, bytes, base, times, units, labels, speakers, class_names })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True where there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Who speaks each sample; empty where the file does not say. Two speakers of SHD occur in its test
    /// part only, so a hold-out of whole speakers is the honest one.
    pub fn speakers(&self) -> &[u64] {
        &self.speakers
    }

    /// Reads sample `i`.
    ///
    /// # Errors
    /// [`Error::Format`] that names the sample.
    pub fn sample(&self, i: usize) -> Result<Recording> {
        let heaps = Heaps { file: &self.path[0], bytes: self.bytes.get(), base: self.base };
        let [times, units] = [&self.times, &self.units].map(|arrays| arrays.numbers(i, &heaps));
        let (times, units) = (times?, units?);
        let wrong = |expected: &str, found: String| {
            Err(Error::format(&self.path[0], format!("sample {i}"), expected, found))
        };
        if times.len() != units.len() {
            let found = format!("{} times, {} units", times.len(), units.len());
            return wrong("as many times as units", found);
        }
        let mut events = Vec::with_capacity(times.len());
        for (seconds, unit) in times.zip(units) {
            if !(0.0..=MOST_SECONDS).contains(&seconds) {
                return wrong("times in seconds that are not negative", seconds.to_string());
            }
            if unit >= f64::from(SENSOR.width) {
                return wrong("units from 0 to 699", unit.to_string());
            }
            events.push(Event { t_us: (seconds * 1e6) as u64, x: unit as u16, y: 0, p: 0 });
        }
        events.sort_unstable();
        Ok(Recording { events: Events::from_unordered(SENSOR, events)?, label: self.labels[i] })
    }
}

impl EventSource for ShdFile {
    fn sensor(&self) -> Sensor {
        SENSOR
    }

    fn class_names(&self) -> Vec<String> {
        self.class_names.clone()
    }

    fn files(&self) -> &[PathBuf] {
        &self.path
    }

    fn pieces(&self) -> usize {
        self.len().div_ceil(PIECE)
    }

    fn read(&self, piece: usize) -> Result<Vec<Recording>> {
        (piece * PIECE..((piece + 1) * PIECE).min(self.len())).map(|i| self.sample(i)).collect()
    }
}

fn no_hdf5(path: &Path, error: &hdf5_pure::Error) -> Error {
    Error::format(path, "HDF5 structure", "an HDF5 file that is whole", error.to_string())
}

/// Bytes of the largest element that a data set of these files has: the reference to an array.
const LARGEST_ELEMENT: u32 = 16;

/// Reads the table of contents.
struct Reader<'a> {
    path: &'a Path,
    hdf5: &'a File,
    /// Length of the file.
    file_bytes: u64,
}

impl Reader<'_> {
    fn wrong(&self, name: &str, expected: &str, found: impl Into<String>) -> Error {
        Error::format(self.path, name, expected, found)
    }

    /// The type and the raw elements of a data set of one dimension.
    fn raw(&self, name: &str) -> Result<(Datatype, Vec<u8>)> {
        let failed = |e: hdf5_pure::Error| self.wrong(name, "a data set", e.to_string());
        let dataset = self.hdf5.dataset(name).map_err(failed)?;
        let shape = dataset.shape().map_err(failed)?;
        let datatype = dataset.datatype().map_err(failed)?;
        // An element of these data sets has a byte at least even where they are compressed; a shape
        // that the file's length forbids must not size an allocation.
        match shape[..] {
            [count] if count <= self.file_bytes => {}
            _ => return Err(self.wrong(name, "one dimension that fits", format!("{shape:?}"))),
        }
        // Nor must the size of an element, which a file may declare as it likes.
        if datatype.type_size() > LARGEST_ELEMENT {
            let expected = format!("elements of at most {LARGEST_ELEMENT} bytes");
            return Err(self.wrong(name, &expected, format!("{} bytes", datatype.type_size())));
        }
        Ok((datatype, dataset.read_raw().map_err(failed)?))
    }

    fn arrays(&self, name: &str, wanted: fn(Item) -> bool, what: &str) -> Result<Arrays> {
        let (datatype, raw) = self.raw(name)?;
        let item = match &datatype {
            Datatype::VariableLength { is_string: false, base_type, .. } => Item::of(base_type),
            _ => None,
        };
        match item {
            Some(item) if wanted(item) => {
                Ok(Arrays { references: raw.as_chunks().0.to_vec(), item })
            }
            _ => {
                let expected = format!("variable-length arrays of little-endian {what}");
                Err(self.wrong(name, &expected, format!("{datatype:?}")))
            }
        }
    }

    fn integers(&self, name: &str) -> Result<Vec<f64>> {
        let (datatype, raw) = self.raw(name)?;
        match Item::of(&datatype) {
            Some(item @ Item::Integer(bytes)) => {
                Ok(raw.chunks_exact(bytes).map(|bytes| item.value(bytes)).collect())
            }
            _ => Err(self.wrong(name, "little-endian integers", format!("{datatype:?}"))),
        }
    }

    fn optional_integers(&self, name: &str, count: usize) -> Vec<u64> {
        let values = self.integers(name).ok().filter(|values| values.len() == count);
        values.unwrap_or_default().into_iter().map(|value| value as u64).collect()
    }

    /// So many texts; none where there are others, or where they could not fit into the file.
    fn names(&self, name: &str, count: usize) -> Option<Vec<String>> {
        let dataset = self.hdf5.dataset(name).ok()?;
        let fits = dataset.shape().ok()? == [count as u64]
            && u64::from(dataset.datatype().ok()?.type_size()) <= self.file_bytes;
        fits.then(|| dataset.read_string().ok())?.filter(|names| names.len() == count)
    }

    fn labels(&self, classes: usize) -> Result<Vec<u16>> {
        let label = |(i, value): (usize, f64)| {
            if value < classes as f64 {
                Ok(value as u16)
            } else {
                let expected = format!("a class from 0 to {}", classes - 1);
                Err(self.wrong(&format!("labels, element {i}"), &expected, value.to_string()))
            }
        };
        self.integers("labels")?.into_iter().enumerate().map(label).collect()
    }
}

impl Arrays {
    /// The numbers of array `i`.
    fn numbers<'a>(
        &self,
        i: usize,
        heaps: &Heaps<'a>,
    ) -> Result<impl ExactSizeIterator<Item = f64> + use<'a>> {
        let item = self.item;
        let bytes = heaps.array(&self.references[i], item.bytes())?;
        Ok(bytes.chunks_exact(item.bytes()).map(move |bytes| item.value(bytes)))
    }
}

impl Item {
    fn of(datatype: &Datatype) -> Option<Self> {
        match datatype {
            Datatype::FloatingPoint {
                size,
                byte_order: DatatypeByteOrder::LittleEndian,
                layout,
            } => {
                let known = match size {
                    2 => float16_layout(),
                    4 => FloatingPointLayout::IEEE754_BINARY32,
                    8 => FloatingPointLayout::IEEE754_BINARY64,
                    _ => return None,
                };
                (*layout == known).then_some(Item::Float(*size as usize))
            }
            Datatype::FixedPoint {
                size: size @ (1 | 2 | 4 | 8),
                byte_order: DatatypeByteOrder::LittleEndian,
                ..
            } => Some(Item::Integer(*size as usize)),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        let (Item::Float(bytes) | Item::Integer(bytes)) = self;
        bytes
    }

    /// `bytes` are as many as [`Item::bytes`] says.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        match self {
            Item::Float(2) => f16::from_bits(word as u16).to_f64(),
            Item::Float(4) => f64::from(f32::from_bits(word as u32)),
            Item::Float(_) => f64::from_bits(word),
            Item::Integer(_) => word as f64,
        }
    }
}

fn float16_layout() -> FloatingPointLayout {
    FloatingPointLayout {
        bit_offset: 0,
        bit_precision: 16,
        exponent_location: 10,
        exponent_size: 5,
        mantissa_location: 0,
        mantissa_size: 10,
        exponent_bias: 15,
    }
}

/// The bytes of a file. Times are rounded to float16; there is one speaker.
///
/// # Errors
/// [`Error::Usage`] if a recording is of another sensor or the file cannot be put together.
pub fn to_bytes(recordings: &[Recording], class_names: &[String]) -> Result<Vec<u8>> {
    if let Some(other) = recordings.iter().map(|r| r.events.sensor()).find(|&s| s != SENSOR) {
        return Err(Error::Usage(format!("SHD holds events of {SENSOR:?}, not of {other:?}")));
    }
    // The heaps are the elements of a data set of bytes, which gives them a place in the file. Where
    // it is depends on no value in the file, so a first run finds it.
    let first = assemble(recordings, class_names, 0).map_err(no_file)?;
    let place = heap_place(first).map_err(no_file)?;
    assemble(recordings, class_names, place).map_err(no_file)
}

fn no_file(error: hdf5_pure::Error) -> Error {
    Error::Usage(format!("cannot make an HDF5 file: {error}"))
}

fn heap_place(bytes: Vec<u8>) -> std::result::Result<u64, hdf5_pure::Error> {
    match File::from_bytes(bytes)?.dataset("extra/heap")?.layout()? {
        Layout::Contiguous { address: Some(address), .. } => Ok(address),
        // Only where there is no spike at all, and so no reference.
        _ => Ok(0),
    }
}

fn assemble(
    recordings: &[Recording],
    class_names: &[String],
    heap_at: u64,
) -> std::result::Result<Vec<u8>, hdf5_pure::Error> {
    let mut heaps = HeapWriter::new(heap_at);
    let (mut times, mut units) = (Vec::new(), Vec::new());
    for Recording { events, .. } in recordings {
        let count = events.len() as u32;
        let seconds = |e: Event| f16::from_f64(e.t_us as f64 / 1e6).to_le_bytes();
        let bytes: Vec<u8> = events.iter().flat_map(seconds).collect();
        times.extend(heaps.push(count, &bytes));
        let bytes: Vec<u8> = events.iter().flat_map(|e| e.x.to_le_bytes()).collect();
        units.extend(heaps.push(count, &bytes));
    }
    let arrays_of = |base_type| Datatype::VariableLength {
        is_string: false,
        padding: None,
        charset: None,
        base_type: Box::new(base_type),
    };
    let float16 = Datatype::FloatingPoint {
        size: 2,
        byte_order: DatatypeByteOrder::LittleEndian,
        layout: float16_layout(),
    };
    let count = recordings.len() as u64;
    let mut file = FileBuilder::new();
    let labels: Vec<u16> = recordings.iter().map(|recording| recording.label).collect();
    file.create_dataset("labels").with_u16_data(&labels);
    let mut spikes = file.create_group("spikes");
    spikes.create_dataset("times").with_raw_data(arrays_of(float16), times, count);
    spikes.create_dataset("units").with_raw_data(arrays_of(make_u16_type()), units, count);
    file.add_group(spikes.finish());
    let mut extra = file.create_group("extra");
    let names: Vec<&str> = class_names.iter().map(String::as_str).collect();
    extra.create_dataset("keys").with_ascii_strings(&names)?;
    extra.create_dataset("speaker").with_u16_data(&vec![0; recordings.len()]);
    extra.create_dataset("heap").with_u8_data(&heaps.finish());
    file.add_group(extra.finish());
    file.finish()
}
