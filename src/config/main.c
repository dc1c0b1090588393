/*
 * mercury-config: does one thing for which the supervisor may not wait, and
 * ends. It reads and checks the config file and hands over a plan, reads the
 * files that a listener names, says which process has a port, or kills what an
 * earlier run has left behind. Privileged, for the files, users and processes
 * that it looks up.
 */
#include <sys/prctl.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/role.h"
#include "config/config_file.h"
#include "config/holder.h"
#include "config/listener_files.h"
#include "config/strays.h"
#include "config/tls_plan.h"
#include "sandbox/sandbox.h"

/* For as long as the kernel is short of memory. */
#define RETRY_US 10000

/* Is a call with this result to be made again? */
static bool
is_to_be_repeated(enum ipc_result result)
{
	if (result == IPC_SHORT)
		(void)usleep(RETRY_US);
	return result == IPC_AGAIN || result == IPC_SHORT;
}

/*
 * Send, with a descriptor if the kind has one, and wait for room. Without a
 * supervisor there is nothing to do.
 */
static void
send_with(enum ipc_kind kind, const void *payload, int fd)
{
	enum ipc_result result;
	struct err err;

	do
		result =
		    ipc_send(ROLE_CHANNEL_FD, kind, payload, fd, true, &err);
	while (is_to_be_repeated(result));
	if (result == IPC_BROKEN)
		log_error(NULL, NULL, "%s", err.text);
	if (result != IPC_OK)
		exit(1);
}

static void
send_message(enum ipc_kind kind, const void *payload)
{
	send_with(kind, payload, -1);
}

static void
send_bulks(const struct bulks *values)
{
	struct msg_bulk m = { 0 };

	for (m.id = 0; m.id < BULK_COUNT; m.id++) {
		if (values->of[m.id] == NULL)
			continue;
		m.ref = values->of[m.id]->ref;
		send_with(IPC_BULK, &m, values->of[m.id]->fd);
	}
}

static void
send_listener(const struct wanted *w)
{
	const struct msg_plan_listener m = { .spec = w->spec,
		.set = w->set,
		.origin = w->origin };

	send_bulks(&w->bulks);
	send_message(IPC_PLAN_LISTENER, &m);
}

/* If there is to be one. */
static void
send_gateway(const struct gateway_wanted *g)
{
	if (!g->settings.exists)
		return;
	send_bulks(&g->bulks);
	send_message(IPC_PLAN_GATEWAY, &g->settings);
}

static void
send_texts(enum ipc_kind kind, const struct plan_texts *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		send_message(kind, &list->texts[i]);
}

static void
send_groups(const struct plan *plan)
{
	const struct plan_group *g;
	size_t i, k;

	for (i = 0; i < plan->group_count; i++) {
		g = &plan->groups[i];
		send_message(IPC_PLAN_GROUP, &g->spec);
		for (k = 0; k < g->child_count; k++)
			send_message(IPC_PLAN_CHILD, &g->children[k].child);
	}
}

static void
send_plan(struct plan *plan, const char *path)
{
	struct msg_plan_end end = { 0 };
	size_t i;

	if (plan->errors.count > 0) {
		plan_count_dropped(plan, path);
		send_texts(IPC_PLAN_ERROR, &plan->errors);
		end.errors = (uint32_t)plan->errors.count;
	} else {
		send_message(IPC_PLAN_DAEMON, &plan->daemon);
		send_gateway(&plan->gateway);
		for (i = 0; i < plan->listener_count; i++)
			send_listener(&plan->listeners[i]);
		end.listeners = (uint32_t)plan->listener_count;
		send_groups(plan);
		send_texts(IPC_PLAN_WARNING, &plan->warnings);
	}
	send_message(IPC_PLAN_END, &end);
}

/* Wait for a request. Returns false at the end of the channel. */
static bool
receive_request(struct ipc_message *msg)
{
	enum ipc_result result;
	struct err err;

	do
		result =
		    ipc_recv(ROLE_CHANNEL_FD, ROLE_SUPERVISOR, true, msg, &err);
	while (is_to_be_repeated(result));
	if (result == IPC_BROKEN) {
		log_error(NULL, NULL, "%s", err.text);
		exit(1);
	}
	return result == IPC_OK;
}

