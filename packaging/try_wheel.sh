#!/bin/sh
# Installs the wheel in the folder given into a fresh virtual environment far from the checkout; has it answer a question
# with the built-in model, at once, and find a passage of a document. What passes here does not depend on any file of
# the checkout.
set -eu
wheel=$(ls "$(cd "$1" && pwd)"/latchkey-*.whl)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM

echo "Installing $(basename "$wheel") into a fresh environment"
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" "$(dirname "$0")/llama_wheel.py"
"$place/venv/bin/python" -m pip --disable-pip-version-check install --quiet "$wheel"

cd "$place"
export LATCHKEY_HOME="$place/home"
latchkey="$place/venv/bin/latchkey"
question='How do I add a model?'
echo "You: $question"
answer=$("$latchkey" ask "$question")
echo "Latchkey: $answer"
[ -n "$answer" ] || { echo "The installed wheel gave no answer." >&2; exit 1; }

echo 'Notice is given three months before the end of a year.' > lease.md
"$latchkey" collections create Papers
"$latchkey" collections add Papers lease.md
found=$("$latchkey" collections search Papers 'When is notice given?' --json)
case "$found" in
    *'three months'*) ;;
    *) echo "The installed wheel read no document." >&2; exit 1 ;;
esac
find "$place/venv" -path '*/resources/guide/*.md' | grep -q . || { echo "The wheel holds no guide." >&2; exit 1; }
du -h "$wheel"
