#!/bin/sh
# Builds one of llama.cpp's plug-ins for graphics cards, for a bundle: of the same llama.cpp, and loaded beside it.
#
#     sh packaging/bundle/gpu_plugin.sh vulkan|cuda|hip [SOURCE]
#
# The plug-in goes to build/plugins/libggml-KIND.so. SOURCE is an unpacked llama.cpp of the same version; without it pip
# brings the one that pyproject.toml names. JOBS compilers run at once (2).
#
# vulkan   any card whose driver has Vulkan 1.2. Debian: glslc libvulkan-dev spirv-headers cmake g++
# cuda     NVIDIA. CUDA 12.4 or newer; CUDA_ARCHITECTURES names the generations (all-major)
# hip      AMD. ROCm 6.1 or newer; AMDGPU_TARGETS names the chips (gfx1030;gfx1100;gfx1101;gfx1102;gfx1200;gfx1201)
#
# A plug-in is linked to the loader of its driver (libvulkan.so.1, libcuda.so.1, libamdhip64.so), which is the system's
# and never goes into a bundle. Where it is missing, the plug-in is not loaded, and the processor computes.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
python=${PYTHON:-$root/.venv/bin/python}
kind=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ $# -ge 2 ]; then
    source=$2
else
    requirement=$(sed -n 's/^ *"\(llama-cpp-python[^"]*\)",*$/\1/p' "$root/pyproject.toml")
    "$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work" "$requirement"
    tar -xzf "$work"/*.tar.gz -C "$work"
    source=$(echo "$work"/*/vendor/llama.cpp)
fi

flags=''
case $kind in
    vulkan) set -- -DGGML_VULKAN=ON; flags="-include $root/packaging/vulkan/layer_settings.hpp" ;;
    cuda) set -- -DGGML_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES:-all-major}" ;;
    hip) set -- -DGGML_HIP=ON "-DAMDGPU_TARGETS=${AMDGPU_TARGETS:-gfx1030;gfx1100;gfx1101;gfx1102;gfx1200;gfx1201}" ;;
    *) echo "Name one of vulkan, cuda and hip." >&2; exit 2 ;;
esac
# The CPU's plug-ins come with llama-cpp-python.
cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON \
    -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_OPENMP=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_COMMON=OFF \
    -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON "-DCMAKE_INSTALL_RPATH=\$ORIGIN" \
    "-DCMAKE_CXX_FLAGS=-ffile-prefix-map=$source=. $flags" "$@"
cmake --build "$work/build" --target "ggml-$kind" --parallel "${JOBS:-2}"
mkdir -p "$root/build/plugins"
cp "$work/build/bin/libggml-$kind.so" "$root/build/plugins/"
strip --strip-unneeded "$root/build/plugins/libggml-$kind.so"
ls -l "$root/build/plugins/libggml-$kind.so"
