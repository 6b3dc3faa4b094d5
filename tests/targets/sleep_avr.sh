# SPDX-License-Identifier: MIT
# AVR (simavr): a send at each cycle on the way into the sleep ends it.
. tests/targets/common.sh
need avr-gcc gcc-avr
need simavr simavr
FLAGS="-std=c99 -Wall -Wextra -Werror -Os -mmcu=atmega1284p -DF_CPU=8000000 -I. -Iport/avr -ffunction-sections -Wl,--gc-sections"
echo '#include <avr/io.h>' | avr-gcc -mmcu=atmega1284p -xc -fsyntax-only - 2>/dev/null || { echo "skipped: no avr/io.h (package avr-libc)"; exit 77; }
run() { # NAME PORT
    avr-gcc $FLAGS -DINNGEST_CONFIG='"tests/targets/avr_config.h"' tests/targets/sleep_avr.c "$2" inngest.c -o "$OUT/$1.elf" || fail "$1 does not build"
    timeout 120 simavr -m atmega1284p -f 8000000 "$OUT/$1.elf" > "$OUT/$1.log" 2>&1
    tr -d '\033' < "$OUT/$1.log" | sed 's/^\(\[[0-9;]*m\)*//; s/\.*$//' | grep -v '^Loaded' > "$OUT/$1.said"
    cat "$OUT/$1.said"
}
# Where nothing is due it wakes for a tick: after 30 ms in place of 20 days.
sed 's/^\(#define LONGEST_SLEEP_MS\) [0-9]*u/\1 30u/' port/avr/inngest_avr.c > "$OUT/short_avr.c"
run sleep_avr "$OUT/short_avr.c"
printf 'slept over 0\nlost 0\nslept ms 20\nslept ms 30\n' | diff - "$OUT/sleep_avr.said" || fail "sleep"

# A sleep that looks for work with interrupts on must be caught sleeping.
sed 's/^        cli();$/        cli(); sei();/' "$OUT/short_avr.c" > "$OUT/unmasked_avr.c"
cmp -s "$OUT/short_avr.c" "$OUT/unmasked_avr.c" && fail "nothing to break in inngest_avr_sleep"
run sleep_avr_mutant "$OUT/unmasked_avr.c" > "$OUT/sleep_avr_mutant.out"
grep -q '^slept over [1-9]' "$OUT/sleep_avr_mutant.said" || fail "a sleep that looks with interrupts on was not caught"
echo "a sleep that looks with interrupts on: caught"
