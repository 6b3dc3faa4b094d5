/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H
#include <stdio.h>
#ifndef TEST_FAILED
#define TEST_FAILED ((void)0)          /* mutants.py leaves at the first failed check */
#endif
static unsigned long test_passed, test_failed;
#define CHECK(what) ((what) ? (void)test_passed++ : \
    (test_failed++ < 20 ? (void)printf("%s:%d: %s\n", __FILE__, __LINE__, #what) : (void)0, TEST_FAILED))
#define TEST_END() (printf("%s: %lu passed, %lu failed\n", __FILE__, test_passed, test_failed), test_failed != 0)
#endif
