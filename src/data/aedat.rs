//! AEDAT 3.1, the format of iniVation's recorders, as far as DVS128 Gesture uses it: polarity events.
//!
//! Lines of ASCII text, each beginning with `#`, from `#!AER-DAT3.1` to `#!END-HEADER`, then packets. All
//! numbers are little-endian (spec datasets.md section 3):
//!
//! | byte of a packet | type | content |
//! |---|---|---|
//! | 0 | i16 | kind of its events; 1 polarity, others are skipped |
//! | 2 | i16 | source |
//! | 4 | i32 | bytes of an event: 8 |
//! | 8 | i32 | offset of the time in an event: 4 |
//! | 12 | i32 | overflows of the clock, 2³¹ µs each |
//! | 16, 20, 24 | i32 | capacity, number of events that follow, number of valid ones |
//! | 28 | | events: u32 (bit 0 valid, bit 1 ON, bits 2–16 y, bits 17–31 x), i32 time in µs |

use crate::spikes::{Event, Events, Sensor};
use crate::{Error, Result};
use std::fs;
use std::path::Path;

/// The camera of DVS128 Gesture.
pub const DVS128: Sensor = Sensor { width: 128, height: 128, polarities: 2 };

const FIRST_LINE: &[u8] = b"#!AER-DAT3.1";
const LAST_LINE: &[u8] = b"#!END-HEADER";
/// Bytes of the head of a packet.
const HEAD_BYTES: usize = 28;
/// Kind of packet that holds polarity events.
const POLARITY: i16 = 1;
/// Bytes of a polarity event.
const EVENT_BYTES: i32 = 8;
/// Offset of the time in it.
const TIME_OFFSET: i32 = 4;
/// Events that the writer puts into a packet.
const PACKET_EVENTS: usize = 4096;

/// Reads the valid polarity events of a recording of [`DVS128`].
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] with the byte offset.
pub fn read(path: &Path) -> Result<Events> {
    parse(path, &fs::read(path).map_err(Error::io(path, "read"))?)
}

/// Reads a recording from its bytes. `file` is the name that errors use. Events that are not in order of
/// time are put in order.
///
/// # Errors
/// [`Error::Format`] if the header, a packet or an event is not as the format says.
pub fn parse(file: &Path, bytes: &[u8]) -> Result<Events> {
    let mut reader = Reader { file, bytes, at: 0 };
    reader.header()?;
    let mut events = Vec::new();
    while reader.at < bytes.len() {
        reader.packet(&mut events)?;
    }
    Events::from_unordered(DVS128, events)
}

struct Reader<'a> {
    file: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

/// The fields of a packet's head that are used.
struct Head {
    kind: i16,
    event_bytes: i32,
    time_offset: i32,
    overflow: i32,
    capacity: i32,
    number: i32,
}

