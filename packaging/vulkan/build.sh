#!/bin/sh
# Builds llama.cpp's Vulkan backend as a plug-in for the llama.cpp that Latchkey was installed with, to test on a software
# driver that layers on a GPU are computed rightly, never how fast.
#
#     sh packaging/vulkan/build.sh [SOURCE]
#
# Debian: apt-get install mesa-vulkan-drivers glslc libvulkan-dev spirv-headers cmake g++
#
# SOURCE is an unpacked llama.cpp of the same version, else pip brings the source that the requirement in pyproject.toml
# names. libggml-vulkan.so is put into latchkey-tests/vulkan of the user's cache folder, where the tests look for it
# ($LATCHKEY_TEST_VULKAN names another file). It takes about fifteen minutes of one core, most of it for shaders.
# layer_settings.hpp stands in for what older Vulkan headers lack.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
python=${PYTHON:-$root/.venv/bin/python}
place=${XDG_CACHE_HOME:-$HOME/.cache}/latchkey-tests/vulkan
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ $# -ge 1 ]; then
    source=$1
else
    requirement=$(sed -n 's/^ *"\(llama-cpp-python[^"]*\)",*$/\1/p' "$root/pyproject.toml")
    "$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work" "$requirement"
    tar -xzf "$work"/*.tar.gz -C "$work"
    source=$(echo "$work"/*/vendor/llama.cpp)
fi

# The CPU backend is left out: the plug-in is loaded beside the one that is installed, and links to its libggml-base.
cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" \
    -DCMAKE_CXX_FLAGS="-include $here/layer_settings.hpp" -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON \
    -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_OPENMP=OFF -DGGML_VULKAN=ON -DLLAMA_OPENSSL=OFF \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DLLAMA_BUILD_SERVER=OFF
cmake --build "$work/build" --target ggml-vulkan --parallel "${JOBS:-2}"
mkdir -p "$place"
cp "$work/build/bin/libggml-vulkan.so" "$place/libggml-vulkan.so.part"
mv "$place/libggml-vulkan.so.part" "$place/libggml-vulkan.so"
echo "$place/libggml-vulkan.so"
