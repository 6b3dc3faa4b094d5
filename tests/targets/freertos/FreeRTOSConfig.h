/* SPDX-License-Identifier: MIT */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H
#define configCPU_CLOCK_HZ 25000000UL
#define configTICK_RATE_HZ 1000
#ifdef TICKS_16
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_16_BITS
#define configINITIAL_TICK_COUNT 0xFB82u         /* they wrap in the job's nap */
#else
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_32_BITS
#ifndef BOARD_POSIX                              /* there they have 64 bits all the same */
#define configINITIAL_TICK_COUNT 0xFFFFFB82u
#endif
#endif
#define configMAX_PRIORITIES 7
#define configMINIMAL_STACK_SIZE 128
#define configTOTAL_HEAP_SIZE 65536
#define configUSE_PREEMPTION 1
#define configUSE_TIME_SLICING 1
#define configUSE_IDLE_HOOK 0
#define configUSE_TICK_HOOK 1
#define configUSE_TASK_NOTIFICATIONS 1
#define configMAX_TASK_NAME_LEN 8
#define configCHECK_FOR_STACK_OVERFLOW 0
#define configSUPPORT_DYNAMIC_ALLOCATION 1
#define INCLUDE_vTaskDelay 1
#define INCLUDE_vTaskDelete 1
#define INCLUDE_vTaskSuspend 1
#define INCLUDE_xTaskGetCurrentTaskHandle 1
#ifdef BOARD_POSIX
int board_in_interrupt(void);
#define INNGEST_FREERTOS_IN_ISR() board_in_interrupt()
#define INNGEST_FREERTOS_YIELD(yield) ((void)(yield))
#else
#if __ARM_ARCH_ISA_THUMB >= 2
#define configUSE_TICKLESS_IDLE 1
#ifndef NO_UNHEARD
int jobs_unheard(void);
#define configPRE_SUPPRESS_TICKS_AND_SLEEP_PROCESSING(t) do { if (jobs_unheard()) (t) = 0; } while (0)
#define configPRE_SLEEP_PROCESSING(t) do { if (jobs_unheard()) (t) = 0; } while (0)
#endif
#else
#define configENABLE_MPU 0
#define configENABLE_FPU 0
#define configENABLE_TRUSTZONE 0
#define configRUN_FREERTOS_SECURE_ONLY 0
#endif
void board_kernel_called(void);
#define traceTASK_NOTIFY_GIVE_FROM_ISR(index) board_kernel_called()
#define configPRIO_BITS 8
#define configKERNEL_INTERRUPT_PRIORITY 255
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 64
#define vPortSVCHandler SVC_Handler
#define xPortPendSVHandler PendSV_Handler
#define xPortSysTickHandler SysTick_Handler
#define configCHECK_HANDLER_INSTALLATION 0
#endif
void board_end(int status);
#define configASSERT(x) do { if (!(x)) board_end(9); } while (0)
#endif
