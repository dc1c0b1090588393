/*
 * mercury/protocol.h: the interface between mercuryd and a protocol: what a
 * connection's bytes mean. The protocols that are built in are written
 * against it, and so are modules, shared objects that a worker loads
 * (protocol = "module"). See mercury-protocol(3).
 *
 * A protocol is a table of calls. All of them come from the one thread of a
 * worker process, and none may block: while one runs, no other connection of
 * that worker is served. Each worker of a listener calls configure() for
 * itself, and what it makes is not shared between them. A crash ends the
 * worker and its connections, and nothing else.
 *
 * A connection is valid from its opened() or restore() until its closed() has
 * returned, whatever fails in between: a broken one is closed when the call
 * that found it broken has returned. No call comes from within another.
 *
 * This is a stable binary interface: a table with another abi is refused. A
 * smaller size is that of an older header, whose table ends there; a larger
 * one that of a newer header, and what we do not know in it must be 0.
 */
#ifndef MERCURY_PROTOCOL_H
#define MERCURY_PROTOCOL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERCURY_ABI 1u

/* What crosses the border, also when all else is built to be hidden. */
#define MERCURY_API __attribute__((visibility("default")))

/* At most so many bytes wait to be consumed by received(). */
#define MERCURY_INPUT_MAX 65536u

/* Bytes of a connection's state, in memory and as save() writes it. */
#define MERCURY_STATE_MAX 65536u

/* Counters of one protocol, at most. */
#define MERCURY_COUNTERS_MAX 8u

/* Letters of a counter's name and of a reason, at most. */
#define MERCURY_NAME_MAX 31u

struct mercury_conn;
struct mercury_listener;

/* One option of the module section: its name, and its value as text. */
struct mercury_option {
	const char *name;
	const char *value;
};

/* Why a connection has ended. More may come. */
enum mercury_end {
	MERCURY_END_FINISHED,    /* by mercury_finish(), all bytes sent */
	MERCURY_END_PEER_CLOSED, /* and the peer had finished before */
	MERCURY_END_PEER_RESET,  /* by the peer, or the network between */
	MERCURY_END_TIMEOUT,     /* one of the listener's timeouts */
	MERCURY_END_REFUSED, /* by mercury_reset(), by what received() returned,
				or for lack of memory */
	MERCURY_END_STOPPED, /* by an operator, or at a drain's deadline */
	MERCURY_END_MOVED    /* it goes on, with what save() has written */
};

/* A protocol. What it has no use for is 0, as designated initialisers do it. */
struct mercury_protocol {
	uint32_t abi;      /* MERCURY_ABI */
	uint32_t size;     /* sizeof(struct mercury_protocol) */
	const char *name;  /* for logs */
	size_t state_size; /* bytes in each connection, to MERCURY_STATE_MAX */

	/*
	 * Names of its counters: up to MERCURY_COUNTERS_MAX, each of up to
	 * MERCURY_NAME_MAX letters a-z, digits and underscores, beginning with
	 * a letter; NULL ends them. May be NULL: it has none.
	 */
	const char *const *counters;

	/*
	 * A listener uses the protocol with these options (borrowed; in order
	 * of their names, each name once). *config, NULL before, is what
	 * mercury_config() gives to its connections, until unconfigure().
	 * Called again with new options: open connections keep the config that
	 * they have. Returns 0, or -1 with a sentence in error (size bytes,
	 * with its NUL) that says which option is wrong and what would be
	 * right: then *config is ignored, and the listener can't be added or
	 * stays as it was. NULL: it takes no options.
	 */
	int (*configure)(struct mercury_listener *,
	    const struct mercury_option *options, size_t count, void **config,
	    char *error, size_t size);
	/*
	 * No connection uses the config any more; the listener that it was for
	 * may be gone. May be NULL.
	 */
	void (*unconfigure)(void *config);

	/* The connection is open; its state is zeroed. May be NULL. */
	void (*opened)(struct mercury_conn *);
	/*
	 * len (> 0) bytes are there; data is borrowed, and may be written to.
	 * Returns how many of them, from the first, it has consumed; the
	 * others come again, with what follows them: when more has arrived, or
	 * when output that waited was taken. When it consumes nothing of
	 * MERCURY_INPUT_MAX bytes, and no output waits, or says more than len,
	 * the connection is reset. Not called while output waits
	 * (mercury_unsent()), so what one call sends is the most that a slow
	 * peer makes us keep. Never NULL.
	 */
	size_t (*received)(struct mercury_conn *, uint8_t *data, size_t len);
	/*
	 * The peer has finished: nothing more will come, and what received()
	 * has not consumed is dropped. Output can still be sent; the
	 * connection stays open until mercury_finish(). NULL, as most
	 * protocols want it: mercury_finish().
	 */
	void (*peer_finished)(struct mercury_conn *);
	/*
	 * Output was waiting, and the kernel has taken all of it. Not called
	 * for what it took at once, in mercury_send(). May be NULL.
	 */
	void (*writable)(struct mercury_conn *);
	/* The time of mercury_set_timer() has come, once. May be NULL. */
	void (*timer)(struct mercury_conn *);
	/*
	 * It has ended, and each that was opened does so once: free what the
	 * state refers to. Nothing can be sent any more; the state itself is
	 * freed afterwards. May be NULL.
	 */
	void (*closed)(struct mercury_conn *, enum mercury_end);

