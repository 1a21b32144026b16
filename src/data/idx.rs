//! The IDX format of MNIST and its relatives, plain or gzip-compressed.
//!
//! All numbers are big-endian (spec datasets.md section 1):
//!
//! | bytes | content |
//! |---|---|
//! | 0–1 | zero |
//! | 2 | element type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64 |
//! | 3 | number of dimensions d |
//! | 4 … 4+4d | one u32 a dimension |
//! | rest | the elements, last index fastest; nothing may follow them |
//!
//! Whether a file is compressed is told from its first two bytes (1f 8b), not from its name.

use crate::data::ImageSet;
use crate::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// An array of any number of dimensions, as an IDX file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxArray {
    /// File that the array came from; error messages name it.
    pub file: PathBuf,
    /// Extent of each dimension; the elements are as many as their product.
    pub dims: Vec<usize>,
    /// Elements, last index fastest.
    pub data: IdxData,
}

/// The elements of an [`IdxArray`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the six element types of the format, named as Rust names them
pub enum IdxData {
    U8(Vec<u8>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Largest ratio that deflate can reach: 258 bytes from 2 bits.
const DEFLATE_MAX_RATIO: u64 = 1032;

/// Reads an IDX file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Format`] with the byte offset if it is not
/// exactly one IDX array.
pub fn read(path: &Path) -> Result<IdxArray> {
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    parse(path, length, BufReader::new(file))
}

/// Reads an IDX array from `source`, of `length` bytes (compressed or not). `file` is the name
/// that errors use.
///
/// A header is believed only as far as `length` allows, and memory grows with the bytes that
/// arrive, so that a small hostile file cannot take much of it.
///
/// # Errors
/// As [`read`].
pub fn parse(file: &Path, length: u64, mut source: impl BufRead) -> Result<IdxArray> {
    let start = source.fill_buf().map_err(Error::io(file, "read"))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        // Members may be concatenated; anything else behind the first one is an error.
        parse_plain(file, length.saturating_mul(DEFLATE_MAX_RATIO), MultiGzDecoder::new(source))
    } else {
        parse_plain(file, length, source)
    }
}

/// `limit` bounds how many bytes `source` can give at most.
fn parse_plain(file: &Path, limit: u64, mut source: impl Read) -> Result<IdxArray> {
    let magic = take(file, &mut source, 4)?;
    let (code, rank) = match magic[..] {
        [0, 0, code, rank] if rank > 0 => (code, usize::from(rank)),
        _ => {
            return Err(Error::format(
                file,
                "byte 0",
                "an IDX magic number (00 00, type, number of dimensions from 1)",
                describe_start(&magic),
            ));
        }
    };
    let element = ElementType::from_code(code).ok_or_else(|| {
        Error::format(
            file,
            "byte 2 (element type)",
            "08 u8, 09 i8, 0B i16, 0C i32, 0D f32 or 0E f64",
            format!("{code:02X}"),
        )
    })?;
    let sizes = take(file, &mut source, 4 * rank)?;
    let header = 4 + sizes.len() as u64;
    if sizes.len() < 4 * rank {
        return Err(Error::format(
            file,
            "byte 4 (dimensions)",
            format!("{rank} dimensions of 4 bytes"),
            format!("{} bytes, then the end; the file is cut off, get it again", sizes.len()),
        ));
    }
    let sizes: Vec<u32> = big_endian(&sizes, u32::from_be_bytes);

    let expected = sizes
        .iter()
        .try_fold(element.bytes(), |product, &size| product.checked_mul(u64::from(size)))
        .filter(|&bytes| bytes <= limit.saturating_sub(header))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| {
            Error::format(
                file,
                "byte 4 (dimensions)",
                format!("dimensions {sizes:?} that fit into the file"),
                format!(
                    "at most {} bytes behind the header; the file is cut off or damaged, \
                     get it again",
                    limit.saturating_sub(header)
                ),
            )
        })?;
    // One byte more than expected tells a file that is too long without reading all of it.
    let bytes = take(file, &mut source, expected.saturating_add(1))?;
    if bytes.len() != expected {
        let found = if bytes.len() < expected {
            format!("{} bytes, then the end; the file is cut off, get it again", bytes.len())
        } else {
            "more bytes behind them".to_string()
        };
        return Err(Error::format(
            file,
            format!("byte {header} (data)"),
            format!("exactly {expected} bytes for dimensions {sizes:?}"),
            found,
        ));
    }
    Ok(IdxArray {
        file: file.to_path_buf(),
        dims: sizes.iter().map(|&size| size as usize).collect(),
        data: element.decode(bytes),
    })
}

/// Reads up to `count` bytes; fewer only at the end of the source.
fn take(file: &Path, source: &mut impl Read, count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match source.take(count as u64).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        // What the decompressor says of damaged data; a plain file never gives these kinds.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            Err(Error::format(
                file,
                "gzip stream",
                "a complete gzip file and nothing behind it",
                format!("{e}; the file is cut off or damaged, get it again"),
            ))
        }
        Err(e) => Err(Error::io(file, "read")(e)),
    }
}

/// The first bytes of a file that is not IDX, with a guess at what it is.
fn describe_start(magic: &[u8]) -> String {
    match magic {
        [] => "an empty file".to_string(),
        [b'<', ..] => "\"<\": this looks like a web page saved under the data's name".to_string(),
        [_, _, _, _] => format!("bytes {magic:02X?}"),
        _ => format!("bytes {magic:02X?}, then the end"),
    }
}

