/*
 * conn_end: why a connection ended: one closed set for counters, events and
 * JSON.
 */
#ifndef MERCURY_COMMON_CONN_END_H
#define MERCURY_COMMON_CONN_END_H

/*     END(ID, "word", "help") */
/* clang-format off */
#define CONN_ENDS(END)							\
	END(PEER_CLOSED, "peer_closed", "the peer closed it")		\
	END(PEER_RESET, "peer_reset", "the peer, or a network device, reset it") \
	END(USER_TIMEOUT, "user_timeout", "what was sent was not acknowledged for user_timeout") \
	END(KEEPALIVE, "keepalive", "the peer did not answer to keepalive") \
	END(IDLE_TIMEOUT, "idle_timeout", "no byte came for idle_timeout") \
	END(MAX_LIFETIME, "max_lifetime", "it was open for max_lifetime") \
	END(HANDSHAKE_TIMEOUT, "handshake_timeout", "its handshake was not done after handshake_timeout") \
	END(TLS_ERROR, "tls_error", "its TLS handshake failed, or the peer broke TLS") \
	END(PROTOCOL_ERROR, "protocol_error", "the peer sent what makes no sense, such as a bad PROXY header") \
	END(DENIED, "denied", "the peer behind the proxy may not connect") \
	END(PROTOCOL_CLOSED, "protocol_closed", "its protocol, such as a module, ended it") \
	END(UPSTREAM_CLOSED, "upstream_closed", "the upstream closed it") \
	END(UPSTREAM_FAILED, "upstream_failed", "no upstream could be reached, or it reset the connection") \
	END(PROGRAM_ENDED, "program_ended", "its program ended") \
	END(PROGRAM_FAILED, "program_failed", "its program could not be started") \
	END(KICKED, "kicked", "somebody asked for it")			\
	END(DEADLINE, "deadline", "it was open still at a drain deadline") \
	END(NO_MEMORY, "no_memory", "memory or descriptors were short")	\
	END(WORKER_CRASH, "worker_crash", "its worker ended before it")
/* clang-format on */

enum conn_end {
#define END(ID, WORD, HELP) CONN_END_##ID,
	CONN_ENDS(END)
#undef END
	    CONN_END_COUNT
};

/* "peer_closed"; NULL out of range. */
const char *conn_end_name(unsigned int end);

#endif /* MERCURY_COMMON_CONN_END_H */
