#!/bin/sh
# Signs Latchkey.app, puts it into a disk image and has Apple notarize that. Run on macOS, after
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

# From the inside out: what is inside has to be signed before what holds it. `--deep` would give every library the
# entitlements of the program.
find "$app/Contents" -type f \( -name '*.dylib' -o -name '*.so' \) -print0 |
    xargs -0 -n 32 codesign --force --options runtime --timestamp --sign "$identity"
codesign --force --options runtime --timestamp --entitlements "$here/entitlements.plist" --sign "$identity" "$app"
codesign --verify --strict --verbose=1 "$app"

mkdir -p "$top/dist"
cp -R "$app" "$work/"
ln -s /Applications "$work/Applications"
hdiutil create -volname Latchkey -srcfolder "$work" -ov -format ULFO "$image"
codesign --force --sign "$identity" "$image"

if [ -n "${PROFILE:-}" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$PROFILE" --wait
    xcrun stapler staple "$image"
    spctl --assess --type open --context context:primary-signature --verbose "$image"
fi
echo "$image"
