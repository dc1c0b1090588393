#include "pool/protocol.h"

#include "pool/conn_list.h"
#include "protocol/builtin.h"

void
protocol_use_hold(struct protocol_use *u)
{
	if (u != NULL)
		u->holders++;
}

void
protocol_use_drop(struct protocol_use *u)
{
	if (u != NULL && --u->holders == 0 && u->unused != NULL)
		u->unused(u);
}

static int
configure_echo(struct conn_list *list, const struct bulks *values,
    struct err *err)
{
	static struct protocol_use use = { .calls = &builtin_echo };

	(void)values;
	(void)err;
	list->use = &use;
	protocol_use_hold(&use);
	return 0;
}

static int
configure_discard(struct conn_list *list, const struct bulks *values,
    struct err *err)
{
	static struct protocol_use use = { .calls = &builtin_discard };

	(void)values;
	(void)err;
	list->use = &use;
	protocol_use_hold(&use);
	return 0;
}

static void
unconfigure(struct conn_list *list)
{
	protocol_use_drop(list->use);
	list->use = NULL;
}

const struct protocol protocol_echo = {
	.configure = configure_echo,
	.unconfigure = unconfigure,
	.begin = stream_begin,
	.ready = stream_ready,
	.timer = stream_timer,
	.ended = stream_ended,
};

const struct protocol protocol_discard = {
	.configure = configure_discard,
	.unconfigure = unconfigure,
	.begin = stream_begin,
	.ready = stream_ready,
	.timer = stream_timer,
	.ended = stream_ended,
};
