#include "common/gateway_settings.h"

#include <string.h>

const char *const agent_weight_words[AGENT_WEIGHT_COUNT] = {
#define X(NAME, WORD) [AGENT_WEIGHT_##NAME] = WORD,
	AGENT_WEIGHTS(X)
#undef X
};

const char *
gateway_socket_name(unsigned int which)
{
	static const char *const names[GATEWAY_SOCKET_COUNT] = {
#define X(NAME, WORD) [GATEWAY_##NAME] = WORD,
		GATEWAY_SOCKETS(X)
#undef X
	};

	return which < GATEWAY_SOCKET_COUNT ? names[which] : NULL;
}

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
texts_end(const struct gateway_settings *s)
{
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++)
		if (!ends(s->places[i].address, sizeof(s->places[i].address)))
			return false;
	return ends(s->token, sizeof(s->token)) &&
	    ends(s->hosts, sizeof(s->hosts));
}

int
gateway_check(const struct gateway_wanted *g, struct err *err)
{
	const struct gateway_settings *s = &g->settings;
	unsigned int id;

	if (!texts_end(s) || s->agent_weight >= AGENT_WEIGHT_COUNT)
		return err_set(err, ERR_INVALID,
		    "gateway: its settings make no sense");
	for (id = 0; id < BULK_COUNT; id++)
		if (!bulk_ref_matches(&s->bulks[id], g->bulks.of[id]))
			return err_set(err, ERR_INVALID,
			    "gateway: a value has not come");
	return 0;
}