	/*
	 * For a connection that moves to another process; with check_state
	 * after each call above, in the same one. save() writes its state as
	 * bytes that mean the same there: it returns how many they are (to
	 * MERCURY_STATE_MAX), and writes them if they fit into size. Then
	 * closed() is called with MERCURY_END_MOVED. restore() makes a state of
	 * such bytes (borrowed), perhaps in another version of the module; the
	 * state is zeroed before, and opened() is not called. It returns 0, or
	 * -1 when the bytes make no sense: then it keeps nothing, and the
	 * connection is reset without a closed(). Neither may send, finish or
	 * reset; the timer moves by itself. Define both or neither: then the
	 * state is copied as it is, and may hold values only, no pointers.
	 */
	size_t (*save)(struct mercury_conn *, void *bytes, size_t size);
	int (*restore)(struct mercury_conn *, const void *bytes, size_t size);
};

/* What a module has to define; the worker looks for this name. */
#define MERCURY_MODULE_SYMBOL "mercury_module"
extern MERCURY_API const struct mercury_protocol mercury_module;

/*
 * --- What a protocol may call, within any of its calls, of this connection or
 * another one that is valid. None blocks, or calls back. ---
 */

/*
 * The state bytes of the connection, aligned for any type. Ask again in each
 * call: they may have moved since the last one.
 */
MERCURY_API void *mercury_state(struct mercury_conn *);

/* What configure() made for its listener; NULL if it made nothing. */
MERCURY_API void *mercury_config(struct mercury_conn *);

/*
 * Send len bytes (borrowed). What the kernel does not take now is kept and
 * sent later, and received() is not called meanwhile. Returns 0, or -1 when
 * the connection is broken, was finished, or memory is short: then nothing is
 * sent any more, and closed() comes. Most protocols need not look.
 */
MERCURY_API int mercury_send(struct mercury_conn *, const void *data,
    size_t len);

/* Bytes that were sent and that the kernel has not taken yet. */
MERCURY_API size_t mercury_unsent(struct mercury_conn *);

/*
 * Send what waits, then finish: the peer sees the end of the stream. What it
 * still sends is discarded, for a few seconds at most. Only closed() follows.
 */
MERCURY_API void mercury_finish(struct mercury_conn *);

/*
 * End it by a reset as soon as the call returns; what waits is lost. Only
 * closed() follows.
 */
MERCURY_API void mercury_reset(struct mercury_conn *);

/*
 * Have timer() called in so many milliseconds, rounded up to tenths of a
 * second, instead of when it was set for before; 0: never.
 */
MERCURY_API void mercury_set_timer(struct mercury_conn *, uint64_t ms);

/*
 * Its id: no other connection, also of another start, has the same. mercuryctl
 * shows it as two numbers, such as b13cfa44-17: the upper half in hex, the
 * lower one not.
 */
MERCURY_API uint64_t mercury_id(struct mercury_conn *);

/*
 * What is known of the peer: each text is never NULL, may be empty, and is
 * printable, other bytes escaped (\x0a). TLS is that with us, or, behind a
 * proxy that has told so, that with the proxy.
 */
struct mercury_peer {
	size_t size;             /* sizeof(struct mercury_peer), set by you */
	const char *address;     /* numeric; behind a proxy the peer's own */
	uint16_t port;           /* 0: it has none */
	const char *tls_version; /* "TLSv1.3"; empty: there is no TLS */
	const char *tls_name;    /* common name of its certificate */
	const char *tls_subject; /* all of its name */
	const char *tls_sans;    /* its other names */
	const char *tls_serial;  /* in hex */
	const char *server_name; /* that it asked for */
};

/*
 * Fill in *peer, as much of it as size says. The texts are valid until the
 * call that asks returns, or asks again.
 */
MERCURY_API void mercury_get_peer(struct mercury_conn *,
    struct mercury_peer *peer);

/* The name of a listener; valid until configure() returns. */
MERCURY_API const char *mercury_listener_name(struct mercury_listener *);

enum mercury_level {
	MERCURY_LOG_ERROR,
	MERCURY_LOG_WARNING,
	MERCURY_LOG_INFO,
	MERCURY_LOG_DEBUG
};

/*
 * A line in the log, which names listener and connection. Bytes that are not
 * printable are escaped. Of many lines of one listener within a second only
 * the first are written, and then how many were not.
 */
MERCURY_API void mercury_log(struct mercury_conn *, enum mercury_level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
MERCURY_API void mercury_vlog(struct mercury_conn *, enum mercury_level,
    const char *format, va_list) __attribute__((format(printf, 3, 0)));

/* The same of a listener, for configure(). */
MERCURY_API void mercury_listener_log(struct mercury_listener *,
    enum mercury_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Record an event connection.reported (mercury-store(8)) with the connection
 * and its peer. reason is a word, of what a counter's name may have; text
 * (borrowed; may be NULL) is a sentence, cut to 120 bytes; of
 * many within a second only the first are recorded, and the next one has their
 * count.
 */
MERCURY_API void mercury_report(struct mercury_conn *, const char *reason,
    const char *text);

/* Add n to the counter with that index in counters. */
MERCURY_API void mercury_count(struct mercury_conn *, unsigned int counter,
    uint64_t n);

/* Milliseconds of a clock that never goes back. */
MERCURY_API uint64_t mercury_now_ms(void);

#ifdef __cplusplus
}
#endif

#endif /* MERCURY_PROTOCOL_H */
