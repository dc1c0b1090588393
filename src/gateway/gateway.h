/*
 * gateway: the role itself: what the supervisor brings, and which of its
 * services gets it.
 */
#ifndef MERCURY_GATEWAY_GATEWAY_H
#define MERCURY_GATEWAY_GATEWAY_H

#include <stdbool.h>

#include "common/gateway_settings.h"

struct event_base;
struct health_board;
struct questions;

/* What services need; all of it is borrowed for life. */
struct gateway_env {
	struct event_base *base;
	const struct health_board *board; /* who is ready */
	struct questions *questions;      /* for all that is not on it */
	const struct gateway_settings *settings;
	const struct bulks *bulks; /* that the settings refer to */
	bool is_apart;             /* we are another user than mercuryd */
};

/*
 * Serve until the supervisor closes the channel (ROLE_CHANNEL_FD). Returns
 * the exit code of the process.
 */
int gateway_run(void);

#endif /* MERCURY_GATEWAY_GATEWAY_H */
