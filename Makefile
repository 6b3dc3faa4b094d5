# SPDX-License-Identifier: MIT
CC ?= cc
CFLAGS ?= -O2 -g
WARN = -pedantic -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wundef \
       -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion -Wswitch-enum -Wvla
SOURCES = $(BUILD)/flags inngest.c inngest.h $(wildcard port/flash_emulator/*.[ch]) $(wildcard tests/*.h)
TESTS = $(sort $(patsubst tests/%.c,%,$(wildcard tests/*.c)))
POSIX = port/posix/inngest_posix.c port/posix/inngest_posix.h tests/posix_folder.h
EXAMPLES = $(patsubst examples/%.c,$(BUILD)/example/%,$(wildcard examples/*.c))
PARTS = PARALLEL LONG_STEPS PROGRESS SEND_STEP RESTART ON_FAILURE CANCEL WALL_CLOCK CRASHES HOOKS INSPECT INIT_CHECKS FAST_MOUNT INDEXES JSON TEXT STATUS_NAMES LOG
SCRIPTS = compilers examples install parts readme
FUZZ = journal json text
ALL_TESTS = $(TESTS) $(SCRIPTS) $(FUZZ:%=fuzz_%)
BUILD = build
ifneq ($(words $(BUILD)),1)
$(error BUILD must name one folder, without spaces: make cannot do them)
endif
PREFIX = /usr/local
MACROS = $(filter -DINNGEST_%,$(CFLAGS))   # a program must be compiled with the library's
VERSION = $$(sed -n 's/^\#define INNGEST_VERSION_M[AI][JN]OR //p' inngest.h | paste -s -d . -)

help: ## list the targets
	@cat Makefile tests/targets/targets.mk | sed -n 's/^\([a-z]*\):.*## */\1 /p' | while read -r name what; do printf '%-10s %s\n' "$$name" "$$what"; done

RESULTS = $(ALL_TESTS:%=$(BUILD)/%.rc)
test: ## run the tests: a C compiler and make are enough; a minute or two
	@$(MAKE) --no-print-directory -j4 $(RESULTS)
	@grep -v '^0$$' $(RESULTS) /dev/null | sed 's/\.rc:.*/.log: failed/'
	@cat $(ALL_TESTS:%=$(BUILD)/%.log) | sed -n 's/^tests.*: \([0-9]*\) passed, \([0-9]*\) failed$$/\1 \2/p' | \
	awk '{p += $$1; f += $$2} END {printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0}'
	@! grep -qv '^0$$' $(RESULTS)

$(BUILD)/%.rc: $(BUILD)/% always
	@$(RUN) $< > $(BUILD)/$*.log 2>&1; echo $$? > $@; cat $(BUILD)/$*.log

$(SCRIPTS:%=$(BUILD)/%.rc): $(BUILD)/%.rc: tests/%.sh $(EXAMPLES) $(BUILD)/libinngest.a always
	@BUILD="$(BUILD)" CC="$(CC)" CFLAGS="$(CFLAGS)" MAKE="$(MAKE)" PARTS="$(PARTS) SEEN_IDS" sh $< > $(BUILD)/$*.log 2>&1; echo $$? > $@; cat $(BUILD)/$*.log

$(BUILD)/readme.rc: $(BUILD)/power_cut.rc   # the README names its figure

readme: ## bring the tables of the README up to date, after make test
	@BUILD="$(BUILD)" CC="$(CC)" CFLAGS="$(CFLAGS)" MAKE="$(MAKE)" sh tests/readme.sh update

$(BUILD)/flags: always      # another compiler or other flags than last time: all is built anew
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS)' > $@

COMPILE = $(CC) -std=c99 -Wall -Wextra $(CFLAGS) $(OPTIONS) -I. -Iport/posix -pthread
$(BUILD)/%.o: %.c $(SOURCES)
	@mkdir -p $(BUILD)
	$(COMPILE) -c $< -o $@

$(BUILD)/%.o: port/flash_emulator/%.c $(SOURCES)
	@mkdir -p $(BUILD)
	$(COMPILE) -c $< -o $@

