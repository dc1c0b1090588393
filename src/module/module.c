#include "module/module.h"

#include <stdlib.h>
#include <string.h>

#include "common/bulk.h"
#include "common/module_plan.h"
#include "module/check_state.h"
#include "module/loader.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/printable.h"
#include "pool/slab.h"

#define ERROR_SIZE 256

/* One module with one set of options; use comes first. */
struct module_use {
	struct protocol_use use;
	struct mercury_protocol calls;
	struct slab conns;
	struct bulk_ref plan; /* what it was made of */
};

/* The protocol_use's unused(). */
static void
free_use(struct protocol_use *u)
{
	struct module_use *m = (struct module_use *)u;

	if (m->calls.unconfigure != NULL)
		m->calls.unconfigure(m->use.config);
	slab_clear(&m->conns);
	free(m);
}

/* What the module has said, which may be anything. */
static int
tell_refusal(const struct mercury_protocol *calls, char text[ERROR_SIZE],
    struct err *err)
{
	char shown[4 * ERROR_SIZE + 1];

	text[ERROR_SIZE - 1] = '\0';
	(void)printable((const uint8_t *)text, strlen(text), shown,
	    sizeof(shown));
	return err_set(err, ERR_INVALID, "module %s: %.300s", calls->name,
	    shown[0] == '\0' ? "it refuses its options, and says not why"
			     : shown);
}

static size_t
list_options(const struct module_plan *plan,
    struct mercury_option options[static MODULE_OPTIONS_MAX])
{
	const char *at = plan->texts;
	size_t i;

	for (i = 0; i < plan->options; i++) {
		options[i].name = at;
		at += strlen(at) + 1;
		options[i].value = at;
		at += strlen(at) + 1;
	}
	return plan->options;
}

/* Returns 0, or -1 with *err. */
static int
configure_calls(struct module_use *m, struct conn_list *list,
    const struct module_plan *plan, struct err *err)
{
	struct mercury_listener *listener = (void *)list;
	struct mercury_option options[MODULE_OPTIONS_MAX];
	const size_t count = list_options(plan, options);
	char error[ERROR_SIZE] = "";

	if (m->calls.configure == NULL) {
		if (count == 0)
			return 0;
		return err_set(err, ERR_INVALID,
		    "module %s takes no options, such as %s", m->calls.name,
		    options[0].name);
	}
	if (m->calls.configure(listener, options, count, &m->use.config, error,
		sizeof(error)) == 0)
		return 0;
	return tell_refusal(&m->calls, error, err);
}

/* Where its connections come from: each has its state, or room to move it. */
static void
init_slab(struct module_use *m, const struct module_plan *plan)
{
	size_t size = m->calls.state_size;

	if (plan->check_state) {
		m->use.check = check_state;
		size = 2 * conn_state_room(size);
	}
	slab_init(&m->conns, sizeof(struct conn) + size);
	m->use.conns = &m->conns;
}

/* Held once. Returns NULL with *err. */
static struct protocol_use *
make_use(struct conn_list *list, const struct module_plan *plan,
    const struct bulk_ref *ref, struct err *err)
{
	struct module_use *m = calloc(1, sizeof(*m));
	void *module;

	if (m == NULL) {
		(void)err_sys(err, "module");
		return NULL;
	}
	module = loader_load(plan->path, &m->calls, err);
	if (module == NULL || configure_calls(m, list, plan, err) == -1) {
		if (module != NULL)
			loader_unload(module);
		free(m);
		return NULL;
	}
	m->use.calls = &m->calls;
	m->use.holders = 1;
	m->use.unused = free_use;
	m->plan = *ref;
	init_slab(m, plan);
	return &m->use;
}

/* Returns NULL with *err. */
static struct protocol_use *
use_plan(struct conn_list *list, const struct bulks *values, struct err *err)
{
	const struct bulk *value = values->of[BULK_PROTOCOL_PLAN];
	struct protocol_use *use = NULL;
	const struct module_plan *plan;

	if (value == NULL) {
		(void)err_set(err, ERR_INTERNAL,
		    "the module's plan is missing");
		return NULL;
	}
	plan = bulk_map(value, err);
	if (plan == NULL)
		return NULL;
	if (module_plan_check(plan, value->ref.size, err) == 0)
		use = make_use(list, plan, &value->ref, err);
	bulk_unmap(value, plan);
	return use;
}

static int
configure(struct conn_list *list, const struct bulks *values, struct err *err)
{
	list->use = use_plan(list, values, err);
	return list->use == NULL ? -1 : 0;
}

/* Other values may have changed, which is nothing to the module. */
static int
update(struct conn_list *list, const struct bulks *values, struct err *err)
{
	const struct module_use *now = (const struct module_use *)list->use;
	struct protocol_use *fresh;

	if (bulk_ref_matches(&now->plan, values->of[BULK_PROTOCOL_PLAN]))
		return 0;
	fresh = use_plan(list, values, err);
	if (fresh == NULL)
		return -1;
	protocol_use_drop(list->use);
	list->use = fresh;
	return 0;
}

static void
unconfigure(struct conn_list *list)
{
	protocol_use_drop(list->use);
	list->use = NULL;
}

const struct protocol protocol_module = {
	.configure = configure,
	.update = update,
	.unconfigure = unconfigure,
	.begin = stream_begin,
	.ready = stream_ready,
	.timer = stream_timer,
	.ended = stream_ended,
};
