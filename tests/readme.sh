# SPDX-License-Identifier: MIT
# The README is true: its C code compiles and runs, its tables are those of inngest.h, of `make size` (where the same
# cross compiler is installed) and of the power-cut test. `sh tests/readme.sh update` writes the tables: make readme.
# The sizes take 22 compilations. So the last line of their table is a checksum of it and of all that it is made from, and
# they are measured again only where that is another one.
# Needs BUILD, CC, CFLAGS and MAKE, from the Makefile.
: "${BUILD:?is set by make test}"
case $BUILD in /*) built=$BUILD ;; *) built=$PWD/$BUILD ;; esac
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/readme.sh: $1"; fi
}
at="$built/readme test"
rm -rf "$at"
mkdir -p "$at"

# ---- tables: between <!-- name:begin --> and <!-- name:end -->

configuration() {
    echo "| macro | default | what; range; cost |"
    echo "|---|---|---|"
    awk '/^#ifndef INNGEST_[A-Z]/ && !/INNGEST_H$/ {
             name = $2; text = $0; sub(/^[^\/]*\/\* */, "", text)
             while (text !~ /\*\//) { getline; line = $0; sub(/^ *([*] )?/, " ", line); text = text line }
             sub(/ *\*\/.*/, "", text); gsub(/\|/, "\\|", text); getline
             printf "| `%s` | %s | %s |\n", name, $2 == name ? $3 : "the machine\047s", text
         }' inngest.h
}

sizes() {
    echo "| with arm-none-eabi-gcc $cross | bytes |"
    echo "|---|---|"
    TARGETS=m3 $MAKE --no-print-directory size | awk '
        BEGIN {
            say["text_m3_core"] = "code: events, steps, retries, sleeps, groups, the journal"
            say["text_m3_all"] = "code: all"
            parts = "LONG_STEPS PROGRESS SEND_STEP RESTART ON_FAILURE CANCEL WALL_CLOCK CRASHES HOOKS INSPECT INIT_CHECKS INDEXES FAST_MOUNT SEEN_IDS PARALLEL"
            n = split(parts, part, " ")
            for (i = 1; i <= n; i++) { say["text_m3_" part[i]] = "... of it `INNGEST_" part[i] "`"; tells = tells "text_m3_" part[i] " " }
            say["text_m3_JSON"] = "... of it the JSON reader"
            say["text_m3_TEXT"] = "... of it durations and dates as text"
            say["text_m3_STATUS_NAMES"] = "... of it names of statuses"
            say["text_m3_LOG"] = "... of it messages to `port.log`"
            say["text_m3_WRITE_CACHE"] = "... more with `INNGEST_WRITE_CACHE`, a host\047s"
            say["text_m3_SYNC_ALONE"] = "... more with `INNGEST_SYNC_ALONE`, a host\047s"
            say["writable_data_m3"] = "writable globals"
            say["stack_deepest_m3"] = "stack: of the deepest public function, without the port and user code"
            say["stack_deepest_core_m3"] = "... of the core alone"
            say["ram_engine_m3"] = "RAM: an engine"
            say["ram_run_m3"] = "RAM: a live run"
            say["ram_event_m3"] = "RAM: a queue slot, events of 32 bytes"
            say["ram_branch_m3"] = "RAM: a step in progress (4, in the engine)"
            say["ram_event_id_m3"] = "RAM: an event id that is remembered (8, in the engine)"
            order = "text_m3_core text_m3_all " tells "text_m3_JSON text_m3_TEXT text_m3_STATUS_NAMES text_m3_LOG text_m3_WRITE_CACHE text_m3_SYNC_ALONE writable_data_m3 stack_deepest_m3 stack_deepest_core_m3 "
            say["ram_small_engine_8_runs_16_events_m3"] = "RAM: in all, the core with 8 runs, 16 events of 32 bytes, staging of 64, 8 step ids"
            order = order "ram_small_engine_8_runs_16_events_m3 ram_engine_m3 ram_run_m3 ram_event_m3 ram_branch_m3 ram_event_id_m3"
        }
        $1 == "figure" { value[$2] = $3 }
        function commas(n) { return n >= 1000 ? sprintf("%d,%03d", n / 1000, n % 1000) : n }
        END {
            n = split(order, name, " ")
            for (i = 1; i <= n; i++) if (name[i] in value) printf "| %s | %s |\n", say[name[i]], commas(value[name[i]])
        }'
}

size_sum() { { cat inngest.c inngest.h tests/size.sh "$1"; grep '^PARTS' Makefile; } | cksum; }   # $1: the table alone

