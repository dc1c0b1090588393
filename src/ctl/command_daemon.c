#include "ctl/command_daemon.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/progress.h"
#include "ctl/table.h"
#include "ctl/units.h"

static const struct column plan_columns[] = {
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "ACTION", COLUMN_LEFT, COLUMN_ALWAYS, 0, 0, 0 },
};

/* What a reload would do. */
static void
print_plan(const json_t *result, const struct options *o)
{
	const json_t *plan = json_object_get(result, "plan"), *step;
	const struct look look = look_at(stdout, o);
	struct table *t;
	size_t i;

	if (json_array_size(plan) > 0) {
		t = table_new(plan_columns, 2, &look);
		json_array_foreach (plan, i, step) {
			cell_text(t, step, "name");
			cell_text(t, step, "action");
		}
		table_end(&t, stdout);
	}
	(void)printf("%zu to change, %" PRIu64 " unchanged\n",
	    json_array_size(plan), listener_number(result, "unchanged"));
}

static void
print_reloaded(const json_t *result)
{
	const char *message =
	    json_string_value(json_object_get(result, "message"));
	char *text = output_escape(message == NULL ? "" : message, true);

	(void)printf("%s\n",
	    text == NULL || text[0] == '\0' ? "reloaded" : text);
	free(text);
}

enum ctl_exit
command_reload(const struct options *o, char **args, int count)
{
	const bool dry_run = o->given & OPTION_DRY_RUN;
	json_t *result = NULL;
	enum ctl_exit code;

	(void)args;
	(void)count;
	if (dry_run)
		code = command_call(o, "daemon.reload",
		    json_pack("{s:b}", "dry_run", 1), &result);
	else
		code = command_change(o, "daemon.reload", NULL, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON)) {
		if (dry_run)
			print_plan(result, o);
		else
			print_reloaded(result);
	}
	json_decref(result);
	return code;
}

/* --- drain --- */

static bool
is_set(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* "ready", or "pos: not ready: it is paused" */
static void
print_readiness(const char *name, const json_t *o)
{
	const char *why = json_string_value(json_object_get(o, "not_ready"));

	if (name != NULL) {
		output_text(stdout, name);
		(void)fputs(": ", stdout);
	}
	(void)fputs(is_set(o, "ready") ? "ready" : "not ready", stdout);
	if (why != NULL) {
		(void)fputs(": ", stdout);
		output_text(stdout, why);
	}
	(void)fputc('\n', stdout);
}

/* What is not ready now, and that it goes on all the same. */
static void
print_drained(const json_t *o, bool one)
{
	print_readiness(one ? listener_string(o, "name") : NULL, o);
	if (one && is_set(o, "drain") && is_set(o, "required"))
		(void)puts("mercuryd is not ready either: the listener is "
			   "required");
	if (is_set(o, one ? "drain" : "draining"))
		(void)puts(one ? "it serves as before; undrain ends that"
			       : "all listeners serve as before; undrain "
				 "ends that");
}

static enum ctl_exit
drain(const struct options *o, const char *method, const char *name)
{
	json_t *params = NULL, *result = NULL;
	enum ctl_exit code;

	if (name != NULL) {
		params = json_pack("{s:s}", "name", name);
		if (params == NULL)
			return command_usage_error("%.100s: is not UTF-8",
			    name);
	}
	code = command_change(o, method, params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		print_drained(result, name != NULL);
	json_decref(result);
	return code;
}

enum ctl_exit
command_drain(const struct options *o, char **args, int count)
{
	return drain(o, "daemon.drain", count > 0 ? args[0] : NULL);
}

enum ctl_exit
command_undrain(const struct options *o, char **args, int count)
{
	return drain(o, "daemon.undrain", count > 0 ? args[0] : NULL);
}

/* --- shutdown --- */

/* Whoever waits should know what for. */
static void
print_lame_duck(const struct options *o, const json_t *result)
{
	const uint64_t ms = listener_number(result, "lame_duck_ms");
	char time[UNITS_SIZE];

	if ((o->given & OPTION_JSON) || ms == 0)
		return;
	units_duration(ms, time);
	(void)printf("not ready, and serving for %s still (lame_duck)\n", time);
	(void)fflush(stdout);
}

/* Ask for the shutdown and see it through. Gives the answer, or NULL. */
static json_t *
shut_down(const struct options *o, json_t *params, struct failure *failure)
{
	const uint64_t deadline_ms = command_deadline(o);
	struct progress progress;
	struct client client;
	json_t *result;
	int pid;

	if (client_open(&client, o->socket, true, deadline_ms, failure) == -1) {
		json_decref(params);
		return NULL;
	}
	progress_begin(&progress, &client, o, PROGRESS_DRAIN, NULL);
	result = client_call(&client, "daemon.shutdown", params, deadline_ms,
	    failure);
	pid = (int)json_integer_value(json_object_get(result, "pid"));
	if (result != NULL)
		print_lame_duck(o, result);
	if (result != NULL &&
	    client_wait_end(&client, pid, deadline_ms, failure) == -1) {
		json_decref(result);
		result = NULL;
	}
	progress_end(&progress, &client);
	client_close(&client);
	return result;
}

enum ctl_exit
command_shutdown(const struct options *o, char **args, int count)
{
	json_t *params = NULL, *result;
	struct failure failure;

	(void)args;
	(void)count;
	if (o->deadline != NULL)
		params = json_pack("{s:s}", "deadline", o->deadline);
	result = shut_down(o, params, &failure);
	if (result == NULL)
		return command_failed(&failure);
	if (o->given & OPTION_JSON)
		output_json(stdout, result);
	else
		(void)printf("mercuryd (pid %d) has stopped\n",
		    (int)json_integer_value(json_object_get(result, "pid")));
	json_decref(result);
	return CTL_DONE;
}
