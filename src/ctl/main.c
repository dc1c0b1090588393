#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/options.h"

static enum ctl_exit
unknown_command(const char *name)
{
	const struct command *near = command_nearest(name);

	if (near == NULL)
		return command_usage_error("%.100s: there is no such command",
		    name);
	return command_usage_error(
	    "%.100s: there is no such command; did you mean %s?", name,
	    near->name);
}

static enum ctl_exit
run(const struct command *c, const struct options *o, char **args, int count)
{
	const char *unwanted = options_unwanted(o, OPTIONS_GLOBAL | c->options);

	if (unwanted != NULL)
		return command_usage_error("--%s: does not go with %s",
		    unwanted, c->name);
	if (count < c->args_min || count > c->args_max)
		return command_usage_error("usage: mercuryctl %s %s", c->name,
		    c->usage);
	return c->run(o, args, count);
}

static enum ctl_exit
dispatch(const struct options *o)
{
	const struct command *c =
	    o->count == 0 ? NULL : command_find(o->args[0]);

	if (o->given & OPTION_VERSION) {
		(void)printf("mercuryctl %s\n", PACKAGE_VERSION);
		return CTL_DONE;
	}
	if (o->count > 0 && c == NULL)
		return unknown_command(o->args[0]);
	if (o->given & OPTION_HELP) {
		if (c == NULL)
			command_help_all(stdout);
		else
			command_help(stdout, c);
		return CTL_DONE;
	}
	if (c == NULL)
		return command_usage_error("a command is missing");
	return run(c, o, o->args + 1, o->count - 1);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct err err;
	enum ctl_exit code;

	(void)setlocale(LC_CTYPE, "");
	if (options_parse(argc, argv, &options, &err) == -1)
		return (int)command_usage_error("%s", err.text);
	code = dispatch(&options);
	/* Whoever reads may have had enough: that is no failure. */
	if (fflush(stdout) == EOF && errno != EPIPE && code == CTL_DONE) {
		perror("mercuryctl: standard output");
		return CTL_REFUSED;
	}
	return (int)code;
}
