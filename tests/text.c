/* SPDX-License-Identifier: MIT
 * Durations and dates as text: every form, every refusal, every day of the years 0000 to 9999 against a count of days
 * that is made another way. */
#include "inngest.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#define ARGUMENT INNGEST_ERR_ARGUMENT
#define RANGE INNGEST_ERR_RANGE
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define UNTOUCHED INT64_C(-12345678901)

/* Texts are read from memory of exactly their size, so that a sanitizer sees a step beyond. */
static char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    if (copy) strcpy(copy, text);
    return copy;
}

static bool duration(const char *text, inngest_status status, int64_t value)
{
    char *copy = exact(text);
    int64_t ms = UNTOUCHED;
    bool good = inngest_parse_duration(copy, &ms) == status && ms == (status == INNGEST_OK ? value : UNTOUCHED);
    if (!good) printf("\"%s\": %d\n", text, (int)inngest_parse_duration(copy, &ms));
    free(copy);
    return good;
}

static bool instant(const char *text, inngest_status status, int64_t value)
{
    char *copy = exact(text);
    int64_t ms = UNTOUCHED;
    bool good = inngest_parse_time(copy, &ms) == status && ms == (status == INNGEST_OK ? value : UNTOUCHED);
    if (!good) printf("\"%s\": %d, %lld\n", text, (int)inngest_parse_time(copy, &ms), (long long)ms);
    free(copy);
    return good;
}

