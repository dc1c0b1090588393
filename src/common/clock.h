/* clock: the two times that Mercury knows. */
#ifndef MERCURY_COMMON_CLOCK_H
#define MERCURY_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_RFC3339_SIZE sizeof("2026-01-01T00:00:00.000Z")

/* CLOCK_MONOTONIC: for every deadline, window and backoff. */
uint64_t clock_mono_ms(void);

/*
 * The same as of the kernel's last tick: it is cheap, and some milliseconds
 * behind the other, so it may lie before what that has told.
 */
uint64_t clock_mono_tick_ms(void);

/* CLOCK_REALTIME since 1970: for records that people read, never for waits. */
uint64_t clock_real_ms(void);

/* The same in microseconds: for traces. */
uint64_t clock_real_us(void);

/* Write real_ms as RFC 3339 in UTC with milliseconds. */
void clock_format(uint64_t real_ms, char out[static CLOCK_RFC3339_SIZE]);

#endif /* MERCURY_COMMON_CLOCK_H */
