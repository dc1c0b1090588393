/*
 * load: what the parts of the load generator share: what it was told to do,
 * and what came of it.
 *
 * The settings are made once, before any process is forked. Each process
 * writes a tally of its own in shared memory; the first process reads them.
 */
#ifndef MERCURY_BENCH_LOAD_H
#define MERCURY_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "spread.h"

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

enum load_mode {
	LOAD_RATE, /* connect, one message, reset; again */
	LOAD_ECHO, /* a message is answered, the next one is sent */
	LOAD_PACE, /* messages are sent when they are due, answered or not */
	LOAD_HOLD, /* connections that are silent; at the end one message each
		    */
	LOAD_MODE_COUNT
};

/* What may become of a connection that should have lived on. */
#define LOAD_FAILURES(FAILURE)                                            \
	FAILURE(REFUSED, "refused")                                       \
	FAILURE(RESET, "reset")                                           \
	FAILURE(ENDED, "ended") /* the server closed it */                \
	FAILURE(WRONG, "wrong") /* other bytes than were sent */          \
	FAILURE(HUNG, "hung")   /* no progress for HUNG_S */              \
	FAILURE(TLS, "tls")     /* a handshake or a record was no good */ \
	FAILURE(OTHER, "other") /* timed out, unreachable */

enum load_failure {
#define FAILURE(NAME, WORD) FAILED_##NAME,
	LOAD_FAILURES(FAILURE)
#undef FAILURE
	    FAILED_COUNT
};

struct settings {
	enum load_mode mode;
	struct sockaddr_in to;
	unsigned int connections; /* of all processes together */
	unsigned int processes;
	unsigned int bytes;  /* of a message */
	unsigned int depth;  /* echo: messages under way at a time */
	unsigned int limit;  /* rate, echo: end after so many; 0: seconds */
	uint64_t period_ns;  /* pace: a message so often a connection */
	uint64_t warm_up_ns; /* not counted */
	uint64_t measure_ns; /* counted */
	bool tls;
	bool resume; /* tls: with the ticket of the connection before */
};

struct tally {
	uint64_t done;    /* messages, or connections (rate), that were timed */
	uint64_t total;   /* the same from the start, with the warm-up */
	uint64_t opened;  /* connections that could be used */
	uint64_t resumed; /* of total, TLS sessions that went on */
	uint64_t skipped; /* pace: due while there was no connection */
	uint64_t unanswered; /* pace: sent, and no answer came */
	uint64_t failed[FAILED_COUNT];
	struct spread
	    latency;        /* of done; empty for echo with a depth above 1 */
	_Atomic bool ready; /* hold: all are open, or have failed */
};

/* What the first process tells the others. */
struct orders {
	_Atomic bool verify; /* hold: send the messages now */
};

/*
 * Be one of the processes that make the load; never returns. It has the
 * clients that settings give to process number `index`, counted from 0.
 */
_Noreturn void load_process(const struct settings *, unsigned int index,
    struct tally *, const struct orders *);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t load_now(void);

/* End this program because of what errno says. */
_Noreturn void load_die(const char *what);

#endif /* MERCURY_BENCH_LOAD_H */
