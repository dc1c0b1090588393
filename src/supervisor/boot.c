#include "supervisor/boot.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/control_socket.h"
#include "supervisor/listener.h"
#include "supervisor/pid_file.h"
#include "supervisor/plan_load.h"
#include "supervisor/shutdown.h"
#include "supervisor/supervisor.h"

#define PID_FILE_NAME "mercuryd.pid"

static struct {
	size_t waiting; /* listeners that do not answer yet */
	bool control_up;
	bool all_added; /* every listener of the plan was begun */
} boot;

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
	shutdown_now();
}

static void
check_ready(void)
{
	if (supervisor_state() == DAEMON_STARTING && boot.control_up &&
	    boot.all_added && boot.waiting == 0)
		supervisor_enter_running();
}

static void
on_control_up(void)
{
	boot.control_up = true;
	check_ready();
}

static void
on_control_hopeless(const char *why)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "mercury-control %s", why);
	boot_fail(EXIT_CODE_FAILURE, text);
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

static void
add_listener(const struct msg_plan_listener *item)
{
	char text[SPEC_NAME_SIZE + ERR_TEXT_SIZE + 16];
	struct err err;

	if (listener_add(&item->spec, item->set, (enum spec_origin)item->origin,
		&err) != NULL) {
		boot.waiting++;
		return;
	}
	(void)snprintf(text, sizeof(text), "listener %s: %s", item->spec.name,
	    err.text);
	say(text);
	supervisor_set_exit_code(EXIT_CODE_CANNOT_BIND);
}

/* All of them are tried, so that all that is wrong is told at once. */
static void
add_listeners(const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		add_listener(&plan->items[i]);
	if (boot.waiting < plan->count)
		shutdown_now();
	boot.all_added = true;
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
		shutdown_now();
		return;
	}
	supervisor_apply_settings(&plan->settings);
	if (open_pid_file(&plan->settings, &err) == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	fd = control_socket_open(&plan->settings, &err);
	if (fd == -1) {
		boot_fail(EXIT_CODE_FAILURE, err.text);
		return;
	}
	control_start(&plan->settings, fd, &control_watcher);
	add_listeners(plan);
}

void
boot_start(void)
{
	struct err err;

	if (plan_load(supervisor_args()->config, false, on_plan, &err) == -1)
		boot_fail(EXIT_CODE_FAILURE, err.text);
}

void
boot_listener_ready(struct listener *l, const struct err *err)
{
	char text[SPEC_NAME_SIZE + ERR_TEXT_SIZE + 16];

	if (err == NULL) {
		boot.waiting--;
		check_ready();
		return;
	}
	(void)snprintf(text, sizeof(text), "listener %s: %s", l->spec.name,
	    err->text);
	boot_fail(EXIT_CODE_FAILURE, text);
}
