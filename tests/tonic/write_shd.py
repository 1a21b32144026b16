"""Writes a file as SHD's makers do, chunked and extensible: write_shd.py FILE [FILE_COMPRESSED]"""

import sys

import h5py
import numpy as np

SAMPLES = [
    ([0.0, 0.001, 0.5, 1.25], [0, 699, 3, 3], 19),
    ([], [], 0),
    ([0.75, 0.25], [10, 20], 7),
] + [(list(np.arange(n) / 1024.0), list(np.arange(n) % 700), n % 20) for n in range(1, 90)]

for path, filters in zip(sys.argv[1:], ({}, {"compression": "gzip", "shuffle": True})):
    with h5py.File(path, "w") as file:
        count = len(SAMPLES)
        for name, dtype, column in (("times", np.float16, 0), ("units", np.uint16, 1)):
            data = file.create_dataset(
                f"spikes/{name}", (0,), maxshape=(None,), chunks=(16,), dtype=h5py.vlen_dtype(dtype), **filters
            )
            data.resize((count,))
            for i, sample in enumerate(SAMPLES):
                data[i] = np.array(sample[column], dtype=dtype)
        file.create_dataset("labels", data=np.array([s[2] for s in SAMPLES], dtype=np.uint8), maxshape=(None,), chunks=(16,), **filters)
        file.create_dataset("extra/keys", data=np.array([f"word {k}".encode() for k in range(20)]))
        file.create_dataset("extra/speaker", data=np.arange(count, dtype=np.uint16) % 12)
