/* SPDX-License-Identifier: MIT */
#define INNGEST_EVENT_BYTES 4096       /* more than the events have: the tick then makes room before one needs it */
#define INNGEST_RESULT_BYTES 64
#define INNGEST_RUN_BYTES 2048
