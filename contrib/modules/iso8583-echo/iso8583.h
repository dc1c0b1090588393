/*
 * iso8583: the fields of an ISO 8583:1987 message with ASCII digits and a
 * binary bitmap, as far as it needs to be understood to answer it. It knows of
 * no connection, so that it can be tested alone.
 */
#ifndef ISO8583_H
#define ISO8583_H

#include <stddef.h>
#include <stdint.h>

#define ISO8583_FIELDS 129u /* 1 to 128; 1 is the second bitmap */
#define ISO8583_MTI 4u

/* A field of a message; len 0: it is not there. */
struct iso8583_field {
	const uint8_t *data; /* with its length, where it has one */
	size_t len;
};

/* Points into the bytes that it was made of. */
struct iso8583_message {
	char mti[ISO8583_MTI + 1];
	struct iso8583_field fields[ISO8583_FIELDS];
};

/*
 * Read a message of len bytes. Returns NULL, or what is wrong with it, as a
 * sentence that is never freed.
 */
const char *iso8583_read(const uint8_t *data, size_t len,
    struct iso8583_message *out);

/*
 * Write a message to out, of size bytes. Returns its length, or 0 when it does
 * not fit.
 */
size_t iso8583_write(const struct iso8583_message *, uint8_t *out, size_t size);

#endif /* ISO8583_H */
