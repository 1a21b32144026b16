"""What Tonic makes of event files, as JSON: read_with_tonic.py KIND FILE [OPTIONS as JSON]

KIND: nmnist, gesture_npy (Tonic's own layout), shd (all samples of a file).
Options: denoise_us, size [W, H], width_us or bins (number of equal bins).
Prints {"events": [[t, x, y, p], ...]} and, with a binning, {"spikes": [[step, id], ...]}, for shd a list of
these with "label".
"""

import json
import sys
import types

for name in ("librosa", "importRosbag", "importRosbag.importRosbag"):
    module = types.ModuleType(name)
    module.importRosbag = None
    sys.modules[name] = module

import h5py
import numpy as np
import tonic
from tonic import functional, transforms
from tonic.io import make_structured_array, read_mnist_file

kind, path = sys.argv[1:3]
options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}

DTYPES = {
    "nmnist": tonic.datasets.NMNIST.dtype,
    "gesture_npy": tonic.datasets.DVSGesture.dtype,
    "shd": tonic.datasets.SHD.dtype,
}
SENSORS = {"nmnist": (34, 34, 2), "gesture_npy": (128, 128, 2), "shd": (700, 1, 1)}


def as_result(events):
    events = events.copy()
    has_y = "y" in events.dtype.names
    rows = [
        [int(e["t"]), int(e["x"]), int(e["y"]) if has_y else 0, int(e["p"]) if has_y else 0] for e in events
    ]
    result = {"events": rows}
    if "bins" not in options and "width_us" not in options:
        return result
    sensor = SENSORS[kind]
    if "denoise_us" in options:
        events = functional.denoise_numpy(events, filter_time=options["denoise_us"])
    if "size" in options:
        width, height = options["size"]
        events = transforms.Downsample(sensor_size=sensor, target_size=(width, height))(events)
        sensor = (width, height, sensor[2])
    if "bins" in options:
        frames = functional.to_frame_numpy(events, sensor, n_time_bins=options["bins"])
    else:
        # An incomplete last window counts.
        frames = functional.to_frame_numpy(
            events, sensor, time_window=options["width_us"], include_incomplete=True
        )
    # [step, polarity, row, column], flattened: the id is x + W y + W H p.
    flat = frames.reshape(len(frames), -1)
    result["spikes"] = [[int(step), int(i)] for step, i in zip(*np.nonzero(flat))]
    return result


if kind == "nmnist":
    result = as_result(read_mnist_file(path, dtype=DTYPES[kind]))
elif kind == "gesture_npy":
    # As tonic.datasets.DVSGesture.__getitem__ does.
    array = np.load(path)
    array[:, 3] *= 1000
    result = as_result(np.lib.recfunctions.unstructured_to_structured(array, DTYPES[kind]))
else:
    # As tonic.datasets.hsd.HSD.__getitem__ does.
    result = []
    with h5py.File(path, "r") as file:
        for i in range(len(file["labels"])):
            events = make_structured_array(
                file["spikes/times"][i].astype(np.float64) * 1e6, file["spikes/units"][i], 1, dtype=DTYPES[kind]
            )
            sample = as_result(events)
            sample["label"] = int(file["labels"][i])
            result.append(sample)
        keys = [key.decode() for key in file["extra/keys"][()]]
        result = {"samples": result, "keys": keys, "speakers": [int(s) for s in file["extra/speaker"][()]]}
print(json.dumps(result))
