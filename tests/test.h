/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H
#include <stdio.h>
static unsigned long test_passed, test_failed;
#define CHECK(what) ((what) ? (void)test_passed++ : \
    (test_failed++ < 20 ? (void)printf("%s:%d: %s\n", __FILE__, __LINE__, #what) : (void)0))
#define TEST_END() (printf("%s: %lu passed, %lu failed\n", __FILE__, test_passed, test_failed), test_failed != 0)
#endif
