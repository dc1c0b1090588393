#include "proxy/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "common/bulk.h"
#include "pool/conn_list.h"
#include "pool/worker.h"
#include "proxy/proxied.h"
#include "proxy/relays.h"
#include "proxy/upstreams.h"
#include "tls/tls.h"

/* Of this worker, while it has a listener of this protocol. */
static struct {
	struct relays relays;
	unsigned int users;
} shared;

static struct proxy_plan *
copy_plan(const struct bulk *value, struct err *err)
{
	struct proxy_plan *plan = NULL;
	const void *bytes;

	if (value == NULL) {
		(void)err_set(err, ERR_INTERNAL, "its plan is missing");
		return NULL;
	}
	bytes = bulk_map(value, err);
	if (bytes == NULL)
		return NULL;
	if (proxy_plan_check(bytes, value->ref.size, err) == 0) {
		plan = malloc(value->ref.size);
		if (plan == NULL)
			(void)err_sys(err, "a plan");
		else
			memcpy(plan, bytes, value->ref.size);
	}
	bulk_unmap(value, bytes);
	return plan;
}

/* *out is NULL when upstreams are not asked for TLS. */
static int
make_context(const struct tls_api *tls, const struct bulk *material,
    struct tls_context **out, struct err *err)
{
	const void *bytes;

	*out = NULL;
	if (material == NULL)
		return 0;
	if (tls == NULL)
		return err_set(err, ERR_INTERNAL, "TLS_MODULE comes first");
	bytes = bulk_map(material, err);
	if (bytes == NULL)
		return -1;
	*out = tls->context_new(bytes, material->ref.size, err);
	bulk_unmap(material, bytes);
	return *out == NULL ? -1 : 0;
}

static int
share(struct conn_list *list, struct err *err)
{
	const struct worker *w = list->worker;

	if (shared.users == 0 &&
	    relays_init(&shared.relays, w->base, &proxied_owner) == -1)
		return err_set(err, ERR_INTERNAL, "no memory for a timer");
	shared.users++;
	shared.relays.tls = w->tls;
	proxied_use(&shared.relays);
	return 0;
}

static void
unshare(void)
{
	if (--shared.users == 0)
		relays_clear(&shared.relays);
}

static void
proxy_free(struct proxy *p, const struct tls_api *tls)
{
	upstreams_free(&p->upstreams);
	if (p->tls != NULL)
		tls->context_free(p->tls);
	free(p->plan);
	free(p);
}

/* All but the upstreams. */
static struct proxy *
proxy_new(const struct worker *w, const struct bulks *values, struct err *err)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_sys(err, "a proxy");
		return NULL;
	}
	p->plan = copy_plan(values->of[BULK_PROTOCOL_PLAN], err);
	if (p->plan != NULL &&
	    make_context(w->tls, values->of[BULK_UPSTREAM_MATERIAL], &p->tls,
		err) == 0)
		return p;
	proxy_free(p, w->tls);
	return NULL;
}

static int
configure(struct conn_list *list, const struct bulks *values, struct err *err)
{
	struct proxy *p = proxy_new(list->worker, values, err);

	if (p == NULL)
		return -1;
	p->upstreams = upstreams_new(list, p->plan, err);
	if (p->upstreams == NULL || share(list, err) == -1) {
		proxy_free(p, list->worker->tls);
		return -1;
	}
	list->context = p;
	return 0;
}

static int
update(struct conn_list *list, const struct bulks *values, struct err *err)
{
	struct proxy *p = list->context;
	struct proxy *fresh = proxy_new(list->worker, values, err);
	struct proxy old = *p;

	if (fresh == NULL)
		return -1;
	if (upstreams_update(p->upstreams, fresh->plan, err) == -1) {
		proxy_free(fresh, list->worker->tls);
		return -1;
	}
	shared.relays.tls = list->worker->tls;
	p->plan = fresh->plan;
	p->tls = fresh->tls;
	fresh->plan = old.plan;
	fresh->tls = old.tls;
	proxy_free(fresh, list->worker->tls);
	return 0;
}

static void
unconfigure(struct conn_list *list)
{
	proxy_free(list->context, list->worker->tls);
	list->context = NULL;
	unshare();
}

const struct protocol protocol_proxy = {
	.configure = configure,
	.update = update,
	.unconfigure = unconfigure,
	.state_size = sizeof(struct proxied),
	.events = RELAY_EVENTS,
	.begin = proxied_begin,
	.ready = proxied_ready,
	.timer = proxied_timer,
	.ended = proxied_ended,
	.kept = proxied_kept,
};
