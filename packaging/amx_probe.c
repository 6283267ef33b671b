/* Whether this compiler passes a whole tile configuration to `ldtilecfg`.
 *
 * GCC 11 and 12 tell their optimizer that `_tile_loadconfig` reads 8 bytes, where the instruction reads 64 (Intel SDM,
 * LDTILECFG), so the stores of the rest may be dropped. llama.cpp's matrix products then end in SIGSEGV on processors
 * with AMX. packaging/amx_probe.sh puts a copy of the operand in the place of the instruction, so that the answer can be
 * had on any x86-64 processor. Exit code 0: the compiler is right, 1: it has the fault. */
#include <immintrin.h>
#include <string.h>

struct tile_configuration {
    unsigned char palette, start_row, reserved[14];
    unsigned short bytes_of_row[16];
    unsigned char rows[16];
};

unsigned char operand[64];
unsigned long kept[3]; /* registers, around the copying */

__attribute__((noinline)) static void configure(int rows) {
    struct tile_configuration configuration;
    memset(&configuration, 0, sizeof configuration);
    configuration.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        configuration.bytes_of_row[tile] = 64;
        configuration.rows[tile] = (unsigned char)rows;
    }
    _tile_loadconfig(&configuration);
}

int main(int count, char **arguments) {
    (void)arguments;
    struct tile_configuration seen;
    unsigned char *stack = __builtin_alloca(512);
    memset(stack, 0xA5, 512); /* what lay on the stack before must not look like a configuration */
    __asm__ volatile("" : : "r"(stack) : "memory");
    configure(count);
    memcpy(&seen, operand, sizeof seen);
    int wrong = seen.palette != 1 || seen.start_row != 0;
    for (int byte = 0; byte < 14; byte++) wrong |= seen.reserved[byte] != 0;
    for (int tile = 0; tile < 16; tile++) {
        wrong |= seen.bytes_of_row[tile] != (tile < 8 ? 64 : 0);
        wrong |= seen.rows[tile] != (tile < 8 ? count : 0);
    }
    return wrong;
}
