#!/bin/sh
# Installs the wheel in the folder given into a fresh virtual environment far from the checkout, and has it answer a
# question with the built-in model: not before its license is accepted. What passes here does not depend on any file of the checkout.
set -eu
wheel=$(ls "$(cd "$1" && pwd)"/latchkey-*.whl)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM

echo "Installing $(basename "$wheel") into a fresh environment"
"${PYTHON:-python3}" -m venv "$place/venv"
CMAKE_ARGS="-DLLAMA_OPENSSL=OFF" "$place/venv/bin/python" -m pip --disable-pip-version-check install --quiet "$wheel"

cd "$place"
export LATCHKEY_HOME="$place/home"
latchkey="$place/venv/bin/latchkey"
question='How do I add a model?'
"$latchkey" ask "$question" 2>/dev/null && { echo "It answered before its license was accepted." >&2; exit 1; }
sha256=$("$latchkey" licenses show latchkey-guide --json | "$place/venv/bin/python" -c \
    'import json, sys; print(json.load(sys.stdin)["sha256"])')
"$latchkey" licenses accept latchkey-guide --text-sha256 "$sha256" --as 'Wheel test' --purpose research
echo "You: $question"
answer=$("$latchkey" ask "$question")
echo "Latchkey: $answer"
[ -n "$answer" ] || { echo "The installed wheel gave no answer." >&2; exit 1; }
du -h "$wheel"
