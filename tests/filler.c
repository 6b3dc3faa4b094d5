/* SPDX-License-Identifier: MIT
 * Promise 4, its other side: what the engine itself writes is never taken for damage. After an unclean stop the first
 * block entered begins with a unit left alone and one of a fixed pattern; later mounts must know them. */
#include "machine.h"

static inngest_status job(inngest_ctx *ctx)
{
    INNGEST_DO(ctx, "step") { }
    return INNGEST_OK;
}

static void unclean_boots(uint16_t program_size)
{
    static const inngest_function functions[] = { { .id = "job", .event = "test/job", .handler = job } };
    unsigned boot, i, erases = 0;
    machine_open(functions, 1, 2048, 4, program_size);
    for (boot = 0; boot < 40; boot++) {
        CHECK(machine_boot(INNGEST_RESET_POWER_ON) == INNGEST_OK);
        CHECK(machine_counters().damaged == 0);
        for (i = 0; i < 20; i++) {
            CHECK(inngest_send(&m.jobs, "test/job", "0123456789", 10) == INNGEST_OK);
            CHECK(machine_run(1));
        }
        erases += machine_counters().erases;
    }
    CHECK(erases > 4);
    MACHINE_END();
}

int main(void)
{
    unclean_boots(1);
    unclean_boots(4);
    unclean_boots(32);
    return TEST_END();
}
