#include "common/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(const uint8_t *data, size_t len, char *out)
{
	uint32_t three;
	size_t i, k, n;

	for (i = 0; i < len; i += 3) {
		n = len - i < 3 ? len - i : 3;
		three = (uint32_t)data[i] << 16;
		if (n > 1)
			three |= (uint32_t)data[i + 1] << 8;
		if (n > 2)
			three |= data[i + 2];
		for (k = 0; k < 4; k++)
			*out++ =
			    k <= n ? digits[three >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
}

/* The value of a digit, or -1. */
static int
value_of(char c)
{
	/* One more than the value; 0: it is none. */
	/* clang-format off */
	static const uint8_t values[256] = {
	    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5,
	    ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10,
	    ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,
	    ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20,
	    ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
	    ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	    ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
	    ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
	    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	    ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
	};
	/* clang-format on */

	return (int)values[(uint8_t)c] - 1;
}

/* The value of count digits, the first in the highest place; or -1. */
static int32_t
values_of(const char *text, size_t count)
{
	int32_t sum = 0;
	size_t i;
	int v;

	for (i = 0; i < count; i++) {
		v = value_of(text[i]);
		if (v == -1)
			return -1;
		sum |= (int32_t)v << (18 - 6 * i);
	}
	return sum;
}

int
base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	size_t i, n, used = 0;
	int32_t three;

	if (len % 4 != 0)
		return -1;
	for (i = 0; i < len; i += 4) {
		n = 3;
		if (i + 4 == len && text[i + 3] == '=')
			n = text[i + 2] == '=' ? 1 : 2;
		three = values_of(text + i, n + 1);
		/* Bits that stand for nothing are zero. */
		if (three == -1 || (three & (0xffffff >> (8 * n))) != 0)
			return -1;
		out[used++] = (uint8_t)(three >> 16);
		if (n > 1)
			out[used++] = (uint8_t)(three >> 8);
		if (n > 2)
			out[used++] = (uint8_t)three;
	}
	*out_len = used;
	return 0;
}
