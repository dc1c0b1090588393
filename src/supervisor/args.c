#include "supervisor/args.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

static const char usage_text[] =
    "usage: mercuryd [-f] [-t] [-d] [-c FILE] [-p PIDFILE]\n"
    "       mercuryd -V | -h\n";

static const char help_text[] =
    "\n"
    "  -f          stay in the foreground\n"
    "  -t          check the config file and exit\n"
    "  -d          log at level debug\n"
    "  -c FILE     config file (" SYSCONF_DIR "/mercury/mercury.conf)\n"
    "  -p PIDFILE  pid file (mercuryd.pid beside the control socket)\n"
    "  -V          print the version and exit\n"
    "  -h          print this help and exit\n";

static void usage_error(void) __attribute__((noreturn));

static void
usage_error(void)
{
	(void)fputs(usage_text, stderr);
	exit(EXIT_CODE_USAGE);
}

static void
print_help(void)
{
	(void)printf("%s%s", usage_text, help_text);
	exit(EXIT_CODE_CLEAN);
}

static void
print_version(void)
{
	(void)printf("mercuryd %s\n", PACKAGE_VERSION);
	exit(EXIT_CODE_CLEAN);
}

void
args_parse(int argc, char **argv, struct args *a)
{
	int opt;

	a->config = SYSCONF_DIR "/mercury/mercury.conf";
	while ((opt = getopt(argc, argv, "c:dfhp:tV")) != -1) {
		switch (opt) {
		case 'c':
			a->config = optarg;
			break;
		case 'd':
			a->debug = true;
			break;
		case 'f':
			a->foreground = true;
			break;
		case 'p':
			a->pid_file = optarg;
			break;
		case 't':
			a->check = true;
			break;
		case 'h':
			print_help();
			break;
		case 'V':
			print_version();
			break;
		default:
			usage_error();
		}
	}
	if (optind == argc)
		return;
	(void)fprintf(stderr, "mercuryd: unexpected argument: %s\n",
	    argv[optind]);
	usage_error();
}

static const char *
absolute(const char *path)
{
	char *folder, *joined;

	if (path == NULL || path[0] == '/')
		return path;
	folder = getcwd(NULL, 0);
	if (folder == NULL || asprintf(&joined, "%s/%s", folder, path) == -1)
		err(EXIT_CODE_FAILURE, "%s", path);
	free(folder);
	return joined;
}

void
args_resolve(struct args *a)
{
	a->config = absolute(a->config);
	a->pid_file = absolute(a->pid_file);
}
