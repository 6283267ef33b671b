#!/bin/sh
# Prints a Python of another version than the one named, 3.11 or newer, the newest first; nothing where there is none.
# `second_python.sh .venv/bin/python`
set -eu
first=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for version in 3.13 3.12 3.11; do
    [ "$version" != "$first" ] || continue
    for candidate in "python$version" "${HOME:-/root}/.pyenv/versions/$version".*/bin/python3; do
        found=$(command -v "$candidate" 2>/dev/null) || continue
        # A version manager may offer a name that it then refuses to run: only running it tells.
        if [ "$("$found" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$version" ]; then
            printf '%s\n' "$found"
            exit 0
        fi
    done
done
