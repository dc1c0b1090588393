#include "control/follow.h"

#include <string.h>

void
follow_start(struct follow *f, const struct event_filter *filter,
    uint64_t after_id)
{
	memset(f, 0, sizeof(*f));
	f->filter = *filter;
	f->last_id = after_id;
	f->behind = true;
}

bool
follow_wants_page(const struct follow *f)
{
	return f->behind && !f->failed && f->request == 0;
}

void
follow_ask(struct follow *f, uint32_t request, struct msg_events_query *out)
{
	*out = (struct msg_events_query){
		.request = request,
		.order = EVENTS_BY_ID,
		.rows = EVENTS_PAGE_MAX,
		.after_id = f->last_id,
		.filter = f->filter,
	};
	f->request = request;
	f->behind = false;
}

void
follow_page(struct follow *f, uint64_t last_id, bool more)
{
	/* One that leads nowhere would be asked for again and again. */
	const bool advanced = last_id > f->last_id;

	f->request = 0;
	if (advanced)
		f->last_id = last_id;
	f->behind = f->behind || (more && advanced);
}

void
follow_failed(struct follow *f)
{
	f->request = 0;
	f->behind = true;
	f->failed = true;
}

void
follow_retry(struct follow *f)
{
	f->failed = false;
}

void
follow_news(struct follow *f, uint64_t newest_id)
{
	if (newest_id != 0 && newest_id < f->last_id)
		f->last_id = 0;
	if (newest_id > f->last_id)
		f->behind = true;
}

void
follow_store_changed(struct follow *f)
{
	f->request = 0;
	f->behind = true;
	f->failed = false;
}
