#include "ctl/command_daemon.h"

#include <stdlib.h>

#include "ctl/output.h"

enum ctl_exit
command_reload(const struct options *o, char **args, int count)
{
	json_t *result = NULL;
	const char *message;
	char *text;
	enum ctl_exit code;

	(void)args;
	(void)count;
	code = command_change(o, "daemon.reload", NULL, &result);
	if (code != CTL_DONE || (o->given & OPTION_JSON))
		goto out;
	message = json_string_value(json_object_get(result, "message"));
	text = output_escape(message == NULL ? "" : message, true);
	(void)printf("%s\n",
	    text == NULL || text[0] == '\0' ? "reloaded" : text);
	free(text);
out:
	json_decref(result);
	return code;
}

/* Ask for the shutdown and see it through. Gives the answer, or NULL. */
static json_t *
shut_down(const struct options *o, json_t *params, struct failure *failure)
{
	const uint64_t deadline_ms = command_deadline(o);
	struct client client;
	json_t *result;
	int pid;

	if (client_open(&client, o->socket, true, deadline_ms, failure) == -1) {
		json_decref(params);
		return NULL;
	}
	result = client_call(&client, "daemon.shutdown", params, deadline_ms,
	    failure);
	pid = (int)json_integer_value(json_object_get(result, "pid"));
	if (result != NULL &&
	    client_wait_end(&client, pid, deadline_ms, failure) == -1) {
		json_decref(result);
		result = NULL;
	}
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
