#include "pool/conn_origin.h"

#include <stdlib.h>
#include <string.h>

#include "pool/packed.h"
#include "pool/proxy_header.h"

struct conn_origin *
conn_origin_new(const struct proxy_header *h)
{
	const char *const texts[] = { h->authority, h->alpn, h->unique_id,
		h->ssl.version, h->ssl.cipher, h->ssl.cn };
	struct conn_origin *o;
	char *at;

	o = calloc(1, sizeof(*o) + packed_size(texts, PACKED_COUNT(texts)));
	if (o == NULL)
		return NULL;
	at = o->text;
	o->authority = packed_put(&at, h->authority);
	o->alpn = packed_put(&at, h->alpn);
	o->unique_id = packed_put(&at, h->unique_id);
	o->tls_version = packed_put(&at, h->ssl.version);
	o->tls_cipher = packed_put(&at, h->ssl.cipher);
	o->tls_name = packed_put(&at, h->ssl.cn);
	o->has_address = h->kind == PROXY_TCP4 || h->kind == PROXY_TCP6;
	if (!o->has_address)
		return o;
	memcpy(o->source, h->source.address, sizeof(o->source));
	memcpy(o->destination, h->destination.address, sizeof(o->destination));
	o->source_port = h->source.port;
	o->destination_port = h->destination.port;
	return o;
}
