/* status_text: the results of daemon.status and listener.status as text. */
#ifndef MERCURY_CTL_STATUS_TEXT_H
#define MERCURY_CTL_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * The daemon in a line, its listeners in a table, what went wrong, and the
 * store in a line.
 */
void status_text_daemon(FILE *, const json_t *status, bool colour);

/* All about one listener, with its workers. */
void status_text_listener(FILE *, const json_t *listener, bool colour);

#endif /* MERCURY_CTL_STATUS_TEXT_H */
