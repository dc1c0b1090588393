/*
 * server: the listening control socket and its clients: who may come in, how
 * many, and for how long.
 */
#ifndef MERCURY_CONTROL_SERVER_H
#define MERCURY_CONTROL_SERVER_H

#include "common/err.h"
#include "control/access.h"

struct client;
struct event_base;
struct server;

struct server_handler {
	/* As in client.h. */
	void (
	    *request)(void *ctx, struct client *, const char *text, size_t len);
	void (*written)(void *ctx, struct client *);
	/* This client is about to be freed: forget it. */
	void (*gone)(void *ctx, struct client *);
};

/*
 * Accept on listen_fd (taken; a listening Unix stream socket). handler and
 * ctx are borrowed for life. Returns NULL with *err, listen_fd closed.
 */
struct server *server_new(struct event_base *, int listen_fd,
    const struct access_rules *, const struct server_handler *handler,
    void *ctx, struct err *err);

/*
 * Write what the clients are owed as far as they take it without waiting,
 * close everything and free. gone() is not called. Nulls *s; NULL is fine.
 */
void server_free(struct server **s);

#endif /* MERCURY_CONTROL_SERVER_H */
