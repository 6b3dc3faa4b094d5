# SPDX-License-Identifier: MIT
CC ?= cc
CFLAGS ?= -O2 -g
WARN = -pedantic -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wundef \
       -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion -Wswitch-enum -Wvla
SOURCES = inngest.c inngest.h port/flash_emulator/flash_emulator.c port/flash_emulator/flash_emulator.h tests/test.h tests/machine.h
TESTS = steps power_cut
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

OFF = JSON TEXT STATUS_NAMES LOG SEEN_IDS MESSAGE_BYTES RESULT_BYTES
lint: ## warnings as errors on gcc and clang in all variants, symbols, clang-tidy, cppcheck
	@mkdir -p $(BUILD)
	for cc in "gcc -std=c99" "gcc -std=c11" "clang -std=c99" "gcc -std=c99 -m32" "gcc -std=c99 -DINNGEST_NO_CAS" $(OFF:%="gcc -std=c99 -DINNGEST_%=0"); do \
	$$cc $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/lint.o || exit 1; done
	echo '#include "inngest.h"' | g++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -c - -o $(BUILD)/cxx.o
	gcc -std=c99 -Os -c inngest.c -o $(BUILD)/lint.o
	@! nm -u $(BUILD)/lint.o | awk '{print $$2}' | grep -Ev '^(mem(cpy|move|set|cmp|chr)|str(len|n?cmp|nlen|chr)|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$$'
	@size -A $(BUILD)/lint.o | awk '$$1 == ".data" || $$1 == ".bss" {n += $$2} END {if (n) {print "writable data:", n; exit 1}}'
	clang-tidy --quiet inngest.c -- -std=c99 -I.
	cppcheck --quiet -UINNGEST_CONFIG --std=c99 --error-exitcode=1 --inline-suppr --enable=warning,portability inngest.c

sanitize: ## the tests under ASan and UBSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover" test

M3 = arm-none-eabi-gcc -std=c99 -mcpu=cortex-m3 -mthumb -Os -ffreestanding -I.
size: ## .text and RAM for Cortex-M3 at -Os, and what each optional part costs
	@mkdir -p $(BUILD)
	@if ! command -v arm-none-eabi-gcc >/dev/null; then echo "skipped: no arm-none-eabi-gcc (package gcc-arm-none-eabi)"; exit 0; fi; \
	text() { $(M3) "$$@" -c inngest.c -o $(BUILD)/m3.o && arm-none-eabi-size $(BUILD)/m3.o | awk 'NR == 2 {print $$1}'; }; \
	all=$$(text); echo "figure text_m3_all $$all bytes"; \
	for part in JSON TEXT STATUS_NAMES LOG; do echo "figure text_m3_$$part $$((all - $$(text -DINNGEST_$$part=0))) bytes"; done; \
	echo "figure text_m3_core $$(text -DINNGEST_JSON=0 -DINNGEST_TEXT=0 -DINNGEST_STATUS_NAMES=0 -DINNGEST_LOG=0) bytes"; \
	arm-none-eabi-size $(BUILD)/m3.o | awk 'NR == 2 {print "figure data_m3", $$2 + $$3, "bytes"}'; \
	printf '%s\n' '#include "inngest.h"' 'char ram_engine[sizeof(inngest)], ram_run[sizeof(inngest_run)], ram_event[sizeof(inngest_slot)];' \
	'char ram_step_in_progress[sizeof(inngest_active)], ram_event_id[sizeof(inngest_seen)];' | $(M3) -x c - -c -o $(BUILD)/ram.o && \
	arm-none-eabi-nm -S $(BUILD)/ram.o | while read -r at size kind name; do echo "figure $${name}_m3 $$((0x$$size)) bytes"; done

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help test lint sanitize size clean
