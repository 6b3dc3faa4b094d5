/* SPDX-License-Identifier: MIT
 * Any text as a duration and as a date: what is read is in range, what is not leaves the result alone. */
#include "../../inngest.h"
#include "fuzz.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    int64_t ms = -12345;
    inngest_status status;
    if (text == NULL) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    status = inngest_parse_duration(text, &ms);
    MUST(status == INNGEST_OK ? ms >= 0 && ms <= INNGEST_DAYS(366) : ms == -12345);
    ms = -12345;
    status = inngest_parse_time(text, &ms);
    MUST(status == INNGEST_OK ? ms >= -62167219200000 - 86400000 && ms <= 253402300800000 + 86400000 : ms == -12345);
    free(text);
    return 0;
}
