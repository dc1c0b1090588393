/*
 * event_show: where events go on the standard output: as text or as JSON,
 * page by page, until nobody reads them any more.
 */
#ifndef MERCURY_CTL_EVENT_SHOW_H
#define MERCURY_CTL_EVENT_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/event_text.h"

/* All zero but for json and layout.colour: begin. */
struct event_show {
	bool json;
	struct event_layout layout;
	uint64_t shown;
	bool over; /* who read them has gone */
};

/*
 * Print these events. Returns 0, or -1 with *f when the output can't be
 * written. That nobody reads it is no failure: show->over is set then.
 */
int event_show_page(struct event_show *, const json_t *events,
    struct failure *f);

/* The same for one that is printed at once. */
int event_show_one(struct event_show *, const json_t *event, struct failure *f);

#endif /* MERCURY_CTL_EVENT_SHOW_H */
