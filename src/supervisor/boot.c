#include "supervisor/boot.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "sandbox/sandbox.h"
#include "supervisor/control.h"
#include "supervisor/control_socket.h"
#include "supervisor/gateway.h"
#include "supervisor/group.h"
#include "supervisor/helper_task.h"
#include "supervisor/listener.h"
#include "supervisor/pid_file.h"
#include "supervisor/plan_load.h"
#include "supervisor/record_daemon.h"
#include "supervisor/shutdown.h"
#include "supervisor/store.h"
#include "supervisor/strays.h"
#include "supervisor/supervisor.h"

#define PID_FILE_NAME "mercuryd.pid"

/* For the process that has a port; nobody waits longer for its name. */
#define SEARCH_MS 1000

static struct {
	size_t waiting; /* required listeners that do not answer yet */
	bool control_up;
	bool gateway_bound;
	bool all_added;        /* every listener of the plan was begun */
	bool failed;           /* one can't be bound */
	unsigned int searches; /* for who has the place of such a one */
} boot;

/* A listener that can't be bound, while we look for the reason. */
struct unbound {
	char listener[SPEC_NAME_SIZE];
	char why[ERR_TEXT_SIZE];
};

/* Errors of a start belong on the terminal, wherever the log goes. */
static void
say(const char *text)
{
	const bool logged =
	    supervisor_settings()->log.target == LOG_TARGET_STDERR;

	if (!logged)
		(void)fprintf(stderr, "mercuryd: %s\n", text);
	log_error(NULL, NULL, "%s", text);
}

void
boot_fail(int exit_code, const char *why)
{
	if (supervisor_state() != DAEMON_STARTING)
		return;
	say(why);
	supervisor_set_exit_code(exit_code);
	shutdown_now(why);
}

static void
check_ready(void)
{
	if (supervisor_state() == DAEMON_STARTING && boot.control_up &&
	    boot.gateway_bound && boot.all_added && boot.waiting == 0)
		supervisor_enter_running();
}

static void
on_control_up(void)
{
	boot.control_up = true;
	store_link_control();
	check_ready();
}

static void
on_control_hopeless(const char *why)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "mercury-control %s", why);
	boot_fail(EXIT_CODE_FAILURE, text);
}

static void
on_gateway_bound(const struct err *err)
{
	if (err != NULL) {
		boot_fail(err->code == ERR_PORT_IN_USE ? EXIT_CODE_CANNOT_BIND
						       : EXIT_CODE_FAILURE,
		    err->text);
		return;
	}
	boot.gateway_bound = true;
	check_ready();
}

static const struct control_watcher control_watcher = { on_control_up,
	on_control_hopeless, shutdown_control_gone };

static int
open_pid_file(const struct daemon_settings *s, struct err *err)
{
	const char *slash = strrchr(s->control_socket, '/');
	char path[SPEC_PATH_SIZE + sizeof(PID_FILE_NAME)];

	if (supervisor_args()->pid_file != NULL)
		return pid_file_open(supervisor_args()->pid_file, err);
	(void)snprintf(path, sizeof(path), "%.*s/%s",
	    (int)(slash - s->control_socket), s->control_socket, PID_FILE_NAME);
	return pid_file_open(path, err);
}

/* All has been tried and told that can't be bound. */
static void
check_failed(void)
{
	if (supervisor_state() == DAEMON_STARTING && boot.failed &&
	    boot.all_added && boot.searches == 0)
		shutdown_now("a required listener can't be bound");
}

static void
say_unbound(const char *listener, const char *why, const char *holder)
{
	char text[SPEC_NAME_SIZE + ERR_TEXT_SIZE + 64];

	(void)snprintf(text, sizeof(text), "listener %s: %s%s", listener, why,
	    holder);
	say(text);
}

static void
on_holder(void *ctx, const struct ipc_message *msg)
{
	const struct msg_holder *m = msg == NULL ? NULL : &msg->payload.HOLDER;
	char holder[64] = "";
	struct unbound *u = ctx;

	if (msg != NULL && msg->kind != IPC_HOLDER)
		return;
	if (m != NULL && m->pid != 0)
		(void)snprintf(holder, sizeof(holder), " by %.*s (pid %u)",
		    PROCESS_NAME_SIZE - 1, m->name, m->pid);
	say_unbound(u->listener, u->why, holder);
	free(u);
	boot.searches--;
	check_failed();
}

static bool
is_of_health_port(const struct err *why)
{
	const char *name = spec_option_name(OPT_HEALTH_PORT);

	return strncmp(why->text, name, strlen(name)) == 0;
}

