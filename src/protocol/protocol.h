/*
 * protocol: the interface between a connection (src/pool) and what is done
 * with its bytes. Every protocol is written against this header only.
 *
 * All calls come from the worker's event loop; none may block. A protocol
 * owns nothing but its state bytes inside the connection, which are zeroed
 * before opened() and must mean the same in another process: a connection
 * may move to another worker, so state holds values, never pointers.
 */
#ifndef MERCURY_PROTOCOL_PROTOCOL_H
#define MERCURY_PROTOCOL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

struct protocol {
	const char *name;
	size_t state_size; /* bytes of state in each connection; may be 0 */

	/*
	 * The connection is open. Returns false when it is gone, as
	 * conn_send() says. NULL: nothing to do.
	 */
	bool (*opened)(struct conn *);
	/*
	 * len (> 0) bytes have come; data is borrowed during the call and may
	 * be written to. All of them are consumed. While output is waiting
	 * (conn_send()) nothing more is read, so this is not called again
	 * before the peer has taken what it was sent: what one call sends is
	 * the most that a slow peer makes us keep. Never NULL.
	 */
	void (*received)(struct conn *, uint8_t *data, size_t len);
	/*
	 * The peer has shut down its side, and no output is waiting. Most
	 * answer with conn_finish(). Never NULL.
	 */
	void (*peer_finished)(struct conn *);
};

/*
 * Send len (> 0) bytes (borrowed). What the kernel does not take now is kept
 * and sent later, and reading from the peer stops meanwhile. Returns false
 * when that failed: the connection is gone, and so is its state; a protocol
 * must return at once then.
 */
bool conn_send(struct conn *, const uint8_t *data, size_t len);

/*
 * Send what is still waiting, then FIN, and end the connection, which may be
 * at once: it is the last thing that a protocol does. Only when the peer has
 * finished: input that is unread would turn the FIN into a reset, and the
 * peer would lose what it was sent.
 */
void conn_finish(struct conn *);

/* The protocol's state bytes, aligned for any type. */
void *conn_state(struct conn *);

extern const struct protocol protocol_echo;
extern const struct protocol protocol_discard;

#endif /* MERCURY_PROTOCOL_PROTOCOL_H */
