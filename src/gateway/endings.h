/*
 * endings: the ends of connections whose answer has been sent. Closing while
 * there is something unread would be a reset, which a load balancer takes
 * for a failed check: our half is closed, and what still comes is read until
 * the peer has ended, too. Bounded in time, bytes and number.
 */
#ifndef MERCURY_GATEWAY_ENDINGS_H
#define MERCURY_GATEWAY_ENDINGS_H

struct event_base;
struct err;
struct endings;

#define ENDING_MS 1000  /* then it is closed all the same */
#define ENDINGS_MAX 256 /* at a time; of more, the oldest are closed */

/* NULL with *err. */
struct endings *endings_new(struct event_base *, struct err *err);

/* End this connection, in whose queue everything is; takes fd. */
void endings_take(struct endings *, int fd);

/* Close all, and free. Nulls *e; NULL is fine. */
void endings_free(struct endings **e);

#endif /* MERCURY_GATEWAY_ENDINGS_H */
