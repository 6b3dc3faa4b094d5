# SPDX-License-Identifier: MIT
# Shared by the scripts of this folder; each is run from the top of the repository. Exit: 0 passed, 77 skipped, else failed.
OUT=${BUILD:-build}/targets
mkdir -p "$OUT"
M0="-mcpu=cortex-m0 -mthumb"
M3="-mcpu=cortex-m3 -mthumb"
FLAGS="-std=c99 -Wall -Wextra -Os -ffreestanding -fno-common -ffunction-sections -fdata-sections -nostdlib -nostartfiles -Wl,--gc-sections -I. -Iport/bare"
ICOUNT="-icount shift=6,align=off,sleep=off"

need() { # COMMAND PACKAGE: skip without it
    command -v "$1" >/dev/null && return 0
    echo "skipped: no $1 (package $2)"
    exit 77
}

fail() { echo "failed: $*"; exit 1; }

# VARIANTS of an image: one after another, the processor's flags and the rest; libgcc comes last.
arm_image() { # OUTPUT FLAGS-AND-FILES...
    image=$1; shift
    arm-none-eabi-gcc $FLAGS "$@" port/bare/bare.c port/bare/cortex_m.c -lgcc -o "$image" || fail "$image does not build"
}
rv32_image() {
    image=$1; shift
    riscv64-unknown-elf-gcc $FLAGS -Iport/bare/include -misa-spec=2.2 -march="${MARCH:-rv32imac}" -mabi=ilp32 -Wl,--no-warn-rwx-segments "$@" port/bare/bare.c port/riscv_virt/board.c \
        -T port/riscv_virt/virt.ld -lgcc -o "$image" || fail "$image does not build"
}

quiet="-display none -monitor none -serial stdio -nodefaults"
run_m3() { image=$1; shift; timeout "${LIMIT:-120}" qemu-system-arm -M mps2-an385 $quiet -semihosting-config enable=on,target=native -kernel "$image" "$@"; }
run_m0() { image=$1; shift; timeout "${LIMIT:-120}" qemu-system-arm -M microbit $quiet -semihosting-config enable=on,target=native -kernel "$image" "$@"; }
run_rv32() { image=$1; shift; timeout "${LIMIT:-120}" qemu-system-riscv32 -M virt $quiet -bios "$image" "$@"; }

# One send alone, instruction by instruction.
trace_send() {
    mode=$($nm "$image" | awk '$3 == "sweep_mode" {print "0x" $1}')
    $run "$image" -singlestep -d exec,nochain -D "$trace" -device loader,addr="${mode:-0x80200000}",data=1,data-len=4 || fail "trace $name"
}

# The every-instruction sweep: must pass as it is, 90 % of the instructions of a send or more must have been
# interrupted, in the main loop and in an interrupt; and it must fail with a send that was broken on purpose.
sweep() { # NAME BUILD RUN NM ICOUNT_SHIFT FLAGS...
    name=$1 build=$2 run=$3 nm=$4 shift_=$5; shift 5
    image=$OUT/sweep_$name.elf log=$OUT/sweep_$name.log trace=$OUT/sweep_$name.trace
    count="-icount shift=$shift_,align=off,sleep=off"
    $build "$image" "$@" -DINNGEST_CONFIG='"tests/targets/sweep_config.h"' inngest.c
    $run "$image" $count > "$log" 2>&1
    result=$?
    grep -v '^hit' "$log"
    [ $result = 0 ] || fail "sweep $name"

    trace_send
    { $nm -S "$image"; cat "$log" "$trace"; } | awk -v name="$name" '
        $4 == "inngest_send_" {entry = $1}
        $4 == "sweep_send" {from = $1; size = $2}
        $1 == "hit" {hit[$2, $3] = 1}
        $1 == "Trace" {
            split($4, part, "/"); pc = part[2]
            if (pc == entry) inside = 1
            else if (inside && $5 == "sweep_send") { inside = 0; done = 1 }
            if (inside) { n++; seen[pc] = 1 }
        }
        END {
            for (pc in seen) { all++; if (("main", pc) in hit) main++; if (("interrupt", pc) in hit) other++ }
            if (!all || !done) { print "no send in the trace"; exit 1 }
            print "figure send_" name, n, "instructions"
            printf "figure sweep_%s_main %.1f %% of %d instructions\n", name, 100 * main / all, all
            printf "figure sweep_%s_interrupt %.1f %% of %d instructions\n", name, 100 * other / all, all
            exit main < 0.9 * all || other < 0.9 * all
        }' || fail "sweep $name: too few instructions were interrupted"
    rm -f "$trace"
}

# No function of the library masks interrupts; what does, the board's sleep, is found by the same pattern.
unmasked() { # NAME COMPILER-AND-FLAGS OBJDUMP PATTERN SLEEP-SOURCE
    for source in inngest.c $5; do
        $2 -std=c99 -Os -ffreestanding -I. -Iport/bare -Iport/bare/include -c "$source" -o "$OUT/masks.o" || fail "$source does not build"
        masks=$($3 -d "$OUT/masks.o" | grep -ciE "$4")
        if [ "$source" = inngest.c ]; then echo "figure masking_instructions_$1 $masks"; [ "$masks" = 0 ] || fail "interrupts are masked"
        else [ "$masks" -gt 0 ] || fail "the pattern finds nothing"; fi
    done
}

mutant() { # NAME BUILD RUN ICOUNT_SHIFT WHAT FLAGS...; the last one is the broken source
    name=$1 build=$2 run=$3 shift_=$4 what=$5; shift 5
    image=$OUT/mutant_$name.elf
    $build "$image" -w "$@" -DINNGEST_CONFIG='"tests/targets/sweep_config.h"'
    $run "$image" -icount shift=$shift_,align=off,sleep=off > "$OUT/mutant_$name.log" 2>&1
    result=$?
    [ $result = 1 ] && grep -q 'lost, doubled or torn: interrupts in inngest_send' "$OUT/mutant_$name.log" || fail "$name with $what passed the sweep, or did not end it ($result)"
    echo "$name with $what: caught"
}

# The two broken sends. With compare-and-swap: tail is counted up without a look. Without: no second look at the slot.
NAIVE='-D__atomic_compare_exchange_n(p,old,new,...)=((void)(old),(void)(new),*(p)+=1,1)'
no_second_look() {
    sed 's/if (LOAD(&(\*slot)->sequence) == index) break;/break;/' inngest.c > "$OUT/no_second_look.c"
    cmp -s inngest.c "$OUT/no_second_look.c" && fail "the second look at the slot was not found in inngest.c"
    return 0
}