impl Reader<'_> {
    fn wrong(&self, at: usize, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::format(self.file, format!("byte {at}"), expected, found)
    }

    /// Passes the lines of text. They end there and not at the first byte that is no `#`, since a
    /// packet may begin with one.
    fn header(&mut self) -> Result<()> {
        if !self.bytes.starts_with(FIRST_LINE) {
            let start = self.bytes[..self.bytes.len().min(16)].escape_ascii();
            return Err(self.wrong(0, "a file that begins with #!AER-DAT3.1", start.to_string()));
        }
        loop {
            let rest = &self.bytes[self.at..];
            if !rest.starts_with(b"#") {
                let found = if rest.is_empty() { "the end" } else { "something else" };
                return Err(self.wrong(self.at, "a line # … or #!END-HEADER", found));
            }
            let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
                return Err(self.wrong(self.at, "a line that ends", "the end of the file"));
            };
            self.at += length + 1;
            if rest[..length].trim_ascii_end() == LAST_LINE {
                return Ok(());
            }
        }
    }

    fn packet(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let start = self.at;
        let head = self.head()?;
        let size = i64::from(head.event_bytes) * i64::from(head.number);
        let rest = self.bytes.len() - self.at;
        if head.event_bytes < 0 || head.number < 0 || size > rest as i64 {
            return Err(self.wrong(
                start + 4,
                "a packet whose events fit into the file",
                format!(
                    "{} events of {} bytes, and {rest} bytes to the end; the file is cut off or damaged",
                    head.number, head.event_bytes
                ),
            ));
        }
        if head.capacity < head.number {
            return Err(self.wrong(
                start + 16,
                "a capacity that is not below the number of events",
                format!("capacity {}, {} events", head.capacity, head.number),
            ));
        }
        let body = &self.bytes[self.at..self.at + size as usize];
        let first = self.at;
        self.at += size as usize;
        if head.kind != POLARITY {
            return Ok(());
        }
        if (head.event_bytes, head.time_offset) != (EVENT_BYTES, TIME_OFFSET) || head.overflow < 0 {
            return Err(self.wrong(
                start + 4,
                "polarity events of 8 bytes with the time at 4 and no negative overflow",
                format!(
                    "{} bytes, time at {}, overflow {}",
                    head.event_bytes, head.time_offset, head.overflow
                ),
            ));
        }
        for (i, &[a, b, c, d, time @ ..]) in body.as_chunks::<8>().0.iter().enumerate() {
            let (data, time) = (u32::from_le_bytes([a, b, c, d]), i32::from_le_bytes(time));
            if data & 1 == 0 {
                continue;
            }
            let at = first + i * EVENT_BYTES as usize;
            let Ok(time) = u64::try_from(time) else {
                return Err(self.wrong(at + 4, "a time that is not negative", time.to_string()));
            };
            let event = Event {
                t_us: time + ((head.overflow as u64) << 31),
                x: (data >> 17) as u16,
                y: (data >> 2 & 0x7fff) as u16,
                p: (data >> 1 & 1) as u8,
            };
            if !DVS128.holds(&event) {
                let found = format!("x = {}, y = {}", event.x, event.y);
                return Err(self.wrong(at, "x and y below 128", found));
            }
            events.push(event);
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head> {
        let rest = &self.bytes[self.at..];
        let Some(head) = rest.first_chunk::<HEAD_BYTES>() else {
            return Err(self.wrong(
                self.at,
                format!("the head of a packet, {HEAD_BYTES} bytes"),
                format!("{} bytes, then the end; the file is cut off", rest.len()),
            ));
        };
        self.at += HEAD_BYTES;
        let i32_at =
            |at: usize| i32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Ok(Head {
            kind: i16::from_le_bytes([head[0], head[1]]),
            event_bytes: i32_at(4),
            time_offset: i32_at(8),
            overflow: i32_at(12),
            capacity: i32_at(16),
            number: i32_at(20),
        })
    }
}

/// The bytes of a recording, all of its events valid.
///
/// # Errors
/// [`Error::Usage`] if the events are of another sensor or later than the format can say.
pub fn to_bytes(events: &Events) -> Result<Vec<u8>> {
    if events.sensor() != DVS128 {
        let text = format!("AEDAT is written for {DVS128:?}, not for {:?}", events.sensor());
        return Err(Error::Usage(text));
    }
    let mut bytes = Vec::with_capacity(64 + 9 * events.len());
    for line in [FIRST_LINE, b"#Format: RAW", b"#Source 1: DVS128", LAST_LINE] {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    let all: Vec<Event> = events.iter().collect();
    // A packet has one count of overflows.
    for epoch in all.chunk_by(|a, b| a.t_us >> 31 == b.t_us >> 31) {
        let Ok(overflow) = i32::try_from(epoch[0].t_us >> 31) else {
            return Err(Error::Usage(format!("{} µs is later than AEDAT can say", epoch[0].t_us)));
        };
        for packet in epoch.chunks(PACKET_EVENTS) {
            let number = packet.len() as i32;
            bytes.extend(POLARITY.to_le_bytes());
            bytes.extend(1_i16.to_le_bytes());
            for field in [EVENT_BYTES, TIME_OFFSET, overflow, number, number, number] {
                bytes.extend(field.to_le_bytes());
            }
            for event in packet {
                let (x, y, p) = (u32::from(event.x), u32::from(event.y), u32::from(event.p));
                bytes.extend((x << 17 | y << 2 | p << 1 | 1).to_le_bytes());
                bytes.extend(((event.t_us & 0x7fff_ffff) as u32).to_le_bytes());
            }
        }
    }
    Ok(bytes)
}
