# SPDX-License-Identifier: MIT
# Cortex-M0 (QEMU microbit), which has no compare-and-swap: every instruction of a send is interrupted.
. tests/targets/common.sh
need arm-none-eabi-gcc gcc-arm-none-eabi
need qemu-system-arm qemu-system-arm
unmasked m0 "arm-none-eabi-gcc $M0" arm-none-eabi-objdump "cpsid|msr[[:space:]].*mask|msr[[:space:]]+basepri" port/microbit/clock.c
files="$M0 -T port/microbit/microbit.ld -DCODE_START=0 tests/targets/sweep.c tests/targets/sweep_m0.c port/microbit/board.c"
sweep m0 arm_image run_m0 arm-none-eabi-nm 6 $files
no_second_look
mutant m0 arm_image run_m0 6 "no second look" $files "$OUT/no_second_look.c"
