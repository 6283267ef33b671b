#!/bin/sh
# Makes sure that this machine has what pip cannot bring: a Python, a C++ compiler for llama.cpp, the libraries Qt opens
# when a window is made, and a font. Looks for the files themselves, so it is quick, needs no network when nothing is
# missing, and is right on every Linux. What is missing is installed with apt when run as root; otherwise the exact
# line to run is printed, and the script fails.
set -eu
cd "$(dirname "$0")/.."
[ "$(uname -s)" = Linux ] || exit 0

missing=''
wanted=''
libraries=''
need() { missing="$missing $*"; }

# Each library Qt's xcb, wayland and offscreen plugins link to, and its package on Debian 12.
# `readelf -d` on PySide6's own files gives this list; packaging/README.md says how.
qt_libraries='
libEGL.so.1 libegl1
libGL.so.1 libgl1
libX11-xcb.so.1 libx11-xcb1
libX11.so.6 libx11-6
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libfreetype.so.6 libfreetype6
libglib-2.0.so.0 libglib2.0-0
libgomp.so.1 libgomp1
libgssapi_krb5.so.2 libgssapi-krb5-2
libwayland-client.so.0 libwayland-client0
libwayland-cursor.so.0 libwayland-cursor0
libwayland-egl.so.1 libwayland-egl1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-glx.so.0 libxcb-glx0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-render.so.0 libxcb-render0
libxcb-shape.so.0 libxcb-shape0
libxcb-shm.so.0 libxcb-shm0
libxcb-sync.so.1 libxcb-sync1
libxcb-util.so.1 libxcb-util1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
libxcb.so.1 libxcb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxkbcommon.so.0 libxkbcommon0
libzstd.so.1 libzstd1
'

known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
while read -r library package; do
    [ -n "$library" ] || continue
    case $known in
        *"$library "*) ;;
        *) need "$package"; libraries="$libraries $library" ;;
    esac
done <<EOF
$qt_libraries
EOF

# Qt draws boxes where there is no font at all.
font() {
    find -L /usr/share/fonts /usr/local/share/fonts "${HOME:-/root}/.fonts" "${HOME:-/root}/.local/share/fonts" \
        -iname "$1.[ot]t[fc]" -print -quit 2>/dev/null
}
[ -n "$(font '*')" ] || need fonts-dejavu-core
[ -n "$(font '*emoji*')" ] || wanted="$wanted fonts-noto-color-emoji"
[ -n "$(font 'inter*')" ] || wanted="$wanted fonts-inter"

# A Python and a compiler are only needed as long as the environment does not hold what they make.
venv=${VENV:-.venv}
first_time=''
"$venv/bin/python" -c '' 2>/dev/null || first_time=yes
[ -z "$first_time" ] || packaging/find_python.sh >/dev/null || need python3 python3-venv
if [ ! -f "$venv/.llama-cpp" ]; then
    command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || need g++
fi

[ -n "$missing$first_time" ] || exit 0

if ! command -v apt-get >/dev/null; then
    [ -n "$missing" ] || exit 0
    printf 'Latchkey needs system packages that are not here. On Debian they are called:\n   %s\n' "$missing" >&2
    [ -z "$libraries" ] || printf 'They hold these libraries:\n   %s\n' "$libraries" >&2
    printf 'Install them with this system'\''s package manager, then run make again.\n' >&2
    exit 1
fi

if [ "$(id -u)" != 0 ]; then
    [ -n "$missing" ] || exit 0
    printf 'Latchkey needs system packages that are not here. Run this, then make again:\n\n' >&2
    printf '    sudo apt-get install --no-install-recommends%s%s\n\n' "$missing" "$wanted" >&2
    exit 1
fi

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

if [ -n "$missing$wanted" ]; then
    printf 'Installing system packages:%s%s\n' "$missing" "$wanted"
    apt-get update -q || printf 'The package lists could not be renewed; going on with those that are here.\n' >&2
fi
# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing
# shellcheck disable=SC2086
[ -z "$wanted" ] || install $wanted || printf 'Going on without%s: some characters may look plain.\n' "$wanted" >&2