/* Find out which process has it. Returns 0, or -1: that can't be done. */
static int
search_holder(const struct listener_spec *spec, const struct err *why)
{
	struct helper_request r = { .kind = IPC_CONFIG_FIND_HOLDER,
		.last = IPC_HOLDER,
		.deadline_ms = SEARCH_MS };
	struct msg_config_find_holder *m = &r.payload.CONFIG_FIND_HOLDER;
	struct unbound *u = malloc(sizeof(*u));
	struct err err;

	if (u == NULL)
		return -1;
	memcpy(u->listener, spec->name, sizeof(u->listener));
	memcpy(u->why, why->text, sizeof(u->why));
	memset(m, 0, sizeof(*m));
	if (is_of_health_port(why)) {
		(void)strlcpy(m->address, spec_health_address(spec),
		    sizeof(m->address));
		m->port = spec->health_port;
	} else {
		memcpy(m->path, spec->path, sizeof(m->path));
		memcpy(m->address, spec->address, sizeof(m->address));
		m->port = spec->port;
	}
	if (helper_task_start(supervisor_base(), &r, on_holder, u, &err) == 0)
		return 0;
	free(u);
	return -1;
}

static bool
ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void
cannot_bind(const struct listener_spec *spec, const struct err *err)
{
	supervisor_set_exit_code(EXIT_CODE_CANNOT_BIND);
	boot.failed = true;
	if (err->code == ERR_PORT_IN_USE && ends_with(err->text, " in use") &&
	    search_holder(spec, err) == 0)
		boot.searches++;
	else
		say_unbound(spec->name, err->text, "");
}

static void
add_listener(const struct wanted *item)
{
	const bool required = item->spec.required;
	struct err err;

	boot.waiting += required;
	if (listener_add(item, !required, &err) == NULL)
		cannot_bind(&item->spec, &err);
}

/* Once, and with a warning where there is less than there could be. */
static void
tell_sandbox(const struct daemon_settings *s)
{
	const char *missing = sandbox_missing();

	if (!s->sandbox)
		log_warning(NULL, NULL,
		    "sandbox = false: children may make every system call");
	else if (missing != NULL)
		log_warning(NULL, NULL,
		    "no sandbox: children may make every system call, for %s",
		    missing);
	else
		log_info(NULL, NULL,
		    "sandbox: children may make the system calls of their "
		    "role only");
}

/*
 * All of them are tried, so that all that is wrong is told at once. Places
 * that are in use are tried again for as long as each listener says.
 */
static void
add_listeners(const struct plan *plan)
{
	struct err err;
	size_t i;

	for (i = 0; i < plan->count; i++)
		add_listener(&plan->items[i]);
	if (groups_set(supervisor_base(), plan->groups, plan->groups_count,
		&err) == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	boot.all_added = true;
	check_failed();
}

static void
say_lines(const char *lines)
{
	size_t len;

	for (; *lines != '\0'; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		(void)fprintf(stderr, "mercuryd: %.*s\n", (int)len, lines);
	}
}

static void
on_plan(const struct plan *plan, const char *errors, bool bad_config)
{
	struct err err;
	int fd;

	if (plan == NULL) {
		say_lines(errors);
		supervisor_set_exit_code(
		    bad_config ? EXIT_CODE_BAD_CONFIG : EXIT_CODE_FAILURE);
		shutdown_now("the config is not usable");
		return;
	}
	supervisor_apply_settings(&plan->settings);
	tell_sandbox(&plan->settings);
	if (open_pid_file(&plan->settings, &err) == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	fd = control_socket_open(&plan->settings, &err);
	if (fd == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	if (strays_begin(supervisor_base(), &plan->settings, &err) == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	store_start(supervisor_base(), &plan->settings, supervisor_finish);
	record_started(plan->count);
	control_start(&plan->settings, fd, &control_watcher);
	gateway_start(supervisor_base(), &plan->settings, &plan->gateway,
	    on_gateway_bound);
	if (supervisor_state() == DAEMON_STARTING)
		add_listeners(plan);
}

void
boot_start(void)
{
	struct err err;

	if (plan_load(supervisor_args()->config, false, on_plan, &err) == -1)
		boot_fail(EXIT_CODE_BAD_CONFIG, err.text);
}

void
boot_listener_ready(struct listener *l, const struct err *err)
{
	char text[SPEC_NAME_SIZE + ERR_TEXT_SIZE + 16];

	if (supervisor_state() != DAEMON_STARTING || !l->spec.required)
		return;
	if (err == NULL) {
		boot.waiting--;
		check_ready();
		return;
	}
	if (l->sockets.count == 0) {
		cannot_bind(&l->spec, err);
		check_failed();
		return;
	}
	(void)snprintf(text, sizeof(text), "listener %s: %s", l->spec.name,
	    err->text);
	boot_fail(EXIT_CODE_FAILURE, text);
}
