/* SPDX-License-Identifier: MIT
 *
 * inngest_freertos.h - a task that runs the jobs, woken by its notification; the flash is the board's
 *
 *   static inngest_freertos jobs_task;
 *   fill read, program, erase, sync and the geometry of jobs_task.port  ->  inngest_freertos_prepare(&jobs_task)
 *   ->  inngest_init with config.port = &jobs_task.port  ->  in the task: inngest_freertos_run(&jobs_task, &jobs)
 *
 * Sends come from tasks and interrupts of any priority, NMI included. Those above configMAX_SYSCALL_INTERRUPT_PRIORITY
 * may not call the kernel: what they send is seen when the task next runs, or at the next inngest_freertos_tick_hook;
 * with tickless idle see inngest_freertos_unheard. */
#ifndef INNGEST_FREERTOS_H
#define INNGEST_FREERTOS_H
#include "FreeRTOS.h"
#include "task.h"
#include "inngest.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef INNGEST_FREERTOS_IN_ISR        /* true in an interrupt; kernel ports without this function need one of yours */
#define INNGEST_FREERTOS_IN_ISR() (xPortIsInsideInterrupt() != pdFALSE)
#endif

#ifndef INNGEST_FREERTOS_YIELD         /* at the end of a send in an interrupt; the POSIX port would switch in the middle of it: nothing */
#define INNGEST_FREERTOS_YIELD(yield) portYIELD_FROM_ISR(yield)
#endif

#ifndef INNGEST_FREERTOS_ENTER         /* around a notification: kernels whose critical sections take a lock need ones of yours */
#define INNGEST_FREERTOS_ENTER() taskENTER_CRITICAL()
#define INNGEST_FREERTOS_EXIT() taskEXIT_CRITICAL()
#endif

typedef struct inngest_freertos {
    inngest_port port;                 /* read, program, erase, sync and geometry are the board's; they get this struct as context */
    void *board;                       /* for them */
    /* internal */
    TaskHandle_t task;
    TickType_t last;
    uint32_t ms, rest;
    volatile uint8_t unheard, stopped;
} inngest_freertos;

/* Set context, wake, now and, where there is no compare-and-swap, lock and unlock in port. Before inngest_init. */
void inngest_freertos_prepare(inngest_freertos *p);

/* Tick, and sleep until the next deadline or a send: in a task of its own, with the stack that the handlers need.
 * Returns after inngest_freertos_stop. The kernel's tickless idle sleeps as long as the deadline allows. */
void inngest_freertos_run(inngest_freertos *p, inngest *jobs);

/* End inngest_freertos_run. From tasks and interrupts that may call the kernel. Tasks may go on sending; interrupts of another core
 * must not, if the task is then deleted. */
void inngest_freertos_stop(inngest_freertos *p);

/* Give the ms since inngest_freertos_prepare, by the kernel's tick count; port.now is the same clock. From the task of the
 * jobs, or before it runs. */
uint32_t inngest_freertos_now(inngest_freertos *p);

/* For vApplicationTickHook, where interrupts that may not call the kernel send: wakes the task for them. */
void inngest_freertos_tick_hook(inngest_freertos *p);

/* Is such a send waiting for the tick? Then the idle task must let the tick come: ticks that tickless idle steps over call no
 * hook. From anywhere; see configPRE_SUPPRESS_TICKS_AND_SLEEP_PROCESSING in the README. */
bool inngest_freertos_unheard(const inngest_freertos *p);

#ifdef __cplusplus
}
#endif
#endif