static void durations(void)
{
    static const struct { const char *name; int64_t ms; } units[] = {
        { "ms", 1 }, { "msec", 1 }, { "msecs", 1 }, { "millisecond", 1 }, { "milliseconds", 1 },
        { "s", SECOND }, { "sec", SECOND }, { "secs", SECOND }, { "second", SECOND }, { "seconds", SECOND },
        { "m", MINUTE }, { "min", MINUTE }, { "mins", MINUTE }, { "minute", MINUTE }, { "minutes", MINUTE },
        { "h", HOUR }, { "hr", HOUR }, { "hrs", HOUR }, { "hour", HOUR }, { "hours", HOUR },
        { "d", DAY }, { "day", DAY }, { "days", DAY }, { "w", 7 * DAY }, { "week", 7 * DAY }, { "weeks", 7 * DAY },
        { "y", 365 * DAY + 6 * HOUR }, { "yr", 365 * DAY + 6 * HOUR }, { "yrs", 365 * DAY + 6 * HOUR },
        { "year", 365 * DAY + 6 * HOUR }, { "years", 365 * DAY + 6 * HOUR } };
    static const char *const malformed[] = { "5{", "5 {", "5s{", "5 ms~",
        "", " ", "   ", "-1s", "-5", "+1s", "1 -2s", "s", "h 1", ".", ".s", "5.", "5.s", "5. s", "1..5s", "1.5.5s", "1,5s", "1 s.", "1e3",
        "1e3s", "0x10", "1h 30", "1h30", "30 1h", "5 5s", "5 5", "1h-30m", "1h, 30m", "1h and 30m", "ms5", "5 parsecs", "5 secss", "5ss",
        "5 mss", "5hs", "5 secondss", "5 da", "5 dayz", "5 mi", "5 minu", "5 mill", "5 millis", "5 months", "5 mo", "5us", "5ns", "5\xC2\xB5s",
        "5\ts", "5s\n", "\n5s", "5s;", "5s 0", "five s", "5s5", "P1D", "PT30S", "Infinity", "NaN", "null", "1_000s", "1'000s", "5 @", "5@",
        "5\x13", "5S\x13", "\xB5", "1 y e", "5 d\xE9" };
    char text[200];
    unsigned i, j;
    for (i = 0; i < sizeof units / sizeof *units; i++) {
        static const char *const forms[] = { "1%s", "1 %s", "  1  %s ", "01%s", "1.0 %s", "1.%s", "1s%s", "1%s1" };
        for (j = 0; j < sizeof forms / sizeof *forms; j++) {
            sprintf(text, forms[j], units[i].name);
            if (strcmp(text, "1sms") == 0) CHECK(duration(text, ARGUMENT, 0));
            else CHECK(duration(text, j < 5 ? INNGEST_OK : ARGUMENT, units[i].ms));
        }
        sprintf(text, "1%s", units[i].name);
        for (j = 1; text[j]; j++) {
            text[j] = (char)(text[j] - 32);              /* capitals */
            CHECK(duration(text, INNGEST_OK, units[i].ms));
        }
        sprintf(text, ".5%s", units[i].name);
        CHECK(duration(text, INNGEST_OK, (units[i].ms + 1) / 2));
        sprintf(text, "0 %s", units[i].name);
        CHECK(duration(text, INNGEST_OK, 0));
        /* the longest, and one more */
        sprintf(text, "%lld%s", (long long)(366 * DAY / units[i].ms), units[i].name);
        CHECK(duration(text, INNGEST_OK, 366 * DAY / units[i].ms * units[i].ms));
        sprintf(text, "%lld%s", (long long)(366 * DAY / units[i].ms + 1), units[i].name);
        CHECK(duration(text, RANGE, 0));
        sprintf(text, "9223372036854775807%s", units[i].name);
        CHECK(duration(text, RANGE, 0));
        sprintf(text, "18446744073709551617%s", units[i].name);
        CHECK(duration(text, RANGE, 0));
        memset(text, '9', 150);
        strcpy(text + 150, units[i].name);
        CHECK(duration(text, RANGE, 0));
        memset(text, '0', 150);
        text[149] = '1';
        CHECK(duration(text, INNGEST_OK, units[i].ms));
    }
    for (i = 0; i < sizeof malformed / sizeof *malformed; i++) CHECK(duration(malformed[i], ARGUMENT, 0));
    CHECK(duration("30s", INNGEST_OK, 30000) && duration("500ms", INNGEST_OK, 500) && duration("500", INNGEST_OK, 500));
    CHECK(duration("0", INNGEST_OK, 0) && duration("1.5h", INNGEST_OK, 90 * MINUTE) && duration("2.5 days", INNGEST_OK, 60 * HOUR));
    CHECK(duration("1h 30m", INNGEST_OK, 90 * MINUTE) && duration("1h30m", INNGEST_OK, 90 * MINUTE));
    CHECK(duration("30m 1h", INNGEST_OK, 90 * MINUTE) && duration("1h1h", INNGEST_OK, 2 * HOUR));
    CHECK(duration("1w2d3h4m5s6ms", INNGEST_OK, 9 * DAY + 3 * HOUR + 4 * MINUTE + 5006));
    CHECK(duration(" 1 week 2 days  3.5 hours 4 mins 5 secs 6 msecs ", INNGEST_OK, 9 * DAY + 3 * HOUR + 34 * MINUTE + 5006));
    CHECK(duration("0.001s", INNGEST_OK, 1) && duration("0.0001s", INNGEST_OK, 1) && duration("1.0001s", INNGEST_OK, 1001));
    CHECK(duration("0.5", INNGEST_OK, 1) && duration("1.5ms", INNGEST_OK, 2) && duration("0.0ms", INNGEST_OK, 0));
    CHECK(duration("0.3333333333333333333333333333333333333333h", INNGEST_OK, 1200000));
    CHECK(duration("0.99999999999999999999999999999999999999999999d", INNGEST_OK, DAY));
    CHECK(duration("0.123456789y", INNGEST_OK, INT64_C(3895999965)));
    CHECK(duration("0.1d", INNGEST_OK, DAY / 10) && duration("0.7w", INNGEST_OK, 49 * DAY / 10) && duration("0.29h", INNGEST_OK, 1044000));
    CHECK(duration("366d", INNGEST_OK, 366 * DAY) && duration("366d 1ms", RANGE, 0) && duration("366.000000000001d", RANGE, 0));
    CHECK(duration("365d 24h", INNGEST_OK, 366 * DAY) && duration("200d 200d", RANGE, 0) && duration("31622400000", INNGEST_OK, 366 * DAY));
    CHECK(duration("31622400001", RANGE, 0) && duration("1y 18h", INNGEST_OK, 366 * DAY) && duration("1y 18h 0.1ms", RANGE, 0));
    CHECK(inngest_parse_duration(NULL, NULL) == ARGUMENT && inngest_parse_duration("1s", NULL) == ARGUMENT);
    {
        int64_t ms = UNTOUCHED;
        CHECK(inngest_parse_duration(NULL, &ms) == ARGUMENT && ms == UNTOUCHED);
    }
}

static unsigned length_of(unsigned year, unsigned month)
{
    static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) return 29;
    return lengths[month - 1];
}

