# SPDX-License-Identifier: MIT
# Reads callgrind's dumps; prints the instructions of each part an operation, without what chip_ functions, the port
# in memory, take; for steps also those of the journal alone: what the functions of inngest.c's sections on records and
# space, named in the variable `journal`, take when they are called from outside of them.
BEGIN { count = split(journal, names, " "); for (i = 1; i <= count; i++) in_journal[names[i]] = 1 }
function name_of(text,    id) {
    id = text; sub(/^[a-z]*=/, "", id); sub(/ .*/, "", id)
    if (text ~ / /) { known[id] = text; sub(/^[^ ]* /, "", known[id]); sub(/'.*/, "", known[id]); sub(/\.(part|isra|constprop).*/, "", known[id]) }
    return known[id]
}
function finish() {
    if (part == "") return
    sub(/^.*: /, "", part)
    n = split(part, p, "/")
    if (n == 2) {
        printf "figure %s %.4g instructions\n", p[1], (total - port) / p[2]
        if (p[1] ~ /^step/) printf "figure journal_%s %.4g instructions\n", p[1], (inside - inside_port) / p[2]
    }
    part = ""
}
FNR == 1 { finish(); total = port = inside = inside_port = 0; split("", known) }
/^desc: Trigger: Client Request:/ { part = $0; sub(/^desc: Trigger: Client Request: /, "", part) }
/^fn=/ { caller = name_of($0) }
/^cfn=/ { callee = name_of($0) }
/^calls=/ {
    getline
    if (callee ~ /^chip_/) { port += $NF; if (caller in in_journal) inside_port += $NF }
    if ((callee in in_journal) && !(caller in in_journal)) inside += $NF
}
/^(summary|totals):/ { total = $2 }
END { finish() }
