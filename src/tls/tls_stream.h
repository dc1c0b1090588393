/*
 * tls_stream: an established connection of TLS 1.3, both ways, without a
 * socket: what the records mean (RFC 8446, 4.6 and 6). See tls_record.h for
 * why this exists.
 *
 * A stream is its owner's, who ends it with tls_stream_end(), which wipes it.
 */
#ifndef MERCURY_TLS_TLS_STREAM_H
#define MERCURY_TLS_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/tls_record.h"

/* Room for what one call makes: a key update and a record. */
#define TLS_STREAM_ROOM (TLS_RECORD_PLAIN + 2 * TLS_RECORD_EXTRA + 5)

/*
 * We change our keys after so many records: RFC 8446, 5.5, allows 2^24.5 of
 * AES-GCM.
 */
#define TLS_STREAM_RECORDS ((uint64_t)1 << 22)

/* A handshake message that we read: its header and the byte of a KeyUpdate. */
#define TLS_STREAM_MESSAGE 5

/* What a stream starts with. Whoever has it wipes it. */
struct tls_secrets {
	enum tls_suite suite;
	bool client;   /* we are the client */
	uint64_t sent; /* records that were sent with ours */
	uint8_t ours[TLS_SECRET_MAX];
	uint8_t theirs[TLS_SECRET_MAX];
};

struct tls_stream {
	struct tls_direction in;
	struct tls_direction out;
	uint64_t records; /* TLS_STREAM_RECORDS; less in a test */
	uint32_t skip;    /* bytes to come of a message that we ignore */
	uint8_t message[TLS_STREAM_MESSAGE];
	uint8_t message_len; /* of one that has begun */
	uint8_t empty;       /* records without use in a row */
	bool client;         /* we are the client */
	bool answer;         /* the peer wants us to change our keys */
	bool closed;         /* we have said that nothing more comes */
};

enum tls_event {
	TLS_EVENT_MORE,    /* not a whole record yet; nothing was taken */
	TLS_EVENT_NOTHING, /* a record without data */
	TLS_EVENT_DATA,
	TLS_EVENT_CLOSED, /* the peer sends no more */
	TLS_EVENT_ALERT,  /* the peer has given up */
	TLS_EVENT_FAULT   /* we have; it should get an alert */
};

struct tls_read {
	size_t taken;        /* bytes off the front */
	const uint8_t *data; /* in them */
	size_t len;
	uint8_t alert;        /* of TLS_EVENT_ALERT */
	enum tls_fault fault; /* of TLS_EVENT_FAULT */
};

/* Returns 0; or -1 when OpenSSL fails, and there is nothing to end. */
int tls_stream_start(struct tls_stream *, const struct tls_secrets *);

/* Wipe it. */
void tls_stream_end(struct tls_stream *);

/*
 * Take the first record off len bytes, which it decrypts in place. After
 * CLOSED, ALERT and FAULT nothing can be read; after the last two nothing can
 * be written either, but the alert for a fault.
 */
enum tls_event tls_stream_read(struct tls_stream *, uint8_t *bytes, size_t len,
    struct tls_read *);

/*
 * Each of these writes to out, which has TLS_STREAM_ROOM, and returns how
 * many bytes; 0: none are due, or the stream can't.
 */

/* Data, 1 to TLS_RECORD_PLAIN bytes, from elsewhere. */
size_t tls_stream_write(struct tls_stream *, const uint8_t *data, size_t len,
    uint8_t *out);

/* What the peer has asked for; due after reading. */
size_t tls_stream_answer(struct tls_stream *, uint8_t *out);

/* Say that nothing more comes; once. */
size_t tls_stream_close(struct tls_stream *, uint8_t *out);

/* Say why we give up; nothing can be written from then on. */
size_t tls_stream_give_up(struct tls_stream *, enum tls_fault, uint8_t *out);

#endif /* MERCURY_TLS_TLS_STREAM_H */
