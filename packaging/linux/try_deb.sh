#!/bin/sh
# Installs a .deb in a clean Debian 12, where there is neither Python nor a compiler, and uses it as an ordinary user who
# has no network; takes it away again, and says what is left. Run as root, on Debian, with debootstrap and Xvfb.
#
#     sh packaging/linux/try_deb.sh dist/latchkey_VERSION_amd64.deb [FOLDER]
#
# FOLDER keeps the system for the next time; without it one is made and removed. Pictures of the window go to
# build/try-deb, where xdotool and ImageMagick's `import` are there to take them.
set -eu
deb=$(readlink -f -- "$1")
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
root=${2:-}
display=:87
server=''
if [ -z "$root" ]; then
    root=$(mktemp -d)
    trap 'leave; rm -rf --one-file-system "$root"' EXIT
else
    trap leave EXIT
fi

leave() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    for place in tmp/.X11-unix dev proc; do umount -R "$root/$place" 2>/dev/null || true; done
}

say() { printf '\n== %s\n' "$*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 "$@"; }
# An ordinary user, in a network namespace of its own that has no interface.
as_user() {
    unshare --net chroot --userspec=ada:ada "$root" env -i PATH=/usr/bin:/bin HOME=/home/ada USER=ada LANG=C.UTF-8 \
        DISPLAY="$display" "$@"
}
files() { (cd "$root" && find . -xdev -path ./proc -prune -o -path ./dev -prune -o -path ./tmp -prune -o -print | sort); }

[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" >/dev/null
chroot "$root" userdel --remove ada 2>/dev/null || true
chroot "$root" useradd --create-home ada
chroot "$root" dpkg --purge latchkey >/dev/null 2>&1 || true
mkdir -p "$root/tmp/.X11-unix"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev"
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"

say 'A clean system'
inside apt-get update -qq
# What any desktop has: its list of file types, and GLib, by which file managers open files.
inside apt-get install -qq --no-install-recommends xdg-utils shared-mime-info desktop-file-utils libglib2.0-bin \
    fonts-dejavu-core >/dev/null
for program in python3 python cc gcc g++ pip; do
    ! inside sh -c "command -v $program" || { echo "$program is there, so it proves nothing" >&2; exit 1; }
done
echo "Debian $(cat "$root/etc/debian_version"), no Python, no compiler"

say 'Installed'
cp "$deb" "$root/tmp/latchkey.deb"
# What it needs of the system first, to see afterwards what it brings itself.
needs=$(dpkg-deb --field "$deb" Depends | tr ',' '\n' | sed 's/(.*)//')
# shellcheck disable=SC2086
inside apt-get install -qq --no-install-recommends $needs >/dev/null
files >/tmp/try-deb-before.$$
inside apt-get install -qq --no-install-recommends /tmp/latchkey.deb
du -sh "$root/usr/lib/latchkey"

say 'Asked, without a network'
as_user latchkey --version
as_user latchkey ask 'How do I add a model?'

say 'Documents, read by a confined process'
as_user sh -c 'echo "Notice is given three months before the end of a year." >~/lease.md'
as_user latchkey collections create Papers
as_user latchkey collections add Papers /home/ada/lease.md
as_user latchkey collections search Papers 'When is notice given?'

say 'Which program opens a .gguf file'
as_user sh -c 'cp /usr/lib/latchkey/_internal/desktop/_data/resources/builtin/latchkey-guide.gguf ~/"a model.gguf"'
as_user sh -c 'gio info -a standard::content-type ~/"a model.gguf" | grep content-type; xdg-mime query default application/x-gguf'

say 'The window'
Xvfb "$display" -screen 0 1280x800x24 -nolisten tcp -noreset >/dev/null 2>&1 &
server=$!
sleep 2
mkdir -p "$top/build/try-deb"
picture() { DISPLAY=$display import -window root "$top/build/try-deb/$1.png" 2>/dev/null || true; }
as_user sh -c 'latchkey >~/window.txt 2>&1 & echo $! >~/window.pid; sleep 10; kill -0 $(cat ~/window.pid)' && echo 'It is open.'
picture window
# A double-click while it is open hands the file to it.
as_user timeout 20 gio open '/home/ada/a model.gguf' && echo 'The file was handed to it.'
sleep 4
picture double-click
press() { DISPLAY=$display xdotool mousemove "$1" "$2" click 1 2>/dev/null && sleep 3 || true; }
press 80 525 && picture models # the places of the sidebar's entries
press 80 557 && picture documents
press 80 590 && picture tools
press 80 622 && picture server
press 80 655 && picture licenses
press 80 687 && picture network
press 80 720 && picture settings
as_user sh -c 'kill $(cat ~/window.pid); sleep 3; cat ~/window.txt'

say 'Taken away'
inside apt-get purge -qq latchkey >/dev/null
files >/tmp/try-deb-after.$$
echo 'Left of it outside of the home folder:'
comm -13 /tmp/try-deb-before.$$ /tmp/try-deb-after.$$ | grep -v '^./home/ada' || echo 'nothing'
echo 'In the home folder, which is kept:'
(cd "$root" && find ./home/ada -mindepth 1 -path '*atchkey*' -prune -print)
rm -f /tmp/try-deb-before.$$ /tmp/try-deb-after.$$
