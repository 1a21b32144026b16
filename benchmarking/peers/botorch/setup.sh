#!/bin/sh
# Makes a virtual environment with BoTorch and torch for the CPU: setup.sh VENV
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
"$here/../torch_venv.sh" "$1" "$here/requirements.txt"
venv=$(cd "$1" && pwd)

"$venv/bin/python" "$here/ask.py" --versions
