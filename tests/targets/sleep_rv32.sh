# SPDX-License-Identifier: MIT
# RISC-V 32 (QEMU virt): a send at each instruction on the way into the sleep ends it.
. tests/targets/common.sh
need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
need qemu-system-riscv32 qemu-system-misc
build() { # IMAGE BOARD
    riscv64-unknown-elf-gcc $FLAGS -Iport/bare/include -Iport/riscv_virt -misa-spec=2.2 -march=rv32imac -mabi=ilp32 -Wl,--no-warn-rwx-segments -iquote port/riscv_virt \
        -DINNGEST_CONFIG='"tests/targets/sweep_config.h"' tests/targets/sleep_rv32.c inngest.c port/bare/bare.c "$2" -T port/riscv_virt/virt.ld -lgcc -o "$1" || fail "$1 does not build"
}
build "$OUT/sleep_rv32.elf" port/riscv_virt/board.c
run_rv32 "$OUT/sleep_rv32.elf" -rtc clock=vm -icount shift=7,align=off,sleep=off || fail "sleep"

# A sleep that looks for work before it masks interrupts must be caught sleeping.
sed '/^    interrupts_off();$/d; s/^\(    if (!board_woken) \)\(wait_for_interrupt();\)/\1{ interrupts_off(); \2 }/' port/riscv_virt/board.c > "$OUT/unmasked_board.c"
cmp -s port/riscv_virt/board.c "$OUT/unmasked_board.c" && fail "nothing to break in board_sleep"
build "$OUT/sleep_rv32_mutant.elf" "$OUT/unmasked_board.c"
run_rv32 "$OUT/sleep_rv32_mutant.elf" -rtc clock=vm -icount shift=7,align=off,sleep=off > "$OUT/sleep_rv32_mutant.log" 2>&1
result=$?
[ $result = 1 ] && grep -q 'slept_over == 0' "$OUT/sleep_rv32_mutant.log" || fail "a sleep that looks before it masks was not caught ($result)"
echo "a sleep that looks before it masks: caught"
