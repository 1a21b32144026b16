#!/bin/sh
# Makes a virtual environment with torch for the CPU: torch_venv.sh VENV REQUIREMENTS
#
# For Linux on x86-64, Python 3.11 to 3.13 (PYTHON names another interpreter than python3). PyPI's
# torch for it is linked against CUDA libraries of more than 2 GB. On the CPU none of their
# functions is ever called, so empty libraries of the same names take their place (needs cc; a
# program that imports torch asks the loader not to look for the functions).
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 VENV REQUIREMENTS" >&2
    exit 2
fi
venv=$1

"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --no-deps -r "$2"

# torch looks beside itself last, so a real library that is installed later takes precedence.
lib=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/torch/lib
for name in libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12 libcurand.so.10 \
    libcusparse.so.12 libcusparseLt.so.0 libnccl.so.2 libnvrtc.so.13 libnvshmem_host.so.3; do
    echo | cc -shared -x c - -Wl,-soname,"$name" -o "$lib/$name"
done
