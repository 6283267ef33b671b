#!/bin/sh
# Signs Latchkey.app, puts it into a disk image and has Apple notarize both. Run on macOS, after
# packaging/bundle/build.py.
#
#     sh packaging/macos/dmg.sh VERSION [APP]
#
# IDENTITY    the signing identity: "Developer ID Application: …"; without it the app is signed for this machine alone
# PROFILE     the keychain profile with the credentials for notarytool (xcrun notarytool store-credentials); without it
#             nothing is notarized, and macOS will warn of it
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(dirname -- "$(dirname -- "$here")")
version=$1
app=${2:-$top/build/bundle/Latchkey.app}
identity=${IDENTITY:--}
image=$top/dist/Latchkey-$version-$(uname -m).dmg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The hardened runtime loads libraries of one team alone. A signature for this machine names no team, and with it the
# app would not start.
if [ "$identity" = - ]; then
    sign() { codesign --force --sign - "$@"; }
else
    sign() { codesign --force --options runtime --timestamp --sign "$identity" "$@"; }
fi
notarize() { xcrun notarytool submit "$1" --keychain-profile "$PROFILE" --wait; }

# From the inside out: what is inside has to be signed before what holds it. `--deep` would give every library the
# entitlements of the program. Libraries of frameworks have no suffix: what is a program is told by its first bytes.
xattr -cr "$app"
find "$app/Contents" -type f | while IFS= read -r file; do
    case $(file -b "$file") in Mach-O*) sign "$file" ;; esac
done
find "$app/Contents" -depth -type d -name '*.framework' | while IFS= read -r framework; do sign "$framework"; done
sign --entitlements "$here/entitlements.plist" "$app"
codesign --verify --strict --deep --verbose=1 "$app"

# The ticket is stapled to the app as well, which is copied out of the image and may start where there is no network.
if [ -n "${PROFILE:-}" ]; then
    ditto -c -k --keepParent "$app" "$work/Latchkey.zip"
    notarize "$work/Latchkey.zip"
    rm -f "$work/Latchkey.zip"
    xcrun stapler staple "$app"
fi

mkdir -p "$top/dist"
ditto "$app" "$work/Latchkey.app"
ln -s /Applications "$work/Applications"
hdiutil create -volname Latchkey -srcfolder "$work" -ov -format ULFO "$image"
codesign --force --sign "$identity" "$image"

if [ -n "${PROFILE:-}" ]; then
    notarize "$image"
    xcrun stapler staple "$image"
    spctl --assess --type open --context context:primary-signature --verbose "$image"
fi
echo "$image"
