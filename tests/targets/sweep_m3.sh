# SPDX-License-Identifier: MIT
# Cortex-M3 (QEMU mps2-an385): every instruction of a send is interrupted, with compare-and-swap and without.
. tests/targets/common.sh
need arm-none-eabi-gcc gcc-arm-none-eabi
need qemu-system-arm qemu-system-arm
unmasked m3 "arm-none-eabi-gcc $M3" arm-none-eabi-objdump "cpsid|msr[[:space:]].*mask|msr[[:space:]]+basepri" port/microbit/clock.c
files="$M3 -T port/mps2/mps2.ld -DCODE_START=0 tests/targets/sweep.c tests/targets/sweep_m3.c port/mps2/board.c"
sweep m3 arm_image run_m3 arm-none-eabi-nm 6 $files
sweep m3_no_cas arm_image run_m3 arm-none-eabi-nm 6 $files -DINNGEST_NO_CAS
no_second_look
mutant m3 arm_image run_m3 6 "a tail that is counted up" $files "$NAIVE" inngest.c
mutant m3_no_cas arm_image run_m3 6 "no second look" $files -DINNGEST_NO_CAS "$OUT/no_second_look.c"
