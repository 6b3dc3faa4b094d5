# SPDX-License-Identifier: MIT
# RISC-V 32 (QEMU virt) with the journal on a NOR chip in a file: the emulator is killed KILLS times (40) and started
# again on the same file; the host tool shows the runs in between.
. tests/targets/common.sh
need riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
need qemu-system-riscv32 qemu-system-misc
kills=${KILLS:-40} seed=${SEED:-1}
image=$OUT/riscv_virt.elf flash=$OUT/riscv_virt.img log=$OUT/riscv_virt.log plug=$OUT/power_plug dump=$OUT/riscv_virt.dump
rv32_image "$image" port/riscv_virt/main.c port/riscv_virt/cfi.c inngest.c -DINNGEST_CONFIG='"port/riscv_virt/config.h"'
${CC:-cc} -std=c99 -Wall -Wextra -O2 tests/targets/power_plug.c -o "$plug" || fail "power_plug does not build"
${MAKE:-make} --no-print-directory BUILD="${BUILD:-build}" tool >/dev/null || fail "the host tool does not build"
rm -f "$log" "$flash"
dd if=/dev/zero of="$flash" bs=1048576 count=0 seek=32 2>/dev/null || fail "no file"
machine="qemu-system-riscv32 -M virt $quiet -bios $image -drive if=pflash,unit=1,format=raw,file=$flash"

show() { # after a power cut the last write may be torn; damage there must not be
    "${BUILD:-build}/inngest-dump" "$@" --function order --step charge --step wait --step ship "$flash" > "$dump" || fail "the host tool: $(cat "$dump")"
}

"$plug" $((kills / 2)) "$seed" "$log" 0 -- $machine || fail "power_plug"
show
grep -q order "$dump" || fail "the host tool shows no run"
echo "the host tool on the chip's file, after $((kills / 2)) power cuts:"
cut -c 1-120 "$dump" | head -n 12
"$plug" $((kills - kills / 2)) $((seed + 1000)) "$log" 1 -- $machine || fail "power_plug"
show
! grep -q ' order' "$dump" || { head -n 20 "$dump"; fail "a run is left"; }
