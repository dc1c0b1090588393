/*
 * client: one connection to the daemon's control socket, one request at a
 * time, each with a deadline.
 */
#ifndef MERCURY_CTL_CLIENT_H
#define MERCURY_CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exit codes of mercuryctl. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* the daemon said no */
	CTL_USAGE = 2,
	CTL_NO_DAEMON = 3,
	CTL_TIMED_OUT = 4
};

/* Why it did not work: for people, and for scripts. */
struct failure {
	enum ctl_exit code;
	char text[2048]; /* may have several lines */
};

struct client {
	const char *path; /* borrowed */
	bool changes;     /* what is called does something: say so if lost */
	int fd;
	int last_id;
	char *bytes;         /* what has come */
	size_t start;        /* of what was not taken yet */
	size_t len;          /* the end of it */
	size_t newline_free; /* from start up to here there is no newline */
	size_t size;
	void (*tick)(void *arg); /* called while we wait; NULL: nothing is */
	void *tick_arg;
};

/* Fill *f. Always returns -1. */
int client_fail(struct failure *f, enum ctl_exit code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Connect to the socket at path (borrowed for life) before deadline_ms
 * (CLOCK_MONOTONIC). changes says whether what will be called changes
 * anything, so that an answer that does not come leaves it open whether it
 * was done. Returns 0; close it with client_close(). Or returns -1
 * with *f.
 */
int client_open(struct client *, const char *path, bool changes,
    uint64_t deadline_ms, struct failure *f);

/*
 * Call a method with params (taken; NULL: none). Gives its result, or NULL
 * with *f.
 */
json_t *client_call(struct client *, const char *method, json_t *params,
    uint64_t deadline_ms, struct failure *f);

/*
 * The first half of client_call(): send the request. Returns 0, or -1 with *f
 * when it could not be sent by the deadline.
 */
int client_ask(struct client *, const char *method, json_t *params,
    uint64_t deadline_ms, struct failure *f);

/*
 * The second: take the answer from what client_receive() has read. Returns 1
 * with *result, a new reference; 0 when it is not complete yet; or -1 with *f
 * when it is an error: of the daemon, and the connection can go on; or it is
 * no answer to the last request.
 */
int client_answer(struct client *, json_t **result, struct failure *f);

/* A notification; texts are borrowed until more is read. */
struct client_note {
	json_t *object;   /* whose method is a string; a new reference */
	const char *line; /* as it came, without its newline */
	size_t len;
	/*
	 * The string called data with which it ends, as it came: it may be
	 * long, so it is left out of the object. NULL: there is none.
	 */
	const char *data;
	size_t data_len;
};

/*
 * The next notification among what has come, without waiting. Returns 1 with
 * *n; 0 when there is none; or -1 with *f when the daemon says something else.
 */
int client_any_notification(struct client *, struct client_note *n,
    struct failure *f);

/*
 * The params of the next notification of that method among what has come,
 * without waiting. Returns 1 with *params, a new reference; 0 when there is
 * none; or -1 with *f when the daemon says something else.
 */
int client_notification(struct client *, const char *method, json_t **params,
    struct failure *f);

/*
 * Read what has come, without waiting. Returns 0, or -1 with *f when the
 * connection is lost.
 */
int client_receive(struct client *, struct failure *f);

/*
 * Wait until the process pid has ended and the daemon has closed the
 * connection. Returns 0, or -1 with *f.
 */
int client_wait_end(struct client *, int pid, uint64_t deadline_ms,
    struct failure *f);

void client_close(struct client *);

#endif /* MERCURY_CTL_CLIENT_H */
