#!/bin/sh
# SPDX-License-Identifier: MIT
# A journal that goes from machine to machine, each of another byte order or width; in the end the host tool reads it.
. tests/targets/cross.inc
cross_tools s390x-linux-gnu s390x s390x
cross_tools powerpc-linux-gnu ppc powerpc
cross_tools aarch64-linux-gnu aarch64 arm64
cross_tools arm-linux-gnueabihf arm armhf

build() { # NAME COMPILER
    $2 -std=c99 -Wall -Wextra -O2 -static -I. -Iport/posix tests/targets/cross_image.c inngest.c port/posix/inngest_posix.c \
        -o "$OUT/image_$1" || { echo "failed: does not build for $1"; exit 1; }
}
on() { # NAME ARGUMENTS...
    name=$1; shift
    case $name in
    host) "$OUT/image_host" "$@" ;;
    *) "qemu-$name-static" "$OUT/image_$name" "$@" ;;
    esac
}
build host "${CC:-cc}"
build s390x s390x-linux-gnu-gcc
build ppc powerpc-linux-gnu-gcc
build aarch64 aarch64-linux-gnu-gcc
build arm arm-linux-gnueabihf-gcc
${MAKE:-make} --no-print-directory BUILD="$OUT" "$OUT/inngest-dump" || exit 1

failed=0
for route in "s390x host ppc aarch64 arm" "host s390x arm ppc aarch64" "ppc arm s390x aarch64 host" "aarch64 ppc host arm s390x" "arm aarch64 host s390x ppc"; do
    rm -f "$OUT/journal"
    life=0
    for machine in $route; do
        on "$machine" "$OUT/journal" $life 5 > "$OUT/life.log" 2>&1 || { echo "failed: life $life of $route"; cat "$OUT/life.log"; failed=1; break; }
        life=$((life + 1))
    done
    "$OUT/inngest-dump" "$OUT/journal" > "$OUT/dump.log" || { echo "failed: inngest-dump after $route"; tail -n 20 "$OUT/dump.log"; failed=1; }
done
[ $failed = 0 ] && echo "5 routes of 5 machines each"
exit $failed
