#!/bin/sh
# Makes a virtual environment with torch for the CPU and snnTorch: setup.sh VENV
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
"$here/../torch_venv.sh" "$1" "$here/requirements.txt"
