#!/bin/sh
# Prints what the C compiler that is named makes of AMX: "right", "wrong" (see amx_probe.c), or "none" where it does not
# know AMX at all. `amx_probe.sh cc -march=…`: the words are the compiler's command.
set -eu
source="$(dirname "$0")/amx_probe.c"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if ! "$@" -O3 -mamx-tile -mno-red-zone -fno-pie -S -o "$folder/probe.s" "$source" 2>/dev/null; then
    echo none
    exit 0
fi
# The instruction's operand is copied to `operand` instead: what the processor would have read.
sed -E 's/^[[:space:]]*ldtilecfg[[:space:]]+(.*)$/\
	movq %rsi, kept\
	movq %rdi, kept+8\
	movq %rcx, kept+16\
	leaq \1, %rsi\
	movl $operand, %edi\
	movl $64, %ecx\
	rep movsb\
	movq kept, %rsi\
	movq kept+8, %rdi\
	movq kept+16, %rcx/' "$folder/probe.s" >"$folder/seen.s"
if grep -q ldtilecfg "$folder/seen.s" || ! grep -q 'rep movsb' "$folder/seen.s"; then
    echo none
elif ! "$@" -no-pie -o "$folder/probe" "$folder/seen.s" 2>/dev/null; then
    echo none
elif "$folder/probe"; then
    echo right
else
    echo wrong
fi
