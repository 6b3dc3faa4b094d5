#!/bin/sh
# SPDX-License-Identifier: MIT
# Code, RAM and stack of the library for small processors at -Os. Code is what linking it adds to an image: an empty main
# against one that calls all functions of the part, so that the compiler's helper routines count and memcpy, strlen
# and the like too. One line a figure: figure NAME VALUE UNIT.
set -u
B=${BUILD:-build}/size
mkdir -p "$B/include"
case $B in /*) ;; *) B=$PWD/$B ;; esac
cat > "$B/include/string.h" <<'END'
#include <stddef.h>
void *memcpy(void *, const void *, size_t), *memset(void *, int, size_t), *memmove(void *, const void *, size_t), *memchr(const void *, int, size_t);
int memcmp(const void *, const void *, size_t), strcmp(const char *, const char *), strncmp(const char *, const char *, size_t);
size_t strlen(const char *);
char *strchr(const char *, int);
END

compiler() {
    case $1 in
    m0) echo "arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb" ;;
    m3) echo "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb" ;;
    rv32imac) echo "riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 -ffreestanding -isystem $B/include" ;;
    avr) echo "avr-gcc -mmcu=atmega1284p" ;;
    esac
}
package() { case $1 in m0 | m3) echo gcc-arm-none-eabi ;; rv32imac) echo gcc-riscv64-unknown-elf ;; avr) echo "gcc-avr and avr-libc" ;; esac; }

# What a program calls. The parts' functions are called where the part is compiled in.
cat > "$B/calls.c" <<'END'
#include "inngest.h"
inngest jobs;
inngest_config config;
inngest_port port;
inngest_event event;
inngest_step_options options;
inngest_token token;
volatile int status;
volatile uint64_t number;
static char text[64];
static inngest_status body(inngest_ctx *ctx, const void *arg, void *result)
{
    (void)arg; (void)result;
    status = inngest_attempt(ctx); status = inngest_began(ctx); inngest_idempotency_key(ctx, text);
#if INNGEST_LONG_STEPS
    status = inngest_stop_reason(ctx); number = inngest_step_calls(ctx); token = inngest_step_token(ctx); status = inngest_again(ctx, 5);
#endif
    status = inngest_retry(ctx, 1, text); status = inngest_retry_after(ctx, 1, 1, text);
#if INNGEST_PROGRESS
    status = inngest_step_save(ctx, text, 4); status = inngest_step_load(ctx, text, 4);
#endif
    return inngest_fail(ctx, 1, text);
}
inngest_status handler(inngest_ctx *ctx);
inngest_status handler(inngest_ctx *ctx)
{
    number = inngest_run_id(ctx); status = inngest_event_size(ctx) > 3; status = inngest_error(ctx)->code;
    status = inngest_user(ctx) != NULL; status = inngest_event_name(ctx, text, 64); status = inngest_event_data(ctx, text, 64);
    status = inngest_step_run(ctx, "a", body, NULL, text, 4); status = inngest_step_run_with(ctx, "b", &options, body, NULL, text, 4);
    status = inngest_step_sleep(ctx, "c", 1000);
    INNGEST_DO(ctx, "g") { status = 1; }
#if INNGEST_WALL_CLOCK
    status = inngest_step_sleep_until(ctx, "d", 1000);
#endif
#if INNGEST_SEND_STEP
    status = inngest_step_send(ctx, "e", text, text, 3);
#endif
#if INNGEST_RESTART
    status = inngest_step_restart(ctx, "f");
#endif
#if INNGEST_PARALLEL
    { inngest_status a, b;
    inngest_parallel(ctx, "h"); INNGEST_DO_AS(a, ctx, "i") { } INNGEST_DO_AS(b, ctx, "j") { }
    status = inngest_all(ctx, &a, &b); status = inngest_any(ctx, &a, &b); }
#endif
#if INNGEST_JSON
    { int64_t n; bool f; size_t z;
    status = inngest_json_validate(text, 9); status = inngest_json_string(text, 9, "a", text, 9); status = inngest_json_int64(text, 9, "a", &n);
    status = inngest_json_decimal(text, 9, "a", 2, &n); status = inngest_json_bool(text, 9, "a", &f); status = inngest_json_is_null(text, 9, "a", &f);
    status = inngest_json_count(text, 9, "a", &z); status = inngest_event_string(ctx, "a", text, 9); status = inngest_event_int64(ctx, "a", &n);
    status = inngest_event_decimal(ctx, "a", 2, &n); status = inngest_event_bool(ctx, "a", &f); status = inngest_event_is_null(ctx, "a", &f);
    status = inngest_event_count(ctx, "a", &z); }
#endif
#if INNGEST_TEXT
    { int64_t n; status = inngest_parse_duration(text, &n); status = inngest_parse_time(text, &n); }
#endif
    return INNGEST_OK;
}
static const inngest_function table[] = { { .id = "a", .event = "b", .handler = handler,
#if INNGEST_ON_FAILURE
    .on_failure = handler
#endif
} };
int main(void)
{
#ifdef CALL
    config.functions = table; config.function_count = 1; config.port = &port;
    status = inngest_format(&port); status = inngest_init(&jobs, &config, NULL);
    status = inngest_send(&jobs, "b", text, 3); status = inngest_send_event(&jobs, &event);
    number = inngest_tick(&jobs, 5); status = inngest_flush(&jobs); inngest_wake(&jobs);
#if INNGEST_WALL_CLOCK
    inngest_set_wall_clock(&jobs, 5, 5);
#endif
#if INNGEST_LONG_STEPS
    status = inngest_complete(&jobs, token, INNGEST_OK, text, 3);
#endif
#if INNGEST_CANCEL
    status = inngest_cancel(&jobs, 5);
#endif
#if INNGEST_INSPECT
    { inngest_run_info info; uint32_t cursor = 0; inngest_counters counters;
    status = inngest_next_run(&jobs, &cursor, &info); inngest_get_counters(&jobs, &counters); }
#endif
    status = inngest_close(&jobs); status = inngest_status_name(INNGEST_OK)[0];
#else
    (void)table; (void)body;
#endif
    return 0;
}
END
# The caller's own code is not the library's: it is compiled alone and taken off.
image() { # compiler, options: bytes of text and constants that linking the library adds to the calls alone
    c="$1 -std=gnu99 -Os -w -ffunction-sections -fdata-sections -I."; shift
    # shellcheck disable=SC2086
    $c "$@" -c inngest.c -o "$B/inngest.o" && $c "$@" -DCALL -c "$B/calls.c" -o "$B/calls.o" &&
    $c "$@" -c "$B/calls.c" -o "$B/empty.o" || return 1
    link="$c -nostartfiles -Wl,--gc-sections,-e,main,-u,main"
    case $c in *riscv*) link="$link -nostdlib"; libraries="$B/memory.o -lgcc"; $c -fno-builtin -fno-tree-loop-distribute-patterns -c "$B/memory.c" -o "$B/memory.o" ;; *) libraries= ;; esac
    # shellcheck disable=SC2086
    $link "$B/calls.o" "$B/inngest.o" $libraries -o "$B/with.elf" 2>"$B/link.log" && $link "$B/empty.o" $libraries -o "$B/without.elf" 2>>"$B/link.log" || { cat "$B/link.log" >&2; return 1; }
    size=$(echo "$c" | sed 's/gcc.*/size/')
    with=$($size "$B/with.elf" | awk 'NR == 2 {print $1 + $2}')
    without=$($size "$B/without.elf" | awk 'NR == 2 {print $1 + $2}')
    # shellcheck disable=SC2046
    caller=$($size -A "$B/calls.o" | awk '/^\.(text|rodata|srodata|data|sdata)/ {n += $2} END {print n + 0}')
    empty=$($size -A "$B/empty.o" | awk '/^\.text\.(startup\.)?main|^\.text.main/ {n += $2} END {print n + 0}')
    echo $((with - without - caller + empty))
}
# RISC-V has no C library among Debian's packages for it: the plainest ones count.
cat > "$B/memory.c" <<'END'
#include <stddef.h>
void *memcpy(void *a, const void *b, size_t n) { char *t = a; const char *f = b; while (n--) *t++ = *f++; return a; }
void *memset(void *a, int v, size_t n) { char *t = a; while (n--) *t++ = (char)v; return a; }
int memcmp(const void *a, const void *b, size_t n) { const unsigned char *x = a, *y = b; for (; n; n--, x++, y++) if (*x != *y) return *x - *y; return 0; }
void *memmove(void *a, const void *b, size_t n) { char *t = a; const char *f = b; if (t < f) while (n--) *t++ = *f++; else while (n--) t[n] = f[n]; return a; }
void *memchr(const void *a, int c, size_t n) { const unsigned char *x = a; for (; n; n--, x++) if (*x == (unsigned char)c) return (void *)x; return 0; }
int strncmp(const char *a, const char *b, size_t n) { for (; n && *a && *a == *b; n--) a++, b++; return n ? *(unsigned char *)a - *(unsigned char *)b : 0; }
size_t strlen(const char *s) { size_t n = 0; while (s[n]) n++; return n; }
char *strchr(const char *s, int c) { for (; ; s++) { if (*s == (char)c) return (char *)s; if (!*s) return 0; } }
int strcmp(const char *a, const char *b) { while (*a && *a == *b) a++, b++; return *(unsigned char *)a - *(unsigned char *)b; }
END

