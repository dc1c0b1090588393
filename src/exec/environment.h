/*
 * environment: the variables that tell a program about its connection: those
 * of UCSPI, as the programs of ucspi-tcp, ucspi-unix, ipsvd, s6-networking and
 * ucspi-ssl expect them. Pure.
 */
#ifndef MERCURY_EXEC_ENVIRONMENT_H
#define MERCURY_EXEC_ENVIRONMENT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct exec_texts;

/* One end of a TCP connection. */
struct environment_end {
	uint8_t address[16]; /* as addr_bytes() makes it */
	uint16_t port;
};

/* A text that is NULL or empty is not told. */
struct environment_tls {
	const char *version;
	const char *cipher;
	const char *server_name;
	const char *subject; /* of the client's certificate */
	const char *name;    /* its common name */
	const char *serial;
	bool resumed;
};

/* All of it is borrowed. */
struct environment_facts {
	const char *listener;
	uint64_t connection;
	bool is_unix;
	/* Of TCP. */
	bool has_ends;
	struct environment_end local, remote;
	/* Of a Unix socket. */
	const char *path;
	bool has_peer; /* the process at the other end is known */
	uid_t uid;
	gid_t gid;
	pid_t pid;

	const struct environment_tls *tls; /* NULL: it is not TLS */

	/* For the search for processes that were left behind (strays). */
	pid_t worker;
	const char *run;       /* NULL: mercuryd has not said */
	const char *run_drain; /* the same */
};

/*
 * Make the environment of a program; what own (the plan's) says replaces what
 * we would have said. Returns NULL when out of memory; else it ends with a
 * NULL, and is freed as a whole with free(3).
 */
char **environment_make(const struct environment_facts *,
    const struct exec_texts *own);

#endif /* MERCURY_EXEC_ENVIRONMENT_H */
