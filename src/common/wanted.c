#include "common/wanted.h"

#include <string.h>

#define SECTIONS \
	(OPTION_BIT(OPT_PROXY) | OPTION_BIT(OPT_EXEC) | OPTION_BIT(OPT_MODULE))

/* Which options each value belongs to: one of them has it. */
static const option_set options_of[BULK_COUNT] = {
	[BULK_ALLOW] = OPTION_BIT(OPT_ALLOW),
	[BULK_DENY] = OPTION_BIT(OPT_DENY),
	[BULK_PROBES] = OPTION_BIT(OPT_PROBES),
	[BULK_PROXY_TRUSTED] = OPTION_BIT(OPT_PROXY_TRUSTED),
	[BULK_TLS] = OPTION_BIT(OPT_TLS),
	[BULK_TLS_MATERIAL] = OPTION_BIT(OPT_TLS),
	[BULK_PROTOCOL] = SECTIONS,
	[BULK_PROTOCOL_PLAN] = SECTIONS,
	[BULK_UPSTREAM_TLS] = OPTION_BIT(OPT_PROXY),
	[BULK_UPSTREAM_MATERIAL] = OPTION_BIT(OPT_PROXY),
};

/* The first of a set, for a message. */
static const char *
name_of(option_set set)
{
	unsigned int id = 0;

	while (id < LISTENER_OPTION_COUNT && !(set & OPTION_BIT(id)))
		id++;
	return spec_option_name((enum listener_option)id);
}

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
			    name_of(options_of[i]));
	}
	return 0;
}

void
wanted_merge_bulks(struct bulks *to, const struct bulks *from, option_set set)
{
	struct bulk *b;
	size_t i;

	for (i = 0; i < BULK_COUNT; i++) {
		if (!(set & options_of[i]))
			continue;
		b = bulk_hold(from->of[i]);
		bulk_drop(&to->of[i]);
		to->of[i] = b;
	}
}
