/* packed: several short texts one after the other in one piece of memory. */
#ifndef MERCURY_POOL_PACKED_H
#define MERCURY_POOL_PACKED_H

#include <stddef.h>
#include <string.h>

#define PACKED_COUNT(texts) (sizeof(texts) / sizeof((texts)[0]))

/* Bytes that so many texts take, each with its NUL; empty ones take none. */
static inline size_t
packed_size(const char *const *texts, size_t count)
{
	size_t i, size = 0;

	for (i = 0; i < count; i++)
		if (texts[i][0] != '\0')
			size += strlen(texts[i]) + 1;
	return size;
}

/* Copy text to *at, which moves on. Returns the copy. */
static inline const char *
packed_put(char **at, const char *text)
{
	char *copy = *at;
	const size_t size = strlen(text) + 1;

	if (size == 1)
		return "";
	memcpy(copy, text, size);
	*at += size;
	return copy;
}

#endif /* MERCURY_POOL_PACKED_H */