speeds() {                             # from a whole `make bench`: the figures are this machine's, so a test cannot compare them
    awk -F ' *[|] *' '
        function tidy(v) { if (v >= 10000) v = sprintf("%.3g", v) + 0; return v >= 1000 ? commas(sprintf("%.0f", v)) : v >= 100 ? sprintf("%.0f", v) : sprintf("%.3g", v) }
        function commas(n) { return length(n) > 3 ? commas(substr(n, 1, length(n) - 3)) "," substr(n, length(n) - 2) : n }
        BEGIN { print "| | measured |\n|---|---|" }
        NR == FNR { split($0, f, " "); if (f[1] == "figure") value[f[2]] = f[3] + 0; next }
        $1 in value { printf "| %s | %s |\n", $2, tidy(value[$1]) }' "$BUILD/bench.txt" - <<'END'
bytes_a_step_a_g4 | flash, program size of 4 or less: bytes programmed a step with a result of 32 bytes, jobs of 5 steps
bytes_a_step_a_g8 | ... program size of 8
bytes_a_step_a_g32 | ... program size of 32
program_calls_a_g4 | ... program calls a step
erases_1000_steps_a_g4 | ... erases per 1,000 steps, 16 blocks of 4 KiB
wear_difference_g4 | ... most erases of a block less the fewest of another
bytes_read_a_step_g4 | ... bytes read a step, nothing replayed
mount_bytes_read_16x4K_0_runs | bytes that a mount reads, 16 blocks of 4 KiB, no run live, the most of 7 places
mount_bytes_read_16x4K_32_runs | ... 32 runs that have two results each
mount_bytes_read_8x128K_0_runs | ... 8 blocks of 128 KiB, no run live
step_g4 | host instructions a step
replay_100_steps_us | replay of 100 finished steps: us
send_to_handler_us | from a send to the first line of its handler: us
posix_lone_ratio | a file, one run: durable steps against plain writes of the same size, each with its fdatasync
posix_64_runs_ratio | a file, 64 runs at once: against one such write for all 64 and one fdatasync
posix_64_runs_2ms_ratio | ... where a sync takes 2 ms
posix_no_sync_64 | ... sync left out: steps a second
queue_1_producers | events a second through the queue, one thread sends
queue_4_producers | ... four threads
END
}

between() { awk -v b="<!-- $1:begin -->" -v e="<!-- $1:end -->" '$0 == e { on = 0 } on; $0 == b { on = 1 }' README.md; }

replace() {                            # the table $1 by the file $2
    awk -v b="<!-- $1:begin -->" -v e="<!-- $1:end -->" -v from="$2" '
        $0 == e { on = 0 } !on; $0 == b { on = 1; while ((getline line < from) > 0) print line }' README.md >"$at/README" &&
    cp "$at/README" README.md
}

images() { sed -n 's/^\([0-9]*\)[0-9][0-9][0-9] images.*/\1,000/p' "$BUILD/power_cut.log" 2>/dev/null; }   # in thousands

configuration >"$at/config"
between size | sed '/^<!-- .* -->$/d' >"$at/size.now"
cross=$(arm-none-eabi-gcc -dumpversion 2>/dev/null)
if test "$1" = update; then
    replace config "$at/config"
    if test -n "$cross"; then
        sizes >"$at/size.new"
        { cat "$at/size.new"; echo "<!-- $(size_sum "$at/size.new") -->"; } >"$at/size"
        replace size "$at/size"
    else echo "the size table is left: no arm-none-eabi-gcc"; fi
    if test -s "$BUILD/bench.txt"; then speeds >"$at/bench"; replace bench "$at/bench"; else echo "the speed table is left: no $BUILD/bench.txt (make bench)"; fi
    n=$(images)
    if test -n "$n"; then sed "s/more than [0-9,]* images of/more than $n images of/" README.md >"$at/README" && cp "$at/README" README.md
    else echo "the number of images is left: no $BUILD/power_cut.log (make test)"; fi
    exit 0
fi

between config >"$at/config.now"
check 'test $(grep -c "^| .INNGEST_" "$at/config") = $(grep -c "^#ifndef INNGEST_[A-Z]" inngest.h | awk "{print \$1 - 1}")'
check 'diff "$at/config" "$at/config.now"      # stale? make readme'
if test -n "$cross" && grep -q "arm-none-eabi-gcc $cross " README.md; then
    if between size | grep -qxF -e "<!-- $(size_sum "$at/size.now") -->"; then cp "$at/size.now" "$at/size"; else sizes >"$at/size"; fi
    check 'diff "$at/size" "$at/size.now"      # stale? make readme'
else echo "tests/readme.sh: not the cross compiler of the size table: it is not compared"; fi
n=$(images)
if test -n "$n"; then check 'grep -q "more than $n images of" README.md      # stale? make readme'; fi

