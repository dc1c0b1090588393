/*
 * fuzz: what every fuzz target has. A target is one function, which libFuzzer
 * calls with one input after the other; it should be as fast as can be, give
 * the same result each time, and leave nothing behind.
 */
#ifndef MERCURY_TESTS_FUZZ_H
#define MERCURY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What must hold; else the input is a finding. */
#define FUZZ_CHECK(condition)                                          \
	do                                                             \
		if (!(condition)) {                                    \
			(void)fprintf(stderr, "%s:%d: not true: %s\n", \
			    __FILE__, __LINE__, #condition);           \
			abort();                                       \
		}                                                      \
	while (0)

/* An input, from which bytes are taken at the front. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 when there is none. */
static inline uint8_t
fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/*
 * A copy in memory of just that size, where ASan sees a byte too many; not
 * NULL, for free().
 */
static inline void *
fuzz_copy(const void *data, size_t len)
{
	void *copy = malloc(len == 0 ? 1 : len);

	FUZZ_CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* The same as a string. */
static inline char *
fuzz_string(const void *data, size_t len)
{
	char *copy = malloc(len + 1);

	FUZZ_CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

#endif /* MERCURY_TESTS_FUZZ_H */