$(BUILD)/%.o: port/posix/%.c $(SOURCES) $(POSIX)
	@mkdir -p $(BUILD)
	$(COMPILE) -c $< -o $@

OBJECTS = $(BUILD)/inngest.o $(BUILD)/flash_emulator.o $(BUILD)/power_cut.o $(BUILD)/inngest_posix.o
$(BUILD)/%: tests/%.c $(wildcard tests/*.h) $(OBJECTS)
	$(COMPILE) $< $(OBJECTS) -o $@

$(BUILD)/posix_kill: OPTIONS = -DINNGEST_SEEN_IDS=64
$(BUILD)/posix_kill: tests/posix_kill.c $(SOURCES) $(POSIX)
	@mkdir -p $(BUILD)
	$(COMPILE) inngest.c port/posix/inngest_posix.c $< -o $@

$(BUILD)/fuzz_%: tests/fuzz/%.c tests/fuzz/fuzz.h $(wildcard tests/*.h) $(OBJECTS)
	$(COMPILE) -DINNGEST_FUZZ_CORPUS='"tests/fuzz/corpus/$*"' $< $(OBJECTS) -o $@

FUZZ_SECONDS = 60
fuzz: ## FUZZ_SECONDS (60) of libFuzzer in all, under ASan and UBSan; a finding is left in build/fuzz (clang, libclang-rt-14-dev)
	@$(call need,clang:clang)
	@[ "$(FUZZ_SECONDS)" -ge 3 ] 2> /dev/null || { echo "make fuzz: FUZZ_SECONDS=$(FUZZ_SECONDS): a number from 3 on"; exit 1; }   # 0 each would be for ever
	@for name in $(FUZZ); do mkdir -p $(BUILD)/fuzz/$$name; \
	clang -std=c99 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. inngest.c port/flash_emulator/flash_emulator.c \
	tests/fuzz/$$name.c -o $(BUILD)/fuzz/fuzz_$$name || exit 1; \
	$(BUILD)/fuzz/fuzz_$$name -max_total_time=$$(($(FUZZ_SECONDS) / 3)) -max_len=6200 -timeout=10 -print_final_stats=1 \
	-artifact_prefix=$(BUILD)/fuzz/$$name- $(BUILD)/fuzz/$$name tests/fuzz/corpus/$$name > $(BUILD)/fuzz/$$name.log 2>&1 || \
	{ tail -40 $(BUILD)/fuzz/$$name.log; exit 1; }; \
	sed -n "s/^stat::number_of_executed_units: */figure fuzz_$$name /p" $(BUILD)/fuzz/$$name.log; done

$(BUILD)/wear: OPTIONS = -DINNGEST_FILL_PERCENT=75
$(BUILD)/port_calls: OPTIONS = -DINNGEST_NO_CAS
$(BUILD)/ahead: OPTIONS = -DINNGEST_TRAIL_STEPS=0
$(BUILD)/limits_flash: OPTIONS = -DINNGEST_WRITE_CACHE=0
$(BUILD)/limits_flash: tests/limits.c
$(BUILD)/storm_near: OPTIONS = -DLEAST_WINDOW=512u -DFOLLOW=2u -DLIST_REACH=512u
$(BUILD)/storm_near: tests/storm.c
$(BUILD)/handlers_small: OPTIONS = -DINNGEST_ACTIVE_STEPS=1 -DINNGEST_TICK_PASSES=2 -DINNGEST_INDEXES=0
$(BUILD)/handlers_small $(BUILD)/handlers_cut: tests/handlers.c
$(BUILD)/misuse_small: OPTIONS = $(foreach o,NO_CAS INDEXES=0 SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0 ACTIVE_STEPS=1 TICK_PASSES=2 MESSAGE_BYTES=0 STEP_IDS=8,-DINNGEST_$(o))
$(BUILD)/misuse_small: tests/misuse.c
$(BUILD)/clocks: OPTIONS = -DINNGEST_ACTIVE_STEPS=32
$(BUILD)/clocks_disk: OPTIONS = -DINNGEST_ACTIVE_STEPS=32
$(BUILD)/clocks_small: OPTIONS = $(foreach o,ACTIVE_STEPS=32 INDEXES=0 SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0 HEARTBEAT_MS=900000 SUSPECT_MS=1500,-DINNGEST_$(o))
$(BUILD)/clocks_dark: OPTIONS = $(foreach o,ACTIVE_STEPS=32 WALL_CLOCK=0 FAST_MOUNT=0,-DINNGEST_$(o))
$(BUILD)/clocks_small $(BUILD)/clocks_dark $(BUILD)/clocks_disk: tests/clocks.c
$(BUILD)/ages_small: OPTIONS = $(foreach o,INDEXES=0 SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0 STAGE_BYTES=64 CRC_TABLE=16 ACTIVE_STEPS=1 WORD_BITS=16,-DINNGEST_$(o))
$(BUILD)/ages_near: OPTIONS = $(foreach o,SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0,-DINNGEST_$(o)) -DLEAST_WINDOW=512u -DFOLLOW=2u -DLIST_REACH=512u
$(BUILD)/ages_small $(BUILD)/ages_near: tests/ages.c
$(BUILD)/lists: OPTIONS = -DTAKES_LISTS=takes_lists
$(BUILD)/lists_disk: OPTIONS = -DTAKES_LISTS=takes_lists
$(BUILD)/lists_disk: tests/lists.c
$(BUILD)/tempest_small: OPTIONS = $(foreach o,INDEXES=0 SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0 STAGE_BYTES=64 CRC_TABLE=16 ACTIVE_STEPS=1 SEEN_IDS=0 FILL_PERCENT=75 TICK_PASSES=2,-DINNGEST_$(o))
$(BUILD)/tempest_near: OPTIONS = $(foreach o,SYNC_ALONE=0 TRAIL_STEPS=0 WRITE_CACHE=0 EVENT_BYTES=200 RESULT_BYTES=400 FILL_PERCENT=70,-DINNGEST_$(o)) -DLEAST_WINDOW=512u -DFOLLOW=2u -DLIST_REACH=512u
$(BUILD)/tempest_small $(BUILD)/tempest_near: tests/tempest.c
$(BUILD)/wear $(BUILD)/port_calls $(BUILD)/ahead $(BUILD)/handlers_small $(BUILD)/misuse_small $(BUILD)/clocks $(BUILD)/clocks_small $(BUILD)/clocks_dark $(BUILD)/clocks_disk $(BUILD)/ages $(BUILD)/ages_small $(BUILD)/ages_near $(BUILD)/limits_flash $(BUILD)/storm_near $(BUILD)/lists $(BUILD)/lists_disk $(BUILD)/tempest $(BUILD)/tempest_small $(BUILD)/tempest_near: $(BUILD)/%: tests/%.c $(SOURCES)
	@mkdir -p $(BUILD)
	$(COMPILE) inngest.c port/flash_emulator/flash_emulator.c $< -o $@

FIRMWARE_0 = EVENT_BYTES=260 RESULT_BYTES=480 SEEN_IDS=16 FILL_PERCENT=75
FIRMWARE_1 = EVENT_BYTES=16 RESULT_BYTES=200 MESSAGE_BYTES=0 FILL_PERCENT=75 SEEN_IDS=16
FIRMWARE_2 = $(PARTS:%=%=0) SEEN_IDS=0 WRITE_CACHE=0
FIRMWARE_3 = INDEXES=0 EVENT_BYTES=200 RESULT_BYTES=32 STAGE_BYTES=64 ACTIVE_STEPS=1 WRITE_CACHE=0 CRC_TABLE=16 TICK_PASSES=2 SEEN_IDS=16
FIRMWARE_4 = WALL_CLOCK=0 SEND_STEP=0 RESULT_BYTES=100 MESSAGE_BYTES=200 RUN_BYTES=64 SEEN_IDS=10 FAST_MOUNT=0 FILL_PERCENT=10
FIRMWARE_5 = LONG_STEPS=0 PARALLEL=0 CRASHES=0 STAGE_BYTES=1024 SYNC_ALONE=0 TRAIL_STEPS=0 SEEN_IDS=32
FIRMWARE_6 = ON_FAILURE=0 PROGRESS=0 RESTART=0 CANCEL=0 INDEXES=0 EVENT_BYTES=500 RESULT_BYTES=500 SEEN_IDS=16 CRASH_LIMIT=2
FIRMWARE_7 = HOOKS=0 INSPECT=0 TRAIL_STEPS=16 WRITE_CACHE=0 RESULT_BYTES=0 RUN_BYTES=1000 CRASH_LIMIT=5
FIRMWARES = $(patsubst %,$(BUILD)/firmware_%.o,0 1 2 3 4 5 6 7)
$(FIRMWARES): $(BUILD)/firmware_%.o: tests/firmware/firmware.c tests/firmware/world.h $(SOURCES)
	@mkdir -p $(BUILD)
	$(COMPILE) -DFIRMWARE=$* $(FIRMWARE_$*:%=-DINNGEST_%) -c $< -o $@

$(BUILD)/firmwares_disk: tests/firmwares.c
$(BUILD)/firmwares $(BUILD)/firmwares_disk: $(BUILD)/%: tests/%.c tests/firmware/world.h tests/lossy.h $(FIRMWARES) $(BUILD)/flash_emulator.o
	$(COMPILE) $< $(FIRMWARES) $(BUILD)/flash_emulator.o -o $@

NARROW = INNGEST_CONFIG='"tests/firmware/narrow.h"'
HOST = INNGEST_SYNC_ALONE=1 INNGEST_TRAIL_STEPS=512
TWIN_0 = $(HOST)
TWIN_1 = $(HOST) $(foreach o,CRC_TABLE=1 CACHE_LINE=0 INIT_CHECKS=0 STATUS_NAMES=0 LOG=0,INNGEST_$(o))
TWIN_2 = $(HOST) $(foreach o,CRC_TABLE=256 MANY_RUNS=1 HOOKS=0,INNGEST_$(o))
TWIN_3 = $(HOST) $(foreach o,CRC_TABLE=16 NO_CAS INSPECT=0 STAGE_BYTES=64,INNGEST_$(o))
TWIN_4 = $(foreach o,SYNC_ALONE=1 TRAIL_STEPS=0 WORD_BITS=8,INNGEST_$(o))
TWIN_5 = $(HOST) $(NARROW)
TWIN_6 = $(foreach o,SYNC_ALONE=0 TRAIL_STEPS=16 WORD_BITS=16 STAGE_BYTES=1024,INNGEST_$(o))
TWIN_7 = INNGEST_WRITE_CACHE=0 $(NARROW)
TWIN_8 = $(HOST) INNGEST_FAST_MOUNT=0
TWIN_9 = INNGEST_INDEXES=0 $(NARROW)
TWIN_10 = $(HOST)
TWIN_11 = $(foreach o,INDEXES=0 HOOKS=0 INSPECT=0 LOG=0 INIT_CHECKS=0 WRITE_CACHE=0 STAGE_BYTES=64 CRC_TABLE=1 NO_CAS WORD_BITS=8,INNGEST_$(o))
OF_TWINS = NOTES EVENTS=12u $(foreach o,EVENT_BYTES=260 RESULT_BYTES=400 SEEN_IDS=16 FILL_PERCENT=75,INNGEST_$(o))
OF_ALL_BUT_10 = LEAST_WINDOW=512u FOLLOW=2u LIST_REACH=512u
TWINS = $(patsubst %,$(BUILD)/twin_%.o,0 1 2 3 4 5 6 7 8 9 10 11)
$(TWINS): $(BUILD)/twin_%.o: tests/firmware/firmware.c tests/firmware/world.h tests/firmware/narrow.h $(SOURCES)
	@mkdir -p $(BUILD)
	$(COMPILE) -DFIRMWARE=twin_$* $(patsubst %,-D%,$(OF_TWINS) $(TWIN_$*) $(if $(filter 10,$*),,$(OF_ALL_BUT_10))) -c $< -o $@

$(BUILD)/twins: tests/twins.c tests/firmware/world.h $(TWINS) $(BUILD)/flash_emulator.o
	$(COMPILE) $(OF_TWINS:%=-D%) $< $(TWINS) $(BUILD)/flash_emulator.o -o $@

$(BUILD)/posix_files $(BUILD)/posix_clock: $(BUILD)/%: tests/%.c $(BUILD)/inngest.o $(POSIX)   # the port's source is part of these tests
	$(COMPILE) $(BUILD)/inngest.o $< -o $@

$(BUILD)/queue_%: tests/queue_%.c tests/queue_nested.c $(SOURCES)       # the library's source is part of these tests
	@mkdir -p $(BUILD)
	$(COMPILE) $< -o $@

tool: $(BUILD)/inngest-dump ## build the host tool that prints a journal: a file, or a dump of a device's flash

$(BUILD)/inngest-dump: port/host/inngest-dump.c $(BUILD)/flags
	@mkdir -p $(BUILD)
	$(CC) -std=c99 $(WARN) $(CFLAGS) $< -o $@

$(BUILD)/dump: $(BUILD)/inngest-dump
$(BUILD)/template: port/template/port_template.c

ARGS =
budget: $(BUILD)/inngest-budget ## what a configuration costs: ARGS="runs=8 steps=5 jobs=100 block=4096 ...", macros in CFLAGS; CC="gcc -m32": RAM near a microcontroller's
	@$(BUILD)/inngest-budget $(ARGS)

$(BUILD)/inngest-budget: port/host/inngest-budget.c inngest.h $(BUILD)/flags
	@mkdir -p $(BUILD)
	$(CC) -std=c99 $(WARN) $(CFLAGS) -I. $< -o $@

$(BUILD)/budget: $(BUILD)/inngest-budget

demo: $(BUILD)/example/demo ## the signup job on a file: fails, is retried, sleeps, and is killed twice; 6 seconds
	@$(BUILD)/example/demo $(BUILD)/demo.files

$(EXAMPLES): $(BUILD)/example/%: examples/%.c $(OBJECTS)
	@mkdir -p $(BUILD)/example
	@$(COMPILE) -Iport/flash_emulator $< $(OBJECTS) -o $@

$(BUILD)/libinngest.a: $(BUILD)/inngest.o $(BUILD)/inngest_posix.o
	@rm -f $@
	@$(AR) rcs $@ $^

install: $(BUILD)/libinngest.a ## library with the POSIX port, headers, sources and inngest.pc into PREFIX (/usr/local), below DESTDIR
	@$(if $(filter INNGEST_% -DINNGEST_CONFIG%,$(CFLAGS)),echo "make install: programs must be compiled with the library's macros: give each as -DINNGEST_...=... in CFLAGS; INNGEST_CONFIG does not do"; exit 1)
	mkdir -p "$(DESTDIR)$(PREFIX)/include" "$(DESTDIR)$(PREFIX)/lib/pkgconfig" "$(DESTDIR)$(PREFIX)/share/inngest"
	cp inngest.h port/posix/inngest_posix.h "$(DESTDIR)$(PREFIX)/include/"
	cp inngest.c port/posix/inngest_posix.c LICENSE "$(DESTDIR)$(PREFIX)/share/inngest/"
	cp $(BUILD)/libinngest.a "$(DESTDIR)$(PREFIX)/lib/"
	@printf 'prefix=%s\nName: inngest\nDescription: durable background jobs, with a file as the journal\nVersion: %s\n%s\n%s\n' \
	"$(PREFIX)" "$(VERSION)" 'Cflags: -I"$${prefix}/include"$(MACROS:%= %)' 'Libs: -L"$${prefix}/lib" -linngest' > "$(DESTDIR)$(PREFIX)/lib/pkgconfig/inngest.pc"

uninstall: ## remove what install wrote
	rm -f "$(DESTDIR)$(PREFIX)/include/inngest.h" "$(DESTDIR)$(PREFIX)/include/inngest_posix.h" \
	"$(DESTDIR)$(PREFIX)/lib/libinngest.a" "$(DESTDIR)$(PREFIX)/lib/pkgconfig/inngest.pc"
	rm -rf "$(DESTDIR)$(PREFIX)/share/inngest"

# $(call need,COMMAND:PACKAGE ...): what is not installed, all of it, and by which Debian packages it comes
need = for c in $(1); do command -v $${c%%:*} > /dev/null || echo "$${c\#\#*:}"; done | sort -u | xargs | sed -n 's/..*/make $@ needs the packages: &/p' | grep . && exit 1 || true

OFF = $(PARTS) SEEN_IDS MESSAGE_BYTES RESULT_BYTES
lint: ## warnings as errors on gcc and clang in all variants, symbols, clang-tidy, cppcheck
	@$(call need,gcc:gcc g++:g++ clang:clang clang-tidy:clang-tidy cppcheck:cppcheck)
	@echo '#include <string.h>' | gcc -m32 -E - > /dev/null 2>&1 || { echo "make lint needs the package: gcc-12-multilib"; exit 1; }
	@mkdir -p $(BUILD)
	for cc in "gcc -std=c99" "gcc -std=c11" "clang -std=c99" "gcc -std=c99 -m32" "gcc -std=c99 -DINNGEST_NO_CAS" "gcc -std=c99 -DINNGEST_WORD_BITS=8" "gcc -std=c99 -U__GNUC__" "gcc -std=c11 -U__GNUC__" $(OFF:%="gcc -std=c99 -DINNGEST_%=0") "gcc -std=c99 $(PARTS:%=-DINNGEST_%=0) -DINNGEST_SEEN_IDS=0"; do \
	$$cc $(WARN) -Werror -Os -c inngest.c -o $(BUILD)/lint.o || exit 1; done
	if command -v tcc > /dev/null; then tcc -std=c99 -Wall -Werror -c inngest.c -o $(BUILD)/lint.o; fi
	for cc in gcc clang "gcc -m32 -isystem /usr/include/$$(gcc -print-multiarch)"; do $$cc -std=c99 $(WARN) -Werror -O2 -I. -c port/posix/inngest_posix.c -o $(BUILD)/lint.o || exit 1; done
	echo '#include "port/posix/inngest_posix.h"' | g++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -I. -c - -o $(BUILD)/cxx.o
	for cc in "clang -O3" "clang -Os" "gcc -O2" "gcc -Os"; do $$cc -std=c99 -c inngest.c -o $(BUILD)/lint.o || exit 1; \
	! nm -u $(BUILD)/lint.o | awk '{print $$2}' | grep -Ev '^(mem(cpy|move|set|cmp|chr)|str(len|n?cmp|nlen|chr)|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$$' || exit 1; done
	@size -A $(BUILD)/lint.o | awk '$$1 == ".data" || $$1 == ".bss" {n += $$2} END {if (n) {print "writable data:", n; exit 1}}'
	clang-tidy --quiet inngest.c -- -std=c99 -I.
	cppcheck --quiet -UINNGEST_CONFIG -D__GNUC__=12 -D__GCC_ATOMIC_INT_LOCK_FREE=2 --std=c99 --error-exitcode=1 --inline-suppr --enable=warning,portability -I. inngest.c port/posix/inngest_posix.c

SHORT =
soak: $(BUILD)/power_cut $(BUILD)/rot $(BUILD)/faults $(BUILD)/storm $(BUILD)/storm_near $(BUILD)/tempest $(BUILD)/tempest_small $(BUILD)/tempest_near $(BUILD)/firmwares $(BUILD)/firmwares_disk $(BUILD)/chains $(BUILD)/twins $(BUILD)/clocks $(BUILD)/clocks_small $(BUILD)/clocks_dark $(BUILD)/clocks_disk $(BUILD)/ages $(BUILD)/ages_small $(BUILD)/ages_near $(BUILD)/posix_kill ## power cut everywhere, twice: over a million images in two processes; 100,000 with rot, 100,000 lives with faults, 4,000 with all at once, 80,000 of drawn jobs and builds, 2,000 in each of twelve builds, 60,000 of clocks, 60,000 of old journals, 15,000 on disks and of chains, 500 kills; SHORT=1: a minute
	@of=2 n=50000 bits=1 kills=500 seed=0; [ -z "$(SHORT)" ] || { of=16 n=3000 bits=7 kills=200 seed=$(or $(SEED),$$(date +%s)); echo "seed $$seed"; }; \
	for part in 0 1; do { $(BUILD)/power_cut soak $$(((seed + part) % of)) $$of; $(BUILD)/rot $$n $$((1 + n * part + seed)) $$bits; \
	$(BUILD)/faults $$n $$((1 + n * part + seed)); $(BUILD)/storm $$((n / 50)) $$((1 + n * part + seed)); \
	$(BUILD)/storm_near $$((n / 50)) $$((1 + n * part + seed)); $(BUILD)/twins $$((n / 50)) $$((1 + n * part + seed)); \
	for t in firmwares_disk clocks_disk chains; do $(BUILD)/$$t $$((n / 20)) $$((1 + n * part + seed)); done; \
	for t in tempest tempest_small tempest_near firmwares clocks clocks_small clocks_dark ages ages_small ages_near; do $(BUILD)/$$t $$((n / 5)) $$((1 + n * part + seed)); done; } > $(BUILD)/soak.$$part.log 2>&1 & done; \
	$(BUILD)/posix_kill $$((seed + 1)) $$kills > $(BUILD)/soak.2.log 2>&1; cat $(BUILD)/soak.2.log; wait; \
	cat $(BUILD)/soak.0.log $(BUILD)/soak.1.log $(BUILD)/soak.2.log | awk '/^[0-9]+ images, / {i += $$1; d += $$3; next} /^[0-9]+ damaged images, / {r += $$1; next} \
	/^tests.*passed, / {p += $$2; f += $$4; next} !/ operations, | kills, | mounts, | boots, |^seed [0-9]*$$/ {print} \
	END {printf "%d images, %d distinct states; %d with rot\n%d passed, %d failed\n", i, d, r, p, f; exit f > 0 || p == 0}'

VALGRIND = $(filter-out power_cut bounds storm storm_near tempest tempest_% firmwares firmwares_% chains twins clocks clocks_% ages ages_% posix_%,$(TESTS))
sanitize: ## the tests under ASan and UBSan, the queue under TSan, tests without a clock under valgrind
	@$(call need,valgrind:valgrind)
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover" test
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan CFLAGS="-O1 -g -fsanitize=thread" TESTS=posix_wake SCRIPTS= test
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/valgrind RUN="valgrind -q --error-exitcode=99" TESTS="$(VALGRIND)" SCRIPTS= test

model: ## the queue between threads in spin: it holds, and its mutants fail
	@BUILD="$(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)" sh tests/models/model.sh

size: ## code, RAM and stack for Cortex-M0, M3, RV32IMAC and AVR at -Os, and what each optional part costs
	@BUILD="$(BUILD)" PARTS="$(PARTS) SEEN_IDS" sh tests/size.sh

cov: ## branch coverage of inngest.c over the tests, by gcov: fails if one is not taken and not justified on its line
	@$(call need,gcc:gcc gcov:gcc)
	@rm -rf $(BUILD)/cov; mkdir -p $(BUILD)/cov; $(MAKE) --no-print-directory BUILD=$(BUILD)/cov CC=gcc CFLAGS="-O0 -g --coverage" SCRIPTS= test > $(BUILD)/cov.log 2>&1 || { tail -20 $(BUILD)/cov.log; exit 1; }; tail -1 $(BUILD)/cov.log
	@cp -p inngest.c $(BUILD)/cov && cd $(BUILD)/cov && gcov -b -c -o . inngest.o > gcov.log && awk -f "$(CURDIR)/tests/cov.awk" inngest.c.gcov

bench: ## speed: figures, a table of them beside the goals, a plot; QUICK=1: under a minute
	@BUILD="$(BUILD)" CC="$(CC)" QUICK="$(QUICK)" sh tests/bench/bench.sh

MUTANTS =
SEED =
mutants: ## break inngest.c in one place at a time: do the tests notice? half an hour on two cores; MUTANTS=40 [SEED=...]: so many of them
	@$(call need,python3:python3)
	@BUILD="$(BUILD)" CC="$(CC)" MUTANTS="$(MUTANTS)" SEED="$(SEED)" python3 tests/mutants.py

include tests/targets/targets.mk

clean: ## remove what was built
	rm -rf $(BUILD)

.SECONDARY:
.PHONY: help soak model test readme tool demo install uninstall lint sanitize size fuzz bench mutants budget clean always cov
