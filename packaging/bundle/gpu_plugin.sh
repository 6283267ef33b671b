#!/bin/sh
# Builds one of llama.cpp's plug-ins for graphics cards: of the same llama.cpp, and loaded beside it.
#
#     sh packaging/bundle/gpu_plugin.sh vulkan|cuda|hip [SOURCE]
#
# The plug-in goes to build/plugins/libggml-KIND.so. SOURCE is an unpacked llama-cpp-python of the version that
# pyproject.toml names; without it pip brings that. JOBS compilers run at once (2). BUILD names a folder in which an
# interrupted build goes on; without it nothing is kept.
#
# vulkan   any card whose driver has Vulkan 1.2. Debian: glslc libvulkan-dev spirv-headers cmake g++
# cuda     NVIDIA. CUDA 12.4 or newer; CUDA_ARCHITECTURES names the generations ("86;89"), else all that llama.cpp names
# hip      AMD. ROCm 6.1 or newer; GPU_TARGETS names the chips (gfx1030;gfx1100;gfx1101;gfx1102;gfx1200;gfx1201)
#
# A plug-in is linked to what the driver brings (libvulkan.so.1, libcuda.so.1), which is the system's and never goes into
# a bundle: where it is missing, the processor computes. Those of CUDA and ROCm need libraries besides that no driver
# brings: libcudart, libcublas and libcublasLt, or libamdhip64, libhipblas and librocblas. They are looked for beside the
# plug-in, where the toolkit lies here, and where the system looks.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
python=${PYTHON:-$root/.venv/bin/python}
kind=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=$(mkdir -p "${BUILD:-$work/build}" && CDPATH='' cd -- "${BUILD:-$work/build}" && pwd)

flags=''
case $kind in
    vulkan)
        flags="-include $here/layer_settings.hpp"
        command -v glslc >/dev/null || {
            echo "glslc is missing, which compiles shaders. Debian: apt-get install glslc libvulkan-dev spirv-headers" >&2
            echo "“make bundle VULKAN=no” does without." >&2
            exit 1
        } ;;
    cuda | hip) ;;
    *) echo "Name one of vulkan, cuda and hip." >&2; exit 2 ;;
esac
if [ $# -ge 2 ]; then
    source=$2
else
    requirement=$(sed -n 's/^ *"\(llama-cpp-python[^"]*\)",*$/\1/p' "$root/pyproject.toml")
    "$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work" "$requirement"
    tar -xzf "$work"/*.tar.gz -C "$work"
    source=$(echo "$work"/llama_cpp_python-*/)
fi
release=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$source/llama_cpp/__init__.py")
source=$(CDPATH='' cd -- "$source/vendor/llama.cpp" && pwd)
# What the plug-in says of itself: desktop/engine/worker/gpu_plugins.py takes no other release's.
printf 'const char latchkey_llama_cpp[64] = "%s";\n' "$release" | cc -x c -fPIC -c -o "$build/release.o" -
beside=\$ORIGIN
case $kind in
    vulkan) set -- -DGGML_VULKAN=ON ;;
    cuda)
        beside="$beside;${CUDA_PATH:-/usr/local/cuda}/lib64"
        set -- -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF
        [ -z "${CUDA_ARCHITECTURES:-}" ] || set -- "$@" "-DCMAKE_CUDA_ARCHITECTURES=$CUDA_ARCHITECTURES" ;;
    hip)
        beside="$beside;${ROCM_PATH:-/opt/rocm}/lib"
        HIPCXX=${HIPCXX:-$(hipconfig -l)/clang} HIP_PATH=${HIP_PATH:-$(hipconfig -R)}
        export HIPCXX HIP_PATH
        set -- -DGGML_HIP=ON "-DGPU_TARGETS=${GPU_TARGETS:-gfx1030;gfx1100;gfx1101;gfx1102;gfx1200;gfx1201}" ;;
esac
# The CPU's plug-ins come with llama-cpp-python.
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON \
    -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_OPENMP=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_COMMON=OFF \
    -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON "-DCMAKE_INSTALL_RPATH=$beside" "-DCMAKE_MODULE_LINKER_FLAGS=$build/release.o" \
    "-DCMAKE_CXX_FLAGS=-ffile-prefix-map=$source=. -ffile-prefix-map=$build=. $flags" "$@"
cmake --build "$build" --target "ggml-$kind" --parallel "${JOBS:-2}"
mkdir -p "$root/build/plugins"
cp "$build/bin/libggml-$kind.so" "$root/build/plugins/"
strip --strip-unneeded "$root/build/plugins/libggml-$kind.so"
ls -l "$root/build/plugins/libggml-$kind.so"
