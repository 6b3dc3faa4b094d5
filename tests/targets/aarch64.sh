#!/bin/sh
# SPDX-License-Identifier: MIT
# The host tests on a 64-bit ARM.
. tests/targets/cross.inc
cross_tests aarch64 aarch64-linux-gnu aarch64 arm64 faults
