/* conn_state: what a connection does at the moment. */
#ifndef MERCURY_COMMON_CONN_STATE_H
#define MERCURY_COMMON_CONN_STATE_H

/* clang-format off */
#define CONN_STATES(X)							\
	X(HANDSHAKE, "handshake") /* PROXY header and TLS come first */	\
	X(OPEN, "open")		/* polled for input; no output waits */	\
	X(WAITING, "waiting")	/* output waits: nothing is read */	\
	X(FINISHING, "finishing") /* output waits, then it ends */
/* clang-format on */

enum conn_state {
#define X(NAME, WORD) CONN_##NAME,
	CONN_STATES(X)
#undef X
	    CONN_STATE_COUNT
};

/* "open"; NULL out of range. */
const char *conn_state_name(unsigned int state);

#endif /* MERCURY_COMMON_CONN_STATE_H */
