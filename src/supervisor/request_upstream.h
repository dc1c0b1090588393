/* request_upstream: what control asks about the upstreams of a listener. */
#ifndef MERCURY_SUPERVISOR_REQUEST_UPSTREAM_H
#define MERCURY_SUPERVISOR_REQUEST_UPSTREAM_H

#include "common/ipc_msg.h"

/* Answer with their rows. The name ends. */
void request_upstreams(const struct msg_req_name *);

/* Set the mode of one, then the same. */
void request_upstream_set(struct msg_req_upstream_set *);

#endif /* MERCURY_SUPERVISOR_REQUEST_UPSTREAM_H */
