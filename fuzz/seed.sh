#!/bin/sh
# Puts small valid files into fuzz/corpus, made by the program itself: seed.sh
set -eu
cd "$(dirname "$0")/.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
spikeseek="cargo run --quiet --features shd --"
$spikeseek data make nmnist "$made/nmnist" --train 4 --test 1
$spikeseek data make shd "$made/shd" --train 2 --test 1
mkdir -p fuzz/corpus/nmnist fuzz/corpus/aedat fuzz/corpus/gesture_labels fuzz/corpus/gesture_npy fuzz/corpus/shd fuzz/corpus/idx fuzz/corpus/cache
for file in "$made"/nmnist/Train/*/*.bin; do
    head -c 500 "$file" >"fuzz/corpus/nmnist/$(basename "$file")"
done
cp tests/events/*.aedat fuzz/corpus/aedat
cp tests/events/*_labels.csv fuzz/corpus/gesture_labels
cp "$made"/shd/*.h5 fuzz/corpus/shd
# Two events: x, y, polarity, milliseconds.
python3 - <<'PYTHON'
import struct
header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }".ljust(117) + b"\n"
rows = struct.pack("<8d", 1, 2, 1, 0.5, 127, 127, 0, 3.25)
open("fuzz/corpus/gesture_npy/0.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + rows)
open("fuzz/corpus/idx/labels", "wb").write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]))
# Two samples over 3 neurons, of 2 steps with 2 spikes and of 1 step with 1; without the checksum at the end.
words = [2, 0, 1, 2, 0, 2] + [1, 0, 1, 1]
head = b'{"neurons":3,"classes":2,"samples":2,"words":10,"counts":{"events":3,"denoised":0,"outside":0,"duplicates":0,"overflow":0,"spikes":3}}'
open("fuzz/corpus/cache/0", "wb").write(
    b"SPKSET01" + struct.pack("<10I2H3Q", *words, 1, 0, 0, 6, 10) + head + struct.pack("<Q", len(head))
)
PYTHON
