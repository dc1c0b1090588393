#include "proxy/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What was refused won't be had a moment later either. */
#define REFUSED_PAUSE 256

static void
close_pipe(struct pipes *all, struct pipe *p)
{
	(void)close(p->in);
	(void)close(p->out);
	free(p);
	all->count--;
}

/* It may be smaller than we want, but not too small. */
static int
enlarge(const struct pipe *p)
{
	if (fcntl(p->in, F_SETPIPE_SZ, PIPE_SIZE) >= PIPE_SIZE)
		return 0;
	return fcntl(p->in, F_GETPIPE_SZ) >= PIPE_SIZE_MIN ? 0 : -1;
}

static struct pipe *
new_pipe(struct pipes *all)
{
	struct pipe *p = calloc(1, sizeof(*p));
	int ends[2];

	if (p == NULL)
		return NULL;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1) {
		free(p);
		return NULL;
	}
	p->out = ends[0];
	p->in = ends[1];
	all->count++;
	if (enlarge(p) == -1) {
		close_pipe(all, p);
		return NULL;
	}
	return p;
}

struct pipe *
pipes_get(struct pipes *all)
{
	struct pipe *p = SLIST_FIRST(&all->unused);

	if (p != NULL) {
		SLIST_REMOVE_HEAD(&all->unused, next);
		return p;
	}
	if (all->count >= (all->max > 0 ? all->max : PIPES_MAX))
		return NULL;
	if (all->pause > 0) {
		all->pause--;
		return NULL;
	}
	p = new_pipe(all);
	if (p == NULL)
		all->pause = REFUSED_PAUSE;
	return p;
}

void
pipes_put(struct pipes *all, struct pipe **pp)
{
	struct pipe *p = *pp;

	*pp = NULL;
	if (p->held > 0)
		close_pipe(all, p);
	else
		SLIST_INSERT_HEAD(&all->unused, p, next);
}

void
pipes_clear(struct pipes *all)
{
	struct pipe *p;

	while ((p = SLIST_FIRST(&all->unused)) != NULL) {
		SLIST_REMOVE_HEAD(&all->unused, next);
		close_pipe(all, p);
	}
}
