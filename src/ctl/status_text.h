/* status_text: the result of daemon.status as text. Pure. */
#ifndef MERCURY_CTL_STATUS_TEXT_H
#define MERCURY_CTL_STATUS_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/look.h"

/* "mercuryd 0.1.0 is running: pid 42, up 3h12m", without a newline. */
void status_text_head(FILE *, const json_t *status, const struct look *);

/* "ready: no (pos is paused)" on a line; nothing when it is ready. */
void status_text_ready(FILE *, const json_t *status, const struct look *);

/*
 * The daemon in a line, whether it is ready, its listeners in a table, what
 * went wrong, and the store in a line.
 */
void status_text_daemon(FILE *, const json_t *status, const struct look *);

#endif /* MERCURY_CTL_STATUS_TEXT_H */
