# SPDX-License-Identifier: MIT
# Any C99 compiler will do: the library without the compiler's own built-ins, with C11 atomics in their place, and with
# neither; with another compiler where one is installed; its header in C11 and C++. Programs of two tests run on it.
# Needs BUILD, CC and CFLAGS, from the Makefile.
: "${BUILD:?is set by make test}"
case $BUILD in /*) built=$BUILD ;; *) built=$PWD/$BUILD ;; esac
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/compilers.sh: $1 ($name)"; return 1; fi
}
at="$built/compilers test"
rm -rf "$at"
mkdir -p "$at"

try() {                                # name, compiler, options for the library, for all, tests
    name=$1
    compile="$2 -w -I. $4"
    check "$2 -Wall $3 $4 -c inngest.c -o \"$at/$name.core.o\""
    for test in $5; do
        check "$compile tests/$test.c port/flash_emulator/flash_emulator.c \"$at/$name.core.o\" -o \"$at/$name.$test\""
        check "\"$at/$name.$test\" >\"$at/$name.log\"" || cat "$at/$name.log"
    done
}

strict="-Wextra -Werror -U__GNUC__"    # as on a compiler that is not GNU's
try neither "$CC -std=c99" "$strict" -DINNGEST_SLOT_CLAIM=1 "steps events"
try bytes "$CC -std=c99" "$strict" "-DINNGEST_SLOT_CLAIM=1 -DINNGEST_WORD_BITS=8" events
if echo '#include <stdatomic.h>' | $CC -std=c11 -x c -c - -o "$at/atomics.o" 2>/dev/null; then
    try atomics "$CC -std=c11" "$strict" -DINNGEST_SLOT_CLAIM=1 "steps events"
fi
if command -v tcc >/dev/null 2>&1; then try tcc "tcc -std=c99" "" "" "steps events"
else echo "tests/compilers.sh: tcc is not installed: its part is skipped"; fi

name=header
for file in inngest.h port/posix/inngest_posix.h; do
    check "echo '#include \"$file\"' | $CC -std=c11 -pedantic -Wall -Wextra -Werror -I. -x c -c - -o \"$at/header.o\""
    if command -v c++ >/dev/null 2>&1; then
        check "echo '#include \"$file\"' | c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -x c++ -c - -o \"$at/header.o\""
    fi
done
for table in 1 16 256; do try "table of $table" "$CC -std=c99" "-Wextra -Werror" -DINNGEST_CRC_TABLE=$table format; done
name=ranges                            # what is out of range is refused by the compiler
for macro in STAGE_BYTES=100 EVENT_BYTES=15 RESULT_BYTES=4097 MESSAGE_BYTES=201 STEP_IDS=256 FAN_OUT=33 RUN_BYTES=63 ACTIVE_STEPS=0 SEEN_IDS=256 \
    FILL_PERCENT=76 CRASH_LIMIT=0 CRC_TABLE=1000 CACHE_LINE=63 TRAIL_STEPS=65536 HEARTBEAT_MS=5 TICK_PASSES=0 JSON_DEPTH=256 WORD_BITS=64; do
    check "! $CC -std=c99 -I. -DINNGEST_$macro -E inngest.c >\"$at/ranges.c\" 2>/dev/null"
done
name=mismatch                          # a program that sees other structs than the library is told so
cat >"$at/mismatch.c" <<'END'
#include "flash_emulator.h"
static inngest_status job(inngest_ctx *ctx) { (void)ctx; return INNGEST_OK; }
int main(void)
{
    static const inngest_function functions[] = { { .id = "a", .event = "a/b", .handler = job }, { .id = "b", .event = "a/b", .handler = job } };
    static inngest jobs;
    static flash chip;
    static int64_t memory[INNGEST_MEMORY(2, 2) / 8 + 1];
    const inngest_config config = { .functions = functions, .function_count = 2, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 2, .events = 2 };
    return flash_open(&chip, 4096, 4, 4, 1) && inngest_init(&jobs, &config, NULL) == INNGEST_ERR_MISMATCH;
}
END
for macro in HOOKS=1 ON_FAILURE=0 LONG_STEPS=0 HOOKS=0 WALL_CLOCK=0 EVENT_BYTES=129 STEP_IDS=33; do
    check "$CC -std=c99 $CFLAGS -I. -Iport/flash_emulator -DINNGEST_$macro \"$at/mismatch.c\" $BUILD/inngest.o $BUILD/flash_emulator.o -o \"$at/mismatch\""
    wanted=1
    if test $macro = HOOKS=1; then wanted=0; fi                        # as the library has it
    check '"$at/mismatch"; test $? = $wanted'
done
name=cores
check '! $CC -std=c99 -c -DINNGEST_NO_CAS -DINNGEST_CORES=2 inngest.c -o "$at/cores.o" 2>/dev/null'
check '$CC -std=c99 -c -DINNGEST_NO_CAS -DINNGEST_CORES=1 inngest.c -o "$at/cores.o"'

# What calls from any context are made of lies where the macro says, all of it: it refers to no other code of the library.
if command -v objdump >/dev/null 2>&1 && $CC -dM -E -x c /dev/null 2>/dev/null | grep -q __ELF__; then
    for options in -O0 -O2 -Os "-O0 -DINNGEST_NO_CAS" "-O1 -DINNGEST_WORD_BITS=8"; do
        name="send_code $options"
        check '$CC -std=c99 $options "-DINNGEST_SEND_CODE=__attribute__((section(\".fast\")))" -c inngest.c -o "$at/fast.o"'
        objdump -r -j .fast "$at/fast.o" >"$at/fast.txt"
        check '! grep -E "\.text|\.rodata|\.LC|inngest_" "$at/fast.txt"'
        check 'test $(objdump -t "$at/fast.o" | grep -c "F \.fast.*inngest_") = 4'
    done
fi

echo "tests/compilers.sh: $passed passed, $failed failed"
test $failed = 0
