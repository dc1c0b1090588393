/*
 * hex: hexadecimal digits.
 */
#ifndef MERCURY_COMMON_HEX_H
#define MERCURY_COMMON_HEX_H

/* The value of a digit, in either case of letters, or -1. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif /* MERCURY_COMMON_HEX_H */
