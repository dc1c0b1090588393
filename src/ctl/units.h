/*
 * units: quantities as people read them, with the unit that leaves three or
 * four digits. Pure.
 */
#ifndef MERCURY_CTL_UNITS_H
#define MERCURY_CTL_UNITS_H

#include <stdint.h>

/* Enough for every text that is made here. */
#define UNITS_SIZE 32

/* "850ms", "12s", "3m05s", "4h12m", "5d03h". */
void units_duration(uint64_t ms, char out[static UNITS_SIZE]);

/* "185.003s". */
void units_seconds(uint64_t ms, char out[static UNITS_SIZE]);

/* "9999", "12.3k", "4.5M": units of 1,000. */
void units_count(uint64_t n, char out[static UNITS_SIZE]);

/* "512 B", "2.1 KiB", "34.0 MiB", "1.2 GiB": units of 1,024. */
void units_bytes(uint64_t bytes, char out[static UNITS_SIZE]);

/* How many a second: "0", "<0.1", "4.2", "12.3k". Negative counts as none. */
void units_rate(double per_s, char out[static UNITS_SIZE]);

/* How many bytes a second, as units_bytes() has it. Negative counts as none. */
void units_byte_rate(double per_s, char out[static UNITS_SIZE]);

/* All digits, with commas: "1,234,567". */
void units_grouped(uint64_t n, char out[static UNITS_SIZE]);

#endif /* MERCURY_CTL_UNITS_H */
