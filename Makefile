# SPDX-License-Identifier: MIT
CC ?= cc
CFLAGS ?= -O2 -g
WARN = -std=c99 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wundef \
       -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion -Wswitch-enum -Wvla
SOURCES = inngest.c inngest.h port/flash_emulator/flash_emulator.c port/flash_emulator/flash_emulator.h tests/test.h tests/machine.h
TESTS = steps power_cut journal dump
BUILD = build

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

test: $(TESTS:%=$(BUILD)/%) ## run the tests: a C compiler and make are enough
	@for t in $(TESTS); do $(BUILD)/$$t > $(BUILD)/$$t.log; echo $$? > $(BUILD)/$$t.rc; cat $(BUILD)/$$t.log; done
	@cat $(TESTS:%=$(BUILD)/%.log) | sed -n 's/^tests.*: \([0-9]*\) passed, \([0-9]*\) failed$$/\1 \2/p' | \
	awk '{p += $$1; f += $$2} END {printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0}'
	@! grep -qv '^0$$' $(TESTS:%=$(BUILD)/%.rc)

$(BUILD)/%: tests/%.c $(SOURCES)
	@mkdir -p $(BUILD)
	$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -I. inngest.c port/flash_emulator/flash_emulator.c $< -o $@

tool: $(BUILD)/inngest-dump ## build the host tool that prints a journal

$(BUILD)/inngest-dump: port/host/inngest-dump.c
	@mkdir -p $(BUILD)
	$(CC) $(WARN) $(CFLAGS) $< -o $@

$(BUILD)/dump: $(BUILD)/inngest-dump

lint: ## warnings as errors on gcc and clang, header as C++, cppcheck
	@mkdir -p $(BUILD)
	gcc $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/gcc.o
	clang $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/clang.o
	gcc -DINNGEST_NO_CAS $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/nocas.o
	echo '#include "inngest.h"' | g++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -c - -o $(BUILD)/cxx.o
	cppcheck --quiet -UINNGEST_CONFIG --std=c99 --error-exitcode=1 --inline-suppr --enable=warning,portability inngest.c

sanitize: ## the tests under ASan and UBSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover" test

size: ## .text for Cortex-M3 at -Os
	@mkdir -p $(BUILD)
	@if command -v arm-none-eabi-gcc >/dev/null; then \
	arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Os -ffreestanding -c inngest.c -o $(BUILD)/m3.o && \
	arm-none-eabi-size $(BUILD)/m3.o | awk 'NR==2 {print "figure text_m3", $$1, "bytes"; print "figure data_m3", $$2 + $$3, "bytes"}'; \
	else echo "skipped: no arm-none-eabi-gcc (package gcc-arm-none-eabi)"; fi

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help test tool lint sanitize size clean
