/* SPDX-License-Identifier: MIT
 * The JSON readers: what is accepted and refused (JSONTestSuite, and an oracle written another way), every reader on
 * memory and on the event of a run, every status, every boundary of the numbers, strings and nesting. */
#include "../port/flash_emulator/flash_emulator.h"
#include "json_suite.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define OK INNGEST_OK
#define NOT_FOUND INNGEST_ERR_NOT_FOUND
#define TYPE INNGEST_ERR_TYPE
#define JSON INNGEST_ERR_JSON
#define TOO_LONG INNGEST_ERR_TOO_LONG
#define RANGE INNGEST_ERR_RANGE
#define DEPTH INNGEST_ERR_DEPTH
#define ARGUMENT INNGEST_ERR_ARGUMENT

/* ---- an engine that runs a body in a handler ---- */

static flash chip;
static inngest jobs;
static int64_t memory[INNGEST_MEMORY(2, 2) / 8 + 1];
static uint32_t now;
static inngest_status (*body)(inngest_ctx *ctx);
static unsigned bodies;
static inngest_end_info end;
static inngest_error_info end_error;
static int (*real_read)(void *context, uint32_t address, void *data, uint32_t size);
static unsigned reads_left;            /* then one fails, tried again too; 0: none does */
static unsigned fails_left;

static inngest_status handler(inngest_ctx *ctx)
{
    bodies++;
    return body(ctx);
}

static void run_end(void *user, const inngest_end_info *info)
{
    (void)user;
    end = *info;
    memset(&end_error, 0, sizeof end_error);
    if (info->error) end_error = *info->error;
}

static int failing_read(void *context, uint32_t address, void *data, uint32_t size)
{
    if (reads_left && --reads_left == 0) fails_left = 3;
    if (fails_left && fails_left--) return -5;
    return real_read(context, address, data, size);
}

static const inngest_function functions[] = {
    { .id = "f", .event = "e", .handler = handler, .max_attempts = 1, .journal_bytes = 512 },
};
static const inngest_hooks hooks = { .run_end = run_end };

static void start(uint16_t unit)
{
    inngest_config c;
    CHECK(flash_open(&chip, 2048, 4, unit, 1));
    real_read = chip.port.read;
    chip.port.read = failing_read;
    memset(&c, 0, sizeof c);
    c.functions = functions;
    c.function_count = 1;
    c.port = &chip.port;
    c.hooks = &hooks;
    c.memory = memory;
    c.memory_size = sizeof memory;
    c.runs = 2;
    c.events = 2;
    CHECK(inngest_init(&jobs, &c, NULL) == OK);
}

/* Run a body on an event with this data. */
static void on_event(const void *data, size_t size, inngest_status (*what)(inngest_ctx *ctx))
{
    body = what;
    bodies = 0;
    CHECK(inngest_send(&jobs, "e", data, size) == OK);
    inngest_tick(&jobs, ++now);
    CHECK(bodies == 1);
}

/* ---- readers, on exactly sized memory and on an event ---- */

static void *exact(const void *text, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (copy && size) memcpy(copy, text, size);
    return copy;
}

static inngest_status validate(const char *text, size_t size)
{
    void *copy = exact(text, size);
    inngest_status status = inngest_json_validate(copy, size);
    free(copy);
    return status;
}

static const char *event_path;
static inngest_status event_status, event_status2;
static char event_out[200];
static size_t event_out_size;
static int64_t event_value;
static unsigned event_digits;
static bool event_truth, event_null;
static size_t event_elements;

static inngest_status read_string(inngest_ctx *ctx)
{
    event_status = inngest_event_string(ctx, event_path, event_out, event_out_size);
    return OK;
}

static inngest_status read_null(inngest_ctx *ctx)
{
    event_status = inngest_event_is_null(ctx, event_path, &event_null);
    return OK;
}

static inngest_status read_bool(inngest_ctx *ctx)
{
    event_status = inngest_event_bool(ctx, event_path, &event_truth);
    return OK;
}

static inngest_status read_count(inngest_ctx *ctx)
{
    event_status = inngest_event_count(ctx, event_path, &event_elements);
    return OK;
}

static inngest_status read_number(inngest_ctx *ctx)
{
    int64_t other = 77;
    event_status = inngest_event_decimal(ctx, event_path, event_digits, &event_value);
    event_status2 = inngest_event_int64(ctx, event_path, &other);
    CHECK(event_digits != 0 || (event_status2 == event_status && (event_status != OK || other == event_value)));
    return OK;
}

static const char *data_path(const char *path)
{
    static char full[100];
    snprintf(full, sizeof full, "data%s%s", path[0] && path[0] != '[' ? "." : "", path);
    return full;
}

static bool fits(size_t size) { return size + 1 <= INNGEST_EVENT_BYTES; }

