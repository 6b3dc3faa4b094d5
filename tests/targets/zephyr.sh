#!/bin/sh
# SPDX-License-Identifier: MIT
# The Zephyr module and its sample with a real kernel, stopped in the sleep and started again: ZEPHYR_BASE names the kernel's folder,
# ZEPHYR_CMSIS the module cmsis (hal), for the Cortex-M3. Without a kernel this is not tested, whatever REQUIRE_ALL says: no
# package of Debian has it.
OUT=${BUILD:-build}/targets
case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
mkdir -p "$OUT"
[ -n "$ZEPHYR_BASE" ] || { echo "skipped: ZEPHYR_BASE names no kernel"; exit 78; }
[ -f "$ZEPHYR_BASE/kernel/sched.c" ] || { echo "ZEPHYR_BASE=$ZEPHYR_BASE: no kernel/sched.c there"; exit 1; }
for tool in "cmake cmake" "ninja ninja-build" "dtc device-tree-compiler"; do
    command -v "${tool% *}" >/dev/null || { echo "skipped: no ${tool% *} (package ${tool#* })"; exit 77; }
done
PYTHON=${PYTHON:-/usr/bin/python3}
"$PYTHON" -c 'import elftools, yaml, pykwalify, packaging' 2>/dev/null || {
    echo "skipped: python modules (packages python3-pyelftools python3-yaml python3-pykwalify python3-ruamel.yaml python3-docopt python3-dateutil python3-packaging)"; exit 77; }
export ZEPHYR_BASE
failed=0

image() { # NAME APPLICATION BOARD MODULES FLAGS
    name=$1 application=$2; shift
    rm -rf "$OUT/zephyr_$name"
    { cmake -GNinja -B "$OUT/zephyr_$name" -S "$application" -DBOARD="$2" -DPython3_EXECUTABLE="$PYTHON" -DZEPHYR_MODULES="$PWD/port/zephyr$3" \
        -DEXTRA_CFLAGS="$4" && ninja -j2 -C "$OUT/zephyr_$name"; } > "$OUT/zephyr_$name.log" 2>&1 || { tail -20 "$OUT/zephyr_$name.log"; exit 1; }
    grep -E 'warning: .*inngest|inngest.*warning:' "$OUT/zephyr_$name.log" && failed=1
}

expect() { # WHAT LOG: one welcome, before the stop; one reminder, behind it
    if [ "$(grep -v Booting "$2" | tr -d '\r' | grep .)" = "welcome ada@example.com
== stopped
a reminder to ada@example.com" ]; then echo "$1: went on in its sleep"; else echo "$1: failed"; cat "$2"; failed=1; fi
}

senders() {
    if tr -d '\r' < "$OUT/zephyr_senders.out" | grep -q '^senders: passed$' && grep -q '^stopped' "$OUT/zephyr_senders.out" && ! grep -q crooked "$OUT/zephyr_senders.out"; then
        echo "$1: $(sed -n '/^events/p' "$OUT/zephyr_senders.out" | tr -d '\r')"
    else echo "$1: senders failed"; cat "$OUT/zephyr_senders.out"; failed=1; fi
}

awk '/^(VERSION_M|PATCHLEVEL)/ {v = v "." $3} END {print "Zephyr " substr(v, 2)}' "$ZEPHYR_BASE/VERSION"
for cas in "" -DINNGEST_NO_CAS; do
    export ZEPHYR_TOOLCHAIN_VARIANT=host
    image native port/zephyr/sample native_sim/native/64 "" "$cas"
    run="timeout 60 $OUT/zephyr_native/zephyr/zephyr.exe -no-rt -flash=$OUT/zephyr_native.flash"
    { rm -f "$OUT/zephyr_native.flash"; $run -stop_at=2; echo "== stopped"; $run -stop_at=5; $run -stop_at=5; } 2>&1 | grep -v '^Stopped' > "$OUT/zephyr_native.out"
    expect "native_sim $cas" "$OUT/zephyr_native.out"
    image native_senders tests/targets/zephyr native_sim/native/64 "" "$cas"
    timeout 60 "$OUT/zephyr_native_senders/zephyr/zephyr.exe" -no-rt -flash_erase -flash="$OUT/zephyr_native.flash" -stop_at=90 > "$OUT/zephyr_senders.out" 2>&1
    senders "native_sim $cas"
done

for tool in "arm-none-eabi-gcc gcc-arm-none-eabi" "qemu-system-arm qemu-system-arm"; do
    command -v "${tool% *}" >/dev/null || { echo "skipped: no ${tool% *} (package ${tool#* })"; exit $((failed ? 1 : 77)); }
done
[ -d "$ZEPHYR_CMSIS/zephyr" ] || { echo "skipped: Cortex-M3, as ZEPHYR_CMSIS names no module"; exit $((failed ? 1 : 78)); }
for cas in "" -DINNGEST_NO_CAS; do
    export ZEPHYR_TOOLCHAIN_VARIANT=gnuarmemb GNUARMEMB_TOOLCHAIN_PATH=/usr
    image m3 port/zephyr/sample mps2/an385 ";$ZEPHYR_CMSIS" "$cas"
    : > "$OUT/zephyr_m3.uart"
    # The reset comes a second after the welcome, in the middle of the sleep.
    { for i in $(seq 300); do grep -q welcome "$OUT/zephyr_m3.uart" && break; sleep 0.1; done; sleep 1; echo "== stopped" >> "$OUT/zephyr_m3.uart"; echo system_reset
      for i in $(seq 300); do grep -q reminder "$OUT/zephyr_m3.uart" && break; sleep 0.1; done; sleep 2; echo quit; } | timeout 90 qemu-system-arm -M mps2-an385 \
        -display none -monitor stdio -chardev file,id=uart,append=on,path="$OUT/zephyr_m3.uart" -serial chardev:uart -kernel "$OUT/zephyr_m3/zephyr/zephyr.elf" > "$OUT/zephyr_m3.qemu" 2>&1
    expect "mps2/an385 $cas" "$OUT/zephyr_m3.uart"
    image m3_senders tests/targets/zephyr mps2/an385 ";$ZEPHYR_CMSIS" "$cas"
    : > "$OUT/zephyr_senders.out"
    { for i in $(seq 600); do grep -q '^senders' "$OUT/zephyr_senders.out" && break; sleep 0.1; done; sleep 1; echo quit; } | timeout 90 qemu-system-arm -M mps2-an385 \
        -display none -monitor stdio -serial file:"$OUT/zephyr_senders.out" -kernel "$OUT/zephyr_m3_senders/zephyr/zephyr.elf" > "$OUT/zephyr_m3.qemu" 2>&1
    senders "mps2/an385 $cas"
done
exit $failed
