#include "supervisor/sockets.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/syn_filter.h"
#include "supervisor/bind.h"

static bool
is_unix(const struct listener_spec *spec)
{
	return spec->transport == TRANSPORT_UNIX;
}

void
sockets_init(struct sockets *s, const struct listener_spec *spec)
{
	memset(s, 0, sizeof(*s));
	(void)strlcpy(s->address, spec->address, sizeof(s->address));
	s->unix_path.lock_fd = -1;
}

/* The spec with the port that the kernel chose before, if it did. */
static struct listener_spec
with_port(const struct sockets *s, const struct listener_spec *spec)
{
	struct listener_spec bound = *spec;

	if (bound.port == 0)
		bound.port = s->port;
	return bound;
}

static int
open_tcp(struct sockets *s, const struct listener_spec *spec,
    unsigned int count, struct err *err)
{
	const struct listener_spec bound = with_port(s, spec);

	return bind_tcp(&bound, count, s->fds, &s->port, s->address, err);
}

static int
open_unix(struct sockets *s, const struct listener_spec *spec,
    unsigned int count, struct err *err)
{
	unsigned int n;

	s->fds[0] = unix_path_bind(spec, &s->unix_path, err);
	if (s->fds[0] == -1)
		return -1;
	for (n = 1; n < count; n++)
		s->fds[n] = s->fds[0];
	return 0;
}

int
sockets_open(struct sockets *s, const struct listener_spec *spec,
    unsigned int count, struct err *err)
{
	s->fds = calloc(count, sizeof(*s->fds));
	if (s->fds == NULL)
		return err_sys(err, "sockets");
	if ((is_unix(spec) ? open_unix(s, spec, count, err)
			   : open_tcp(s, spec, count, err)) == -1) {
		free(s->fds);
		s->fds = NULL;
		return -1;
	}
	s->count = count;
	return 0;
}

int
sockets_grow(struct sockets *s, const struct listener_spec *spec,
    unsigned int count, struct err *err)
{
	const struct listener_spec bound = with_port(s, spec);
	unsigned int n;
	int *fds;

	if (count <= s->count)
		return 0;
	fds = reallocarray(s->fds, count, sizeof(*fds));
	if (fds == NULL)
		return err_sys(err, "sockets");
	s->fds = fds;
	if (is_unix(spec))
		for (n = s->count; n < count; n++)
			fds[n] = fds[0];
	else if (bind_tcp_join(&bound, s->address, count - s->count,
		     fds + s->count, err) == -1)
		return -1;
	s->count = count;
	return 0;
}

int
sockets_apply(const struct sockets *s, const struct listener_spec *spec,
    struct err *err)
{
	unsigned int n;

	for (n = 0; n < s->count; n++)
		if (bind_apply(spec, s->fds[n], err) == -1)
			return -1;
	if (s->count > 0 && is_unix(spec))
		return unix_path_apply(spec, &s->unix_path, err);
	return 0;
}

void
sockets_listen(const struct sockets *s, const struct listener_spec *spec)
{
	unsigned int n;

	for (n = 0; n < s->count; n++)
		(void)listen(s->fds[n], (int)spec->backlog);
}

void
sockets_stop_new(struct sockets *s)
{
	unsigned int n;

	if (s->unix_path.lock_fd != -1) {
		unix_path_remove(&s->unix_path);
		return;
	}
	for (n = 0; n < s->count; n++)
		syn_filter_add(s->fds[n]);
}

void
sockets_close(struct sockets *s)
{
	unsigned int n;

	unix_path_remove(&s->unix_path);
	for (n = 0; n < s->count; n++)
		if (n == 0 || s->fds[n] != s->fds[0])
			(void)close(s->fds[n]);
	free(s->fds);
	s->fds = NULL;
	s->count = 0;
}

void
sockets_move(struct sockets *to, struct sockets *from)
{
	*to = *from;
	from->fds = NULL;
	from->count = 0;
	from->unix_path.lock_fd = -1;
	from->unix_path.path[0] = '\0';
}