static bool string_is(const char *json, size_t size, const char *path, size_t out_size, inngest_status status, const char *text)
{
    char *out = malloc(out_size ? out_size : 1);
    void *copy = exact(json, size);
    bool good = inngest_json_string(copy, size, path, out, out_size) == status && (out_size == 0 || strcmp(out, text) == 0);
    free(copy);
    free(out);
    if (good && fits(size) && out_size && out_size <= sizeof event_out) {
        event_path = data_path(path);
        event_out_size = out_size;
        memset(event_out, 'x', sizeof event_out);
        on_event(json, size, read_string);
        good = event_status == status && strcmp(event_out, text) == 0;
    }
    return good;
}

static bool string_at(const char *json, const char *path, inngest_status status, const char *text)
{
    return string_is(json, strlen(json), path, 100, status, text);
}

static bool decimal_at(const char *json, const char *path, unsigned digits, inngest_status status, int64_t value)
{
    size_t size = strlen(json);
    void *copy = exact(json, size);
    int64_t out = 77, whole = 77;
    bool good = inngest_json_decimal(copy, size, path, digits, &out) == status && out == (status == OK ? value : 77);
    if (digits == 0) good = good && inngest_json_int64(copy, size, path, &whole) == status && whole == out;
    free(copy);
    if (good && fits(size)) {
        event_path = data_path(path);
        event_digits = digits;
        event_value = 77;
        on_event(json, size, read_number);
        good = event_status == status && event_value == out;
    }
    return good;
}

static bool int_is(const char *json, inngest_status status, int64_t value) { return decimal_at(json, "", 0, status, value); }

static bool count_is(const char *json, const char *path, inngest_status status, size_t n)
{
    size_t out = 77;
    bool good = inngest_json_count(json, strlen(json), path, &out) == status && out == (status == OK ? n : 77);
    if (good && fits(strlen(json))) {
        event_path = data_path(path);
        event_elements = 77;
        on_event(json, strlen(json), read_count);
        good = event_status == status && event_elements == out;
    }
    return good;
}

static bool bool_is(const char *json, const char *path, inngest_status status, bool truth)
{
    bool out = !truth;
    bool good = inngest_json_bool(json, strlen(json), path, &out) == status && (out == truth) == (status == OK);
    event_path = data_path(path);
    event_truth = !truth;
    on_event(json, strlen(json), read_bool);
    return good && event_status == status && event_truth == out;
}

static bool null_is(const char *json, const char *path, inngest_status status, bool null)
{
    bool out = !null;
    bool good = inngest_json_is_null(json, strlen(json), path, &out) == status && (out == null) == (status == OK);
    event_path = data_path(path);
    event_null = !null;
    on_event(json, strlen(json), read_null);
    return good && event_status == status && event_null == out;
}

/* ---- JSONTestSuite ---- */

static inngest_status expected(const char *name)
{
    if (name[0] == 'y' || strncmp(name, "i_number", 8) == 0) return OK;   /* well-formed; a reader may find it out of range */
    if (strcmp(name, "i_structure_500_nested_arrays") == 0) return DEPTH;
    return JSON;                       /* n_; lone surrogates, invalid UTF-8, a byte order mark, UTF-16 */
}

static void suite(void)
{
    static char deep[250001];
    unsigned i, accepted = 0, refused = 0, up_to_us = 0;
    for (i = 0; i < sizeof json_suite / sizeof *json_suite; i++) {
        const char *name = json_suite[i].name;
        inngest_status status = validate(json_suite[i].text, json_suite[i].size);
        accepted += name[0] == 'y';
        refused += name[0] == 'n';
        up_to_us += name[0] == 'i';
        CHECK(status == expected(name));
        if (status != expected(name)) printf("%s: %d\n", name, (int)status);
        if (!fits(json_suite[i].size)) continue;
        event_path = "data";
        on_event(json_suite[i].text, json_suite[i].size, read_null);
        CHECK(event_status == expected(name));
    }
    CHECK(accepted == 95 && refused == 186 && up_to_us == 35);
    memset(deep, '[', 100000);
    CHECK(validate(deep, 100000) == DEPTH);
    for (i = 0; i < 50000; i++) memcpy(deep + i * 5, "[{\"\":", 5);
    deep[250000] = '\n';
    CHECK(validate(deep, 250001) == DEPTH);
}

/* ---- an oracle: recursive, on text that ends with a 0 ---- */

static const char *oracle_blank(const char *p) { return p + strspn(p, " \t\n\r"); }

static const char *oracle_string(const char *p)
{
    if (*p++ != '"') return NULL;
    while (*p != '"') {
        unsigned char c = (unsigned char)*p++;
        if (c < 32 || c > 127) return NULL;      /* the samples are ASCII */
        if (c != '\\') continue;
        if (*p == 'u') {
            if (strspn(p + 1, "0123456789abcdefABCDEF") < 4) return NULL;
            if ((p[1] | 32) == 'd' && !(p[2] >= '0' && p[2] <= '7')) return NULL;   /* no pairs in them */
            p += 5;
        } else if (*p && strchr("\"\\/bfnrt", *p)) p++;
        else return NULL;
    }
    return p + 1;
}

