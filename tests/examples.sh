# SPDX-License-Identifier: MIT
# The examples do what they say: the demo keeps its promise, twice; signup goes on after a stop and after a kill.
# Needs BUILD, from the Makefile.
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/examples.sh: $1"; fi
}
count() { grep -c "$1" "$2"; }

programs=$PWD/$BUILD
at="$PWD/$BUILD/examples test"
rm -rf "$at"
mkdir -p "$at"
cd "$at" || exit 1

"$programs/demo" "demo" >demo.log 2>&1 &
demo=$!

# signup: stopped in its sleep by a signal, started again, killed, started again to the end
"$programs/signup" jane@example.com >signup.log 2>&1 &
pid=$!
sleep 1
"$programs/signup" >second.log 2>&1
check 'test $? = 1 && grep -q "another process has it open" second.log'
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
