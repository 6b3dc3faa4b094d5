#!/bin/sh
# SPDX-License-Identifier: MIT
# The FreeRTOS port with a real kernel: FREERTOS_KERNEL names its folder (github.com/FreeRTOS/FreeRTOS-Kernel). Without
# one this is not tested, whatever REQUIRE_ALL says: no package of Debian has the kernel.
OUT=${BUILD:-build}/targets
mkdir -p "$OUT"
K=$FREERTOS_KERNEL
[ -n "$K" ] || { echo "skipped: FREERTOS_KERNEL names no kernel"; exit 78; }
[ -f "$K/tasks.c" ] || { echo "FREERTOS_KERNEL=$K: no tasks.c there"; exit 1; }
APP="tests/targets/freertos/app.c port/freertos/inngest_freertos.c inngest.c"
KERNEL="$K/tasks.c $K/list.c $K/queue.c"
INCLUDE="-I. -Iport/freertos -Itests/targets/freertos -isystem $K/include"
failed=0

P=$K/portable/ThirdParty/GCC/Posix
for cas in "" -DINNGEST_NO_CAS; do
    ${CC:-cc} -std=gnu99 -Wall -Wextra -O2 $cas -DBOARD_POSIX $INCLUDE -isystem "$P" -isystem "$P/utils" $APP tests/targets/freertos/posix.c \
        $KERNEL "$P/port.c" "$P/utils/wait_for_event.c" "$K/portable/MemMang/heap_3.c" -pthread -o "$OUT/freertos_posix" || exit 1
    echo "POSIX port $cas"
    timeout 60 "$OUT/freertos_posix" || { echo "failed: $?"; failed=1; }
done

for tool in "arm-none-eabi-gcc gcc-arm-none-eabi" "qemu-system-arm qemu-system-arm"; do
    command -v "${tool% *}" >/dev/null || { echo "skipped: no ${tool% *} (package ${tool#* })"; exit $((failed ? 1 : 77)); }
done
m3() { # FLAGS; by the count of instructions, so that a loaded host changes nothing; at 8 the interrupts fill the queue
    cpu=$1 port=$2; shift 2
    P=$K/portable/GCC/$port
    arm-none-eabi-gcc -std=gnu99 -Wall -Wextra -Os -mcpu=$cpu -mthumb -nostartfiles -specs=nano.specs -specs=nosys.specs "$@" $INCLUDE -isystem "$P" $APP \
        tests/targets/freertos/m3.c $KERNEL "$P"/port*.c "$K/portable/MemMang/heap_4.c" -T tests/targets/freertos/m3.ld -o "$OUT/freertos_m3.elf" || exit 1
    for shift in 4 6 8; do
        timeout 60 qemu-system-arm -M mps2-an385 -nographic -monitor none -serial none -semihosting-config enable=on,target=native \
            -icount shift=$shift,align=off,sleep=off -kernel "$OUT/freertos_m3.elf" 2>&1 || return
    done
}
for image in "cortex-m3 ARM_CM3" "cortex-m3 ARM_CM3 -DINNGEST_NO_CAS" "cortex-m3 ARM_CM3 -DINNGEST_WORD_BITS=16" "cortex-m3 ARM_CM3 -DTICKS_16" "cortex-m0 ARM_CM0"; do
    echo "$image"
    m3 $image || { echo "failed: $?"; failed=1; }
done
# Where tickless idle is not told of what may not call the kernel, it sleeps on.
if m3 cortex-m3 ARM_CM3 -DNO_UNHEARD > "$OUT/freertos_unheard.log" || ! grep -q '^... late 3$' "$OUT/freertos_unheard.log"; then
    echo "failed: idle that sleeps on was not caught"; cat "$OUT/freertos_unheard.log"; failed=1
else echo "idle that sleeps on: caught"; fi
exit $failed