# ---- code: a block of C is preceded by <!-- run: NAME --> or <!-- compile: NAME -->; the first one is the signup job

awk -v at="$at" '/^<!-- (run|compile): / { name = $3 } /^```/ && on { on = 0; close(file); next }
    /^```c$/ { on = 1; file = at "/" (name == "" ? "signup" : name) ".part"; n++; name = ""; next } on { print > file }
    END { print n > (at "/count") }' README.md
check 'test "$(cat "$at/count")" = 4'
check 'test $(awk "END { print NR }" "$at/signup.part") -le 25 && test $(sed -n "1,/^    make help/p" README.md | wc -l) -le 30'

{
    cat <<'END'
#include "flash_emulator.h"
#include <stdio.h>
static uint32_t now;
static int smtp_send(const char *to, const char *text)
{
    static int calls;
    if (calls++ == 0) return -1;
    printf("%s %s on day %u\n", to, text, (unsigned)(now / 86400000u));
    return 0;
}
END
    cat "$at/signup.part"
    cat <<'END'
int main(void)
{
    static inngest jobs;
    static flash chip;
    static int64_t memory[INNGEST_MEMORY(2, 2) / 8 + 1];
    const inngest_config config = { .functions = functions, .function_count = 1, .port = &chip.port, .memory = memory,
        .memory_size = sizeof memory, .runs = 2, .events = 2 };
    static const char data[] = "{\"email\": \"jane@example.com\"}";
    uint32_t ms;
    if (!flash_open(&chip, 4096, 4, 4, 1) || inngest_init(&jobs, &config, NULL) != INNGEST_OK) return 1;
    if (inngest_send(&jobs, "user/created", data, sizeof data - 1) != INNGEST_OK) return 1;
    while ((ms = inngest_tick(&jobs, now)) != UINT32_MAX) now += ms;
    return 0;
}
END
} >"$at/signup.c"
cp "$at/posix.part" "$at/posix.c"
{
    echo '#include "inngest.h"'
    echo 'extern inngest jobs; extern volatile bool woken; uint32_t uptime_ms(void); void interrupts_mask(void);'
    echo 'void interrupts_unmask(void); void sleep_at_most(uint32_t ms); void loop(void); void loop(void) {'
    cat "$at/bare.part"
    echo '}'
} >"$at/bare.c"
{
    echo '#include "inngest.h"'
    echo 'extern inngest jobs; extern unsigned lost_presses; void button_interrupt(void);'
    cat "$at/interrupt.part"
} >"$at/interrupt.c"

compile="$CC -std=c99 -Wall -Wextra -Werror $CFLAGS -I. -Iport/posix -Iport/flash_emulator -pthread"
objects="$BUILD/inngest.o $BUILD/flash_emulator.o $BUILD/inngest_posix.o"
check '$compile "$at/signup.c" $objects -o "$at/signup"'
check '"$at/signup" >"$at/signup.log"'
check 'printf "%s\n" "jane@example.com Welcome! on day 0" "jane@example.com How is it going? on day 3" | diff - "$at/signup.log"'
check '$compile "$at/posix.c" $objects -o "$at/posix"'
check '(cd "$at" && ./posix >posix.log)'
check 'printf "hello\ngoodbye\n" | diff - "$at/posix.log"'
check '$compile -c "$at/bare.c" -o "$at/bare.o"'
check '$compile -c "$at/interrupt.c" -o "$at/interrupt.o"'

# ---- what is named is there; each test is in the list of tests

for file in $(ls tests/*.c tests/*.sh); do check "grep -q '\`${file#tests/}\`' tests/README.md"; done

for file in $(grep -o '`[a-z]*/[a-zA-Z_/.]*`' README.md | tr -d '\140' | sort -u); do check "test -e $file"; done
for target in $(sed -n 's/.*`make \([a-z]*\).*/\1/p; s/^    make \([a-z]*\).*/\1/p' README.md | sort -u); do
    check "cat Makefile tests/targets/targets.mk | grep -q '^$target:.*##'"
done
for file in examples/*.c; do check "grep -q '^| .$file. |' README.md"; done
for name in $(ls tests/targets/*.sh | sed 's,.*/,,; s/\.sh$//; /^run$/d; /^common$/d'); do
    check "grep -q '^| .make targets ONLY=[^|]*\\<$name\\>' README.md"
done
for word in $(grep -o 'inngest_[a-z_]*[a-z]\|INNGEST_[A-Z_]*[A-Z]' README.md | sort -u); do
    check "grep -qw $word inngest.h port/posix/inngest_posix.h || test $word = INNGEST_CONFIG -o $word = inngest_posix"
done
echo "tests/readme.sh: $passed passed, $failed failed"
test $failed = 0
