#!/bin/sh
# SPDX-License-Identifier: MIT
# The host tests on a 32-bit ARM.
. tests/targets/cross.inc
cross_tests armhf arm-linux-gnueabihf arm armhf queue_bytes
