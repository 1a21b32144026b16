//! Global heap collections of HDF5 files (HDF5 File Format Specification 3.0, section III.E): where
//! the elements of variable-length arrays lie. `hdf5-pure` reads everything else but has no public
//! reader for them.
//!
//! A collection is `GCOL`, version 1, three bytes of 0, its size in bytes (u64), then objects: index
//! (u16, from 1), references (u16), four bytes of 0, size (u64), data padded to a multiple of 8. An object of
//! index 0 is the free rest. An element of an array of variable-length arrays is its length in items
//! (u32), the address of a collection (u64) and the index of an object in it (u32). All numbers are
//! little-endian; addresses and lengths are taken to have 8 bytes, as all current software writes them.

use crate::{Error, Result};
use std::path::Path;

/// Bytes of the head of a collection and of that of an object.
const HEAD: usize = 16;
/// Bytes of a reference to an array.
pub(super) const REFERENCE_BYTES: usize = 16;
/// Least bytes of a collection; readers take that many at once.
const LEAST_COLLECTION: usize = 4096;
/// Objects that the writer puts into a collection.
const OBJECTS: usize = 256;

/// The bytes of a file with heaps in it.
#[derive(Clone, Copy)]
pub(super) struct Heaps<'a> {
    /// Name for errors.
    pub file: &'a Path,
    /// The whole file.
    pub bytes: &'a [u8],
    /// Where address 0 is.
    pub base: u64,
}

impl<'a> Heaps<'a> {
    /// The bytes of the array that `reference` names, of items of `item_bytes` bytes. An array of no
    /// items has no object.
    pub(super) fn array(
        &self,
        reference: &[u8; REFERENCE_BYTES],
        item_bytes: usize,
    ) -> Result<&'a [u8]> {
        let [a, b, c, d, address @ .., e, f, g, h] = *reference;
        let (items, index) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if items == 0 {
            return Ok(&[]);
        }
        let address = u64::from_le_bytes(address);
        let object = self.object(address, index)?;
        (items as usize).checked_mul(item_bytes).and_then(|length| object.get(..length)).ok_or_else(
            || {
                self.wrong(
                    address,
                    format!("{items} items of {item_bytes} bytes in object {index}"),
                    format!("{} bytes", object.len()),
                )
            },
        )
    }

    fn object(&self, address: u64, index: u32) -> Result<&'a [u8]> {
        let collection = self
            .base
            .checked_add(address)
            .and_then(|start| self.bytes.get(usize::try_from(start).ok()?..))
            .filter(|rest| rest.starts_with(b"GCOL\x01") && rest.len() >= HEAD)
            .ok_or_else(|| self.wrong(address, "a global heap (GCOL, version 1)", "none"))?;
        let size = number(&collection[8..]);
        let collection = usize::try_from(size).ok().and_then(|size| collection.get(..size));
        let Some(mut rest) = collection.and_then(|collection| collection.get(HEAD..)) else {
            let found = format!("a size of {size} bytes; the file is cut off or damaged");
            return Err(self.wrong(address, "a global heap that fits into the file", found));
        };
        while let Some(head) = rest.first_chunk::<HEAD>() {
            let found = u16::from_le_bytes([head[0], head[1]]);
            if found == 0 {
                break;
            }
            let size = number(&head[8..]);
            let body = &rest[HEAD..];
            let Some(data) = usize::try_from(size).ok().and_then(|size| body.get(..size)) else {
                let found = format!("a size of {size} bytes");
                return Err(self.wrong(address, format!("object {found} inside its heap"), found));
            };
            if u32::from(found) == index {
                return Ok(data);
            }
            // Padding may be left out behind the last object.
            rest = body.get(data.len().next_multiple_of(8)..).unwrap_or(&[]);
        }
        Err(self.wrong(address, format!("object {index} in the global heap"), "no such object"))
    }

    fn wrong(&self, address: u64, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::format(self.file, format!("heap at byte {address}"), expected, found)
    }
}

/// The first eight bytes as a number; there must be so many.
fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes))
}

/// Heaps under construction, to be put at address `start`.
pub(super) struct HeapWriter {
    start: u64,
    bytes: Vec<u8>,
    /// Where the open collection begins in `bytes`.
    open: Option<usize>,
    objects: usize,
}

impl HeapWriter {
    pub(super) fn new(start: u64) -> Self {
        HeapWriter { start, bytes: Vec::new(), open: None, objects: 0 }
    }

    /// Stores an array of `items` items and gives the reference to it.
    pub(super) fn push(&mut self, items: u32, data: &[u8]) -> [u8; REFERENCE_BYTES] {
        let mut reference = [0; REFERENCE_BYTES];
        if items == 0 {
            return reference;
        }
        if self.objects == OBJECTS {
            self.close();
        }
        let open = *self.open.get_or_insert_with(|| {
            let at = self.bytes.len();
            self.bytes.extend(b"GCOL\x01\0\0\0");
            self.bytes.extend([0; 8]);
            at
        });
        self.objects += 1;
        self.bytes.extend((self.objects as u16).to_le_bytes());
        self.bytes.extend([1, 0, 0, 0, 0, 0]);
        self.bytes.extend((data.len() as u64).to_le_bytes());
        self.bytes.extend(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        reference[..4].copy_from_slice(&items.to_le_bytes());
        reference[4..12].copy_from_slice(&(self.start + open as u64).to_le_bytes());
        reference[12..].copy_from_slice(&(self.objects as u32).to_le_bytes());
        reference
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let used = self.bytes.len() - open;
        // The free object tells its own size, head included.
        let size = (used + HEAD).max(LEAST_COLLECTION);
        self.bytes.extend([0; 8]);
        self.bytes.extend(((size - used) as u64).to_le_bytes());
        self.bytes.resize(open + size, 0);
        self.bytes[open + 8..open + 16].copy_from_slice(&(size as u64).to_le_bytes());
        self.objects = 0;
    }

    /// The bytes of all heaps.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close();
        self.bytes
    }
}