static void
read_config(struct msg_config_read *request)
{
	struct plan plan = { 0 };

	request->path[sizeof(request->path) - 1] = '\0';
	config_file_read(request->path, request->check_only != 0, &plan);
	send_plan(&plan, request->path);
	plan_clear(&plan);
	tls_plan_forget();
}

static void
find_holder(struct msg_config_find_holder *place)
{
	struct msg_holder holder;

	place->path[sizeof(place->path) - 1] = '\0';
	place->address[sizeof(place->address) - 1] = '\0';
	holder_find(place, &holder);
	send_message(IPC_HOLDER, &holder);
}

static void
send_stray(const struct msg_stray *stray)
{
	send_message(IPC_STRAY, stray);
}

static void
find_strays(struct msg_config_find_strays *request)
{
	struct msg_strays_end end;

	request->control_socket[sizeof(request->control_socket) - 1] = '\0';
	request->run[sizeof(request->run) - 1] = '\0';
	strays_kill(request, send_stray, &end);
	send_message(IPC_STRAYS_END, &end);
}

static void
send_warnings(const struct tls_warnings *warnings)
{
	struct msg_text m;
	size_t i;

	for (i = 0; i < warnings->count && i < TLS_WANTS_WARNINGS; i++) {
		(void)strlcpy(m.text, warnings->texts[i], sizeof(m.text));
		send_message(IPC_PLAN_WARNING, &m);
	}
}

/* Takes the value from the message. Returns 0, or -1 with *err. */
static int
read_value(struct ipc_message *msg, struct wanted *w,
    struct tls_warnings *warnings, struct err *err)
{
	const struct msg_config_files *m = &msg->payload.CONFIG_FILES;
	struct bulk *value = bulk_receive(msg->fd, &m->ref, err);

	msg->fd = -1;
	if (value == NULL)
		return -1;
	if (m->id != BULK_TLS && m->id != BULK_UPSTREAM_TLS &&
	    m->id != BULK_PROTOCOL_PLAN) {
		bulk_drop(&value);
		return err_set(err, ERR_INTERNAL, "a value without files");
	}
	w->spec.protocol = (uint8_t)m->protocol;
	w->bulks.of[m->id] = value;
	return listener_files_read(w, warnings, err);
}

/* Of the one section that w has, if it has one. */
static void
send_material(const struct wanted *w)
{
	struct bulks made = { 0 };

	made.of[BULK_TLS_MATERIAL] = w->bulks.of[BULK_TLS_MATERIAL];
	made.of[BULK_UPSTREAM_MATERIAL] = w->bulks.of[BULK_UPSTREAM_MATERIAL];
	send_bulks(&made);
}

static void
read_files(struct ipc_message *msg)
{
	struct tls_warnings warnings = { 0 };
	struct msg_plan_end end = { 0 };
	struct wanted w = { 0 };
	struct msg_text m;
	struct err err;

	if (read_value(msg, &w, &warnings, &err) == 0) {
		send_material(&w);
	} else {
		(void)strlcpy(m.text, err.text, sizeof(m.text));
		send_message(IPC_PLAN_ERROR, &m);
		end.errors = 1;
	}
	send_warnings(&warnings);
	send_message(IPC_PLAN_END, &end);
	wanted_clear(&w);
	tls_plan_forget();
}

int
main(void)
{
	struct ipc_message msg;
	struct err err;

	role_start(ROLE_CONFIG);
	/* The private keys that it reads may not be in a core dump. */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return 1;
	/* Before the file that says whether there is to be a sandbox. */
	if (sandbox_enter(&sandbox_config, &err) == -1) {
		log_error(NULL, NULL, "%s", err.text);
		return 1;
	}
	if (!receive_request(&msg))
		return 1;
	switch (msg.kind) {
	case IPC_CONFIG_READ:
		read_config(&msg.payload.CONFIG_READ);
		return 0;
	case IPC_CONFIG_FILES:
		read_files(&msg);
		return 0;
	case IPC_CONFIG_FIND_HOLDER:
		find_holder(&msg.payload.CONFIG_FIND_HOLDER);
		return 0;
	case IPC_CONFIG_FIND_STRAYS:
		find_strays(&msg.payload.CONFIG_FIND_STRAYS);
		return 0;
	default:
		return 1;
	}
}
