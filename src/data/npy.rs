//! NumPy's `.npy` files, as far as they are matrices of numbers.
//!
//! Bytes 0–5 are `\x93NUMPY`, byte 6 the version (1 to 3), then the length of the header (u16 in version
//! 1, else u32, little-endian), the header, a Python dictionary such as
//! `{'descr': '<f8', 'fortran_order': False, 'shape': (4325, 4), }`, and the elements.

use crate::{Error, Result};
use std::path::Path;

/// A matrix of numbers, each of which f64 holds exactly (but integers above 2⁵³).
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Number of columns.
    pub columns: usize,
    /// Elements, row by row.
    pub values: Vec<f64>,
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a matrix of `columns` columns from the bytes of a file. `file` is the name that errors use.
///
/// # Errors
/// [`Error::Format`] if the file is cut off, of another shape or of an element type that is no plain
/// little-endian number.
pub fn parse(file: &Path, bytes: &[u8], columns: usize) -> Result<Matrix> {
    let wrong = |at: usize, expected: &str, found: String| {
        Error::format(file, format!("byte {at}"), expected, found)
    };
    let cut = |at: usize| {
        let found = format!("{} bytes in all; the file is cut off", bytes.len());
        wrong(at, "a NumPy header", found)
    };
    if !bytes.starts_with(MAGIC) {
        let start = bytes[..bytes.len().min(8)].escape_ascii().to_string();
        return Err(wrong(0, "a NumPy file, which begins with \\x93NUMPY", start));
    }
    let (length, start) = match bytes.get(6..) {
        Some([1, _, a, b, ..]) => (usize::from(u16::from_le_bytes([*a, *b])), 10),
        Some([2 | 3, _, a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12),
        Some([1..=3, ..]) | Some([]) | None => return Err(cut(6)),
        Some([version, ..]) => {
            return Err(wrong(6, "version 1, 2 or 3 of the format", version.to_string()));
        }
    };
    let data_at = start + length;
    let header = bytes.get(start..data_at).ok_or_else(|| cut(start))?;
    let header = String::from_utf8_lossy(header);
    let broken = |what: &str| wrong(start, what, header.trim_end().to_string());

    let descr = quoted(&header, "descr").ok_or_else(|| broken("'descr': '<f8' or alike"))?;
    let element = Element::from_descr(descr)
        .ok_or_else(|| broken("numbers: little-endian float or integer, or bool"))?;
    let by_columns = match value(&header, "fortran_order") {
        Some(text) if text.starts_with("True") => true,
        Some(text) if text.starts_with("False") => false,
        _ => return Err(broken("'fortran_order': True or False")),
    };
    let shape = shape(&header).ok_or_else(|| broken("'shape': (rows, columns)"))?;
    let &[rows, found_columns] = &shape[..] else {
        return Err(broken("a matrix, 'shape': (rows, columns)"));
    };
    if found_columns != columns {
        return Err(broken(&format!("a matrix of {columns} columns")));
    }
    let data = &bytes[data_at..];
    let expected = rows.checked_mul(columns).and_then(|n| n.checked_mul(element.bytes()));
    if expected != Some(data.len()) {
        let expected = format!("{rows} × {columns} elements of {} bytes", element.bytes());
        let found = format!("{} bytes; the file is cut off or damaged", data.len());
        return Err(wrong(data_at, &expected, found));
    }
    let mut values: Vec<f64> =
        data.chunks_exact(element.bytes()).map(|bytes| element.value(bytes)).collect();
    if by_columns {
        values = (0..values.len()).map(|i| values[i % columns * rows + i / columns]).collect();
    }
    Ok(Matrix { columns, values })
}

/// The bytes of a file that holds the matrix as float64.
pub fn to_bytes(matrix: &Matrix) -> Vec<u8> {
    let rows = matrix.values.len() / matrix.columns;
    let mut header = format!(
        "{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {}), }}",
        matrix.columns
    );
    // The format asks for data at a multiple of 64 bytes and a line break before them.
    let padding = 64 - (MAGIC.len() + 4 + header.len() + 1) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(matrix.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// What follows `'key':` in the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    Some(value(header, key)?.strip_prefix('\'')?.split_once('\'')?.0)
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let inside = value(header, "shape")?.strip_prefix('(')?.split_once(')')?.0;
    let numbers = inside.split(',').map(str::trim).filter(|text| !text.is_empty());
    numbers.map(|text| text.trim_end_matches('L').parse().ok()).collect()
}

/// Element types of little-endian files.
#[derive(Clone, Copy)]
enum Element {
    Float(usize),
    Signed(usize),
    Unsigned(usize),
}

impl Element {
    fn from_descr(descr: &str) -> Option<Self> {
        Some(match descr {
            "<f4" => Self::Float(4),
            "<f8" => Self::Float(8),
            "|i1" => Self::Signed(1),
            "<i2" => Self::Signed(2),
            "<i4" => Self::Signed(4),
            "<i8" => Self::Signed(8),
            "|b1" | "|u1" => Self::Unsigned(1),
            "<u2" => Self::Unsigned(2),
            "<u4" => Self::Unsigned(4),
            "<u8" => Self::Unsigned(8),
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        let (Self::Float(bytes) | Self::Signed(bytes) | Self::Unsigned(bytes)) = self;
        bytes
    }

    /// `bytes` are as many as [`Element::bytes`] says.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        let unused = 64 - 8 * bytes.len() as u32;
        match self {
            Self::Float(4) => f64::from(f32::from_bits(word as u32)),
            Self::Float(_) => f64::from_bits(word),
            Self::Signed(_) => ((word << unused) as i64 >> unused) as f64,
            Self::Unsigned(_) => word as f64,
        }
    }
}
