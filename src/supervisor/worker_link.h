/*
 * worker_link: channels between the control process and workers, over which
 * they talk without the supervisor: it makes them and keeps nothing.
 */
#ifndef MERCURY_SUPERVISOR_WORKER_LINK_H
#define MERCURY_SUPERVISOR_WORKER_LINK_H

#include <stdint.h>

struct listener;

/*
 * Make one to each worker that runs and serves the listener, those that drain
 * included, and send control its end, with request. One that can't be made is
 * told in the log.
 */
void worker_links_send(const struct listener *, uint32_t request);

#endif /* MERCURY_SUPERVISOR_WORKER_LINK_H */
