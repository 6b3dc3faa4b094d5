#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the models: each holds, and each mutant of it fails.
cd "$(dirname "$0")" || exit 1
command -v spin >/dev/null || { echo "skipped: no spin (package spin)"; exit "${REQUIRE_ALL:-0}"; }
models=$PWD
work=${BUILD:-../../build}/model
mkdir -p "$work" && cd "$work" || exit 1
failed=0

run() {                                # wanted errors (0, or 1: some), name, definitions
    wanted=$1 name=$2
    shift 2
    rm -f pan pan.* ./*.trail
    spin "$@" -a "$models/queue.pml" >spin.log 2>&1 && ${CC:-cc} -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=1024 -w -o pan pan.c || { cat spin.log; failed=1; return; }
    ./pan -m100000 >pan.log 2>&1
    errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log)
    states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
    why=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth.*/\1/p' pan.log)
    if [ "${errors:-9}" -gt 0 ]; then got=1; else got=0; fi
    if grep -q 'max search depth too small\|out of memory\|Search not completed' pan.log && [ $wanted = 0 ]; then got=9; fi
    echo "queue $name: $states states, ${why:-holds}"
    [ $got = $wanted ] || { echo "  and that is wrong"; cat pan.log; failed=1; }
}

run 0 "three senders"
run 0 "two senders, four slots" -DSENDERS=2 -DEACH=3 -DSLOTS=4
run 0 "two senders that send four times" -DSENDERS=2 -DEACH=4
run 0 "a sender that stops" -DSTOPS -DSLOTS=4
run 1 "naive tail" -DNAIVE_TAIL
run 1 "published before the copy" -DEARLY_PUBLISH
run 1 "freed before the copy" -DEARLY_FREE
run 1 "a sender that stops, published in order" -DSTOPS -DSLOTS=4 -DIN_ORDER
exit $failed
