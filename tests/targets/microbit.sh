# SPDX-License-Identifier: MIT
# BBC micro:bit (QEMU): jobs, resets and interrupts on a journal in the chip's own flash.
. tests/targets/common.sh
need arm-none-eabi-gcc gcc-arm-none-eabi
need qemu-system-arm qemu-system-arm
files="$M0 -T port/microbit/microbit.ld port/microbit/main.c port/microbit/nvmc.c port/microbit/board.c inngest.c"
arm_image "$OUT/microbit.elf" $files -DINNGEST_CONFIG='"port/microbit/config.h"' port/microbit/clock.c
run_m0 "$OUT/microbit.elf" $ICOUNT || fail "microbit"

# A sleep that looks for work before it masks interrupts must be caught sleeping.
sed '/^    interrupts_off();$/d' port/microbit/clock.c > "$OUT/unmasked_sleep.c"
cmp -s port/microbit/clock.c "$OUT/unmasked_sleep.c" && fail "nothing to break in board_sleep"
arm_image "$OUT/microbit_mutant.elf" $files -DINNGEST_CONFIG='"port/microbit/config.h"' -iquote port/microbit "$OUT/unmasked_sleep.c"
run_m0 "$OUT/microbit_mutant.elf" $ICOUNT > "$OUT/microbit_mutant.log" 2>&1
result=$?
[ $result = 1 ] && grep -q 'slept_over == 0' "$OUT/microbit_mutant.log" || fail "a sleep without the mask was not caught ($result)"
echo "a sleep without the mask: caught"
