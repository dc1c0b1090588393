/*
 * output: what people see: tables, durations and sizes that can be read,
 * colour where it is wanted, and nothing that a terminal would obey.
 */
#ifndef MERCURY_CTL_OUTPUT_H
#define MERCURY_CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct failure;

/* Enough for every text of the two functions below. */
#define OUTPUT_HUMAN_SIZE 32

/* "850ms", "12s", "3m05s", "4h12m", "5d03h". */
void output_duration(uint64_t ms, char out[static OUTPUT_HUMAN_SIZE]);

/* "512", "2.1k", "34M", "1.2G": units of 1,024. */
void output_bytes(uint64_t bytes, char out[static OUTPUT_HUMAN_SIZE]);

/*
 * text with control characters escaped as \xNN, for free(); NULL when out of
 * memory. keep_lines leaves newlines as they are.
 */
char *output_escape(const char *text, bool keep_lines);

/* Print text so escaped. */
void output_text(FILE *, const char *text);

/* Characters of UTF-8 text: how wide it is. */
size_t output_width(const char *text);

void output_spaces(FILE *, size_t count);

/* A number with commas: "1,234,567". */
#define OUTPUT_GROUPED_SIZE 32
void output_grouped(uint64_t n, char out[static OUTPUT_GROUPED_SIZE]);

/* Is f a terminal, and is colour wanted there (NO_COLOR is not set)? */
bool output_has_colour(FILE *f);

/* Print a state, such as "paused (queue)", in the colour of its first word. */
void output_state(FILE *, const char *state, bool colour);

/* Print a JSON value on one line. */
void output_json(FILE *, const json_t *);

/*
 * Write out what was printed on the standard output. Returns 0, or -1 with *f
 * when that can't be. That nobody reads it any more is no failure: *over is
 * set then.
 */
int output_flush(bool *over, struct failure *f);

#endif /* MERCURY_CTL_OUTPUT_H */
