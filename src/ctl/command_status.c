#include "ctl/command_status.h"

#include "ctl/detail_text.h"
#include "ctl/look.h"
#include "ctl/output.h"
#include "ctl/status_text.h"
#include "ctl/watch.h"

/* name NULL: the daemon with all listeners. NULL with *f. */
static json_t *
ask(struct client *c, const struct options *o, const char *name,
    struct failure *f)
{
	const uint64_t deadline_ms = command_deadline(o);
	json_t *params, *result;

	if (name == NULL)
		return client_call(c, "daemon.status", NULL, deadline_ms, f);
	params = json_pack("{s:s}", "name", name);
	if (params == NULL) {
		(void)client_fail(f, CTL_USAGE, "%.100s: is not UTF-8", name);
		return NULL;
	}
	result = client_call(c, "listener.status", params, deadline_ms, f);
	return result;
}

static void
show(const struct options *o, const char *name, const json_t *result)
{
	const struct look look = look_at(stdout, o);

	if (o->given & OPTION_JSON)
		output_json(stdout, result);
	else if (name == NULL)
		status_text_daemon(stdout, result, &look);
	else
		detail_text(stdout, result, &look);
}

/* Show what has come, and go on with --watch. Returns 0, or -1 with *f. */
static int
go_on(struct client *c, const struct options *o, const char *name,
    json_t *result, struct failure *f)
{
	if (!json_is_object(result) && !(o->given & OPTION_JSON))
		return client_fail(f, CTL_REFUSED,
		    "%s: the answer makes no sense", o->socket);
	if (o->given & OPTION_WATCH)
		return watch_run(c, o, name, result, f);
	show(o, name, result);
	return 0;
}

enum ctl_exit
command_status(const struct options *o, char **args, int count)
{
	const char *name = count == 0 ? NULL : args[0];
	struct failure failure;
	struct client client;
	json_t *result;
	int r = -1;

	if (client_open(&client, o->socket, false, command_deadline(o),
		&failure) == -1)
		return command_failed(&failure);
	result = ask(&client, o, name, &failure);
	if (result != NULL)
		r = go_on(&client, o, name, result, &failure);
	json_decref(result);
	client_close(&client);
	(void)fflush(stdout);
	return r == -1 ? command_failed(&failure) : CTL_DONE;
}
