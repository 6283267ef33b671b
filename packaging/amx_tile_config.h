/* Included before everything else (`-include`) by compilers that amx_probe.sh finds wrong: GCC 11 and 12.
 *
 * Their `_tile_loadconfig` tells the optimizer that `ldtilecfg` reads 8 bytes. It reads 64 (Intel SDM, LDTILECFG), and so
 * it says here. llama_wheel.py asks amx_probe.sh again with this header before it trusts it. */
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#undef _tile_loadconfig
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg\t%X0" : : "m"(*(const char(*)[64])(config)))
#endif
