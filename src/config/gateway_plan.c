#include "config/gateway_plan.h"

#include <string.h>

#include "config/tls_plan.h"

int
gateway_plan_complete(struct gateway_wanted *g, struct tls_warnings *warnings,
    struct err *err)
{
	struct wanted w = { .bulks = g->bulks };

	if (tls_plan_read(&w, warnings, err) == -1) {
		bulks_drop(&w.bulks);
		memset(g, 0, sizeof(*g));
		return -1;
	}
	g->bulks = w.bulks;
	g->settings.bulks[BULK_TLS_MATERIAL] = w.spec.bulks[BULK_TLS_MATERIAL];
	return 0;
}

bool
gateway_plan_is_open(const struct gateway_settings *s, const json_t *options)
{
	const char *address = s->places[GATEWAY_HTTP].address;
	const json_t *tls = json_object_get(options, "tls");

	if (json_object_get(tls, "client_ca") != NULL)
		return false;
	return address[0] != '\0' && strncmp(address, "127.", 4) != 0 &&
	    strcmp(address, "::1") != 0 && s->token[0] == '\0' &&
	    s->bulks[BULK_ALLOW].size == 0;
}
