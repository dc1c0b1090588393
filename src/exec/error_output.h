/*
 * error_output: what a program writes to its stderr, as lines in the log. A
 * program that writes more than a few dozen lines a second waits until the
 * second is over: neither the log nor this worker is flooded, and nothing is
 * lost but what one that ends has just written beyond that.
 */
#ifndef MERCURY_EXEC_ERROR_OUTPUT_H
#define MERCURY_EXEC_ERROR_OUTPUT_H

#include <sys/types.h>

#include <stdint.h>

#include "common/err.h"

struct error_output;
struct event_base;

/* Lines in a second; a longer line is told in pieces. */
#define ERROR_OUTPUT_LINES 50u
#define ERROR_OUTPUT_LINE 400u

/*
 * Make a pipe; *end is for the program, and the caller closes it. listener is
 * borrowed. Returns NULL with *err.
 */
struct error_output *error_output_new(struct event_base *, const char *listener,
    uint64_t connection, int *end, struct err *err);

/* The program was started: read. */
void error_output_begin(struct error_output *, pid_t);

/* It has ended: tell what is left, and free. Nulls *e; NULL is fine. */
void error_output_end(struct error_output **e);

#endif /* MERCURY_EXEC_ERROR_OUTPUT_H */
