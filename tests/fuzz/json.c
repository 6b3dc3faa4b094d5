/* SPDX-License-Identifier: MIT
 * Any bytes as JSON: the first is the length of a path, then the path, then the text. What one reader says of the text
 * all say, and nothing is written beyond a buffer. */
#include "../../inngest.h"
#include "fuzz.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], out[24];
    size_t length, n, out_size;
    int64_t number = 0, scaled = 0;
    bool yes = false;
    inngest_status all, whole, status;
    if (size == 0) return 0;
    length = data[0] % 64;
    out_size = 1 + data[0] / 16;
    data++;
    size--;
    if (length > size) length = size;
    memcpy(path, data, length);
    path[length < sizeof path ? length : sizeof path - 1] = 0;
    data += length;
    size -= length;
    all = inngest_json_validate(data, size);
    memset(out, 0x55, sizeof out);
    status = inngest_json_string(data, size, path, out, out_size);
    MUST(memchr(out, 0, out_size) != NULL && out[out_size] == 0x55);
    MUST(all == INNGEST_OK || status != INNGEST_OK);
    MUST(status == INNGEST_OK || out[0] == 0);
    whole = inngest_json_int64(data, size, path, &number);
    status = inngest_json_decimal(data, size, path, 0, &scaled);
    MUST(status == whole && (status != INNGEST_OK || number == scaled));
    MUST(all == INNGEST_OK || status != INNGEST_OK);
    status = inngest_json_decimal(data, size, path, data[-1] % 19, &scaled);
    MUST(all == INNGEST_OK || status != INNGEST_OK);
    status = inngest_json_bool(data, size, path, &yes);
    MUST(!(status == INNGEST_OK && whole == INNGEST_OK));
    status = inngest_json_is_null(data, size, path, &yes);
    MUST(status != INNGEST_ERR_TYPE && (all == INNGEST_OK || status != INNGEST_OK));
    status = inngest_json_count(data, size, path, &n);
    MUST(status != INNGEST_OK || n <= size);
    return 0;
}
