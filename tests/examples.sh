# SPDX-License-Identifier: MIT
# The examples do what they say: the demo keeps its promise, twice; signup goes on after a stop and after a kill;
# the others print what is expected here, and each is short.
# Needs BUILD, from the Makefile.
: "${BUILD:?is set by make test}"
case $BUILD in /*) built=$BUILD ;; *) built=$PWD/$BUILD ;; esac
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/examples.sh: $1"; fi
}
count() { grep -c "$1" "$2"; }

programs=$built/example
sources=$PWD/examples
at="$built/examples test"
rm -rf "$at"
mkdir -p "$at"
cd "$at" || exit 1

"$programs/demo" "demo" >demo.log 2>&1 &
demo=$!

expect() {
    rm -f ./*.journal
    "$programs/$1" >"$1.log" 2>&1
    check 'test $? = 0'
    cat >"$1.expected"
    check "diff -u $1.expected $1.log"
}
expect parallel <<'END'
inside: 21
outside: attempt 1
outside: attempt 2
radio: attempt 1, no answer
siren: on, until somebody presses the button
modem: sent 25
siren: another branch won, switched off
told by modem
after 17 s
END
expect firmware_update <<'END'
download goes on at chunk 0
download goes on at chunk 16
image verified, slot B is marked for the next boot
restart
the new firmware runs and confirms itself
done after 3 boots
END
expect bare_loop <<'END'
 40 s  light on
 70 s  light off
 80 s  light on
110 s  light off
120 s  light on
150 s  light off
END
expect sensor <<'END'
sensor started
blink
stored 21.500 degrees
END
# sensor: killed while the sensor works, and started again: two runs are live
live=0
for after in 0.01 0.02 0.03 0.04 0.05 0.06 0.07; do
    rm -f sensor.journal
    "$programs/sensor" >/dev/null 2>&1 &
    pid=$!
    sleep $after
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    "$programs/sensor" >sensor.log 2>&1
    check 'test $? = 0'
    test $(count "^stored" sensor.log) = 2 && live=$((live + 1))
done
check 'test $live -gt 0'
# firmware_update: power is cut at each operation; each ends
cut=0
(ulimit -t 2; while [ $((cut += 1)) -le 40 ]; do "$programs/firmware_update" $cut || echo "failed: $cut"; done) >firmware_cuts.log 2>&1
check 'test $(count "^done after [23] boots" firmware_cuts.log) = 40 && ! grep "failed" firmware_cuts.log'
# what depends on the generator of jitter and on the number of records is left out
"$programs/on_failure" >on_failure.log
check 'test $? = 0'
check 'test $(grep -c "reserve, attempt 2" on_failure.log) = 2 && grep -q "charged 20" on_failure.log && grep -q "run 1 of pay: OK" on_failure.log'
check 'grep -q "card declined: the reservation of 500 is released" on_failure.log && grep -q "run 2 of pay: FAIL" on_failure.log'
"$programs/cut_your_job" >cut_your_job.log
check 'test $? = 0'
check 'grep -q "the job always ended" cut_your_job.log && ! grep -q "in 0 images" cut_your_job.log'
for source in "$sources"/*.c; do
    case $source in */demo.c) ;; *) check 'test $(wc -l <"$source") -lt 80' ;; esac
done

# signup: stopped in its sleep by a signal, started again, killed, started again to the end
"$programs/signup" jane@example.com >signup.log 2>&1 &
pid=$!
sleep 1
"$programs/signup" >second.log 2>&1
check 'test $? = 1 && grep -q "it is open already" second.log'
kill -TERM $pid
wait $pid
check 'test $? = 0'
"$programs/signup" >>signup.log 2>&1 &
pid=$!
sleep 1
kill -KILL $pid
wait $pid 2>/dev/null
"$programs/signup" >>signup.log 2>&1 &
pid=$!
sleep 5
kill -TERM $pid
wait $pid
check 'test $? = 0'
check 'test $(count "^e-mail to jane@example.com: Welcome!" signup.log) = 1'
check 'test $(count "^the work for jane@example.com" signup.log) = 1'

wait $demo
check 'test $? = 0'
check 'test $(count "kill -9" demo.log) = 2'
check 'grep -q "send-the-user-a-signup-email  *3  *1$" demo.log && grep -q "do-some-work-in-the-future  *1  *1$" demo.log'
check 'test $(awk "length > 130" demo.log | wc -l) = 0'
mv demo.log first.log
"$programs/demo" "demo" >demo.log 2>&1
check 'test $? = 0'
test $failed = 0 || cat demo.log signup.log
echo "tests/examples.sh: $passed passed, $failed failed"
test $failed = 0
