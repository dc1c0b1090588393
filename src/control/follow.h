/*
 * follow: how far one follower is with the events of the store, and when the
 * next page is to be asked for. Pure.
 *
 * One page at a time, and none before the client has taken the last one. The
 * store only says that there is something new, not what.
 */
#ifndef MERCURY_CONTROL_FOLLOW_H
#define MERCURY_CONTROL_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc_msg.h"

struct follow {
	struct event_filter filter;
	uint64_t last_id; /* all up to this one was sent, or is not wanted */
	uint32_t request; /* of the page that was asked for; 0: none */
	bool behind;      /* there may be more after last_id */
	bool failed; /* the last page could not be had: not at once again */
};

/* Go on behind after_id; there may be something already. */
void follow_start(struct follow *, const struct event_filter *,
    uint64_t after_id);

/* Should a page be asked for, if the client has taken all? */
bool follow_wants_page(const struct follow *);

/* Make the message that asks for the page with this number. */
void follow_ask(struct follow *, uint32_t request,
    struct msg_events_query *out);

/*
 * The page has come: it goes up to last_id, and there may be more. A
 * last_id of 0 is that of an empty table.
 */
void follow_page(struct follow *, uint64_t last_id, bool more);

/* It can't be had: follow_retry() lets it be asked for again. */
void follow_failed(struct follow *);
void follow_retry(struct follow *);

/*
 * Rows up to newest_id were written. When that is less than what was sent, it
 * is another database: go on with its first row.
 */
void follow_news(struct follow *, uint64_t newest_id);

/* Another store answers now, and what was asked for will not come. */
void follow_store_changed(struct follow *);

#endif /* MERCURY_CONTROL_FOLLOW_H */
