#include "supervisor/plan_load.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/child.h"
#include "supervisor/lines.h"
#include "supervisor/supervisor.h"
#include "supervisor/trial.h"

/* Error lines beyond this are only counted. */
#define ERRORS_SIZE 16384

static struct {
	struct child child;
	bool running;
	plan_loaded_fn *done; /* NULL: cancelled */
	struct msg_config_read request;
	struct plan plan;
	struct bulks incoming; /* for the next listener */
	char errors[ERRORS_SIZE];
	unsigned int errors_left_out;
	bool ended; /* PLAN_END has come */
	bool bad_config;
	size_t tried; /* how many listeners of the plan */
} load;

static void go_on(void);

static void on_started(struct child *);
static void on_up(struct child *);
static void on_message(struct child *, struct ipc_message *);
static void on_ended(struct child *, const struct child_exit *);
static void on_gone(struct child *);

static const struct child_owner config_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

static void
add_error(const char *text)
{
	const size_t used = strlen(load.errors);

	if (load.errors_left_out > 0 ||
	    used + strlen(text) + LINES_MORE_SIZE >= sizeof(load.errors)) {
		load.errors_left_out++;
		return;
	}
	(void)snprintf(load.errors + used, sizeof(load.errors) - used, "%s%s",
	    used == 0 ? "" : "\n", text);
}

/* Say how many errors there was no room for. */
static void
count_left_out(void)
{
	const size_t used = strlen(load.errors);

	if (load.errors_left_out > 0)
		(void)snprintf(load.errors + used, sizeof(load.errors) - used,
		    "\nand %u more", load.errors_left_out);
}

static void
on_started(struct child *c)
{
	child_send(c, IPC_CONFIG_READ, &load.request, -1);
}

static void
on_up(struct child *c)
{
	(void)c;
}

static void
on_plan_end(const struct msg_plan_end *m)
{
	struct err err;

	load.ended = true;
	if (m->errors > 0)
		load.bad_config = true;
	else if (m->listeners != load.plan.count)
		add_error("mercury-config lost a listener");
	else if (plan_complete(&load.plan, &err) == -1)
		add_error(err.text);
}

static void
on_bulk(struct ipc_message *msg)
{
	struct err err;

	if (bulks_take(&load.incoming, &msg->payload.BULK, &msg->fd, &err) ==
	    -1)
		add_error(err.text);
}

static void
on_listener(const struct msg_plan_listener *m)
{
	struct wanted item = { .spec = m->spec,
		.set = m->set,
		.origin = (enum spec_origin)m->origin,
		.bulks = load.incoming };
	struct err err;

	memset(&load.incoming, 0, sizeof(load.incoming));
	if (plan_add(&load.plan, &item, &err) == -1)
		add_error(err.text);
}

/* Its values have come before it. */
static void
on_gateway(const struct gateway_settings *s)
{
	struct gateway_wanted *g = &load.plan.gateway;
	struct err err;

	bulks_drop(&g->bulks);
	g->settings = *s;
	g->bulks = load.incoming;
	memset(&load.incoming, 0, sizeof(load.incoming));
	if (gateway_check(g, &err) == -1)
		add_error(err.text);
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	union ipc_payload *p = &msg->payload;
	struct err err;

	(void)c;
	switch (msg->kind) {
	case IPC_PLAN_DAEMON:
		load.plan.settings = p->PLAN_DAEMON;
		load.plan.has_settings = true;
		break;
	case IPC_PLAN_GATEWAY:
		on_gateway(&p->PLAN_GATEWAY);
		break;
	case IPC_PLAN_LISTENER:
		on_listener(&p->PLAN_LISTENER);
		break;
	case IPC_BULK:
		on_bulk(msg);
		break;
	case IPC_PLAN_GROUP:
		if (plan_add_group(&load.plan, &p->PLAN_GROUP, &err) == -1)
			add_error(err.text);
		break;
	case IPC_PLAN_CHILD:
		if (plan_add_child(&load.plan, &p->PLAN_CHILD, &err) == -1)
			add_error(err.text);
		break;
	case IPC_PLAN_ERROR:
		p->PLAN_ERROR.text[sizeof(p->PLAN_ERROR.text) - 1] = '\0';
		add_error(p->PLAN_ERROR.text);
		break;
	case IPC_PLAN_WARNING:
		p->PLAN_WARNING.text[sizeof(p->PLAN_WARNING.text) - 1] = '\0';
		log_warning(NULL, NULL, "%s", p->PLAN_WARNING.text);
		load.plan.warnings++;
		break;
	case IPC_PLAN_END:
		on_plan_end(&p->PLAN_END);
		break;
	default:
		add_error("mercury-config sent what it may not send");
		break;
	}
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	char text[sizeof(how->text) + 48];

	(void)c;
	if (load.ended)
		return;
	(void)snprintf(text, sizeof(text),
	    "mercury-config did not finish: it %s", how->text);
	add_error(text);
}

