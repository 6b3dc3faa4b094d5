# SPDX-License-Identifier: MIT
# What `make install` installs is enough for a program, also below a path with spaces; uninstall leaves nothing.
# Needs BUILD, CC, CFLAGS and MAKE, from the Makefile.
: "${BUILD:?is set by make test}"
case $BUILD in /*) built=$BUILD ;; *) built=$PWD/$BUILD ;; esac
passed=0
failed=0
check() {
    if eval "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "tests/install.sh: $1"; fi
}

root="$built/install test"
prefix="/opt/inn gest"
at="$root$prefix"
rm -rf "$root"
mkdir -p "$root"
check '$MAKE BUILD="$BUILD" DESTDIR="$root" PREFIX="$prefix" install >"$root/log" 2>&1'
check 'test -s "$at/include/inngest.h" && test -s "$at/include/inngest_posix.h" && test -s "$at/lib/libinngest.a"'
check 'test -s "$at/share/inngest/inngest.c" && test -s "$at/share/inngest/inngest_posix.c" && test -s "$at/share/inngest/LICENSE"'

cat >"$root/program.c" <<'END'
#include <inngest_posix.h>
#include <string.h>
static inngest jobs;
static inngest_posix port;
static int64_t memory[INNGEST_MEMORY(2, 2) / 8 + 1];
static int done;
static inngest_status hello(inngest_ctx *ctx) { INNGEST_DO(ctx, "count") done++; return INNGEST_OK; }
static const inngest_function functions[] = { { .id = "hello", .event = "a/b", .handler = hello } };
int main(int count, char **arguments)
{
    inngest_config c;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 1;
    c.port = &port.port;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = c.events = 2;
    if (count != 2 || inngest_posix_open(&port, arguments[1], 65536) != 0) return 1;
    if (inngest_init(&jobs, &c, NULL) != INNGEST_OK || inngest_send(&jobs, "a/b", NULL, 0) != INNGEST_OK) return 2;
    if (inngest_posix_run_until_idle(&port, &jobs) != 0 || inngest_close(&jobs) != INNGEST_OK) return 3;
    inngest_posix_close(&port);
    return done == 1 ? 0 : 4;
}
END
check '$CC -std=c99 $CFLAGS -I"$at/include" "$root/program.c" -L"$at/lib" -linngest -o "$root/program"'
check '"$root/program" "$root/journal"'

version=$(sed -n 's/^#define INNGEST_VERSION_MAJOR //p' inngest.h).$(sed -n 's/^#define INNGEST_VERSION_MINOR //p' inngest.h)
check 'grep -qx "Version: $version" "$at/lib/pkgconfig/inngest.pc"'
if command -v pkg-config >/dev/null 2>&1; then
    PKG_CONFIG_PATH="$at/lib/pkgconfig"
    export PKG_CONFIG_PATH
    check 'test "$(pkg-config --modversion inngest)" = "$version"'
    check 'eval $CC -std=c99 $CFLAGS "\"$root/program.c\"" \
           $(pkg-config --define-variable=prefix="$at" --cflags --libs inngest) -o "\"$root/program2\""'
    rm -f "$root/journal"
    check '"$root/program2" "$root/journal"'
    # Built with other macros than last time: the library is another one, and pkg-config tells its programs.
    for bytes in 200 300; do
        check '$MAKE BUILD="$BUILD/install_macros" DESTDIR="$root" PREFIX="$prefix" CFLAGS="-DINNGEST_EVENT_BYTES=$bytes" install >>"$root/log" 2>&1'
        check 'eval $CC -std=c99 "\"$root/program.c\"" \
               $(pkg-config --define-variable=prefix="$at" --cflags --libs inngest) -o "\"$root/program3\""'
        rm -f "$root/journal"
        check '"$root/program3" "$root/journal"'
    done
else
    echo "tests/install.sh: pkg-config is not installed: its part is skipped"
fi

# Macros that the .pc could not tell are refused.
echo '#define INNGEST_EVENT_BYTES 200' >"$built/install_config.h"
for flags in "-DINNGEST_CONFIG='\"$built/install_config.h\"'" "-D INNGEST_EVENT_BYTES=200"; do
    check '! $MAKE BUILD="$BUILD/install_macros" DESTDIR="$root/config" PREFIX="$prefix" CFLAGS="$flags" install >"$root/refused" 2>&1'
    check 'grep -q "^make install: programs must be compiled" "$root/refused" && test ! -e "$root/config"'
done

check '$MAKE BUILD="$BUILD" DESTDIR="$root" PREFIX="$prefix" uninstall >>"$root/log" 2>&1'
check 'test -z "$(find "$at" -type f)"'
echo "tests/install.sh: $passed passed, $failed failed"
test $failed = 0
