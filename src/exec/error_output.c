#include "exec/error_output.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/conn_id.h"
#include "common/log.h"

struct error_output {
	struct event io; /* there is something to read; in a pause: its end */
	struct event_base *base;
	int fd;
	pid_t pid;
	const char *listener;
	uint64_t connection;
	unsigned int left;   /* lines that may be told until the pause */
	uint64_t counted_ms; /* CLOCK_MONOTONIC: when that was the whole */
	size_t used;
	char line[ERROR_OUTPUT_LINE];
};

static void on_io(evutil_socket_t, short, void *);

struct error_output *
error_output_new(struct event_base *base, const char *listener,
    uint64_t connection, int *end, struct err *err)
{
	struct error_output *e = calloc(1, sizeof(*e));
	int ends[2];

	if (e == NULL || pipe2(ends, O_CLOEXEC) == -1) {
		(void)err_sys(err, "a pipe for its stderr");
		free(e);
		return NULL;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	e->base = base;
	e->listener = listener;
	e->connection = connection;
	e->fd = ends[0];
	*end = ends[1];
	return e;
}

static void
tell(struct error_output *e, size_t len)
{
	char id[CONN_ID_SIZE];

	conn_id_format(e->connection, id);
	if (len > 0)
		log_info("listener", e->listener,
		    "program %d (connection %s): %.*s", (int)e->pid, id,
		    (int)len, e->line);
	if (e->left > 0)
		e->left--;
}

/* Tell one line that is whole, or a piece of a long one. None: false. */
static bool
tell_next(struct error_output *e)
{
	const char *end = memchr(e->line, '\n', e->used);
	size_t len = e->used;

	if (end != NULL)
		len = (size_t)(end - e->line);
	else if (len < sizeof(e->line))
		return false;
	tell(e, len);
	if (end != NULL)
		len++;
	e->used -= len;
	memmove(e->line, e->line + len, e->used);
	return true;
}

/* Returns > 0; 0 at the end; -1 when there is nothing now. */
static int
read_some(struct error_output *e)
{
	ssize_t n;

	do
		n = read(e->fd, e->line + e->used, sizeof(e->line) - e->used);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	e->used += (size_t)n;
	return 1;
}

/* A second is over: so many lines again. */
static void
renew(struct error_output *e)
{
	const uint64_t now_ms = clock_mono_ms();

	if (now_ms - e->counted_ms < 1000)
		return;
	e->counted_ms = now_ms;
	e->left = ERROR_OUTPUT_LINES;
}

/* Wait for more, or for the end of a pause. */
static void
wait_on(struct error_output *e, bool pause)
{
	static const struct timeval second = { .tv_sec = 1 };

	if (event_assign(&e->io, e->base, pause ? -1 : e->fd,
		pause ? 0 : EV_READ | EV_PERSIST, on_io, e) == -1 ||
	    event_add(&e->io, pause ? &second : NULL) == -1)
		log_warning("listener", e->listener,
		    "the stderr of program %d is not read: out of memory",
		    (int)e->pid);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct error_output *e = arg;
	int n = 1;

	(void)fd;
	renew(e);
	if (what & EV_TIMEOUT)
		wait_on(e, false);
	while (e->left > 0 && n > 0)
		n = tell_next(e) ? 1 : read_some(e);
	/* It may close its stderr and run on. */
	if (e->left == 0 || n == 0)
		(void)event_del(&e->io);
	if (e->left == 0)
		wait_on(e, true);
}

void
error_output_begin(struct error_output *e, pid_t pid)
{
	e->pid = pid;
	wait_on(e, false);
}

/* Nobody waits any more; but one who has written much fills no log. */
static void
tell_rest(struct error_output *e)
{
	e->left = ERROR_OUTPUT_LINES;
	while (e->left > 0 && (tell_next(e) || read_some(e) > 0))
		;
	if (e->left > 0)
		tell(e, e->used);
	else
		log_info("listener", e->listener,
		    "program %d has ended: the rest is not told", (int)e->pid);
}

void
error_output_end(struct error_output **ep)
{
	struct error_output *e = *ep;

	*ep = NULL;
	if (e == NULL)
		return;
	if (e->pid != 0) {
		(void)event_del(&e->io);
		tell_rest(e);
	}
	(void)close(e->fd);
	free(e);
}
