# SPDX-License-Identifier: MIT
# Run the scripts of this folder one after another: each exits 0 passed, 77 skipped (after saying which package is
# missing), 78 skipped for want of a kernel, which no package has, else failed. With REQUIRE_ALL=1 a 77 is a failure.
# From the top of the repository: sh tests/targets/run.sh [NAME...]
export BUILD="${BUILD:-build}"
log="$BUILD/targets"
mkdir -p "$log"
passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- $(cd tests/targets && ls *.sh | sed '/^run\.sh$/d; /^common\.sh$/d; s/\.sh$//')
for name; do
    echo "== $name"
    sh "tests/targets/$name.sh" > "$log/$name.out" 2>&1
    result=$?
    cat "$log/$name.out"
    case $result in
        0) passed=$((passed + 1));;
        77) skipped=$((skipped + 1)); [ "${REQUIRE_ALL:-0}" = 1 ] && failed=$((failed + 1));;
        78) skipped=$((skipped + 1));;
        *) failed=$((failed + 1)); echo "failed: $name ($result)";;
    esac
done
[ $skipped = 0 ] || echo "$skipped skipped: see above for what is missing"
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $((passed + skipped)) -gt 0 ]
