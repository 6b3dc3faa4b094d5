# SPDX-License-Identifier: MIT
CC ?= cc
CFLAGS ?= -O2 -g
WARN = -std=c99 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wundef \
       -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion -Wswitch-enum -Wvla
SOURCES = inngest.c inngest.h port/flash_emulator/flash_emulator.c port/flash_emulator/flash_emulator.h tests/test.h
TESTS = power_cut posix_files posix_clock posix_kill posix_wake
POSIX = port/posix/inngest_posix.c port/posix/inngest_posix.h tests/posix_folder.h
SCRIPTS = examples install
ALL_TESTS = $(TESTS) $(SCRIPTS)
BUILD = build
PREFIX = /usr/local
VERSION = $$(sed -n 's/^\#define INNGEST_VERSION_M[AI][JN]OR //p' inngest.h | paste -s -d . -)

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

test: $(TESTS:%=$(BUILD)/%) $(BUILD)/demo $(BUILD)/signup ## run the tests: a C compiler and make are enough; under a minute
	@for t in $(TESTS); do $(BUILD)/$$t > $(BUILD)/$$t.log; echo $$? > $(BUILD)/$$t.rc; cat $(BUILD)/$$t.log; done
	@for t in $(SCRIPTS); do BUILD="$(BUILD)" CC="$(CC)" CFLAGS="$(CFLAGS)" MAKE="$(MAKE)" sh tests/$$t.sh > $(BUILD)/$$t.log; \
	echo $$? > $(BUILD)/$$t.rc; cat $(BUILD)/$$t.log; done
	@cat $(ALL_TESTS:%=$(BUILD)/%.log) | sed -n 's/^tests.*: \([0-9]*\) passed, \([0-9]*\) failed$$/\1 \2/p' | \
	awk '{p += $$1; f += $$2} END {printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0}'
	@! grep -qv '^0$$' $(ALL_TESTS:%=$(BUILD)/%.rc)

$(BUILD)/%: tests/%.c $(SOURCES)
	@mkdir -p $(BUILD)
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. inngest.c port/flash_emulator/flash_emulator.c $< -o $@

$(BUILD)/posix_kill: OPTIONS = -DINNGEST_SEEN_IDS=64

$(BUILD)/posix_%: tests/posix_%.c $(SOURCES) $(POSIX)
	@mkdir -p $(BUILD)
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) $(OPTIONS) -I. -pthread inngest.c port/posix/inngest_posix.c $< -o $@

$(BUILD)/posix_files $(BUILD)/posix_clock: $(BUILD)/%: tests/%.c $(SOURCES) $(POSIX)   # its source is part of these tests
	@mkdir -p $(BUILD)
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. inngest.c $< -o $@

demo: $(BUILD)/demo ## the signup job on a file: fails, is retried, sleeps, and is killed twice; 8 seconds
	@$(BUILD)/demo $(BUILD)/demo.files

$(BUILD)/demo $(BUILD)/signup: $(BUILD)/%: examples/%.c $(SOURCES) $(POSIX)
	@mkdir -p $(BUILD)
	@$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. -Iport/posix $< inngest.c port/posix/inngest_posix.c -o $@

$(BUILD)/libinngest.a: $(SOURCES) $(POSIX)
	@mkdir -p $(BUILD)
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. -c inngest.c -o $(BUILD)/lib_inngest.o
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. -c port/posix/inngest_posix.c -o $(BUILD)/lib_posix.o
	rm -f $@
	$(AR) rcs $@ $(BUILD)/lib_inngest.o $(BUILD)/lib_posix.o

install: $(BUILD)/libinngest.a ## library with the POSIX port, headers, sources and inngest.pc into PREFIX (/usr/local), below DESTDIR
	mkdir -p "$(DESTDIR)$(PREFIX)/include" "$(DESTDIR)$(PREFIX)/lib/pkgconfig" "$(DESTDIR)$(PREFIX)/share/inngest"
	cp inngest.h port/posix/inngest_posix.h "$(DESTDIR)$(PREFIX)/include/"
	cp inngest.c port/posix/inngest_posix.c LICENSE "$(DESTDIR)$(PREFIX)/share/inngest/"
	cp $(BUILD)/libinngest.a "$(DESTDIR)$(PREFIX)/lib/"
	@printf 'prefix=%s\nName: inngest\nDescription: durable background jobs, with a file as the journal\nVersion: %s\n%s\n%s\n' \
	"$(PREFIX)" "$(VERSION)" 'Cflags: -I"$${prefix}/include"' 'Libs: -L"$${prefix}/lib" -linngest' > "$(DESTDIR)$(PREFIX)/lib/pkgconfig/inngest.pc"

uninstall: ## remove what install wrote
	rm -f "$(DESTDIR)$(PREFIX)/include/inngest.h" "$(DESTDIR)$(PREFIX)/include/inngest_posix.h" \
	"$(DESTDIR)$(PREFIX)/lib/libinngest.a" "$(DESTDIR)$(PREFIX)/lib/pkgconfig/inngest.pc"
	rm -rf "$(DESTDIR)$(PREFIX)/share/inngest"

lint: ## warnings as errors on gcc and clang, header as C++, cppcheck
	@mkdir -p $(BUILD)
	gcc $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/gcc.o
	clang $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/clang.o
	gcc $(WARN) -Werror -O2 -I. -c port/posix/inngest_posix.c -o $(BUILD)/gcc_posix.o
	clang $(WARN) -Werror -O2 -I. -c port/posix/inngest_posix.c -o $(BUILD)/clang_posix.o
	gcc -DINNGEST_NO_CAS $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/nocas.o
	echo '#include "port/posix/inngest_posix.h"' | g++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -c - -o $(BUILD)/cxx.o
	cppcheck --quiet -UINNGEST_CONFIG --std=c99 --error-exitcode=1 --inline-suppr --enable=warning,portability -I. inngest.c port/posix/inngest_posix.c

sanitize: tsan ## the tests under ASan and UBSan, the queue under TSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover" test

tsan: ## the queue and the run loop under TSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan CFLAGS="-O1 -g -fsanitize=thread" $(BUILD)/tsan/posix_wake
	$(BUILD)/tsan/posix_wake

size: ## .text for Cortex-M3 at -Os
	@mkdir -p $(BUILD)
	@if command -v arm-none-eabi-gcc >/dev/null; then \
	arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Os -ffreestanding -c inngest.c -o $(BUILD)/m3.o && \
	arm-none-eabi-size $(BUILD)/m3.o | awk 'NR==2 {print "figure text_m3", $$1, "bytes"; print "figure data_m3", $$2 + $$3, "bytes"}'; \
	else echo "skipped: no arm-none-eabi-gcc (package gcc-arm-none-eabi)"; fi

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help test demo install uninstall lint tsan sanitize size clean
