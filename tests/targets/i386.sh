#!/bin/sh
# SPDX-License-Identifier: MIT
# All host tests as 32-bit programs of an x86.
. tests/targets/cross.inc
FLAGS="-O2 -g -m32 -D_FILE_OFFSET_BITS=64 -isystem /usr/include/$(gcc -print-multiarch)"    # where gcc-12-multilib has asm/
echo 'int main(void) { return 0; }' > "$OUT/empty.c"
gcc $FLAGS "$OUT/empty.c" -o "$OUT/empty" 2>/dev/null && "$OUT/empty" || { echo "skipped: no 32-bit programs (package gcc-12-multilib)"; exit 77; }
${MAKE:-make} --no-print-directory BUILD="$OUT/i386" CC=gcc CFLAGS="$FLAGS" SCRIPTS= test > "$OUT/i386.log" 2>&1 && tail -n 1 "$OUT/i386.log" && exit 0
cat "$OUT/i386.log"
exit 1
