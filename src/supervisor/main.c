/* mercuryd(8): the supervisor. */
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/args.h"
#include "supervisor/daemonize.h"
#include "supervisor/supervisor.h"

/* A descriptor that we open may never become stdin, stdout or stderr. */
static int
fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	return fd == -1 ? -1 : close(fd);
}

int
main(int argc, char **argv)
{
	static struct args args; /* what it points to lives as long as we do */

	if (fill_standard_fds() == -1)
		err(EXIT_CODE_FAILURE, "/dev/null");
	/* Nor do we keep what whoever started us forgot to close. */
	closefrom(STDERR_FILENO + 1);
	log_open("mercuryd");
	args_parse(argc, argv, &args);
	args_resolve(&args);
	if (args.check)
		return supervisor_check_config(&args);
	if (!args.foreground)
		daemonize();
	return supervisor_run(&args);
}