static const char *oracle_number(const char *p)
{
    size_t n;
    if (*p == '-') p++;
    n = strspn(p, "0123456789");
    if (n == 0 || (n > 1 && *p == '0')) return NULL;
    p += n;
    if (*p == '.') {
        n = strspn(++p, "0123456789");
        if (n == 0) return NULL;
        p += n;
    }
    if (*p == 'e' || *p == 'E') {
        if (*++p == '-' || *p == '+') p++;
        n = strspn(p, "0123456789");
        if (n == 0) return NULL;
        p += n;
    }
    return p;
}

static const char *oracle_value(const char *p)
{
    char close;
    p = oracle_blank(p);
    if (*p == '"') return oracle_string(p);
    if (strncmp(p, "true", 4) == 0 || strncmp(p, "null", 4) == 0) return p + 4;
    if (strncmp(p, "false", 5) == 0) return p + 5;
    if (*p != '{' && *p != '[') return oracle_number(p);
    close = *p == '{' ? '}' : ']';
    p = oracle_blank(p + 1);
    if (*p == close) return p + 1;
    for (;;) {
        if (close == '}') {
            p = oracle_string(oracle_blank(p));
            if (p == NULL || *(p = oracle_blank(p)) != ':') return NULL;
            p++;
        }
        p = oracle_value(p);
        if (p == NULL) return NULL;
        p = oracle_blank(p);
        if (*p == close) return p + 1;
        if (*p++ != ',') return NULL;
    }
}

static bool oracle(const char *text, size_t size)
{
    const char *p = strlen(text) == size ? oracle_value(text) : NULL;
    return p && *oracle_blank(p) == 0;
}

static const char sample[] = " {\"a\":[1,-2.50e+3,{}, [],\"x\\u00e9\\n\"],\"b\" : {\"c\":null,\"d\":[true,false,[[0]]]}\t,\"e\":\"\"}\r\n";

static void mutations(void)
{
    static const char bytes[] = "{}[]\",:\\ 0159.-+eEutfnrlsd\t/\x01";
    size_t size = sizeof sample - 1, i, j, k;
    unsigned long good = 0;
    char text[sizeof sample + 2];
    CHECK(oracle(sample, size));
    for (i = 0; i <= size; i++) {
        CHECK(validate(sample, i) == (i >= size - 2 ? OK : JSON));   /* cut short */
        for (j = 0; j < 256; j++) {                                     /* another byte, or one more */
            memcpy(text, sample, sizeof sample);
            if (i < size) text[i] = (char)j;
            CHECK((validate(text, size) == OK) == oracle(text, size));
            memcpy(text + i + 1, sample + i, size + 1 - i);
            text[i] = (char)j;
            CHECK((validate(text, size + 1) == OK) == oracle(text, size + 1));
            good += oracle(text, size + 1);
        }
        if (i < size) {                                              /* one less */
            memcpy(text, sample, i);
            memcpy(text + i, sample + i + 1, size - i);
            CHECK((validate(text, size - 1) == OK) == oracle(text, size - 1));
        }
        for (j = 0; j < sizeof bytes - 1; j++)                       /* two bytes */
            for (k = 0; i + 1 < size && k < sizeof bytes - 1; k++) {
                memcpy(text, sample, sizeof sample);
                text[i] = bytes[j];
                text[i + 1] = bytes[k];
                CHECK((validate(text, size) == OK) == oracle(text, size));
            }
    }
    CHECK(good > 100);
}

/* ---- paths ---- */

