/* SPDX-License-Identifier: MIT
 * The same in a build for flash, which keeps what was written in its order. */
#include "limits.c"
