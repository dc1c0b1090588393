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
#define FUZZ_CHECK(condition)                                               \
	do                                                                  \
		if (!(condition)) {                                         \
			(void)dprintf(2, "%s:%d: not true: %s\n", __FILE__, \
			    __LINE__, #condition);                          \
			abort();                                            \
		}                                                           \
	while (0)

/* What is in memory ends within size bytes, and all of it can be shown. */
#define FUZZ_CHECK_TEXT(text, size)                                 \
	do {                                                        \
		const char *fuzz_at = (text);                       \
                                                                    \
		FUZZ_CHECK(strnlen(fuzz_at, (size)) < (size));      \
		while (*fuzz_at != '\0') {                          \
			const size_t fuzz_n = utf8_length(fuzz_at); \
                                                                    \
			FUZZ_CHECK(fuzz_n > 0);                     \
			fuzz_at += fuzz_n;                          \
		}                                                   \
	} while (0)

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

/* The next two, the high one first. */
static inline uint16_t
fuzz_word(struct fuzz_input *in)
{
	const uint8_t high = fuzz_byte(in);

	return (uint16_t)(high << 8 | fuzz_byte(in));
}

/* At most *len bytes, which stay in the input; *len becomes how many. */
static inline const uint8_t *
fuzz_bytes(struct fuzz_input *in, size_t *len)
{
	const uint8_t *bytes = in->at;

	if (*len > in->left)
		*len = in->left;
	in->at += *len;
	in->left -= *len;
	return bytes;
}

/* The bytes up to a newline, or the end; the newline is skipped. */
static inline const uint8_t *
fuzz_line(struct fuzz_input *in, size_t *len)
{
	const uint8_t *line = in->at;
	const uint8_t *end =
	    in->left == 0 ? NULL : memchr(line, '\n', in->left);

	*len = end == NULL ? in->left : (size_t)(end - line);
	in->at += *len + (end != NULL);
	in->left -= *len + (end != NULL);
	return line;
}

/* The same as a text, up to its first NUL, cut to size. */
static inline void
fuzz_text(struct fuzz_input *in, char *out, size_t size)
{
	size_t len;
	const uint8_t *line = fuzz_line(in, &len);

	if (len >= size)
		len = size - 1;
	memcpy(out, line, len);
	out[len] = '\0';
}

/*
 * Change what is good: so many times, some bytes somewhere. In the input each
 * change is where (two bytes), how many bytes, and these.
 */
static inline void
fuzz_patch(struct fuzz_input *in, unsigned int count, void *data, size_t size)
{
	for (; count > 0 && size > 0; count--) {
		const size_t at = fuzz_word(in) % size;
		size_t len = fuzz_byte(in);
		const uint8_t *bytes = fuzz_bytes(in, &len);

		if (len > size - at)
			len = size - at;
		if (len > 0)
			memcpy((uint8_t *)data + at, bytes, len);
	}
}

/*
 * A copy in memory of just that size, where ASan sees a byte too many; not
 * NULL, for free().
 */
static inline void *
fuzz_copy(const void *data, size_t len)
{
	void *copy = calloc(1, len == 0 ? 1 : len);

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
