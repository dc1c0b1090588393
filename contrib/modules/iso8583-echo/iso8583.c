#include "iso8583.h"

#include <string.h>

#define BITMAP 8u

/*
 * How long each field is, by the standard: so many bytes; or, of LL and LLL,
 * at most so many behind a length of two or three digits.
 */
struct shape {
	uint8_t digits; /* of the length; 0: it has always the same */
	uint16_t size;
};

/* clang-format off */
#define N(SIZE)   { 0, SIZE }
#define LL(SIZE)  { 2, SIZE }
#define LLL(SIZE) { 3, SIZE }

static const struct shape shapes[ISO8583_FIELDS] = {
	[2] = LL(19), N(6), N(12), N(12), N(12), N(10), N(8), N(8),
	[10] = N(8), N(6), N(6), N(4), N(4), N(4), N(4), N(4), N(4), N(3),
	[20] = N(3), N(3), N(3), N(3), N(3), N(2), N(2), N(1), N(9), N(9),
	[30] = N(9), N(9), LL(11), LL(11), LL(28), LL(37), LLL(104), N(12),
	    N(6), N(2),
	[40] = N(3), N(8), N(15), N(40), LL(25), LL(76), LLL(999), LLL(999),
	    LLL(999), N(3),
	[50] = N(3), N(3), N(8), N(16), LLL(120), LLL(999), LLL(999),
	    LLL(999), LLL(999), LLL(999),
	[60] = LLL(999), LLL(999), LLL(999), LLL(999), N(8), N(1), N(1), N(2),
	    N(3), N(3),
	[70] = N(3), N(4), N(4), N(6), N(10), N(10), N(10), N(10), N(10),
	    N(10),
	[80] = N(10), N(10), N(12), N(12), N(12), N(12), N(16), N(16), N(16),
	    N(16),
	[90] = N(42), N(1), N(2), N(5), N(7), N(42), N(8), N(17), N(25),
	    LL(11),
	[100] = LL(11), LL(17), LL(28), LL(28), LLL(100), LLL(999), LLL(999),
	    LLL(999), LLL(999), LLL(999),
	[110] = LLL(999), LLL(999), LLL(999), LLL(999), LLL(999), LLL(999),
	    LLL(999), LLL(999), LLL(999), LLL(999),
	[120] = LLL(999), LLL(999), LLL(999), LLL(999), LLL(999), LLL(999),
	    LLL(999), LLL(999), N(8),
};
/* clang-format on */

static int
is_set(const uint8_t *bitmap, unsigned int field)
{
	return bitmap[(field - 1) / 8] >> (7 - (field - 1) % 8) & 1;
}

static void
set(uint8_t *bitmap, unsigned int field)
{
	bitmap[(field - 1) / 8] |= (uint8_t)(1u << (7 - (field - 1) % 8));
}

/* The number that so many digits are; -1: they are no digits. */
static int
number(const uint8_t *text, size_t digits)
{
	int n = 0;

	for (; digits > 0; digits--, text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = 10 * n + *text - '0';
	}
	return n;
}

/* How long the field is that begins at data; 0: that makes no sense. */
static size_t
field_size(const struct shape *s, const uint8_t *data, size_t len)
{
	int n;

	if (s->digits == 0)
		return s->size <= len ? s->size : 0;
	if (s->digits > len)
		return 0;
	n = number(data, s->digits);
	if (n < 0 || n > s->size || (size_t)n > len - s->digits)
		return 0;
	return s->digits + (size_t)n;
}

static const char *
read_fields(const uint8_t *bitmap, const uint8_t *data, size_t len,
    struct iso8583_message *out)
{
	const unsigned int last = is_set(bitmap, 1) ? 128 : 64;
	unsigned int i;
	size_t n;

	for (i = 2; i <= last; i++) {
		if (!is_set(bitmap, i))
			continue;
		n = field_size(&shapes[i], data, len);
		if (n == 0)
			return "a field is longer than the message, or has no "
			       "length";
		out->fields[i] = (struct iso8583_field){ data, n };
		data += n;
		len -= n;
	}
	return len == 0 ? NULL : "there is more than its bitmap says";
}

const char *
iso8583_read(const uint8_t *data, size_t len, struct iso8583_message *out)
{
	const uint8_t *bitmap = data + ISO8583_MTI;
	size_t bitmaps = BITMAP;

	memset(out, 0, sizeof(*out));
	if (len < ISO8583_MTI + BITMAP)
		return "it is shorter than its type and bitmap";
	if (number(data, ISO8583_MTI) < 0)
		return "its type is not four digits";
	memcpy(out->mti, data, ISO8583_MTI);
	if (is_set(bitmap, 1))
		bitmaps = 2 * BITMAP;
	if (len < ISO8583_MTI + bitmaps)
		return "it is shorter than its two bitmaps";
	return read_fields(bitmap, bitmap + bitmaps,
	    len - ISO8583_MTI - bitmaps, out);
}

size_t
iso8583_write(const struct iso8583_message *m, uint8_t *out, size_t size)
{
	uint8_t bitmap[2 * BITMAP] = { 0 };
	size_t bitmaps = BITMAP, len;
	unsigned int i;

	for (i = 2; i < ISO8583_FIELDS; i++) {
		if (m->fields[i].len == 0)
			continue;
		set(bitmap, i);
		if (i > 64)
			bitmaps = 2 * BITMAP;
	}
	if (bitmaps > BITMAP)
		set(bitmap, 1);
	len = ISO8583_MTI + bitmaps;
	if (len > size)
		return 0;
	memcpy(out, m->mti, ISO8583_MTI);
	memcpy(out + ISO8583_MTI, bitmap, bitmaps);
	for (i = 2; i < ISO8583_FIELDS; i++) {
		if (m->fields[i].len == 0)
			continue;
		if (m->fields[i].len > size - len)
			return 0;
		memcpy(out + len, m->fields[i].data, m->fields[i].len);
		len += m->fields[i].len;
	}
	return len;
}
