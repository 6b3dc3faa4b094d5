/* SPDX-License-Identifier: MIT
 * For a twin of tests/twins.c: the code of a machine whose pointers have 32 bits and which loads bytes one by one. */
#include <stdarg.h>
#include <string.h>
#undef UINTPTR_MAX
#define UINTPTR_MAX 0xFFFFFFFF
#undef __x86_64__
