#!/bin/sh
# Makes a virtual environment in which Tonic reads and transforms events: venv.sh VENV
#
# Of what Tonic asks for, librosa (with numba and scikit-learn) and importRosbag are left out: they read
# sound files and ROS bags, and the scripts beside this put empty modules in their place.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV" >&2
    exit 2
fi
[ -x "$1/bin/python" ] || "${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check \
    "numpy>=1.24" "h5py>=3.8" "scipy>=1.10" tqdm typing-extensions requests expelliarmus
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "tonic==1.7.0"
