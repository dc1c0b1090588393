#include "supervisor/health_port.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/check_port.h"
#include "supervisor/bind.h"
#include "supervisor/gateway.h"
#include "supervisor/listener.h"

void
health_port_init(struct health_port *p)
{
	p->fd = p->next = -1;
	p->told = false;
}

bool
health_port_same(const struct listener_spec *a, const struct listener_spec *b)
{
	return a->health_port != 0 && a->health_port == b->health_port &&
	    strcmp(spec_health_address(a), spec_health_address(b)) == 0;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* Returns a descriptor, or -1 with *err, which names the option. */
static int
bind_one(const struct listener *l, const struct listener_spec *spec,
    struct err *err)
{
	const struct listener *holder;
	struct err why = { 0 };
	int fd;

	fd = bind_plain(spec_health_address(spec), spec->health_port, 0, &why);
	if (fd != -1)
		return fd;
	holder = why.code == ERR_PORT_IN_USE
	    ? listener_port_holder(l, spec->health_port)
	    : NULL;
	if (holder != NULL)
		(void)err_set(err, why.code,
		    "health_port: %.200s by listener %s", why.text,
		    holder->spec.name);
	else
		(void)err_set(err, why.code, "health_port: %.200s", why.text);
	return -1;
}

int
health_port_bind(struct listener *l, struct err *err)
{
	if (l->spec.health_port == 0 || l->health_port.fd != -1)
		return 0;
	l->health_port.fd = l->health_port.next;
	l->health_port.next = -1;
	if (l->health_port.fd == -1)
		l->health_port.fd = bind_one(l, &l->spec, err);
	return l->health_port.fd == -1 ? -1 : 0;
}

int
health_port_prepare(struct listener *l, const struct listener_spec *spec,
    const struct listener *donor, struct err *err)
{
	int *next = &l->health_port.next;

	close_one(next);
	if (spec->health_port == 0)
		return 0;
	if (donor == NULL) {
		*next = bind_one(l, spec, err);
		return *next == -1 ? -1 : 0;
	}
	*next = fcntl(donor->health_port.fd, F_DUPFD_CLOEXEC, 0);
	return *next == -1 ? err_sys(err, "health_port") : 0;
}

void
health_port_drop(struct listener *l)
{
	close_one(&l->health_port.next);
}

void
health_port_switch(struct listener *l)
{
	health_port_leave(l);
	l->health_port.fd = l->health_port.next;
	l->health_port.next = -1;
	health_port_announce(l);
}

void
health_port_announce(struct listener *l)
{
	if (l->health_port.fd == -1 || l->health_port.told || !l->listed)
		return;
	/* It may be one that another listener has left. */
	(void)check_port_close(l->health_port.fd);
	l->health_port.told = true;
	gateway_listener_bound(l);
}

void
health_port_leave(struct listener *l)
{
	if (l->health_port.told) {
		gateway_listener_gone(l);
		/* It may have its copy for a moment still. */
		check_port_leave(l->health_port.fd);
	}
	l->health_port.told = false;
	close_one(&l->health_port.fd);
}

void
health_port_close(struct listener *l)
{
	health_port_leave(l);
	health_port_drop(l);
}
