#include "option/suggest.h"

#include <string.h>

/* A longer word is like none that we know. */
#define WORD_MAX 32

static size_t
min3(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * Edit distance between two words of at most WORD_MAX bytes, where two
 * neighbours that changed places count as one error.
 */
static size_t
distance(const char *a, const char *b)
{
	const size_t a_len = strlen(a), b_len = strlen(b);
	size_t d[WORD_MAX + 1][WORD_MAX + 1];
	size_t i, k;

	for (i = 0; i <= a_len; i++)
		d[i][0] = i;
	for (k = 0; k <= b_len; k++)
		d[0][k] = k;
	for (i = 1; i <= a_len; i++)
		for (k = 1; k <= b_len; k++) {
			d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1,
			    d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				d[i][k] =
				    min3(d[i][k], d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[a_len][b_len];
}

const char *
suggest(const char *word, const char *const *words, size_t count)
{
	const size_t len = strlen(word);
	size_t best = (len + 2) / 3 + 1, d, i;
	const char *found = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		if (strlen(words[i]) > WORD_MAX)
			continue;
		d = distance(word, words[i]);
		if (len >= 3 && strncmp(word, words[i], len) == 0)
			d = 1;
		if (d < best) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
