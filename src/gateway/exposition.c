#include "gateway/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "common/histogram.h"

#define FIRST_SIZE 65536
#define NUMBER_SIZE 32 /* of any number as text */

/* Room for size bytes at the end of the text, or NULL. */
static char *
reserve(struct exposition *x, size_t size)
{
	size_t want = x->size == 0 ? FIRST_SIZE : x->size;
	char *bytes;

	if (x->failed)
		return NULL;
	while (want - x->len < size)
		want *= 2;
	if (want != x->size) {
		bytes = realloc(x->bytes, want);
		if (bytes == NULL) {
			x->failed = true;
			return NULL;
		}
		x->bytes = bytes;
		x->size = want;
	}
	return x->bytes + x->len;
}

/* What was written behind the text, up to end, belongs to it. */
static void
commit(struct exposition *x, const char *end)
{
	x->len = (size_t)(end - x->bytes);
}

void
exposition_free(struct exposition *x)
{
	free(x->bytes);
	memset(x, 0, sizeof(*x));
}

/* These write to p, where there is room, and return where they ended. */

static char *
put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static char *
put_text(char *p, const char *text)
{
	return put(p, text, strlen(text));
}

static char *
put_number(char *p, uint64_t n)
{
	char digits[20], *d = digits + sizeof(digits);

	do {
		*--d = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return put(p, d, (size_t)(digits + sizeof(digits) - d));
}

/* n thousandths, without zeros at the end. */
static char *
put_thousandths(char *p, uint64_t n)
{
	unsigned int rest = (unsigned int)(n % 1000), unit;

	p = put_number(p, n / 1000);
	if (rest == 0)
		return p;
	*p++ = '.';
	for (unit = 100; rest > 0; unit /= 10) {
		*p++ = (char)('0' + rest / unit);
		rest %= unit;
	}
	return p;
}

static char *
put_value(char *p, uint64_t value, enum exposition_unit unit)
{
	switch (unit) {
	case UNIT_MS:
		return put_thousandths(p, value);
	case UNIT_PERCENT:
		return put_thousandths(p, value * 10);
	case UNIT_NUMBER:
		break;
	}
	return put_number(p, value);
}

/* One byte; quotes need an escape within a label only. */
static char *
put_escaped(char *p, char byte, bool quoted)
{
	if (byte == '\\' || byte == '\n' || (quoted && byte == '"'))
		*p++ = '\\';
	*p++ = byte == '\n' ? 'n' : byte;
	return p;
}

void
exposition_family(struct exposition *x, const char *name, const char *type,
    const char *help)
{
	const size_t len = strlen(name);
	char *p = reserve(x, 64 + 2 * len + strlen(type) + 2 * strlen(help));

	x->family = name;
	x->family_len = len;
	if (p == NULL)
		return;
	p = put_text(p, "# HELP ");
	p = put(p, name, len);
	*p++ = ' ';
	for (; *help != '\0'; help++)
		p = put_escaped(p, *help, false);
	p = put_text(p, "\n# TYPE ");
	p = put(p, name, len);
	*p++ = ' ';
	p = put_text(p, type);
	*p++ = '\n';
	commit(x, p);
}

static size_t
escaped_len(const char *value, size_t len)
{
	char bytes[2];
	size_t i, sum = 0;

	for (i = 0; i < len; i++)
		sum += (size_t)(put_escaped(bytes, value[i], true) - bytes);
	return sum;
}

void
exposition_label(struct exposition_labels *l, const char *name,
    const char *value, size_t max)
{
	const size_t value_len = strnlen(value, max);
	char *p = l->text + l->len;
	size_t i;

	if (strlen(name) + escaped_len(value, value_len) + 4 >
	    sizeof(l->text) - l->len)
		return;
	if (l->len > 0)
		*p++ = ',';
	p = put_text(p, name);
	p = put_text(p, "=\"");
	for (i = 0; i < value_len; i++)
		p = put_escaped(p, value[i], true);
	*p++ = '"';
	l->len = (size_t)(p - l->text);
}

/* name{labels, with the brace of the end missing where there are some. */
static char *
put_name(char *p, const struct exposition *x, const char *suffix,
    const struct exposition_labels *labels)
{
	p = put(p, x->family, x->family_len);
	p = put_text(p, suffix);
	if (labels == NULL || labels->len == 0)
		return p;
	*p++ = '{';
	return put(p, labels->text, labels->len);
}

/* Room for a whole sample with one more label, of which extra is the text. */
static char *
reserve_sample(struct exposition *x, const struct exposition_labels *labels,
    size_t extra)
{
	return reserve(x,
	    x->family_len + sizeof("_bucket{,=\"\"} \n") +
		(labels == NULL ? 0 : labels->len) + extra + NUMBER_SIZE);
}

static void
sample(struct exposition *x, const char *suffix,
    const struct exposition_labels *labels, uint64_t value,
    enum exposition_unit unit)
{
	char *p = reserve_sample(x, labels, 0);

	if (p == NULL)
		return;
	p = put_name(p, x, suffix, labels);
	if (labels != NULL && labels->len > 0)
		*p++ = '}';
	*p++ = ' ';
	p = put_value(p, value, unit);
	*p++ = '\n';
	commit(x, p);
}

void
exposition_sample(struct exposition *x, const struct exposition_labels *labels,
    uint64_t value, enum exposition_unit unit)
{
	sample(x, "", labels, value, unit);
}

static char *
put_more(char *p, const struct exposition_labels *labels, const char *name)
{
	*p++ = labels != NULL && labels->len > 0 ? ',' : '{';
	p = put_text(p, name);
	return put_text(p, "=\"");
}

static char *
put_end(char *p, uint64_t value)
{
	p = put_text(p, "\"} ");
	p = put_number(p, value);
	*p++ = '\n';
	return p;
}

void
exposition_sample_of(struct exposition *x,
    const struct exposition_labels *labels, const char *name, const char *word,
    uint64_t value)
{
	char *p = reserve_sample(x, labels, strlen(name) + strlen(word));

	if (p == NULL)
		return;
	p = put_name(p, x, "", labels);
	p = put_more(p, labels, name);
	p = put_text(p, word);
	commit(x, put_end(p, value));
}

/* How many are not above the bound; NULL: how many there are at all. */
static void
bucket(struct exposition *x, const struct exposition_labels *labels,
    const uint32_t *bound_ms, uint64_t value)
{
	char *p = reserve_sample(x, labels, 2 * NUMBER_SIZE);

	if (p == NULL)
		return;
	p = put_name(p, x, "_bucket", labels);
	p = put_more(p, labels, "le");
	p = bound_ms == NULL ? put_text(p, "+Inf")
			     : put_thousandths(p, *bound_ms);
	commit(x, put_end(p, value));
}

void
exposition_histogram(struct exposition *x,
    const struct exposition_labels *labels, const struct histogram *h,
    const uint64_t cells[])
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < h->bounds; i++) {
		count += cells[i];
		bucket(x, labels, &h->bounds_ms[i], count);
	}
	count += cells[h->bounds];
	bucket(x, labels, NULL, count);
	sample(x, "_sum", labels, cells[histogram_sum(h)], UNIT_MS);
	sample(x, "_count", labels, count, UNIT_NUMBER);
}
