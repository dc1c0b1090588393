/*
 * channel: one end of a socketpair in an event loop, with a bounded queue of
 * messages that the peer has not taken yet.
 *
 * Never waits. A peer that breaks the protocol, is gone, or lets the queue
 * fill is reported once through closed(); the channel is then silent until
 * it is freed.
 */
#ifndef MERCURY_COMMON_CHANNEL_H
#define MERCURY_COMMON_CHANNEL_H

#include <stddef.h>

#include "common/ipc.h"

struct event_base;
struct channel;

struct channel_handler {
	/*
	 * A checked message has come. The descriptor in it, if there is one,
	 * is closed after the call unless the handler sets msg->fd to -1. The
	 * handler may free the channel.
	 */
	void (*message)(void *ctx, struct ipc_message *msg);
	/*
	 * The channel is of no more use; why is one line, and it is
	 * channel_peer_gone itself when the peer has just closed its end,
	 * as it does when it dies. May free it.
	 */
	void (*closed)(void *ctx, const char *why);
};

extern const char channel_peer_gone[];

/*
 * Takes fd. peer is the role of the process at the other end; handler and
 * ctx are borrowed until channel_free(). Returns NULL with *err, fd closed.
 */
struct channel *channel_new(struct event_base *, int fd, enum role peer,
    const struct channel_handler *handler, void *ctx, struct err *err);

/*
 * Hear of its messages before anything else that is ready at the same time.
 * The event_base has more than one priority (event_base_priority_init()), and
 * the peer is trusted: one that talks all the time would keep all else waiting.
 */
void channel_go_first(struct channel *);

/*
 * Send a message now or as soon as the peer has room. fd is borrowed (-1:
 * none); it may be closed as soon as this returns. A failure comes through
 * closed(), from the event loop, never from within this call.
 */
void channel_send(struct channel *, enum ipc_kind, const void *payload, int fd);

/* How many messages the peer has no room for, or does not take. */
size_t channel_unsent(const struct channel *);

/* Deliver what the peer had sent before it went, for a peer that is dead. */
void channel_drain(struct channel *);

/*
 * Send what is queued, waiting while the peer makes room, but not longer
 * than max_ms at a time; for a process that is about to end. A failure is
 * reported as ever.
 */
void channel_flush(struct channel *, int max_ms);

/* Close and free; what is queued is lost. Nulls *c; NULL is fine. */
void channel_free(struct channel **c);

#endif /* MERCURY_COMMON_CHANNEL_H */
