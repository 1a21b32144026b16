//! IDX files that are damaged, hostile or merely unusual: each is read exactly or refused with a
//! message that names the file; none panics or takes memory that its own size does not justify.

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use spikeseek::data::idx::{self, IdxArray, IdxData};
use spikeseek::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Name of the file in the tests that read from memory.
const NAME: &str = "some/file-idx3-ubyte";

fn parse(bytes: &[u8]) -> Result<IdxArray> {
    idx::parse(Path::new(NAME), bytes.len() as u64, bytes)
}

/// The message of the format error that `bytes` must give.
fn refusal(bytes: &[u8]) -> String {
    message(parse(bytes).map(|array| array.dims))
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.expect_err("the file is not valid");
    assert!(matches!(error, Error::Format { .. }), "{error:?}");
    error.to_string()
}

/// Writes an IDX file; the type byte, the element count and the dimensions are the caller's to get
/// wrong.
fn write(code: u8, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn array(dims: &[usize], data: IdxData) -> IdxArray {
    IdxArray { file: PathBuf::from(NAME), dims: dims.to_vec(), data }
}

fn u8s(dims: &[usize], data: &[u8]) -> IdxArray {
    array(dims, IdxData::U8(data.to_vec()))
}

#[test]
fn every_truncation_is_refused() {
    let whole = write(0x08, &[2, 2, 3], &[7; 12]);
    for file in [whole.clone(), gzip(&whole)] {
        assert!(parse(&file).is_ok());
        for length in 0..file.len() {
            let message = refusal(&file[..length]);
            assert!(message.starts_with(NAME), "{length}: {message}");
        }
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let mut file = write(0x08, &[3], &[1, 2, 3, 4]);
    for file in [file.clone(), gzip(&file)] {
        let message = refusal(&file);
        assert!(message.contains("exactly 3 bytes"), "{message}");
        assert!(message.contains("more bytes"), "{message}");
    }
    file.pop();
    let mut compressed = gzip(&file);
    assert!(parse(&compressed).is_ok());
    compressed.push(0);
    assert!(refusal(&compressed).contains("gzip stream"));
}

#[test]
fn a_damaged_gzip_stream_is_refused() {
    let whole = gzip(&write(0x08, &[64], &(0..64).collect::<Vec<_>>()));
    let checksum = whole.len() - 8;
    for at in [3, 12, checksum, whole.len() - 1] {
        let mut file = whole.clone();
        file[at] ^= 0xff;
        assert!(parse(&file).is_err(), "byte {at}");
    }
}

#[test]
fn only_the_six_type_bytes_are_read() {
    for code in 0..=255 {
        let file = write(code, &[1], &[0; 8][..element_bytes(code).unwrap_or(8)]);
        match element_bytes(code) {
            Some(_) => assert_eq!(parse(&file).unwrap().dims, [1]),
            None => {
                let message = refusal(&file);
                assert!(message.contains("byte 2"), "{message}");
                assert!(message.contains(&format!("found {code:02X}")), "{message}");
            }
        }
    }
}

fn element_bytes(code: u8) -> Option<usize> {
    [(0x08, 1), (0x09, 1), (0x0B, 2), (0x0C, 4), (0x0D, 4), (0x0E, 8)]
        .into_iter()
        .find_map(|(known, bytes)| (known == code).then_some(bytes))
}

#[test]
fn other_files_are_told() {
    assert!(refusal(b"").contains("an empty file"));
    assert!(refusal(b"<!DOCTYPE html><html>404").contains("web page"));
    assert!(refusal(b"\x89PNG\r\n\x1a\n").contains("89, 50, 4E, 47"));
    assert!(refusal(&[0, 0, 8, 0]).contains("number of dimensions from 1"));
    assert!(refusal(&[1, 0, 8, 1, 0, 0, 0, 0]).contains("magic number"));
    assert!(refusal(&gzip(b"")).contains("an empty file"));
}

#[test]
fn dimensions_beyond_the_file_are_refused() {
    let giant = [
        vec![13],
        vec![u32::MAX],
        vec![u32::MAX; 2],
        vec![u32::MAX; 3],
        vec![u32::MAX; 255],
        vec![1 << 31, 1 << 31, 4],         // 2^64: wraps to 0
        vec![0x8000_0001, 0x8000_0001, 4], // wraps to something
    ];
    for dims in giant {
        for code in [0x08, 0x0E] {
            let message = refusal(&write(code, &dims, &[0; 12]));
            assert!(message.contains("dimensions"), "{message}");
            let message = refusal(&gzip(&write(code, &dims, &[0; 12])));
            assert!(message.contains("dimensions"), "{message}");
        }
    }
}

/// The compressed file is large enough for its header to be believed, and far too long behind it.
#[test]
fn a_bomb_is_not_unpacked() {
    let bomb = gzip(&write(0x08, &[4], &vec![0; 32 << 20]));
    let mut rest: &[u8] = &bomb;
    let result = idx::parse(Path::new(NAME), bomb.len() as u64, &mut rest);
    assert!(message(result).contains("exactly 4 bytes"));
    // Deflate needs input of at most one buffer of the decompressor to give five bytes.
    assert!(rest.len() > bomb.len() / 2, "{} of {} bytes left", rest.len(), bomb.len());
}

/// A gzip file cannot hold more than 1032 times its size, so this header lies.
#[test]
fn a_promise_that_no_gzip_file_can_keep_is_refused() {
    let file = gzip(&write(0x08, &[1 << 31], &[0; 100]));
    let message = refusal(&file);
    assert!(message.contains("dimensions [2147483648] that fit"), "{message}");
}

#[test]
fn a_folder_and_an_absent_file_are_io_errors() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_path_buf(), dir.path().join("absent")] {
        let error = idx::read(&path).expect_err("no file");
        assert!(matches!(&error, Error::Io { path: p, .. } if *p == path), "{error:?}");
    }
}

