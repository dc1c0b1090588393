/*
 * client: one control connection: lines in, lines out, and its limits.
 *
 * Owned by the server (server.h). One request at a time is handed out; what
 * the client sends meanwhile waits in a bounded buffer. Nothing here waits.
 */
#ifndef MERCURY_CONTROL_CLIENT_H
#define MERCURY_CONTROL_CLIENT_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/access.h"
#include "control/line.h"
#include "control/rpc.h"

struct client;
struct event;
struct event_base;
struct evbuffer;

struct client_handler {
	/*
	 * One request has come; text is borrowed during the call. It is
	 * ended with client_answer() or client_done(), now or later.
	 */
	void (
	    *request)(void *ctx, struct client *, const char *text, size_t len);
	/* All that a follower was sent is written: there is room for more. */
	void (*written)(void *ctx, struct client *);
	/* The connection is over; the owner frees it now. */
	void (*closed)(void *ctx, struct client *);
};

struct client {
	TAILQ_ENTRY(client) next; /* the server's list */
	const struct client_handler *handler;
	void *ctx;
	int fd;
	enum right right;
	bool is_root;
	bool in_flight; /* a request was handed out and not answered */
	bool greeted;   /* a first line has come */
	bool following; /* it is sent events until it hangs up */
	bool patient;   /* and it may take its time to read them */
	bool eof;       /* the peer will send no more */
	bool hung_up;   /* and takes no answer either */
	bool ending;    /* close as soon as the output is written */
	struct line_buffer in;
	struct evbuffer *out;
	struct event *readable;
	struct event *writable;
	uint64_t since_ms;    /* connected */
	uint64_t active_ms;   /* last byte in, or answer out */
	uint64_t partial_ms;  /* since when a line lacks its end; 0: none */
	uint64_t progress_ms; /* when output last moved, while some waits */
};

/*
 * Takes fd, which does not block. handler and ctx are borrowed for life.
 * Returns NULL when out of memory, fd closed.
 */
struct client *client_new(struct event_base *, int fd, enum right,
    const struct client_handler *handler, void *ctx);

/*
 * Read what has come already, so that a request that was sent at once is in
 * flight at once. May free the client (closed()).
 */
void client_read(struct client *);

/*
 * Answer the request in flight and go on with the next, from the event loop.
 * Takes line (with its newline); NULL, for want of memory, ends the
 * connection: the client would wait for it for ever.
 */
void client_answer(struct client *, char *line);

/* The same for a request that wants no answer. */
void client_done(struct client *);

/*
 * Make a follower of it: it may be idle for ever, and go on when it has shut
 * down its own side; written() says when it can take more.
 */
void client_follow(struct client *);

/*
 * The same, and it may read as slowly as it likes: who sends it something
 * looks at how much it has yet to read.
 */
void client_trace(struct client *);

/* Nothing more comes for it to follow. */
void client_unfollow(struct client *);

/* Send a follower a line (taken) that is no answer; NULL as above. */
void client_tell(struct client *, char *line);

/* Is there nothing that the client has yet to take? */
bool client_is_written(const struct client *);

/* What limit is this client over at now_ms? NULL: none. */
const char *client_overdue(const struct client *, uint64_t now_ms);

/* Say why (NULL: nothing) if there is room for it, write what can be written.
 */
void client_farewell(struct client *, enum err_code, const char *why);

/* Close and free. Nulls *c. */
void client_free(struct client **c);

#endif /* MERCURY_CONTROL_CLIENT_H */
