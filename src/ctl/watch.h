/*
 * watch: status --watch: asks again and again, and shows what comes, on a
 * screen of its own or as blocks of text.
 */
#ifndef MERCURY_CTL_WATCH_H
#define MERCURY_CTL_WATCH_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

/*
 * Watch the daemon, or the listener of that name (NULL: the daemon), until
 * somebody has had enough: also when the daemon is gone and comes back. c is
 * connected, and answer (borrowed) the first answer that has come from there;
 * c is open or closed when it returns. Returns 0, or -1 with *f when
 * the output can't be written.
 */
int watch_run(struct client *c, const struct options *, const char *name,
    json_t *answer, struct failure *f);

#endif /* MERCURY_CTL_WATCH_H */
