/*
 * agent: the server that HAProxy's agent-check asks (mercury-gateway(8),
 * AGENT CHECK). A client may send a line with the name of a listener; one
 * that sends none, within a moment, means the daemon. The answer is one line,
 * then the end.
 *
 * It answers whatever the state is, for HAProxy takes an agent that can't be
 * reached for no news.
 */
#ifndef MERCURY_GATEWAY_AGENT_H
#define MERCURY_GATEWAY_AGENT_H

struct agent;
struct err;
struct gateway_env;

/*
 * How long a line may take. HAProxy sends it with the end of its handshake,
 * so this is time for a packet that was lost and has to be sent again.
 */
#define AGENT_GRACE_MS 250

#define AGENT_CLIENTS_MAX 256 /* at a time; of more, the oldest are closed */

/* Serve on fd (taken, also on failure), which listens. NULL with *err. */
struct agent *agent_new(const struct gateway_env *, int fd, struct err *err);

/* Stop, and free. Nulls *a; NULL is fine. */
void agent_free(struct agent **a);

#endif /* MERCURY_GATEWAY_AGENT_H */
