/*
 * site: what the HTTP server answers: health checks, metrics, the API and the
 * dashboard; and to whom.
 */
#ifndef MERCURY_GATEWAY_SITE_H
#define MERCURY_GATEWAY_SITE_H

#include "common/err.h"

struct gateway_env;
struct site;

/*
 * Serve a socket that listens (taken, also when it fails), by the settings in
 * env (borrowed for life). With TLS or a token the process leaves no core dump
 * from now on. Returns NULL with *err.
 */
struct site *site_open(const struct gateway_env *env, int fd, struct err *err);

/*
 * Accept no more, and let those that wait for answers have them. gone() hears
 * when all connections are closed, maybe before this returns.
 */
void site_drain(struct site *, void (*gone)(void));

/* End it with all connections. Nulls *s; NULL is fine. */
void site_close(struct site **s);

#endif /* MERCURY_GATEWAY_SITE_H */