static void paths(void)
{
    static const char *const bad[] = { ".", ".a", "a.", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[1", "a]", "]", "a[1]b", "a[1]]",
                                       "[1].", "a.[1]", "a[ 1]", "a[1 ]" };
    static const char doc[] = "{\"user\":{\"email\":\"a@b.c\",\"\":1,\"e\":2},\"items\":[{\"p\":1},[10,[20,21]],{\"p\":3,\"price\":4}],"
        "\"u\\u0073er2\":5,\"k\":6,\"k\":7,\"\\u00e9\":8,\"a b\":9}";
    size_t i;
    int64_t n;
    char c[2];
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(inngest_json_int64(doc, sizeof doc - 1, bad[i], &n) == ARGUMENT);
        CHECK(inngest_json_int64("", 0, bad[i], &n) == ARGUMENT);
    }
    CHECK(string_at(doc, "user.email", OK, "a@b.c"));
    CHECK(decimal_at(doc, "user.e", 0, OK, 2));
    CHECK(decimal_at(doc, "items[0].p", 0, OK, 1));
    CHECK(decimal_at(doc, "items[1][0]", 0, OK, 10));
    CHECK(decimal_at(doc, "items[1][1][1]", 0, OK, 21));
    CHECK(decimal_at(doc, "items[2].price", 0, OK, 4));
    CHECK(decimal_at(doc, "items[00002].p", 0, OK, 3));
    CHECK(decimal_at(doc, "user2", 0, OK, 5));
    CHECK(decimal_at(doc, "k", 0, OK, 6));               /* the first of two */
    CHECK(decimal_at(doc, "\xC3\xA9", 0, OK, 8));
    CHECK(decimal_at(doc, "a b", 0, OK, 9));
    CHECK(decimal_at(doc, "items[3]", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "items[4294967296]", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "items[99999999999999999999]", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "items.p", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "user[0]", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "[0]", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "user.emai", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "user.email2", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "k.x", 0, NOT_FOUND, 0));
    CHECK(decimal_at(doc, "price", 0, NOT_FOUND, 0));     /* deeper down only */
    CHECK(decimal_at("[5]", "[0]", 0, OK, 5));
    CHECK(decimal_at("[[],[5]]", "[1][0]", 0, OK, 5));
    CHECK(decimal_at("[]", "[0]", 0, NOT_FOUND, 0));
    CHECK(decimal_at("{}", "a", 0, NOT_FOUND, 0));
    CHECK(decimal_at("null", "a", 0, NOT_FOUND, 0));
    CHECK(decimal_at("{\"a\":{\"b\":1},\"b\":2}", "b", 0, OK, 2));
    CHECK(decimal_at("{\"a\\u0000\":1,\"a\":2}", "a", 0, OK, 2));
    /* malformed anywhere, whatever the path */
    CHECK(decimal_at("{\"a\":1,}", "a", 0, JSON, 0));
    CHECK(decimal_at("{\"a\":1,\"b\":tru}", "a", 0, JSON, 0));
    CHECK(decimal_at("{\"a\":1}}", "a", 0, JSON, 0));
    CHECK(decimal_at("{\"a\":1} {}", "a", 0, JSON, 0));
    CHECK(decimal_at("{\"b\":1", "a", 0, JSON, 0));
    CHECK(decimal_at("{\"a\":xyz}", "a.b", 0, JSON, 0));
    CHECK(decimal_at("{\"a\":12x}", "a", 0, JSON, 0));
    CHECK(decimal_at("", "a", 0, JSON, 0));
    CHECK(decimal_at("  ", "", 0, JSON, 0));
    CHECK(string_at("{\"s\":\"abc\",\"b\":nul}", "s", JSON, ""));
    CHECK(string_at("{\"s\":\"abc\" \"b\":1}", "s", JSON, ""));
    /* arguments */
    CHECK(inngest_json_int64("1", 1, NULL, &n) == ARGUMENT);
    CHECK(inngest_json_int64("1", 1, "", NULL) == ARGUMENT);
    CHECK(inngest_json_int64(NULL, 1, "", &n) == ARGUMENT);
    CHECK(inngest_json_int64(NULL, 0, "", &n) == JSON);
    CHECK(inngest_json_decimal("1", 1, "", 19, &n) == ARGUMENT);
    CHECK(inngest_json_string("\"\"", 2, "", c, 0) == ARGUMENT);
    CHECK(inngest_json_string("\"\"", 2, "", NULL, 5) == ARGUMENT);
    CHECK(string_is("{\"a\"", 4, "", 5, JSON, ""));                      /* what was taken last is a key */
    CHECK(string_is("{\"a\": 1, \"b\"", 12, "", 5, JSON, ""));
    CHECK(inngest_json_bool("true", 4, "", NULL) == ARGUMENT);
    CHECK(inngest_json_is_null("true", 4, "", NULL) == ARGUMENT);
    CHECK(inngest_json_count("[]", 2, "", NULL) == ARGUMENT);
#if SIZE_MAX > 0xFFFF
    CHECK(inngest_json_validate("x", ((size_t)1 << 26) - 1) == JSON);
    CHECK(inngest_json_validate("x", (size_t)1 << 26) == TOO_LONG && inngest_json_validate("x", SIZE_MAX) == TOO_LONG);
#endif
#if SIZE_MAX > 0xFFFFFFFF
    CHECK(inngest_json_validate("x", (size_t)1 << 32) == TOO_LONG);
#endif
}

static void types(void)
{
    static const char *const values[] = { "null", "true", "false", "-1.5", "12", "\"s\"", "[1,2]", "{\"a\":1,\"a\":2,\"b\":[]}" };
    unsigned i;
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        const char *v = values[i];
        CHECK(string_at(v, "", i == 5 ? OK : TYPE, i == 5 ? "s" : ""));
        CHECK(decimal_at(v, "", 1, i == 3 || i == 4 ? OK : TYPE, i == 3 ? -15 : 120));
        CHECK(bool_is(v, "", i == 1 || i == 2 ? OK : TYPE, i == 1));
        CHECK(null_is(v, "", OK, i == 0));
        CHECK(count_is(v, "", i >= 6 ? OK : TYPE, i == 6 ? 2 : 3));
    }
    CHECK(null_is("{\"a\":1}", "b", NOT_FOUND, true));
    CHECK(bool_is("{\"a\":true,\"b\":false}", "b", OK, false));
    CHECK(bool_is("{\"a\":true,\"b\":false}", "a", OK, true));
    CHECK(bool_is("[true", "[0]", JSON, true));
    CHECK(count_is("[]", "", OK, 0));
    CHECK(count_is(" { } ", "", OK, 0));
    CHECK(count_is("[[1,2,3],{\"x\":[4,5]},[]]", "", OK, 3));
    CHECK(count_is("[[1,2,3],{\"x\":[4,5]},[]]", "[0]", OK, 3));
    CHECK(count_is("[[1,2,3],{\"x\":[4,5]},[]]", "[1].x", OK, 2));
    CHECK(count_is("[[1,2,3],{\"x\":[4,5]},[]]", "[2]", OK, 0));
    CHECK(count_is("[1,2", "", JSON, 0));
}

