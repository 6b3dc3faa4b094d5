# SPDX-License-Identifier: MIT
# Branch coverage of a file from what `gcov -b -c` writes. A line that says /* cov: why */ is an exception, and counts as
# covered. Prints each line that was not run or has a branch that was not taken; then the figures. Fails if there is one.
function finish() {
    if (branches == 0) return
    all += branches; taken += hit
    if (hit == branches) return
    if (excuse) { excused += branches - hit; return }
    open++
    printf "%s:%d: %d of %d branches not taken: %s\n", file, line, branches - hit, branches, source
}
/^branch/ { branches++; if ($3 == "taken" && $4 + 0 > 0) hit++; next }
/^(call|function|unconditional)/ { next }
{
    finish()
    branches = hit = 0
    n = index($0, ":"); count = substr($0, 1, n - 1); rest = substr($0, n + 1)
    n = index(rest, ":"); line = substr(rest, 1, n - 1) + 0; source = substr(rest, n + 1)
    sub(/^ +/, "", source)
    gsub(/ /, "", count)
    excuse = index(source, "/* cov: ") > 0
    if (line == 0) { if (source ~ /^Source:/) file = substr(source, 8); next }
    if (count == "-") next
    lines++
    if (count !~ /^#|^=/) run++
    else if (excuse) run++
    else if (count ~ /^#/) { printf "%s:%d: not run: %s\n", file, line, source; open++ }
}
END {
    finish()
    if (all == 0) { print "nothing was measured"; exit 1 }
    printf "figure coverage_lines %.2f percent of %d\n", 100 * run / lines, lines
    printf "figure coverage_branches %.2f percent of %d, %d of them justified\n", 100 * (taken + excused) / all, all, excused
    if (open) printf "%d lines open: test them, or say /* cov: why */ there\n", open
    exit open > 0
}
