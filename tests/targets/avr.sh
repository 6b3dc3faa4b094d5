#!/bin/sh
# SPDX-License-Identifier: MIT
# An AVR with 16-bit int and 8-bit atomics, its journal in the EEPROM: an image under simavr is judged by what it says.
OUT=${BUILD:-build}/targets
mkdir -p "$OUT"
for tool in "avr-gcc gcc-avr" "simavr simavr"; do
    command -v "${tool% *}" >/dev/null || { echo "skipped: no ${tool% *} (package ${tool#* })"; exit 77; }
done
FLAGS="-std=c99 -Wall -Wextra -Werror -Os -mmcu=atmega1284p -DF_CPU=8000000 -I. -Iport/avr -ffunction-sections -Wl,--gc-sections"
echo '#include <avr/io.h>' | avr-gcc -mmcu=atmega1284p -xc -fsyntax-only - 2>/dev/null || { echo "skipped: no avr/io.h (package avr-libc)"; exit 77; }
avr-gcc $FLAGS -DINNGEST_CONFIG='"tests/targets/avr_config.h"' tests/targets/avr_job.c port/avr/inngest_avr.c inngest.c -o "$OUT/avr.elf" || exit 1
avr-size "$OUT/avr.elf" | awk 'NR == 2 {print "figure image_avr", $1 + $2, "bytes of flash"}'
timeout 120 simavr -m atmega1284p -f 8000000 "$OUT/avr.elf" > "$OUT/avr.log" 2>&1
tr -d '\033' < "$OUT/avr.log" | sed 's/^\(\[[0-9;]*m\)*//; s/\.*$//' > "$OUT/avr.said"

{   echo "power on"
    for round in 1 2 3 4 5 6; do
        printf '%s\n' measure measure watchdog hang watchdog "began before" "after the nap" "ended well"
    done
} > "$OUT/avr.expected"
grep -v '^erased\|^ beats\|^end:\|^Loaded' "$OUT/avr.said" | diff "$OUT/avr.expected" - || { echo "failed: it said something else"; exit 1; }
awk '
    /^erased/ {erased++}
    /^ beats/ {beats = $2; nested = $4}
    /^end: damaged 0 unpublished 0$/ {end = 1}
    END {
        printf "6 jobs, 12 resets, %d blocks of 8 erased, %d events from interrupts, %d of them sent within a send\n", erased, beats, nested
        exit !(end && erased > 8 && beats > 500 && nested > 5)
    }' "$OUT/avr.said" || { echo "failed: too little happened"; tail -n 3 "$OUT/avr.said"; exit 1; }

# Worn cells are noticed; a ms is a ms at each clock that the README names, and the others are refused.
for clock in 1000000 2000000 8000000 16000000 18432000; do
    avr-gcc $FLAGS -UF_CPU -DF_CPU=$clock -Deeprom_write_byte=worn_write_byte -Deeprom_update_block=worn_update_block -c port/avr/inngest_avr.c -o "$OUT/worn_port.o" &&
    avr-gcc $FLAGS -UF_CPU -DF_CPU=$clock tests/targets/worn_avr.c "$OUT/worn_port.o" -o "$OUT/worn_avr.elf" || exit 1
    said=$(timeout 60 simavr -m atmega1284p -f $clock "$OUT/worn_avr.elf" 2>&1 | tr -d '\033' | sed 's/^\(\[[0-9;]*m\)*//; s/\.*$//' | grep -v '^Loaded')
    [ "$said" = over ] || { echo "failed: worn cells or the clock at $clock: $said"; exit 1; }
done
for clock in 4000000 12000000 20000000; do
    avr-gcc $FLAGS -UF_CPU -DF_CPU=$clock -fsyntax-only port/avr/inngest_avr.c 2> "$OUT/avr_clock.log" && { echo "failed: F_CPU=$clock is taken"; exit 1; }
    grep -q 'change inngest_avr_start' "$OUT/avr_clock.log" || { cat "$OUT/avr_clock.log"; exit 1; }
done

# What is larger than an int holds.
avr-gcc $FLAGS -DINNGEST_CONFIG='"tests/targets/avr_config.h"' tests/targets/wide_avr.c -o "$OUT/wide_avr.elf" || exit 1
said=$(timeout 60 simavr -m atmega1284p -f 8000000 "$OUT/wide_avr.elf" 2>&1 | tr -d '\033' | sed 's/^\(\[[0-9;]*m\)*//; s/\.*$//' | grep -v '^Loaded')
[ "$said" = over ] || { echo "failed: more than 16 bits hold: $said"; exit 1; }

# Nothing masks interrupts but what the compiler makes a stack frame with: cli and one instruction. A send has no frame.
avr-gcc $FLAGS -DINNGEST_CONFIG='"tests/targets/avr_config.h"' -c inngest.c -o "$OUT/avr_masks.o" || exit 1
avr-objdump -d "$OUT/avr_masks.o" | awk '
    /^[0-9a-f]+ <.*>:/ {f = $2; masked = 0}
    masked && ++since > 2 {print "failed: masked for longer in " f; bad = 1}
    /\tcli/ {masked = 1; since = 0; if (f ~ /inngest_send|inngest_wake|check_(send|event)|refuse|open_slot|tally/) send++; else frames++}
    /\tout\t0x3f/ {masked = 0}
    END {print "figure masking_instructions_avr_send", send + 0; exit bad || send > 0 || frames == 0}' || exit 1
