/*
 * trace_note: what the daemon says about a traced listener, read from its
 * notifications.
 */
#ifndef MERCURY_CTL_TRACE_NOTE_H
#define MERCURY_CTL_TRACE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_note_kind {
	TRACE_NOTE_OPENED,
	TRACE_NOTE_DATA,
	TRACE_NOTE_CLOSED,
	TRACE_NOTE_LOST,
	TRACE_NOTE_WORKER,
	TRACE_NOTE_END,
	TRACE_NOTE_OTHER /* of a later version: nothing else is set */
};

struct client_note;

/* Texts are those of the notification. What a kind does not have is 0. */
struct trace_note {
	enum trace_note_kind kind;
	uint64_t at_us;
	uint64_t slot;
	uint64_t pid;
	const char *id; /* "-": none */
	uint64_t conn_id;
	const char *peer;  /* NULL: it has no address */
	const char *local; /* the same */
	bool in;           /* DATA: from the peer */
	uint64_t offset;   /* DATA: bytes before it, the same way */
	const uint8_t *data;
	size_t len;
	uint64_t bytes_in; /* CLOSED: all; LOST: those */
	uint64_t bytes_out;
	uint64_t records;   /* LOST */
	const char *reason; /* CLOSED, END */
	const char *state;  /* WORKER: joined, left, lost */
};

/* Where the bytes of a note are kept until the next. All zero: ready. */
struct trace_note_data {
	uint8_t *bytes;
	size_t size;
};

/*
 * Read one; it borrows from the notification, and from kept. Returns 0, or
 * -1: it makes no sense, or memory is short.
 */
int trace_note_read(const struct client_note *, struct trace_note_data *kept,
    struct trace_note *out);

#endif /* MERCURY_CTL_TRACE_NOTE_H */
