/* trace_text: what a traced connection does, for people. */
#ifndef MERCURY_CTL_TRACE_TEXT_H
#define MERCURY_CTL_TRACE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct trace_note;

/* "2026-01-01T00:00:00.000000Z" and NUL. */
#define TRACE_TEXT_TIME_SIZE 28

/* A time in microseconds since 1970. */
void trace_text_time(uint64_t at_us, char out[static TRACE_TEXT_TIME_SIZE]);

/* Bytes as hexdump -C shows them, 16 a line, indented. */
void trace_text_dump(FILE *, const uint8_t *data, size_t len);

/* One line about it, and its bytes. */
void trace_text_print(FILE *, const struct trace_note *);

#endif /* MERCURY_CTL_TRACE_TEXT_H */
