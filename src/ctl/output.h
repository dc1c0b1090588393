/*
 * output: what people see: colour where it is wanted, and nothing else that a
 * terminal would obey.
 */
#ifndef MERCURY_CTL_OUTPUT_H
#define MERCURY_CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct failure;

/*
 * text with control characters escaped as \xNN, for free(); NULL when out of
 * memory. keep_lines leaves newlines as they are.
 */
char *output_escape(const char *text, bool keep_lines);

/* Print text so escaped. */
void output_text(FILE *, const char *text);

/* Print so many spaces. */
void output_spaces(FILE *, size_t count);

/* Print a state, such as "paused (queue)", in the colour of its first word. */
void output_state(FILE *, const char *state, bool colour);

/* Print text, such as a state that was cut, in the colour of that state. */
void output_state_as(FILE *, const char *text, const char *state, bool colour);

/* Print text in red (is_bad) or yellow, where colour is wanted. */
void output_alarm(FILE *, const char *text, bool is_bad, bool colour);

/* Print a JSON value on one line. */
void output_json(FILE *, const json_t *);

/*
 * Write out what was printed on the standard output. Returns 0, or -1 with *f
 * when that can't be. That nobody reads it any more is no failure: *over is
 * set then.
 */
int output_flush(bool *over, struct failure *f);

#endif /* MERCURY_CTL_OUTPUT_H */