static void
finish(void)
{
	struct plan plan = load.plan;

	load.running = false;
	count_left_out();
	if (load.done != NULL && (load.errors[0] != '\0' || load.bad_config))
		load.done(NULL, load.errors, load.bad_config);
	else if (load.done != NULL)
		load.done(&plan, NULL, false);
	plan_free(&plan);
}

/* The trial_fn. */
static void
on_tried(void *ctx, const struct err *err)
{
	const struct wanted *item = ctx;
	char text[SPEC_NAME_SIZE + ERR_TEXT_SIZE + 32];

	if (err != NULL) {
		(void)snprintf(text, sizeof(text), "listener %s: %s",
		    item->spec.name, err->text);
		add_error(text);
		load.bad_config = true;
	}
	go_on();
}

/*
 * At start, who is not required may fail by itself; the same plan twice is as
 * good as once.
 */
static bool
is_to_be_tried(const struct wanted *item)
{
	const struct wanted *before;

	if (load.request.check_only || !trial_is_due(item) ||
	    (supervisor_state() == DAEMON_STARTING && !item->spec.required))
		return false;
	for (before = load.plan.items; before < item; before++)
		if (before->spec.worker_uid == item->spec.worker_uid &&
		    memcmp(&before->spec.bulks[BULK_PROTOCOL_PLAN],
			&item->spec.bulks[BULK_PROTOCOL_PLAN],
			sizeof(struct bulk_ref)) == 0)
			return false;
	return true;
}

/* Try the next module, or end. */
static void
go_on(void)
{
	struct wanted *item;
	struct err err;

	while (load.done != NULL && load.tried < load.plan.count) {
		item = &load.plan.items[load.tried++];
		if (!is_to_be_tried(item))
			continue;
		if (trial_start(item, &load.plan.settings, on_tried, item,
			&err) == 0)
			return;
		add_error(err.text);
	}
	finish();
}

static void
on_gone(struct child *c)
{
	(void)c;
	bulks_drop(&load.incoming);
	if (load.errors[0] == '\0' && !load.ended)
		add_error("mercury-config could not be started");
	else if (load.errors[0] == '\0' && load.bad_config)
		add_error("mercury-config did not say what is wrong");
	if (load.errors[0] != '\0' || load.bad_config)
		finish();
	else
		go_on();
}

int
plan_load(const char *path, bool check_only, plan_loaded_fn *done,
    struct err *err)
{
	if (load.running)
		return err_set(err, ERR_BUSY, "the config is being read");
	memset(&load, 0, sizeof(load));
	if (strlcpy(load.request.path, path, sizeof(load.request.path)) >=
	    sizeof(load.request.path))
		return err_set(err, ERR_INVALID, "%.100s...: path too long",
		    path);
	load.request.check_only = check_only;
	load.done = done;
	load.running = true;
	child_init(&load.child, ROLE_CONFIG, "config", &config_owner, NULL);
	load.child.one_shot = true;
	child_start(&load.child);
	return 0;
}

bool
plan_load_running(void)
{
	return load.running;
}

void
plan_load_cancel(void)
{
	load.done = NULL;
	if (load.running)
		child_kill(&load.child, NULL);
}
