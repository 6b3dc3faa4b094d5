#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the benchmarks: figures on the output and in $BUILD/bench.txt, beside their goals in $BUILD/bench.md,
# a plot in $BUILD/bench.svg. QUICK=1: a smoke run, into bench-quick.txt and .md.
set -eu
B=${BUILD:-build}
CC="${CC:-cc} -std=c99 -O2 -g -Wall -Wextra -I. -Iport/posix"
quick=${QUICK:+quick}
out=$B/bench${quick:+-quick}
mkdir -p "$B"
has() { echo "#include <$1>" | ${CC} -E - >/dev/null 2>&1; }

$CC inngest.c tests/bench/flash.c -o "$B/bench-flash"
$CC -DINNGEST_FILL_PERCENT=75 inngest.c tests/bench/flash.c -o "$B/bench-full"
$CC inngest.c tests/bench/queue.c -pthread -o "$B/bench-queue"
peers= libraries=
if has sqlite3.h; then peers="-DHAVE_SQLITE" libraries="-lsqlite3"; fi
if has lmdb.h; then peers="$peers -DHAVE_LMDB" libraries="$libraries -llmdb"; fi
$CC $peers inngest.c port/posix/inngest_posix.c tests/bench/posix.c $libraries -o "$B/bench-posix"

instructions() {
    if ! command -v valgrind >/dev/null || ! has valgrind/callgrind.h; then echo "skipped: instructions (package valgrind)"; return; fi
    $CC inngest.c port/posix/inngest_posix.c tests/bench/instructions.c -Wl,-z,now -o "$B/bench-instructions"
    rm -f "$B"/callgrind.out*
    valgrind -q --tool=callgrind --instr-atstart=no --callgrind-out-file="$B/callgrind.out" "$B/bench-instructions" "$B/bench.journal" $quick
    if [ -z "$quick" ]; then
        $CC -DINNGEST_MANY_RUNS=1 inngest.c port/posix/inngest_posix.c tests/bench/instructions.c -Wl,-z,now -o "$B/bench-many"
        valgrind -q --tool=callgrind --instr-atstart=no --callgrind-out-file="$B/callgrind.out.many" "$B/bench-many" "$B/bench.journal" many
    fi
    journal=$(awk '/^\/\* ---- [0-9]+ Journal records/ {on = 1} /^\/\* ---- [0-9]+ Journal mount/ {on = 0}
        on && /^static .*\(/ && !/;$/ {sub(/\(.*/, ""); sub(/.*[ *]/, ""); printf "%s ", $0}' inngest.c)
    awk -v journal="$journal" -f tests/bench/instructions.awk "$B"/callgrind.out.*
}

{
    "$B/bench-flash"
    "$B/bench-full" sleepers
    instructions
    "$B/bench-queue" $quick
    BUILD="$B" sh tests/targets/send.sh || [ $? = 77 ]
    "$B/bench-posix" "$B/bench.files" $quick
} | tee "$out.txt"
if grep -v -e '^figure ' -e '^skipped: ' "$out.txt"; then exit 1; fi      # anything else is a failure

awk -F' *[|] *' 'NR == FNR { split($0, f, " "); if (f[1] == "figure") value[f[2]] = f[3] + 0 ; next }
    function tidy(v) { return v >= 1000 ? sprintf("%.0f", v) : v >= 100 ? sprintf("%.1f", v) : sprintf("%.3g", v) }
    BEGIN { print "| figure | here | goal | peer |\n|---|---|---|---|" }
    /^#/ { next }
    { peer = $4
      while (match(peer, /\$[a-z0-9_]+/)) {
          name = substr(peer, RSTART + 1, RLENGTH - 1)
          peer = substr(peer, 1, RSTART - 1) (name in value ? tidy(value[name]) : "-") substr(peer, RSTART + RLENGTH)
      }
      printf "| %s | %s | %s | %s |\n", $2, $1 in value ? tidy(value[$1]) : "-", $3, peer }' "$out.txt" tests/bench/goals.txt > "$out.md"

if command -v gnuplot >/dev/null && [ -z "$quick" ]; then
    "$B/bench-full" plot "$B/bench.dat"
    gnuplot <<END
set terminal svg size 900,300 font "sans,11"
set output "$B/bench.svg"
set multiplot layout 1,3
set ylabel "bytes programmed a step"
set yrange [0:100]
set key off
set xlabel "blocks of 4 KiB"
set logscale x 2
plot "$B/bench.dat" index 0 with linespoints pt 7 ps 0.5
unset logscale x
set xlabel "live runs (32 blocks)"
plot "$B/bench.dat" index 1 with linespoints pt 7 ps 0.5
set yrange [0:*]
set xlabel "bytes of a result"
plot "$B/bench.dat" index 2 with linespoints pt 7 ps 0.5
END
elif [ -z "$quick" ]; then echo "skipped: the plot (package gnuplot-nox)"; fi
echo "table: $out.md"