static void numbers(void)
{
    char text[400];
    int i, shift;
    CHECK(int_is("0", OK, 0) && int_is("-0", OK, 0) && int_is("7", OK, 7) && int_is(" -12 ", OK, -12));
    CHECK(int_is("9223372036854775807", OK, INT64_MAX));
    CHECK(int_is("-9223372036854775807", OK, -INT64_MAX));
    CHECK(int_is("-9223372036854775808", OK, INT64_MIN));
    CHECK(int_is("9223372036854775808", RANGE, 0));
    CHECK(int_is("9223372036854775809", RANGE, 0));
    CHECK(int_is("-9223372036854775809", RANGE, 0));
    CHECK(int_is("9223372036854775810", RANGE, 0));
    CHECK(int_is("18446744073709551615", RANGE, 0));
    CHECK(int_is("18446744073709551616", RANGE, 0));
    CHECK(int_is("18446744073709551617", RANGE, 0));
    CHECK(int_is("92233720368547758070", RANGE, 0));
    CHECK(int_is("9223372036854775800", OK, 9223372036854775800));
    CHECK(int_is("922337203685477580.7e1", OK, INT64_MAX));
    CHECK(int_is("-9.223372036854775808e18", OK, INT64_MIN));
    CHECK(int_is("9.223372036854775808e18", RANGE, 0));
    CHECK(int_is("1e3", OK, 1000) && int_is("1E+3", OK, 1000) && int_is("1.0", OK, 1) && int_is("-1.50e1", OK, -15));
    CHECK(int_is("1e18", OK, 1000000000000000000) && int_is("1e19", RANGE, 0) && int_is("9e18", OK, 9000000000000000000));
    CHECK(int_is("1.5", RANGE, 0) && int_is("1e-1", RANGE, 0) && int_is("10e-1", OK, 1) && int_is("15e-1", RANGE, 0));
    CHECK(int_is("100000000000000000000000000e-26", OK, 1) && int_is("0.00000000000000000000000001e26", OK, 1));
    CHECK(int_is("0e999999999999999999999", OK, 0) && int_is("0.000e-99999999999999999999", OK, 0) && int_is("-0.0", OK, 0));
    CHECK(int_is("1e999999999999999999999", RANGE, 0) && int_is("1e-999999999999999999999", RANGE, 0));
    CHECK(int_is("1e4294967296", RANGE, 0) && int_is("1e-4294967296", RANGE, 0) && int_is("1e00000000000000000003", OK, 1000));
    CHECK(int_is("1e2147483647", RANGE, 0) && int_is("1e-2147483648", RANGE, 0));
    CHECK(int_is("00", JSON, 0) && int_is("01", JSON, 0) && int_is("-", JSON, 0) && int_is("1.", JSON, 0) && int_is(".5", JSON, 0));
    CHECK(int_is("1e", JSON, 0) && int_is("1e+", JSON, 0) && int_is("+1", JSON, 0) && int_is("0x1", JSON, 0) && int_is("1 2", JSON, 0));
    CHECK(decimal_at("19.99", "", 2, OK, 1999) && decimal_at("19.995", "", 2, RANGE, 0) && decimal_at("19.9", "", 2, OK, 1990));
    CHECK(decimal_at("-0.01", "", 2, OK, -1) && decimal_at("1999e-2", "", 2, OK, 1999) && decimal_at("20", "", 2, OK, 2000));
    CHECK(decimal_at("92233720368547758.07", "", 2, OK, INT64_MAX) && decimal_at("92233720368547758.08", "", 2, RANGE, 0));
    CHECK(decimal_at("-92233720368547758.08", "", 2, OK, INT64_MIN) && decimal_at("-92233720368547758.09", "", 2, RANGE, 0));
    CHECK(decimal_at("9.223372036854775807", "", 18, OK, INT64_MAX) && decimal_at("10", "", 18, RANGE, 0));
    CHECK(decimal_at("1", "", 19, ARGUMENT, 0) && decimal_at("1", "", 1u << 29, ARGUMENT, 0) && decimal_at("1", "", (1u << 29) + 2, ARGUMENT, 0));
    CHECK(decimal_at("1", "", UINT_MAX, ARGUMENT, 0) && decimal_at("1", "", UINT_MAX - 6, ARGUMENT, 0));
    CHECK(decimal_at("19.990000000000000000000000000000000", "", 2, OK, 1999) && decimal_at("0", "", 18, OK, 0));
    CHECK(decimal_at("19.99000000000000000000000000000000001", "", 2, RANGE, 0));
    CHECK(decimal_at("{\"a\":[1.25,{\"b\":-3e2}]}", "a[1].b", 3, OK, -300000));
    /* the point and the exponent against each other, any distance */
    for (shift = 0; shift <= 300; shift += shift < 40 ? 1 : 65) {
        i = 0;
        text[i++] = '0';
        text[i++] = '.';
        memset(text + i, '0', (size_t)shift);
        i += shift;
        sprintf(text + i, "123e%d", shift + 3);
        CHECK(int_is(text, OK, 123));
        sprintf(text + i, "123e%d", shift + 2);
        CHECK(int_is(text, RANGE, 0));
        strcpy(text, "123");
        memset(text + 3, '0', (size_t)shift);
        sprintf(text + 3 + shift, "e-%d", shift);
        CHECK(int_is(text, OK, 123));
        sprintf(text + 3 + shift, "e-%d", shift + 1);
        CHECK(int_is(text, RANGE, 0));
    }
    /* every power of ten and its neighbours, at every number of digits */
    for (shift = 0; shift <= 18; shift++) {
        int64_t power = 1;
        for (i = 0; i < shift; i++) power *= 10;
        for (i = -1; i <= 1; i++) {
            sprintf(text, "%lld", (long long)(power + i));
            CHECK(int_is(text, OK, power + i));
            sprintf(text, "%llde-%d", (long long)(-power - i), shift);
            CHECK(decimal_at(text, "", (unsigned)shift, OK, -power - i));
        }
    }
}

