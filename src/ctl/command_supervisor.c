#include "ctl/command_supervisor.h"

#include "ctl/look.h"
#include "ctl/supervisor_text.h"

/* Ask, with the name in args if there is one, and show what comes. */
static enum ctl_exit
ask_and_show(const struct options *o, const char *method, char **args,
    int count, void (*show)(FILE *, const json_t *, const struct look *))
{
	const struct look look = look_at(stdout, o);
	json_t *params = json_object(), *result = NULL;
	enum ctl_exit code;

	if (count > 0 &&
	    json_object_set_new(params, "name", json_string(args[0])) == -1) {
		json_decref(params);
		return command_usage_error("%.100s: is not UTF-8", args[0]);
	}
	if (o->window != NULL)
		(void)json_object_set_new(params, "window",
		    json_string(o->window));
	code = command_call(o, method, params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		show(stdout, result, &look);
	json_decref(result);
	return code;
}

enum ctl_exit
command_history(const struct options *o, char **args, int count)
{
	return ask_and_show(o, "supervisor.history", args, count,
	    supervisor_text_history);
}

enum ctl_exit
command_failure_rate(const struct options *o, char **args, int count)
{
	return ask_and_show(o, "supervisor.failure_rate", args, count,
	    supervisor_text_failure_rate);
}

enum ctl_exit
command_stats(const struct options *o, char **args, int count)
{
	return ask_and_show(o, "supervisor.stats", args, count,
	    supervisor_text_stats);
}
