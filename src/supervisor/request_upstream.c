#include "supervisor/request_upstream.h"

#include "supervisor/control.h"
#include "supervisor/listener.h"
#include "supervisor/upstreams.h"

static struct listener *
find(const char *name, struct err *err)
{
	struct listener *l = listener_find(name);

	if (l == NULL)
		(void)err_set(err, ERR_NOT_FOUND,
		    "there is no listener named %s", name);
	return l;
}

static void
reply(uint32_t request, const struct listener *l)
{
	struct err err;
	const int fd = upstreams_snapshot(l, &err);

	if (fd == -1)
		control_reply(request, &err, 0, 0, NULL);
	else
		control_reply_snapshot(request, fd);
}

void
request_upstreams(const struct msg_req_name *m)
{
	const struct listener *l;
	struct err err;

	l = find(m->name, &err);
	if (l == NULL)
		control_reply(m->request, &err, 0, 0, NULL);
	else
		reply(m->request, l);
}

void
request_upstream_set(struct msg_req_upstream_set *m)
{
	struct listener *l;
	struct err err;

	m->name[sizeof(m->name) - 1] = '\0';
	m->upstream[sizeof(m->upstream) - 1] = '\0';
	if (m->mode >= UPSTREAM_MODE_COUNT) {
		(void)err_set(&err, ERR_INVALID, "there is no such mode");
		l = NULL;
	} else {
		l = find(m->name, &err);
	}
	if (l == NULL ||
	    upstreams_set(l, m->upstream, (enum upstream_mode)m->mode, &err) ==
		-1)
		control_reply(m->request, &err, 0, 0, NULL);
	else
		reply(m->request, l);
}