static void strings(void)
{
    static const struct { const char *json; inngest_status status; const char *text; } cases[] = {
        { "\"\"", OK, "" }, { "\"abc\"", OK, "abc" }, { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", OK, "\"\\/\b\f\n\r\t" },
        { "\"\\u0041\\u00e9\\u20AC\\uD83D\\uDe00\"", OK, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80" },
        { "\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"", OK,
          "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" },
        { "\"\\u007F\\u0080\\u07FF\\u0800\\uD7FF\\uE000\\uFFFF\\uD800\\uDC00\\uDBFF\\uDFFF\"", OK,
          "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" },
        { "\"a\\u0000b\"", RANGE, "" }, { "\"\\u0000\"", RANGE, "" },
        { "\"\\uD800\"", JSON, "" }, { "\"\\uDC00\"", JSON, "" }, { "\"\\uD800\\u0041\"", JSON, "" }, { "\"\\uD800A\"", JSON, "" },
        { "\"\\uD800\\uD800\"", JSON, "" }, { "\"\\uDBFF\\uE000\"", JSON, "" }, { "\"\\uD800\\n\"", JSON, "" },
        { "\"\\u12\"", JSON, "" }, { "\"\\u12g4\"", JSON, "" }, { "\"\\u 123\"", JSON, "" }, { "\"\\u\x11\x11\x11\x11\"", JSON, "" },
        { "\"\\x41\"", JSON, "" }, { "\"\\", JSON, "" }, { "\"\\U0041\"", JSON, "" }, { "\"a\nb\"", JSON, "" }, { "\"a\x1F\"", JSON, "" },
        { "\"abc", JSON, "" }, { "\"abc\\\"", JSON, "" }, { "'a'", JSON, "" },
        { "\"\x80\"", JSON, "" }, { "\"\xBF\"", JSON, "" }, { "\"\xC0\x80\"", JSON, "" }, { "\"\xC1\xBF\"", JSON, "" },
        { "\"\xC2\"", JSON, "" }, { "\"\xC2\x41\"", JSON, "" }, { "\"\xE0\x9F\xBF\"", JSON, "" }, { "\"\xE0\xA0\"", JSON, "" },
        { "\"\xED\xA0\x80\"", JSON, "" }, { "\"\xED\xBF\xBF\"", JSON, "" }, { "\"\xF0\x8F\xBF\xBF\"", JSON, "" },
        { "\"\xF4\x90\x80\x80\"", JSON, "" }, { "\"\xF5\x80\x80\x80\"", JSON, "" }, { "\"\xF8\x88\x80\x80\x80\"", JSON, "" },
        { "\"\xF0\x90\x80\"", JSON, "" }, { "\"\xFF\"", JSON, "" }, { "\"\xE2\xC2\xAC\"", JSON, "" } };
    unsigned i, size;
    char json[40];
    for (i = 0; i < sizeof cases / sizeof *cases; i++) CHECK(string_at(cases[i].json, "", cases[i].status, cases[i].text));
    CHECK(string_is("\"a\0b\"", 5, "", 10, JSON, ""));
    CHECK(string_is("\"ab\"\0", 5, "", 10, JSON, ""));
    /* the end counts into the length */
    for (size = 1; size <= 8; size++) {
        CHECK(string_is("\"abcd\"", 6, "", size, size >= 5 ? OK : TOO_LONG, size >= 5 ? "abcd" : ""));
        CHECK(string_is("{\"a\":\"\\uD83D\\uDE00\"}", 20, "a", size, size >= 5 ? OK : TOO_LONG, size >= 5 ? "\xF0\x9F\x98\x80" : ""));
        CHECK(string_is("\"a\\u0000bc\"", 11, "", size, size >= 5 ? RANGE : TOO_LONG, ""));
        CHECK(string_is("[\"abcd\",]", 9, "[0]", size, JSON, ""));
    }
    CHECK(string_is("\"\"", 2, "", 1, OK, ""));
    CHECK(string_at("[\"ab\",\"cd\",[\"ef\"]]", "[0]", OK, "ab"));   /* nothing of the others comes into it */
    CHECK(string_at("[\"ab\",\"cd\",[\"ef\"]]", "[1]", OK, "cd"));
    CHECK(string_at("{\"a\":\"ab\",\"b\":\"cd\"}", "a", OK, "ab"));
    CHECK(string_at("[[\"ab\"],\"cd\"]", "[0]", TYPE, ""));
    /* every code unit: what is one, and how long it becomes */
    for (i = 0; i <= 0xFFFF; i++) {
        char out[8];
        inngest_status status;
        unsigned n = (unsigned)sprintf(json, "\"\\u%04X\"", i);
        status = inngest_json_string(json, n, "", out, sizeof out);
        if (i == 0) CHECK(status == RANGE);
        else if (i >= 0xD800 && i < 0xE000) CHECK(status == JSON);
        else {
            char raw[12];
            CHECK(status == OK && strlen(out) == (i < 0x80 ? 1u : i < 0x800 ? 2u : 3u));
            n = (unsigned)sprintf(raw, "\"%s\"", out);
            if (i >= 0x20 && i != '"' && i != '\\')
                CHECK(inngest_json_string(raw, n, "", json, sizeof json) == OK && strcmp(json, out) == 0);
        }
    }
}

static void nesting(void)
{
    static char text[600];
    unsigned deep, kind;
    for (deep = 1; deep <= INNGEST_JSON_DEPTH + 1; deep++)
        for (kind = 0; kind < 3; kind++) {                  /* arrays, objects, both in turn */
            inngest_status status = deep <= INNGEST_JSON_DEPTH ? OK : DEPTH;
            unsigned i, n = 0;
            int64_t value = 0;
            char path[200] = "";
            for (i = 0; i < deep; i++) {
                bool object = kind == 1 || (kind == 2 && i % 3 == 1);
                n += (unsigned)sprintf(text + n, object ? "{\"a\":" : "[");
                strcat(path, object ? i ? ".a" : "a" : "[0]");
            }
            text[n++] = '5';
            for (i = deep; i-- > 0; ) text[n++] = kind == 1 || (kind == 2 && i % 3 == 1) ? '}' : ']';
            CHECK(validate(text, n) == status);
            CHECK(inngest_json_int64(text, n, path, &value) == status && value == (status == OK ? 5 : 0));
            for (i = 1; i <= deep && status == OK; i++) {    /* a wrong bracket anywhere */
                text[n - i] ^= ']' ^ '}';
                CHECK(validate(text, n) == JSON);
                text[n - i] ^= ']' ^ '}';
            }
            CHECK(validate(text, n - 1) == (status == OK ? JSON : DEPTH));
        }
}

/* ---- events ---- */

static inngest_status bad_paths(inngest_ctx *ctx)
{
    static const char *const bad[] = { "", "dat", "datax", "x", "name", "data.", "data..a", "data[", "data]", "data[a]", "Data.a", "data .a" };
    unsigned i;
    char c[4];
    int64_t n;
    bool b;
    size_t count;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(inngest_event_int64(ctx, bad[i], &n) == ARGUMENT);
    CHECK(inngest_event_int64(ctx, NULL, &n) == ARGUMENT);
    CHECK(inngest_event_int64(ctx, "data.a", NULL) == ARGUMENT);
    CHECK(inngest_event_decimal(ctx, "data.a", 19, &n) == ARGUMENT);
    CHECK(inngest_event_string(ctx, "data.a", NULL, 4) == ARGUMENT);
    CHECK(inngest_event_string(ctx, "data.a", c, 0) == ARGUMENT);
    CHECK(inngest_event_bool(ctx, "data.a", NULL) == ARGUMENT);
    CHECK(inngest_event_is_null(ctx, "data.a", NULL) == ARGUMENT);
    CHECK(inngest_event_count(ctx, "data.a", NULL) == ARGUMENT);
    CHECK(inngest_event_bool(ctx, "data.a", &b) == TYPE);
    CHECK(inngest_event_count(ctx, "data", &count) == OK && count == 1);
    return OK;
}

static inngest_status caught(inngest_ctx *ctx)
{
    int64_t n;
    CHECK(inngest_event_int64(ctx, "data.b", &n) == NOT_FOUND);
    return OK;
}

static inngest_status uncaught(inngest_ctx *ctx)
{
    char email[8];
    INNGEST_TRY(inngest_event_string(ctx, event_path, email, sizeof email));
    return OK;
}

static unsigned paused;
static inngest_status damaged(inngest_ctx *ctx)
{
    char text[8];
    inngest_status status;
    reads_left = event_digits;
    memset(text, 'x', sizeof text);
    status = inngest_event_string(ctx, "data.s", text, sizeof text);
    if (reads_left == 0) {
        paused++;
        CHECK(status == INNGEST_PAUSED && text[0] != 'y');
    } else CHECK(status == OK && strcmp(text, "y") == 0);
    reads_left = 0;
    return status;
}

static void event_errors(void)
{
    static const struct { const char *path, *data; inngest_status status; } cases[] = {
        { "data.email", "{\"e\":1}", NOT_FOUND }, { "data.email", "{\"email\":1}", TYPE }, { "data.email", "{\"email\":\"a\"", JSON },
        { "data.email", "{\"email\":\"12345678\"}", TOO_LONG }, { "data.email", "{\"email\":\"\\u0000\"}", RANGE },
        { "data.email", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", DEPTH },
        { "email", "{\"email\":\"a\"}", ARGUMENT }, { "data.email", "{\"email\":\"1234567\"}", OK } };
    unsigned i;
    on_event("{\"a\":1}", 7, bad_paths);
    on_event("{\"a\":1}", 7, caught);
    CHECK(end.status == OK);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        event_path = cases[i].path;
        on_event(cases[i].data, strlen(cases[i].data), uncaught);
        CHECK((end.status == OK) == (cases[i].status == OK));
        CHECK(end_error.status == cases[i].status);
        CHECK(cases[i].status == OK || strcmp(end_error.message, cases[i].path) == 0);
    }
    on_event("", 0, uncaught);
    CHECK(end_error.status == JSON);
}

static void unreadable(void)
{
    static const char data[] = "{\"filler\":\"0123456789012345678901234567890123456789\",\"s\":\"y\",\"more\":[0,1,2,3,4,5,6,7,8,9,10]}";
    unsigned n, before;
    for (n = 1; n < 100; n++) {
        inngest_run_info info;
        uint32_t cursor = 0;
        start(4);
        before = paused;
        event_digits = n;
        on_event(data, sizeof data - 1, damaged);
        CHECK(inngest_next_run(&jobs, &cursor, &info) == (paused != before));
        if (paused != before) CHECK(info.wait == INNGEST_WAIT_DAMAGE);
        flash_close(&chip);
        if (paused == before) break;
    }
    CHECK(n > 3 && n < 100);           /* more than the look for the record failed once */
}

static void windows(void)
{
    static const char pieces[] = "\"\\uD83D\\uDE00\xE2\x82\xAC\\n\xF0\x9F\x98\x80z\"";
    static const char text[] = "\xF0\x9F\x98\x80\xE2\x82\xAC\n\xF0\x9F\x98\x80z";
    char json[INNGEST_EVENT_BYTES];
    unsigned at, n;
    for (at = 0; at + sizeof pieces + 40 < INNGEST_EVENT_BYTES; at++) {
        memset(json, ' ', at);
        n = at + (unsigned)sprintf(json + at, "{\"key\":%s,\"n\":-120.5e1,\"t\":true}", pieces);
        CHECK(string_is(json, n, "key", sizeof text, OK, text));
        json[n] = 0;
        CHECK(decimal_at(json, "n", 0, OK, -1205));
        CHECK(bool_is(json, "t", OK, true));
        json[n - 1] = ']';
        CHECK(string_is(json, n, "key", sizeof text, JSON, ""));
        json[n - 1] = ' ';
        CHECK(string_is(json, n, "key", sizeof text, JSON, ""));
    }
    /* as large as an event may be, and every shorter one */
    for (n = 2; n < INNGEST_EVENT_BYTES; n++) {
        static char want[INNGEST_EVENT_BYTES];
        memset(json, 'a', n);
        json[0] = json[n - 1] = '"';
        memset(want, 'a', n - 2);
        want[n - 2] = 0;
        CHECK(string_is(json, n, "", n - 1, OK, want));
        CHECK(n == 2 || string_is(json, n, "", n - 2, TOO_LONG, ""));
        json[n - 1] = 'a';
        CHECK(string_is(json, n, "", n, JSON, ""));
    }
    memset(json, '7', sizeof json);
    CHECK(inngest_send(&jobs, "e", json, INNGEST_EVENT_BYTES) == INNGEST_ERR_EVENT_SIZE);
}

/* A reader that is refused at once leaves no text of before behind. */
static void refused(void)
{
    char text[8] = "before";
    CHECK(inngest_json_string(NULL, 5, "a", text, sizeof text) == INNGEST_ERR_ARGUMENT && text[0] == 0);
    CHECK(inngest_json_string("{}", 2, NULL, text, 0) == INNGEST_ERR_ARGUMENT && inngest_json_string("{}", 2, "a", NULL, 3) == INNGEST_ERR_ARGUMENT);
#if SIZE_MAX > 0xFFFF
    text[0] = 'b';
    CHECK(inngest_json_string("{}", (size_t)1 << 26, "a", text, sizeof text) == INNGEST_ERR_TOO_LONG && text[0] == 0);
#endif
}

int main(void)
{
    start(8);
    refused();
    suite();
    mutations();
    paths();
    types();
    numbers();
    strings();
    nesting();
    event_errors();
    windows();
    CHECK(chip.violations == 0);
    flash_close(&chip);
    unreadable();
    return TEST_END();
}