static void calendar(void)
{
    char text[40];
    unsigned year, month, day;
    int64_t days = 0, ms;
    for (year = 0; year < 1970; year++) for (month = 1; month <= 12; month++) days -= length_of(year, month);
    CHECK(days == -719528);
    for (year = 0; year <= 9999; year++)
        for (month = 1; month <= 12; month++)
            for (day = 0; day <= 32; day++) {
                bool real = day >= 1 && day <= length_of(year, month);
                sprintf(text, "%04u-%02u-%02u", year, month, day);
                ms = UNTOUCHED;
                CHECK(inngest_parse_time(text, &ms) == (real ? INNGEST_OK : RANGE) && ms == (real ? days * DAY : UNTOUCHED));
                days += real;
            }
    CHECK(days == 2932897);
}

static void instants(void)
{
    static const char *const malformed[] = {
        "", " ", "2026", "2026-02", "2026-2-3", "26-02-03", "20260203", "2026-02-3", "2026/02/03", "2026-02-03x", "2026-02-03 ",
        " 2026-02-03", "2026-02-03T", "2026-02-03Z", "2026-02-03T09", "2026-02-03T09Z", "2026-02-03T09:30", "2026-02-03T09:30:00",
        "2026-02-03T09:30:00.5", "2026-02-03T9:30:00Z", "2026-02-03T09:3:00Z", "2026-02-03T09:30:0Z", "2026-02-03T09:30:00.Z",
        "2026-02-03T09:30:00,Z", "2026-02-03T09:30:00.5.5Z", "2026-02-03T09:30:Z", "2026-02-03T09:30.5Z", "2026-02-03T0930Z",
        "2026-02-03T093000Z", "2026-02-03T09:30:00ZZ", "2026-02-03T09:30:00Z ", "2026-02-03T09:30:00 Z", "2026-02-03T09:30:00 +01:00",
        "2026-02-03T09:30:00+", "2026-02-03T09:30:00+1", "2026-02-03T09:30:00+01:", "2026-02-03T09:30:00+01:0", "2026-02-03T09:30:00+01:000",
        "2026-02-03T09:30:00+010", "2026-02-03T09:30:00+01000", "2026-02-03T09:30:00+:30", "2026-02-03T09:30:00+01::00",
        "2026-02-03T09:30:00+01:00Z", "2026-02-03T09:30:00+01Z", "2026-02-03T09:30:00*01:00", "2026-02-03T09:30:00[Europe/London]",
        "2026-02-03T09:30:00Z[UTC]", "2026-02-03T09:30:00 GMT", "2026-02-03T09:30:00UTC", "2026-02-03  09:30:00Z", "2026-02-03_09:30:00Z",
        "2026-02-03T-9:30:00Z", "2026-02-03T09:-3:00Z", "2026-02-03T09:30:00.-5Z", "+2026-02-03", "-2026-02-03", "+002026-02-03",
        "12026-02-03", "2026-034", "2026-W05-2", "2026-02-0x", "2026-02-\xB2\xB3", "2026-02-03\x14" "09:30Z", "Feb 3 2026",
        "2026-02-03T09:30:00\x1A", "2026-02-03T09:30:00\xFF", "1770111000", "now" };
    static const char *const impossible[] = {
        "2026-00-10", "2026-13-10", "2026-99-99", "2026-01-00", "2026-01-32", "2026-04-31", "2026-02-29", "1900-02-29", "2100-02-29",
        "2024-02-30", "2026-02-03T25:00Z", "2026-02-03T24:00:01Z", "2026-02-03T24:01Z", "2026-02-03T24:00:00.001Z",
        "2026-02-03T24:00:00.0000000001Z", "2026-02-03T23:60Z", "2026-02-03T23:59:60Z", "2016-12-31T23:59:60Z", "2026-02-03T23:59:61Z",
        "2026-02-03T09:30:00+24:00", "2026-02-03T09:30:00-24", "2026-02-03T09:30:00+23:60", "2026-02-03T09:30:00+0099" };
    static const int64_t base = INT64_C(20487) * DAY;        /* 2026-02-03 */
    char text[100];
    unsigned i;
    int hour, minute;
    for (i = 0; i < sizeof malformed / sizeof *malformed; i++) CHECK(instant(malformed[i], ARGUMENT, 0));
    for (i = 0; i < sizeof impossible / sizeof *impossible; i++) CHECK(instant(impossible[i], RANGE, 0));
    CHECK(instant("1970-01-01", INNGEST_OK, 0) && instant("1970-01-01T00:00Z", INNGEST_OK, 0));
    CHECK(instant("1969-12-31T23:59:59.999Z", INNGEST_OK, -1) && instant("1969-12-31T23:59:59.9999Z", INNGEST_OK, -1));
    CHECK(instant("2001-09-09T01:46:40Z", INNGEST_OK, INT64_C(1000000000000)));
    CHECK(instant("2033-05-18T03:33:20Z", INNGEST_OK, INT64_C(2000000000000)));
    CHECK(instant("2038-01-19T03:14:08Z", INNGEST_OK, (INT64_C(1) << 31) * 1000));
    CHECK(instant("2106-02-07T06:28:16Z", INNGEST_OK, (INT64_C(1) << 32) * 1000));
    CHECK(instant("9999-12-31T23:59:59.999Z", INNGEST_OK, INT64_C(253402300799999)));
    CHECK(instant("9999-12-31T24:00Z", INNGEST_OK, INT64_C(253402300800000)));
    CHECK(instant("0000-01-01T00:00:00+23:59", INNGEST_OK, INT64_C(-62167219200000) - (23 * HOUR + 59 * MINUTE)));
    CHECK(instant("2026-02-03", INNGEST_OK, base) && instant("2024-02-29T12:00Z", INNGEST_OK, base - 705 * DAY + 12 * HOUR));
    CHECK(instant("2026-02-03T09:30Z", INNGEST_OK, base + 570 * MINUTE) && instant("2026-02-03 09:30Z", INNGEST_OK, base + 570 * MINUTE));
    CHECK(instant("2026-02-03t09:30:15z", INNGEST_OK, base + 570 * MINUTE + 15000));
    CHECK(instant("2026-02-03T24:00:00Z", INNGEST_OK, base + DAY) && instant("2026-02-03T24:00:00.000Z", INNGEST_OK, base + DAY));
    CHECK(instant("2026-02-03T24:00+02:00", INNGEST_OK, base + 22 * HOUR) && instant("2026-12-31T24:00Z", INNGEST_OK, base + 332 * DAY));
    CHECK(instant("2026-02-03T00:00:00.5Z", INNGEST_OK, base + 500) && instant("2026-02-03T00:00:00,25Z", INNGEST_OK, base + 250));
    CHECK(instant("2026-02-03T00:00:00.123Z", INNGEST_OK, base + 123) && instant("2026-02-03T00:00:00.1239999Z", INNGEST_OK, base + 123));
    CHECK(instant("2026-02-03T00:00:00.0009Z", INNGEST_OK, base) && instant("2026-02-03T00:00:59.999999999999999999999Z", INNGEST_OK, base + 59999));
    CHECK(instant("2026-02-03T09:30:00.25+05:30", INNGEST_OK, base + 4 * HOUR + 250));
    CHECK(instant("2026-02-03T09:30-0800", INNGEST_OK, base + 17 * HOUR + 30 * MINUTE) && instant("2026-02-03T09:30+01", INNGEST_OK, base + 510 * MINUTE));
    CHECK(instant("2026-02-03T00:00-00:00", INNGEST_OK, base) && instant("2026-02-03T00:00+00:00", INNGEST_OK, base));
    for (hour = 0; hour < 24; hour++)
        for (minute = 0; minute < 60; minute++) {
            int64_t time = hour * HOUR + minute * MINUTE;
            sprintf(text, "2026-02-03T%02d:%02d:%02dZ", hour, minute, minute);
            CHECK(instant(text, INNGEST_OK, base + time + minute * SECOND));
            sprintf(text, "2026-02-03T00:00:00+%02d:%02d", hour, minute);
            CHECK(instant(text, INNGEST_OK, base - time));
            sprintf(text, "2026-02-03T00:00:00-%02d%02d", hour, minute);
            CHECK(instant(text, INNGEST_OK, base + time));
        }
    /* cut short anywhere, it is another form or the date alone */
    for (i = 0; i < 29; i++) {
        strcpy(text, "2026-02-03T09:30:00.125+05:30");
        text[i] = 0;
        if (i == 10) CHECK(instant(text, INNGEST_OK, base));
        else if (i == 26) CHECK(instant(text, INNGEST_OK, base + 270 * MINUTE + 125));
        else CHECK(instant(text, ARGUMENT, 0));
    }
    CHECK(inngest_parse_time(NULL, NULL) == ARGUMENT && inngest_parse_time("2026-02-03", NULL) == ARGUMENT);
    {
        int64_t ms = UNTOUCHED;
        CHECK(inngest_parse_time(NULL, &ms) == ARGUMENT && ms == UNTOUCHED);
    }
}

int main(void)
{
    durations();
    calendar();
    instants();
    return TEST_END();
}
