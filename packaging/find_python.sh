#!/bin/sh
# Prints the Python that Latchkey's virtual environment is made with: 3.11 or newer, able to make one.
# PYTHON=/path/to/python wins over the search. Prints nothing, and fails, where there is none.
for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3 /usr/bin/python3; do
    found=$(command -v "$candidate" 2>/dev/null) || continue
    # A version manager may offer a name that it then refuses to run: only running it tells.
    if "$found" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        printf '%s\n' "$found"
        exit 0
    fi
done
exit 1
