#!/bin/sh
# Makes a virtual environment with BindsNET and torch for the CPU: setup.sh VENV
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 VENV" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
"$here/../torch_venv.sh" "$1" "$here/requirements.txt"
venv=$(cd "$1" && pwd)

cd "$here"
"$venv/bin/python" -c 'import bindsnet_network; print("ready:", bindsnet_network.VERSIONS)'