#[test]
fn compression_is_told_from_the_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let plain = write(0x08, &[3], &[1, 2, 3]);
    for (name, bytes) in [("plain.gz", plain.clone()), ("packed", gzip(&plain))] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let read = idx::read(&path).unwrap();
        assert_eq!((read.dims, read.data), (vec![3], IdxData::U8(vec![1, 2, 3])));
        assert_eq!(read.file, path);
    }
}

#[test]
fn images_and_labels_that_do_not_go_together() {
    let images = || u8s(&[2, 1, 2], &[0, 1, 2, 3]);
    let refuse = |images: IdxArray, labels: IdxArray, max_level, classes| {
        message(idx::image_set(images, &labels, max_level, classes))
    };
    let labels = u8s(&[2], &[0, 2]);
    let set = idx::image_set(images(), &labels, 3, 3).unwrap();
    assert_eq!((set.height, set.width, set.max_level, set.classes), (1, 2, 3, 3));
    assert_eq!((&set.pixels[..], &set.labels[..]), (&[0, 1, 2, 3][..], &[0, 2][..]));

    let text = refuse(images(), labels.clone(), 3, 2);
    assert!(text.contains("label 1") && text.contains("from 0 to 1") && text.ends_with("2"));
    assert!(refuse(images(), labels.clone(), 2, 3).contains("pixel value 3"));
    assert!(refuse(images(), u8s(&[3], &[0; 3]), 3, 3).contains("3 labels"));
    assert!(refuse(images(), images(), 3, 3).contains("labels of shape"));
    assert!(refuse(labels.clone(), labels.clone(), 3, 3).contains("images of shape"));
    for dims in [[0, 1, 2], [2, 0, 2], [2, 1, 0]] {
        assert!(refuse(u8s(&dims, &[]), labels.clone(), 3, 3).contains("none of them 0"));
    }
    for label in [-1.0, 0.5, 3.0, f64::NAN, f64::INFINITY] {
        let labels = array(&[2], IdxData::F64(vec![0.0, label]));
        assert!(refuse(images(), labels, 3, 3).contains("label 1"), "{label}");
    }
}

