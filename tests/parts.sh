# SPDX-License-Identifier: MIT
# The library without each of its parts, and without all: a small job runs, and runs that need a part left out are
# parked, carried along and gone on with by a build that has it; and with each way to sum. The ports for
# POSIX and to copy compile with each. Needs BUILD, CC, PARTS, from the Makefile.
: "${BUILD:?is set by make test}"
case $BUILD in /*) built=$BUILD ;; *) built=$PWD/$BUILD ;; esac
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/parts.sh: $1 ($name)"; fi
}
at="$built/parts"
rm -rf "$at"
mkdir -p "$at"
run() { "$@" >"$at/log" 2>&1 || { cat "$at/log"; false; }; }

build() {                              # name, options
    name=$1
    shift
    check "$CC -std=c99 -Wall -Wextra -Werror -O0 $* -I. inngest.c port/flash_emulator/flash_emulator.c tests/parts/job.c -o \"$at/$name\""
    check 'run "$at/$name"'
    for port in posix/inngest_posix template/port_template; do
        check "run $CC -std=c99 -Wall -Wextra -Werror -O0 $* -I. -c port/$port.c -o \"$at/port.o\""
    done
}

build all
for part in $PARTS; do build "$part" "-DINNGEST_$part=0"; done
build none "$(printf ' -DINNGEST_%s=0' $PARTS)"
TABLES="1 16 256 2048"
for table in $TABLES; do build "$table" "-DINNGEST_CRC_TABLE=$table"; done
check 'run "$at/all" leave "$at/left"'
for name in $PARTS none $TABLES; do
    cp "$at/left" "$at/carried"
    check 'run "$at/$name" carry "$at/carried"'
    check 'run "$at/all" end "$at/carried"'
done
echo "tests/parts.sh: $passed passed, $failed failed"
test $failed = 0
