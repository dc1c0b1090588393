/*
 * tls: TLS over a socket that somebody else owns and polls. No call waits;
 * none keeps the socket's descriptor. One thread only.
 *
 * All of it is reached through one table, so that a worker can load it from
 * mercury-tls.so with its first TLS listener and does without OpenSSL before.
 *
 * A context is what a listener is asked to be; whoever made it owns it, its
 * sessions hold it too. A session is one connection; whoever made it owns it.
 */
#ifndef MERCURY_TLS_TLS_H
#define MERCURY_TLS_TLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ticket_keys.h"
#include "common/tls_failure.h"

/* What a loader compares, with the size: both sides must be of one build. */
#define TLS_BUILD PACKAGE_NAME " " PACKAGE_VERSION " tls 2"

/* The one symbol of mercury-tls.so: a const struct tls_api. */
#define TLS_SYMBOL "mercury_tls"

/* Room that recv needs: then all that it received fits, decrypted. */
#define TLS_RECV_SIZE 65536

struct tls_context;
struct tls_session;

enum tls_handshake {
	TLS_DONE,
	TLS_AGAIN_READ,  /* call again when the socket is readable */
	TLS_AGAIN_WRITE, /* call again when it is writable */
	TLS_FAILED
};

/* What recv, send and flush return beside a number of bytes (> 0). */
enum {
	TLS_FINISHED = 0, /* recv: the peer has sent all that it will */
	TLS_AGAIN = -1,   /* not now: poll */
	TLS_GONE = -2,    /* the socket is broken: see errno */
	TLS_ERROR = -3    /* the peer broke TLS, or sent an alert: failure() */
};

/*
 * What was agreed, for people. All text is UTF-8 without control characters,
 * and cut where it would not fit; empty: there is none.
 */
struct tls_facts {
	char version[16]; /* "TLSv1.3" */
	char cipher[48];
	char alpn[64];
	char sni[256];
	char subject[256];    /* of the peer's certificate, as RFC 2253 */
	char common_name[72]; /* of that subject */
	char sans[512];       /* "DNS:a.example, IP:10.0.0.1" */
	char serial[48];      /* of that certificate: hex digits */
	bool resumed;
	bool certificate; /* the peer showed one, and it was verified */
};

struct tls_api {
	char build[64]; /* TLS_BUILD */
	size_t size;    /* of this struct */

	/*
	 * Make a context from material (tls_material.h), which is borrowed;
	 * the caller wipes it. Returns NULL with *err.
	 */
	struct tls_context *(
	    *context_new)(const void *material, size_t size, struct err *err);

	/* Let go of it. It lives on while sessions use it. NULL is fine. */
	void (*context_free)(struct tls_context *);

	/*
	 * Encrypt tickets with the first of these keys, and accept those of
	 * all of them; they are copied. Before the first call the context
	 * makes and takes no tickets; nor does it ever, if the material says
	 * so. Returns 0, or -1 when their number makes no sense.
	 */
	int (*context_set_tickets)(struct tls_context *,
	    const struct ticket_keys *);

	/* Do we start the handshake (role client), or does the peer? */
	bool (*context_speaks_first)(const struct tls_context *);

	/*
	 * Start a session. The len bytes at first (copied; NULL if 0) were
	 * received from the socket already, behind a PROXY header. Returns
	 * NULL when out of memory.
	 */
	struct tls_session *(*session_new)(struct tls_context *,
	    const uint8_t *first, size_t len);

	/*
	 * Start a session with a peer that we have connected to; the context
	 * has role client. server is what the peer is called: a DNS name,
	 * which it is told (SNI), or a numeric address. Where the context
	 * verifies, the peer's certificate must be for that; NULL or empty:
	 * for anything. Returns NULL when out of memory, or when server is
	 * too long for a name.
	 */
	struct tls_session *(
	    *session_connect)(struct tls_context *, const char *server);

	/* Sends nothing. NULL is fine. */
	void (*session_free)(struct tls_session *);

	/*
	 * Go on with the handshake on the socket fd; to be called at once
	 * after session_new, and whenever fd is ready as the last result
	 * says. When it is TLS_FAILED, an alert has been sent if the peer may
	 * want one; free the session. When it is TLS_DONE, mind pending() and
	 * unsent(), as after every recv and send.
	 */
	enum tls_handshake (*handshake)(struct tls_session *, int fd);

	/*
	 * Receive once from the socket and decrypt all of that. size is at
	 * least TLS_RECV_SIZE. What came before an end or an error is given
	 * first; pending() is true then.
	 */
	ssize_t (
	    *recv)(struct tls_session *, int fd, uint8_t *data, size_t size);

	/*
	 * Has recv something to give, though the socket may never become
	 * readable? Then call it without waiting.
	 */
	bool (*pending)(const struct tls_session *);

	/*
	 * Encrypt and send up to len (> 0) bytes. What is taken is on its
	 * way: should the socket be full, the session keeps the last of it,
	 * at most one record, as unsent.
	 */
	ssize_t (*send)(struct tls_session *, int fd, const uint8_t *data,
	    size_t len);

	/*
	 * Bytes, encrypted, that the socket has not taken yet. While there
	 * are any, poll for writable, then flush or send. recv may make some.
	 */
	size_t (*unsent)(const struct tls_session *);

	/* Returns 0 when nothing is unsent now, TLS_AGAIN or TLS_GONE. */
	int (*flush)(struct tls_session *, int fd);

	/*
	 * Tell the peer that nothing more comes (close_notify), if that is
	 * possible now: what is unsent afterwards may be flushed. No send
	 * may follow; recv may.
	 */
	void (*finish)(struct tls_session *, int fd);

	/*
	 * Once, right after TLS_DONE: fill in *facts. The session forgets what
	 * only they need, the peer's certificate for one; and with version
	 * 1.3 it lets go of OpenSSL's SSL here (tls_record.h), which makes it
	 * small. Without this call it works, but never gets small.
	 */
	void (*describe)(struct tls_session *, struct tls_facts *facts);

	/*
	 * Why the last call returned TLS_FAILED or TLS_ERROR. *text gets a
	 * sentence for people, valid until the next call of any session.
	 */
	enum tls_failure (
	    *failure)(const struct tls_session *, const char **text);
};

/* Linked in, where it is not loaded (mercury-config, tests). */
extern __attribute__((visibility("default"))) const struct tls_api mercury_tls;

#endif /* MERCURY_TLS_TLS_H */