#[test]
fn grey_levels_of_every_type() {
    let labels = u8s(&[1], &[0]);
    let levels = |data: IdxData| {
        idx::image_set(array(&[1, 1, 3], data), &labels, 200, 1).map(|set| set.pixels)
    };
    assert_eq!(levels(IdxData::U8(vec![0, 7, 200])).unwrap(), [0, 7, 200]);
    assert_eq!(levels(IdxData::I8(vec![0, 7, 127])).unwrap(), [0, 7, 127]);
    assert_eq!(levels(IdxData::I16(vec![0, 7, 200])).unwrap(), [0, 7, 200]);
    assert_eq!(levels(IdxData::I32(vec![0, 7, 200])).unwrap(), [0, 7, 200]);
    // All in [0, 1]: intensities. Otherwise: levels.
    assert_eq!(levels(IdxData::F32(vec![0.0, 0.5, 1.0])).unwrap(), [0, 100, 200]);
    assert_eq!(levels(IdxData::F64(vec![0.0, 0.0124, 0.0126])).unwrap(), [0, 2, 3]);
    assert_eq!(levels(IdxData::F64(vec![0.0, 1.0, 200.0])).unwrap(), [0, 1, 200]);
    for wrong in [
        IdxData::U8(vec![0, 201, 0]),
        IdxData::I8(vec![0, -1, 0]),
        IdxData::I16(vec![0, 201, 0]),
        IdxData::I32(vec![0, 256, 0]),
        IdxData::F32(vec![0.0, 1.5, 0.0]),
        IdxData::F64(vec![0.0, -0.1, 0.0]),
        IdxData::F64(vec![0.0, f64::NAN, 0.0]),
    ] {
        let text = message(levels(wrong));
        assert!(text.contains("pixel value 1"), "{text}");
    }
}

/// Type byte and bytes of an array, and the array itself.
fn any_file() -> impl Strategy<Value = (u8, Vec<usize>, Vec<u8>, IdxData)> {
    let dims = prop::collection::vec(0_usize..5, 1..5);
    (dims, 0..6, any::<u64>()).prop_map(|(dims, kind, seed)| {
        // Any bits will do for the elements; a multiplicative congruential generator gives them.
        let count: usize = dims.iter().product();
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            state ^ (state >> 32)
        };
        macro_rules! file {
            ($code:literal, $kind:ident, $number:expr) => {{
                let numbers: Vec<_> = (0..count).map(|_| $number(next())).collect();
                let bytes = numbers.iter().flat_map(|x| x.to_be_bytes()).collect();
                ($code, dims, bytes, IdxData::$kind(numbers))
            }};
        }
        match kind {
            0 => file!(0x08, U8, |bits| bits as u8),
            1 => file!(0x09, I8, |bits| bits as i8),
            2 => file!(0x0B, I16, |bits| bits as i16),
            3 => file!(0x0C, I32, |bits| bits as i32),
            4 => file!(0x0D, F32, |bits| (bits as i32) as f32 * 0.37),
            _ => file!(0x0E, F64, |bits| (bits as i64) as f64 * 0.37),
        }
    })
}

proptest! {
    // A file of failing cases would need a lib.rs beside it; the printed case is enough.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read((code, dims, data, want) in any_file(), packed in any::<bool>()) {
        let sizes: Vec<u32> = dims.iter().map(|&size| size as u32).collect();
        let file = write(code, &sizes, &data);
        let read = parse(&if packed { gzip(&file) } else { file }).unwrap();
        prop_assert_eq!(read.dims, dims);
        prop_assert_eq!(read.data.len(), want.len());
        prop_assert_eq!(read.data, want);
    }

    /// Nothing panics, and what is read agrees with its own dimensions.
    #[test]
    fn any_bytes_are_read_or_refused(
        head in prop::sample::select(vec![vec![], vec![0, 0, 8], vec![0, 0, 0x0D, 1, 0, 0, 0], vec![0x1f, 0x8b, 8, 0]]),
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let file = [head, tail].concat();
        if let Ok(array) = parse(&file) {
            prop_assert_eq!(array.data.len(), array.dims.iter().product::<usize>());
        }
    }
}
