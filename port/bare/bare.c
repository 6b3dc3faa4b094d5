/* SPDX-License-Identifier: MIT */
#include "bare.h"
#include <string.h>

/* Words where both sides allow it: events and records are mostly aligned. */
typedef uint32_t __attribute__((may_alias)) word;

/* The compiler must not find the loops below to be what they are. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize ("no-tree-loop-distribute-patterns")
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0) {
        word *tw = to;
        const word *fw = from;
        for (; size >= 16; size -= 16, tw += 4, fw += 4) {
            word a = fw[0], b = fw[1], c = fw[2], d = fw[3];
            tw[0] = a; tw[1] = b; tw[2] = c; tw[3] = d;
        }
        for (; size >= 4; size -= 4) *tw++ = *fw++;
        t = (unsigned char *)tw;
        f = (const unsigned char *)fw;
    }
    while (size--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f) while (size--) *t++ = *f++;
    else while (size--) t[size] = f[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    unsigned char *t = to;
    while (size--) *t++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (; size--; x++, y++) if (*x != *y) return *x - *y;
    return 0;
}

void *memchr(const void *in, int byte, size_t size)
{
    const unsigned char *p = in;
    for (; size--; p++) if (*p == (unsigned char)byte) return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t size)
{
    while (size && *a && *a == *b) a++, b++, size--;
    return size ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *text, int byte)
{
    for (; *text != (char)byte; text++) if (*text == 0) return NULL;
    return (char *)(uintptr_t)text;
}

void bare_number(uint32_t number)
{
    char digits[11], *p = digits + 10;
    *p = 0;
    do *--p = (char)('0' + number % 10); while ((number /= 10) != 0);
    board_write(p);
}

void bare_hex(uint32_t number)
{
    char digits[9];
    int i;
    for (i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15u];
    digits[8] = 0;
    board_write(digits);
}

uint32_t bare_passed, bare_failed;

void bare_check(int holds, const char *what, uint32_t line)
{
    if (holds) { bare_passed++; return; }
    if (bare_failed++ >= 20) return;
    board_write("line ");
    bare_number(line);
    board_write(": ");
    board_write(what);
    board_write("\n");
}

void bare_end(const char *name)
{
    board_write(name);
    board_write(": ");
    bare_number(bare_passed);
    board_write(" checks passed, ");
    bare_number(bare_failed);
    board_write(" failed\n");
    board_exit(bare_failed != 0 || bare_passed == 0);
}
