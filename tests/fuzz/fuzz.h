/* SPDX-License-Identifier: MIT
 * One entry for libFuzzer, or with INNGEST_FUZZ_CORPUS, a folder, a program that runs the files in it. */
#ifndef FUZZ_H
#define FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stop the fuzzer: this cannot be. */
#define MUST(what) do { if (!(what)) { (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); abort(); } } while (0)

#ifdef INNGEST_FUZZ_CORPUS
#include <dirent.h>
int main(void)
{
    static uint8_t bytes[65536];
    DIR *folder = opendir(INNGEST_FUZZ_CORPUS);
    const struct dirent *entry;
    unsigned n = 0;
    while (folder && (entry = readdir(folder)) != NULL) {
        char path[512];
        uint8_t *exact;
        size_t size, k;
        FILE *f;
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", INNGEST_FUZZ_CORPUS, entry->d_name);
        f = fopen(path, "rb");
        MUST(f != NULL);
        size = fread(bytes, 1, sizeof bytes, f);
        (void)fclose(f);
        exact = malloc(size ? size : 1);             /* so that a sanitizer sees a byte too far */
        MUST(exact != NULL);
        for (k = 0; k < size; k++) exact[k] = bytes[k];
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        n++;
    }
    if (folder) (void)closedir(folder);
    printf("tests/fuzz, %s: %u passed, %u failed\n", INNGEST_FUZZ_CORPUS, n, n == 0);
    return n == 0;
}
#endif
#endif