/// Type byte of the header.
#[derive(Clone, Copy)]
enum ElementType {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl ElementType {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0B => Self::I16,
            0x0C => Self::I32,
            0x0D => Self::F32,
            0x0E => Self::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn decode(self, bytes: Vec<u8>) -> IdxData {
        match self {
            Self::U8 => IdxData::U8(bytes),
            Self::I8 => IdxData::I8(big_endian(&bytes, i8::from_be_bytes)),
            Self::I16 => IdxData::I16(big_endian(&bytes, i16::from_be_bytes)),
            Self::I32 => IdxData::I32(big_endian(&bytes, i32::from_be_bytes)),
            Self::F32 => IdxData::F32(big_endian(&bytes, f32::from_be_bytes)),
            Self::F64 => IdxData::F64(big_endian(&bytes, f64::from_be_bytes)),
        }
    }
}

fn big_endian<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&chunk| number(chunk)).collect()
}

/// Joins an array of images `[image, row, column]` and an array of labels `[image]`.
///
/// Grey levels are integers in 0..=`max_level`, of any element type. Floating-point images whose
/// values all lie in [0, 1] are taken as intensities instead: level = round(value × `max_level`).
/// Labels are integers in 0..`classes`, of any element type.
///
/// # Errors
/// [`Error::Format`] if the shapes are others, the two numbers of images differ or are 0, or a
/// value is out of its range.
pub fn image_set(
    images: IdxArray,
    labels: &IdxArray,
    max_level: u8,
    classes: usize,
) -> Result<ImageSet> {
    let &[count, height, width] = &images.dims[..] else {
        return Err(wrong_shape(&images, "images", "[image, row, column]"));
    };
    let &[label_count] = &labels.dims[..] else {
        return Err(wrong_shape(labels, "labels", "[image]"));
    };
    if count == 0 || height == 0 || width == 0 {
        return Err(wrong_shape(&images, "images", "[image, row, column] with none of them 0"));
    }
    if label_count != count {
        return Err(Error::format(
            &labels.file,
            "byte 4 (dimensions)",
            format!("{count} labels, as many as {} has images", images.file.display()),
            format!("{label_count} labels; the two files are not of one set"),
        ));
    }
    let labels = labels_below(labels, classes)?;
    let pixels = grey_levels(images, max_level)?;
    Ok(ImageSet { height, width, max_level, classes, pixels, labels })
}

fn wrong_shape(array: &IdxArray, what: &str, shape: &str) -> Error {
    Error::format(
        &array.file,
        "byte 3 (dimensions)",
        format!("{what} of shape {shape}"),
        format!("dimensions {:?}", array.dims),
    )
}

fn labels_below(labels: &IdxArray, classes: usize) -> Result<Vec<u16>> {
    // A label is stored as u16, so this is the most that any caller can mean.
    let classes = classes.min(usize::from(u16::MAX) + 1);
    let mut out = Vec::with_capacity(labels.data.len());
    for (i, value) in labels.data.values().enumerate() {
        match level(value, classes as f64 - 1.0) {
            Some(label) => out.push(label),
            None => {
                return Err(Error::format(
                    &labels.file,
                    format!("label {i}"),
                    format!("a class from 0 to {}", classes.saturating_sub(1)),
                    value.to_string(),
                ));
            }
        }
    }
    Ok(out)
}

fn grey_levels(images: IdxArray, max_level: u8) -> Result<Vec<u8>> {
    let max = f64::from(max_level);
    let wrong = |i: usize, value: f64| {
        Error::format(
            &images.file,
            format!("pixel value {i}"),
            format!("a grey level from 0 to {max_level} (or all floats in [0, 1])"),
            value.to_string(),
        )
    };
    let is_float = matches!(images.data, IdxData::F32(_) | IdxData::F64(_));
    match images.data {
        IdxData::U8(pixels) => match pixels.iter().position(|&p| p > max_level) {
            None => Ok(pixels),
            Some(i) => Err(wrong(i, f64::from(pixels[i]))),
        },
        data if is_float && data.values().all(|v| (0.0..=1.0).contains(&v)) => {
            Ok(data.values().map(|v| (v * max).round() as u8).collect())
        }
        data => data
            .values()
            .enumerate()
            .map(|(i, v)| level(v, max).map(|l| l as u8).ok_or_else(|| wrong(i, v)))
            .collect(),
    }
}

/// `value` as a whole number from 0 to `max` (at most 65,535).
fn level(value: f64, max: f64) -> Option<u16> {
    (value >= 0.0 && value <= max && value.fract() == 0.0).then_some(value as u16)
}

impl IdxData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            IdxData::U8(v) => v.len(),
            IdxData::I8(v) => v.len(),
            IdxData::I16(v) => v.len(),
            IdxData::I32(v) => v.len(),
            IdxData::F32(v) => v.len(),
            IdxData::F64(v) => v.len(),
        }
    }

    /// True where there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as f64, which holds every element type exactly.
    pub fn values(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            IdxData::U8(v) => Box::new(v.iter().map(|&x| f64::from(x))),
            IdxData::I8(v) => Box::new(v.iter().map(|&x| f64::from(x))),
            IdxData::I16(v) => Box::new(v.iter().map(|&x| f64::from(x))),
            IdxData::I32(v) => Box::new(v.iter().map(|&x| f64::from(x))),
            IdxData::F32(v) => Box::new(v.iter().map(|&x| f64::from(x))),
            IdxData::F64(v) => Box::new(v.iter().copied()),
        }
    }
}
