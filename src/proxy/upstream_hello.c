#include "proxy/upstream_hello.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/conn_id.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_tls.h"
#include "pool/probe.h"
#include "proxy/proxy_write.h"

#define COPY(out, text) ((void)snprintf((out), sizeof(out), "%s", (text)))

static bool
is_v4(const uint8_t address[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static enum proxy_kind
kind_of(const struct proxy_header *h)
{
	return is_v4(h->source.address) && is_v4(h->destination.address)
	    ? PROXY_TCP4
	    : PROXY_TCP6;
}

/* As the socket has it. */
static void
tell_socket(const struct conn *c, struct proxy_header *h)
{
	socklen_t len = sizeof(union addr);
	union addr a;

	if (!c->has_address) {
		h->kind = PROXY_UNIX;
		COPY(h->destination.path, c->list->spec->path);
		return;
	}
	memcpy(h->source.address, c->address, sizeof(h->source.address));
	h->source.port = c->port;
	if (getsockname(conn_fd(c), &a.sa, &len) == -1 ||
	    !addr_bytes(&a, h->destination.address)) {
		h->kind = PROXY_UNKNOWN;
		return;
	}
	h->destination.port = addr_port(&a);
	h->kind = kind_of(h);
}

static void
tell_origin(const struct conn *c, struct proxy_header *h)
{
	const struct conn_origin *o = c->origin;

	if (o->has_address) {
		memcpy(h->source.address, o->source, sizeof(o->source));
		memcpy(h->destination.address, o->destination,
		    sizeof(o->destination));
		h->source.port = o->source_port;
		h->destination.port = o->destination_port;
		h->kind = kind_of(h);
	} else {
		tell_socket(c, h);
	}
	COPY(h->authority, o->authority);
	COPY(h->alpn, o->alpn);
	if (o->tls_version[0] == '\0')
		return;
	h->ssl.is_present = true;
	h->ssl.client = PROXY_CLIENT_SSL;
	COPY(h->ssl.version, o->tls_version);
	COPY(h->ssl.cipher, o->tls_cipher);
	COPY(h->ssl.cn, o->tls_name);
}

/* What we have agreed on with it. */
static void
tell_tls(const struct conn_tls *t, struct proxy_header *h)
{
	COPY(h->authority, t->server_name);
	COPY(h->alpn, t->alpn);
	h->ssl.is_present = true;
	h->ssl.client = PROXY_CLIENT_SSL;
	if (t->subject[0] != '\0')
		h->ssl.client |= PROXY_CLIENT_CERT_SESS |
		    (t->resumed ? 0 : PROXY_CLIENT_CERT_CONN);
	/* 0: a good one. Who shows none has verified nothing. */
	h->ssl.verify = t->subject[0] == '\0';
	COPY(h->ssl.version, t->version);
	COPY(h->ssl.cipher, t->cipher);
	COPY(h->ssl.cn, t->name);
}

size_t
upstream_hello(const struct conn *c, enum send_proxy which,
    uint8_t out[static PROXY_V2_MAX])
{
	static struct proxy_header h;

	if (which == SEND_PROXY_OFF)
		return 0;
	memset(&h, 0, sizeof(h));
	h.version = which == SEND_PROXY_V1 ? 1 : 2;
	h.has_checksum = true;
	conn_id_format(c->id, h.unique_id);
	if (c->probe & PROBE_LOCAL)
		h.kind = PROXY_LOCAL;
	else if (c->origin != NULL)
		tell_origin(c, &h);
	else
		tell_socket(c, &h);
	if (c->agreed != NULL)
		tell_tls(c->agreed, &h);
	return proxy_write(&h, out);
}