# Needs PARTS, from the Makefile. The core is what no job does without, and groups: events, steps, retries, sleeps, the journal.
CORE=$(printf '%s ' ${PARTS:-JSON TEXT STATUS_NAMES LOG} | sed 's/PARALLEL //')
off() { for p in $1; do printf ' -DINNGEST_%s=0' "$p"; done; }

# Deepest stack of a public function: frames along the calls; calls through pointers, to the port and the user, are not
# followed. A call that is a branch, the last thing its function does, follows when that one's frame is gone. With
# STACK=n the n deepest ways are printed.
stack() { # compiler, name of the figure, options
    c=$1 name=$2; shift 2
    # shellcheck disable=SC2086
    rm -f "$B"/*.ci && $c "$@" -std=gnu99 -Os -w -fcallgraph-info=su -I. -c inngest.c -o "$B/stack.o" &&
    "$(echo "${c%% *}" | sed 's/gcc$/objdump/')" -d "$B/stack.o" | awk '
        /^[0-9a-f]+ <.*>:$/ { self = $2; gsub(/[<>:]/, "", self) }
        /\t(bl|b|b[a-z][a-z]|b\.[nw]|b[a-z][a-z]\.[nw])\t/ && $NF ~ /^<[^+]*>$/ {
            to = $NF; gsub(/[<>]/, "", to)
            if (/\tbl\t/) called[self " " to] = 1; else if (to != self) jumped[self " " to] = 1
        }
        END { for (pair in jumped) if (!(pair in called)) print "jump " pair }' >"$B/jumps" &&
    awk -v name="$name" -v ways="${STACK:-1}" '
        function plain(n) { sub(/.*:/, "", n); return n }
        /^jump / { jump[$2, $3] = 1 }
        /^node:/ { match($0, /title: "[^"]*"/); n = substr($0, RSTART + 8, RLENGTH - 9); if (match($0, /\\n[0-9]+ bytes/)) frame[n] = substr($0, RSTART + 2, RLENGTH - 8) + 0 }
        /^edge:/ { split($0, q, "\""); calls[q[2]] = calls[q[2]] SUBSEP q[4] }
        function deep(n,    k, list, i, d, most, way) {
            if (n in done) return done[n]
            if (n in open) { print "recursion: " n > "/dev/stderr"; return 0 }
            open[n] = 1; most = frame[n]; way = ""
            k = split(calls[n], list, SUBSEP)
            for (i = 2; i <= k; i++) if (list[i] != "__indirect_call") {
                d = deep(list[i]) + ((plain(n), plain(list[i])) in jump ? 0 : frame[n])
                if (d > most) { most = d; way = list[i] }
            }
            delete open[n]; path[n] = way
            return done[n] = most
        }
        function tell(who,    way) {
            for (; who != ""; who = path[who]) way = way " " plain(who) ((plain(who), plain(path[who])) in jump ? "(gone)" : "(" frame[who] + 0 ")")
            print name ":" way
        }
        END {
            for (n in frame) if (n ~ /^inngest_/) deep(n)
            for (; ways > 0; ways--) {
                worst = 0
                for (n in frame) if (n ~ /^inngest_/ && !(n in told) && done[n] > worst) { worst = done[n]; who = n }
                if (!worst) break
                if (!(any++)) print "figure " name, worst, "bytes"
                told[who] = 1
                tell(who)
            }
        }' "$B/jumps" "$B"/*.ci
}

for target in ${TARGETS:-m3 m0 rv32imac avr}; do
    cc=$(compiler $target)
    if ! command -v "${cc%% *}" >/dev/null; then echo "skipped: $target (package $(package $target))"; continue; fi
    all=$(image "$cc") && core=$(image "$cc" $(off "$CORE")) || { echo "skipped: $target does not link"; continue; }
    echo "figure text_${target}_core $core bytes"
    echo "figure text_${target}_all $all bytes"
    for part in $([ $target = m3 ] && echo "$PARTS"); do
        without=$(image "$cc" "-DINNGEST_$part=0") && echo "figure text_${target}_$part $((all - without)) bytes"
    done
    for part in $([ $target = m3 ] && echo WRITE_CACHE SYNC_ALONE); do           # of hosts: 0 here
        with=$(image "$cc" "-DINNGEST_$part=1") && echo "figure text_${target}_$part $((with - all)) bytes"
    done
    # The budget's table: 8 runs, 16 events of 32 bytes of name and data.
    cat > "$B/ram.c" <<'END'
#include "inngest.h"
char ram_engine_8_runs_16_events[sizeof(inngest) + INNGEST_MEMORY(8, 16)], ram_engine[sizeof(inngest)];
char ram_run[INNGEST_MEMORY(72, 16) / 64 - INNGEST_MEMORY(8, 16) / 64], ram_event[sizeof(inngest_slot)];
char ram_branch[sizeof(inngest_active)], ram_event_id[sizeof(inngest_seen)];
END
    printf '#include "inngest.h"\nchar ram_small_engine_8_runs_16_events[sizeof(inngest) + INNGEST_MEMORY(8, 16)];\n' >"$B/small.c"
    # shellcheck disable=SC2086
    $cc -std=gnu99 -Os -w -fno-common -DINNGEST_EVENT_BYTES=32 -I. -c "$B/ram.c" -o "$B/ram.o" &&
    "$(echo "${cc%% *}" | sed 's/gcc$/nm/')" -S "$B/ram.o" | awk 'NF == 4' | while read -r _ bytes _ name; do echo "figure ${name}_$target $((0x$bytes)) bytes"; done
    # The same with the core's parts, short staging and few step ids.
    # shellcheck disable=SC2046,SC2086
    $cc -std=gnu99 -Os -w -fno-common $(off "$CORE") -DINNGEST_EVENT_BYTES=32 -DINNGEST_STAGE_BYTES=64 -DINNGEST_STEP_IDS=8 -I. -c "$B/small.c" -o "$B/small.o" &&
    "$(echo "${cc%% *}" | sed 's/gcc$/nm/')" -S "$B/small.o" | awk 'NF == 4' | while read -r _ bytes _ name; do echo "figure ${name}_$target $((0x$bytes)) bytes"; done
    # shellcheck disable=SC2086
    $cc -std=gnu99 -Os -w -I. -c inngest.c -o "$B/data.o"
    "$(echo "${cc%% *}" | sed 's/gcc$/size/')" -A "$B/data.o" | awk -v t=$target '$1 ~ /^\.(data|bss|sdata|sbss)/ {n += $2} END {print "figure writable_data_" t, n + 0, "bytes"}'
    [ $target = avr ] && continue        # its compiler tells no call graph that can be followed
    stack "$cc" stack_deepest_$target
    # shellcheck disable=SC2046
    stack "$cc" stack_deepest_core_$target $(off "$CORE")
done
