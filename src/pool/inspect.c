#include "pool/inspect.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/conn_tls.h"
#include "pool/protocol.h"
#include "pool/stream.h"

/* Control has no more than that open; the next one is not answered. */
#define INSPECTIONS_MAX 256u

struct inspection {
	LIST_ENTRY(inspection) entry;
	struct inspector *inspector;
	struct channel *channel;
};

static void
end(struct inspection *i)
{
	LIST_REMOVE(i, entry);
	i->inspector->count--;
	channel_free(&i->channel);
	free(i);
}

static uint64_t
unsent_bytes(int fd)
{
	int n;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

static uint32_t
rtt_us(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return 0;
	return info.tcpi_rtt;
}

/* Text as far as it fits. */
#define COPY(out, text) ((void)snprintf((out), sizeof(out), "%s", (text)))

/* What the proxy has said of it. */
static void
describe_origin(const struct conn *c, struct msg_conn_detail *d)
{
	const struct conn_origin *o = c->origin;

	if (o == NULL)
		return;
	conn_peer_socket(c, d->proxy);
	COPY(d->authority, o->authority);
	COPY(d->alpn, o->alpn);
	COPY(d->unique_id, o->unique_id);
	d->tls.by_proxy = 1;
	COPY(d->tls.version, o->tls_version);
	COPY(d->tls.cipher, o->tls_cipher);
	COPY(d->tls.name, o->tls_name);
	COPY(d->tls.alpn, o->alpn);
}

/* What we have agreed with it. */
static void
describe_tls(const struct conn_tls *t, struct msg_conn_tls *row)
{
	if (t == NULL)
		return;
	row->by_proxy = 0;
	row->resumed = t->resumed;
	COPY(row->version, t->version);
	COPY(row->cipher, t->cipher);
	COPY(row->alpn, t->alpn);
	COPY(row->server_name, t->server_name);
	COPY(row->name, t->name);
	COPY(row->subject, t->subject);
	COPY(row->sans, t->sans);
	COPY(row->serial, t->serial);
}

static void
send_detail(struct inspection *i, uint32_t request, const struct conn *c)
{
	struct msg_conn_detail d = { .request = request, .id = c->id };

	describe_origin(c, &d);
	describe_tls(c->agreed, &d.tls);
	channel_send(i->channel, IPC_CONN_DETAIL, &d, -1);
}

static uint64_t
kept_bytes(const struct conn *c)
{
	const struct protocol *p = c->list->protocol;

	return p->kept != NULL ? p->kept(c) : stream_kept(c);
}

static void
send_row(struct inspection *i, uint32_t request, const struct conn *c)
{
	const uint64_t now_ms = clock_mono_ms();
	struct msg_conn_row row = { .request = request,
		.state = c->state,
		.id = c->id,
		.age_ms = now_ms - c->opened_ms,
		.idle_ms = now_ms - c->active_ms,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.unsent = unsent_bytes(conn_fd(c)) + kept_bytes(c),
		.rtt_us = rtt_us(conn_fd(c)),
		.peer_pid = conn_peer_pid(conn_fd(c)) };

	conn_peer(c, row.peer);
	row.detailed = c->origin != NULL || c->agreed != NULL;
	channel_send(i->channel, IPC_CONN_ROW, &row, -1);
	if (row.detailed)
		send_detail(i, request, c);
}

static void
on_list(struct inspection *i, const struct msg_conn_list *m)
{
	const struct conn_list *list = i->inspector->find(m->listener_id);
	struct msg_conn_done done = { .request = m->request,
		.last_id = m->after_id };
	struct conn *c = NULL;
	uint32_t n;

	if (list != NULL)
		c = conn_list_behind(list, m->after_id);
	for (n = 0; c != NULL && n < m->rows && n < CONN_PAGE_MAX; n++) {
		send_row(i, m->request, c);
		done.last_id = c->id;
		c = TAILQ_NEXT(c, entry);
	}
	done.more = c != NULL;
	channel_send(i->channel, IPC_CONN_DONE, &done, -1);
}

static void
on_kick(struct inspection *i, const struct msg_conn_kick *m)
{
	const struct conn_list *list = i->inspector->find(m->listener_id);
	struct conn *c = list == NULL ? NULL : conn_list_find(list, m->id);
	const struct msg_conn_done done = { .request = m->request,
		.more = c != NULL,
		.last_id = m->id };

	channel_send(i->channel, IPC_CONN_DONE, &done, -1);
	if (c != NULL)
		conn_stop(c, CONN_END_KICKED);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	struct inspection *i = ctx;

	if (msg->kind == IPC_CONN_LIST)
		on_list(i, &msg->payload.CONN_LIST);
	else if (msg->kind == IPC_CONN_KICK)
		on_kick(i, &msg->payload.CONN_KICK);
	else
		end(i);
}

static void
on_closed(void *ctx, const char *why)
{
	(void)why;
	end(ctx);
}

void
inspect_begin(struct inspector *inspector, int fd)
{
	static const struct channel_handler handler = { on_message, on_closed };
	struct inspection *i = NULL;
	struct err err;

	if (inspector->count < INSPECTIONS_MAX)
		i = calloc(1, sizeof(*i));
	if (i == NULL) {
		(void)close(fd);
		return;
	}
	i->inspector = inspector;
	i->channel =
	    channel_new(inspector->base, fd, ROLE_CONTROL, &handler, i, &err);
	if (i->channel == NULL) {
		log_warning(NULL, NULL, "%s", err.text);
		free(i);
		return;
	}
	LIST_INSERT_HEAD(&inspector->all, i, entry);
	inspector->count++;
}

void
inspect_clear(struct inspector *inspector)
{
	struct inspection *i;

	while ((i = LIST_FIRST(&inspector->all)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		end(i);
}
