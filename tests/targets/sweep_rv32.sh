# SPDX-License-Identifier: MIT
# RISC-V 32 (QEMU virt): every instruction of a send is interrupted, with compare-and-swap (RV32IMAC) and without (RV32IMC).
. tests/targets/common.sh
need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
need qemu-system-riscv32 qemu-system-misc
unmasked rv32imac "riscv64-unknown-elf-gcc -misa-spec=2.2 -march=rv32imac -mabi=ilp32" riscv64-unknown-elf-objdump "[[:space:]](csr[a-z]*|ecall)" port/riscv_virt/board.c
files="-DCODE_START=0x80000000u tests/targets/sweep.c tests/targets/sweep_rv32.c"
sweep rv32imac rv32_image run_rv32 riscv64-unknown-elf-nm 7 $files
no_second_look
mutant rv32imac rv32_image run_rv32 7 "a tail that is counted up" $files "$NAIVE" inngest.c
MARCH=rv32imc
sweep rv32imc rv32_image run_rv32 riscv64-unknown-elf-nm 7 $files
mutant rv32imc rv32_image run_rv32 7 "no second look" $files "$OUT/no_second_look.c"
