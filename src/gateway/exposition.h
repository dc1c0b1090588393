/*
 * exposition: a growing text in the format that Prometheus scrapes, version
 * 0.0.4. Pure: it writes what it is told, in memory of its own.
 *
 * A family begins with its help and type, and its samples follow at once. A
 * sample that does not fit in memory fails the whole text.
 */
#ifndef MERCURY_GATEWAY_EXPOSITION_H
#define MERCURY_GATEWAY_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram;

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Zeroed, it is empty. */
struct exposition {
	char *bytes; /* no NUL at the end */
	size_t len;
	size_t size;
	const char *family; /* whose samples are written; borrowed */
	size_t family_len;
	bool failed; /* out of memory: the text is not whole */
};

/* What a number is written as. */
enum exposition_unit {
	UNIT_NUMBER,
	UNIT_MS,     /* milliseconds, written as seconds */
	UNIT_PERCENT /* written as a ratio */
};

/* Free the memory; it is empty again. */
void exposition_free(struct exposition *);

/*
 * Begin a family: name and type ("counter") are borrowed until the next one,
 * help is escaped.
 */
void exposition_family(struct exposition *, const char *name, const char *type,
    const char *help);

/* Labels of a sample, as they are written; zeroed, there are none. */
struct exposition_labels {
	char text[400]; /* no NUL at the end */
	size_t len;
};

/*
 * Add name="value", which ends at its NUL or after max bytes and is escaped.
 * What does not fit is left out as a whole.
 */
void exposition_label(struct exposition_labels *, const char *name,
    const char *value, size_t max);

/* One sample of the family; labels may be NULL: none. */
void exposition_sample(struct exposition *, const struct exposition_labels *,
    uint64_t value, enum exposition_unit);

/* A number, with one more label behind the others; word needs no escape. */
void exposition_sample_of(struct exposition *, const struct exposition_labels *,
    const char *name, const char *word, uint64_t value);

/*
 * All samples of a histogram with these cells (common/histogram.h): buckets
 * that add up, sum and count.
 */
void exposition_histogram(struct exposition *, const struct exposition_labels *,
    const struct histogram *, const uint64_t cells[]);

#endif /* MERCURY_GATEWAY_EXPOSITION_H */
