#include "ctl/command_listener.h"

#include <inttypes.h>

#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/output.h"
#include "ctl/params.h"
#include "ctl/status_text.h"

/* "pos: listening on [::]:9100 (pool pos, 2 workers)" */
static void
print_listener(const json_t *l)
{
	const size_t workers = json_array_size(json_object_get(l, "workers"));
	char place[LISTENER_PLACE_SIZE], state[LISTENER_STATE_SIZE];

	listener_place(l, place);
	listener_state_long(l, state);
	output_text(stdout, listener_string(l, "name"));
	(void)fputs(": ", stdout);
	output_text(stdout, state);
	(void)fputs(" on ", stdout);
	output_text(stdout, place);
	(void)fputs(" (pool ", stdout);
	output_text(stdout, listener_string(l, "pool"));
	(void)printf(", %zu worker%s)\n", workers, workers == 1 ? "" : "s");
}

/* Name and key=value words as params. Gives a reference; NULL with *err. */
static json_t *
params_of_words(char **args, int count, struct err *err)
{
	json_t *params = json_object();
	json_t *name = json_string(args[0]);
	int i;

	for (i = 1; i < count; i++)
		if (params_add(params, args[i], err) == -1)
			goto fail;
	if (json_object_get(params, "name") != NULL) {
		(void)err_set(err, ERR_INVALID,
		    "name: stands before the options, as a word of its own");
		goto fail;
	}
	if (json_object_set(params, "name", name) == -1) {
		(void)err_set(err, ERR_INVALID, "%.100s: is not UTF-8",
		    args[0]);
		goto fail;
	}
	json_decref(name);
	return params;
fail:
	json_decref(name);
	json_decref(params);
	return NULL;
}

/* Call a method whose result is a listener, and show it. */
static enum ctl_exit
change_listener(const struct options *o, const char *method, json_t *params)
{
	json_t *result = NULL;
	enum ctl_exit code;

	if (o->given & OPTION_SAVE)
		(void)json_object_set_new(params, "save", json_true());
	code = command_change(o, method, params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		print_listener(result);
	json_decref(result);
	return code;
}

/* The params of add-listener, from a file or from words. */
static json_t *
params_of_add(const struct options *o, char **args, int count, struct err *err)
{
	json_t *params;

	if (!(o->given & OPTION_FILE)) {
		if (count > 0)
			return params_of_words(args, count, err);
		(void)err_set(err, ERR_INVALID,
		    "usage: mercuryctl add-listener NAME KEY=VALUE...");
		return NULL;
	}
	if (count > 0) {
		(void)err_set(err, ERR_INVALID,
		    "%.100s: does not go with --file", args[0]);
		return NULL;
	}
	params = params_read(o->file, err);
	if (params != NULL &&
	    !json_is_string(json_object_get(params, "name"))) {
		(void)err_set(err, ERR_INVALID, "%.100s: \"name\" is missing",
		    params_source(o->file));
		json_decref(params);
		return NULL;
	}
	return params;
}

enum ctl_exit
command_add_listener(const struct options *o, char **args, int count)
{
	struct err err;
	json_t *params = params_of_add(o, args, count, &err);

	if (params == NULL)
		return command_usage_error("%s", err.text);
	return change_listener(o, "listener.add", params);
}

enum ctl_exit
command_update_listener(const struct options *o, char **args, int count)
{
	struct err err;
	json_t *params = params_of_words(args, count, &err);

	if (params == NULL)
		return command_usage_error("%s", err.text);
	return change_listener(o, "listener.update", params);
}

static void
print_removed(const json_t *result)
{
	const uint64_t finished = listener_number(result, "finished");
	const uint64_t cut = listener_number(result, "cut");

	output_text(stdout, listener_string(result, "name"));
	(void)fputs(": removed", stdout);
	if (finished + cut > 0)
		(void)printf(", %" PRIu64 " connections finished, %" PRIu64
			     " cut",
		    finished, cut);
	(void)fputc('\n', stdout);
}

enum ctl_exit
command_remove_listener(const struct options *o, char **args, int count)
{
	json_t *result = NULL, *params;
	struct err err;
	enum ctl_exit code;

	params = params_of_words(args, count, &err);
	if (params == NULL)
		return command_usage_error("%s", err.text);
	if (o->deadline != NULL)
		(void)json_object_set_new(params, "deadline",
		    json_string(o->deadline));
	if (o->given & OPTION_SAVE)
		(void)json_object_set_new(params, "save", json_true());
	code = command_remove(o, args[0], params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		print_removed(result);
	json_decref(result);
	return code;
}

enum ctl_exit
command_pause(const struct options *o, char **args, int count)
{
	struct err err;
	json_t *params = params_of_words(args, count, &err);

	if (params == NULL)
		return command_usage_error("%s", err.text);
	if (o->given & OPTION_QUEUE)
		(void)json_object_set_new(params, "queue", json_true());
	return change_listener(o, "listener.pause", params);
}

enum ctl_exit
command_resume(const struct options *o, char **args, int count)
{
	struct err err;
	json_t *params = params_of_words(args, count, &err);

	if (params == NULL)
		return command_usage_error("%s", err.text);
	return change_listener(o, "listener.resume", params);
}

static enum ctl_exit
restart_all(const struct options *o, json_t *params)
{
	const struct look look = look_at(stdout, o);
	json_t *result = NULL;
	enum ctl_exit code;

	(void)json_object_set_new(params, "all", json_true());
	code = command_restart(o, params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		status_text_daemon(stdout, result, &look);
	json_decref(result);
	return code;
}

static enum ctl_exit
restart_one(const struct options *o, json_t *params)
{
	json_t *result = NULL;
	enum ctl_exit code = command_restart(o, params, &result);

	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		print_listener(result);
	json_decref(result);
	return code;
}

enum ctl_exit
command_restart_listener(const struct options *o, char **args, int count)
{
	const bool all = o->given & OPTION_ALL;
	json_t *params;
	struct err err;

	if (all == (count > 0))
		return command_usage_error(
		    "restart-listener: a name or --all, one of them");
	params = all ? json_object() : params_of_words(args, count, &err);
	if (params == NULL)
		return command_usage_error("%s", err.text);
	if (o->deadline != NULL)
		(void)json_object_set_new(params, "deadline",
		    json_string(o->deadline));
	return all ? restart_all(o, params) : restart_one(o, params);
}
