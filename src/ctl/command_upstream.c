#include "ctl/command_upstream.h"

#include <stdio.h>

#include "ctl/command.h"
#include "ctl/look.h"
#include "ctl/upstream_text.h"

/* Takes params; NULL is what json_pack() gives for bad UTF-8. */
static enum ctl_exit
show(const struct options *o, const char *method, json_t *params, bool changes)
{
	json_t *result = NULL;
	struct look look;
	enum ctl_exit code;

	if (params == NULL)
		return command_usage_error("a name is not UTF-8");
	code = changes ? command_change(o, method, params, &result)
		       : command_call(o, method, params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON)) {
		look = look_at(stdout, o);
		upstream_text_all(stdout, result, &look);
	}
	json_decref(result);
	return code;
}

enum ctl_exit
command_upstreams(const struct options *o, char **args, int count)
{
	(void)count;
	return show(o, "listener.upstreams",
	    json_pack("{s:s}", "name", args[0]), false);
}

enum ctl_exit
command_upstream_set(const struct options *o, char **args, int count)
{
	(void)count;
	return show(o, "listener.upstream_set",
	    json_pack("{s:s, s:s, s:s}", "name", args[0], "upstream", args[1],
		"mode", args[2]),
	    true);
}
