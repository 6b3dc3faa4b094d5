targets: ## boot real images under the emulators that are installed; REQUIRE_ALL=1: a skip of all but the two kernels is a failure; ONLY="name ..."
	@BUILD="$(BUILD)" CC="$(CC)" MAKE="$(MAKE)" REQUIRE_ALL="$(REQUIRE_ALL)" sh tests/targets/run.sh $(ONLY)

.PHONY: targets
