# SPDX-License-Identifier: MIT
# What inngest_send of 32 bytes costs at -Os, all checks and counters included: instructions under QEMU from its first to
# its return, with compare-and-swap and without; cycles on an AVR. More than the goal on the Cortex-M3 is a failure.
. tests/targets/common.sh
missing=0
count() { # NAME BUILD RUN NM FLAGS...
    name=$1 build=$2 run=$3 nm=$4; shift 4
    image=$OUT/send_$name.elf trace=$OUT/send_$name.trace
    $build "$image" "$@" -DINNGEST_CONFIG='"tests/targets/sweep_config.h"' tests/targets/sweep.c inngest.c
    trace_send 2>/dev/null
    { $nm "$image"; cat "$trace"; } | awk -v name="$name" '
        $3 == "inngest_send_" {entry = $1}
        $1 != "Trace" {next}
        { split($4, part, "/"); if (part[2] == entry) inside = 1; else if (inside && $5 == "sweep_send") {done = 1; exit} n += inside }
        END { if (!done) {print "no send in the trace"; exit 1}; print "figure send_" name, n, "instructions"; exit name == "m3" && n > 60 }' || fail "send $name"
    rm -f "$trace"
}
tools() { # COMMAND PACKAGE...: all there?
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || { echo "skipped: no $1 (package $2)"; missing=77; return 1; }
        shift 2
    done
}
if tools arm-none-eabi-gcc gcc-arm-none-eabi qemu-system-arm qemu-system-arm; then
    m3="$M3 -T port/mps2/mps2.ld -DCODE_START=0 tests/targets/sweep_m3.c port/mps2/board.c"
    count m3 arm_image run_m3 arm-none-eabi-nm $m3
    count m3_no_cas arm_image run_m3 arm-none-eabi-nm $m3 -DINNGEST_NO_CAS
    count m0 arm_image run_m0 arm-none-eabi-nm $M0 -T port/microbit/microbit.ld -DCODE_START=0 tests/targets/sweep_m0.c port/microbit/board.c
fi
if tools riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf qemu-system-riscv32 qemu-system-misc; then
    for MARCH in rv32imac rv32imc; do
        count $MARCH rv32_image run_rv32 riscv64-unknown-elf-nm -DCODE_START=0x80000000u tests/targets/sweep_rv32.c
    done
fi
if tools avr-gcc gcc-avr simavr simavr; then
    avr-gcc -std=c99 -Wall -Wextra -Werror -Os -mmcu=atmega1284p -DF_CPU=8000000 -I. -Iport/avr -ffunction-sections -Wl,--gc-sections -DINNGEST_CONFIG='"tests/targets/avr_config.h"' \
        tests/targets/send_avr.c port/avr/inngest_avr.c inngest.c -o "$OUT/send_avr.elf" || fail "AVR (package avr-libc)"
    timeout 60 simavr -m atmega1284p -f 8000000 "$OUT/send_avr.elf" 2>&1 | awk '/send cycles/ {sub(/.*send cycles */, ""); n = $0 + 0; if (n) print "figure send_avr", n, "cycles"} END {exit !n}' || fail "send on AVR"
fi
exit $missing
