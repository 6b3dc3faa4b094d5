/* SPDX-License-Identifier: MIT
 * See inngest_freertos.h and README.md. */
#include "inngest_freertos.h"

#if configUSE_TASK_NOTIFICATIONS == 0 || INCLUDE_vTaskSuspend == 0
#error "configUSE_TASK_NOTIFICATIONS and INCLUDE_vTaskSuspend must be 1"
#endif

#if defined(configNUMBER_OF_CORES) && configNUMBER_OF_CORES > INNGEST_CORES
#error "several cores: INNGEST_CORES says how many"
#endif

#define LONGEST_SLEEP_MS 1728000000u   /* 20 days: a tick is due within 24 */

/* As HAVE_CAS in inngest.c. */
#if __GCC_ATOMIC_INT_LOCK_FREE == 2 && INNGEST_WORD_BITS == 32 && !defined(INNGEST_NO_CAS)
#define LOCKS 0
#else
#define LOCKS 1
#endif

/* Chips keep the highest bits of a priority and read the others as 0: configPRIO_BITS of them. */
#if defined(configPRIO_BITS)
#define FIRST_SYSCALL_PRIORITY (configMAX_SYSCALL_INTERRUPT_PRIORITY & (0xFF00u >> (configPRIO_BITS) & 0xFFu))
#else
#define FIRST_SYSCALL_PRIORITY configMAX_SYSCALL_INTERRUPT_PRIORITY
#endif

/* May this interrupt call the kernel? */
static bool may_call_kernel(void)
{
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 77              /* M */
    uint32_t exception;
    __asm volatile ("mrs %0, ipsr" : "=r"(exception));
    exception &= 511u;
    if (exception < 4) return exception == 0;        /* NMI and HardFault are above all */
#if __ARM_ARCH_ISA_THUMB >= 2                        /* not ARMv6-M, ARMv8-M baseline: there the kernel masks all others */
    return exception < 16 ? ((volatile uint8_t *)0xE000ED14)[exception] >= FIRST_SYSCALL_PRIORITY
                          : ((volatile uint8_t *)0xE000E400)[exception - 16] >= FIRST_SYSCALL_PRIORITY;
#endif
#endif
    return true;
}

/* A notification that comes before the task waits for it is kept, so no wake-up is lost. */
static void wake(void *context)
{
    inngest_freertos *p = context;
    BaseType_t yield = pdFALSE;
    if (p->task == NULL) return;                     /* it ticks before it sleeps */
    if (!INNGEST_FREERTOS_IN_ISR()) {
        INNGEST_FREERTOS_ENTER();                    /* a stop would end the task, and its owner delete it, in between */
        if (p->task != NULL) (void)xTaskNotifyGive(p->task);
        INNGEST_FREERTOS_EXIT();
    } else if (may_call_kernel()) {
        vTaskNotifyGiveFromISR(p->task, &yield);
        INNGEST_FREERTOS_YIELD(yield);
    } else {
        p->unheard = 1;
    }
}

/* Without compare-and-swap only one task at a time may send. Interrupts nest, and need nothing. */
#if LOCKS
static void lock(void *context)
{
    (void)context;
    if (!INNGEST_FREERTOS_IN_ISR()) vTaskSuspendAll();
}

static void unlock(void *context)
{
    (void)context;
    if (!INNGEST_FREERTOS_IN_ISR()) (void)xTaskResumeAll();
}
#endif

static uint32_t port_now(void *context) { return inngest_freertos_now(context); }

void inngest_freertos_prepare(inngest_freertos *p)
{
    p->port.context = p;
    p->task = NULL;
    p->last = xTaskGetTickCount();
    p->ms = p->rest = 0;
    p->unheard = p->stopped = 0;
    p->port.wake = wake;
    p->port.now = port_now;
#if LOCKS
    p->port.lock = lock;
    p->port.unlock = unlock;
#endif
}

uint32_t inngest_freertos_now(inngest_freertos *p)
{
    TickType_t now = xTaskGetTickCount(), passed = (TickType_t)(now - p->last);
    uint64_t parts = (uint64_t)passed * 1000u + p->rest;
    p->last = now;
    p->ms += (uint32_t)(parts / configTICK_RATE_HZ);
    p->rest = (uint32_t)(parts % configTICK_RATE_HZ);
    return p->ms;
}

/* Ticks that are no less than ms, from the middle of a tick too. */
static TickType_t ticks_of(uint32_t ms)
{
    uint64_t ticks = ((uint64_t)(ms < LONGEST_SLEEP_MS ? ms : LONGEST_SLEEP_MS) * configTICK_RATE_HZ + 999u) / 1000u + 1u;
    return ticks < portMAX_DELAY / 2u ? (TickType_t)ticks : (TickType_t)(portMAX_DELAY / 2u);
}

void inngest_freertos_run(inngest_freertos *p, inngest *jobs)
{
    p->task = xTaskGetCurrentTaskHandle();
    while (!p->stopped) {
        uint32_t next;
        p->unheard = 0;
        next = inngest_tick(jobs, inngest_freertos_now(p));
        if (next) (void)ulTaskNotifyTake(pdTRUE, ticks_of(next));
    }
    p->task = NULL;
}

void inngest_freertos_stop(inngest_freertos *p)
{
    p->stopped = 1;
    wake(p);
}

bool inngest_freertos_unheard(const inngest_freertos *p) { return p->unheard != 0 && p->task != NULL; }

void inngest_freertos_tick_hook(inngest_freertos *p)
{
    if (p->unheard == 0 || p->task == NULL) return;
    p->unheard = 0;
    vTaskNotifyGiveFromISR(p->task, NULL);           /* the tick switches by itself */
}
