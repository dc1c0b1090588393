/*
 * tcp_check: the ports that say whether something is ready by taking
 * connections or refusing them, for load balancers that can only connect
 * (mercury-gateway(8), TCP CHECKS): one for the daemon, and one for each
 * listener with a health_port.
 *
 * Their sockets are bound by the supervisor, which keeps them. What a gateway
 * does to one outlives it: another one may find it open.
 */
#ifndef MERCURY_GATEWAY_TCP_CHECK_H
#define MERCURY_GATEWAY_TCP_CHECK_H

struct err;
struct gateway_env;
struct tcp_checks;

/* How often the health board is looked at. */
#define TCP_CHECK_MS 100

/* env is borrowed for life. NULL with *err. */
struct tcp_checks *tcp_checks_new(const struct gateway_env *env,
    struct err *err);

/*
 * One more port: fd (taken, also on failure) is bound. name is that of its
 * listener, or empty for the daemon; a port that this name has already is
 * given up. Returns 0, or -1 with *err.
 */
int tcp_checks_add(struct tcp_checks *, const char *name, int fd,
    struct err *err);

/* The listener is gone; the supervisor sees to its socket. */
void tcp_checks_remove(struct tcp_checks *, const char *name);

/* Forget all, and leave the sockets as they are. Nulls *t; NULL is fine. */
void tcp_checks_free(struct tcp_checks **t);

#endif /* MERCURY_GATEWAY_TCP_CHECK_H */
