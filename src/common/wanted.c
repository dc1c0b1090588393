#include "common/wanted.h"

#include <string.h>

/* Which option each value belongs to. */
static const enum listener_option option_of[BULK_COUNT] = {
	[BULK_ALLOW] = OPT_ALLOW,
	[BULK_DENY] = OPT_DENY,
	[BULK_PROBES] = OPT_PROBES,
	[BULK_PROXY_TRUSTED] = OPT_PROXY_TRUSTED,
	[BULK_TLS] = OPT_TLS,
	[BULK_TLS_MATERIAL] = OPT_TLS,
};

int
bulks_take(struct bulks *s, const struct msg_bulk *m, int *fd, struct err *err)
{
	const int taken = *fd;
	struct bulk *b;

	*fd = -1;
	b = bulk_receive(taken, &m->ref, err);
	if (b == NULL)
		return -1;
	if (m->id >= BULK_COUNT) {
		bulk_drop(&b);
		return err_set(err, ERR_INTERNAL, "a value of unknown kind");
	}
	bulk_drop(&s->of[m->id]);
	s->of[m->id] = b;
	return 0;
}

void
wanted_clear(struct wanted *w)
{
	bulks_drop(&w->bulks);
}

void
wanted_copy(struct wanted *to, const struct wanted *from)
{
	*to = *from;
	memset(&to->bulks, 0, sizeof(to->bulks));
	bulks_copy(&to->bulks, &from->bulks);
}

int
wanted_check(struct wanted *w, struct err *err)
{
	size_t i;

	for (i = 0; i < BULK_COUNT; i++) {
		if (w->spec.bulks[i].size == 0)
			bulk_drop(&w->bulks.of[i]);
		if (!bulk_ref_matches(&w->spec.bulks[i], w->bulks.of[i]))
			return err_set(err, ERR_INTERNAL,
			    "%s: its value did not come",
			    spec_option_name(option_of[i]));
	}
	return 0;
}

void
wanted_merge_bulks(struct bulks *to, const struct bulks *from, option_set set)
{
	struct bulk *b;
	size_t i;

	for (i = 0; i < BULK_COUNT; i++) {
		if (!(set & OPTION_BIT(option_of[i])))
			continue;
		b = bulk_hold(from->of[i]);
		bulk_drop(&to->of[i]);
		to->of[i] = b;
	}
}
