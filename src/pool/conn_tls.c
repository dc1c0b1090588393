#include "pool/conn_tls.h"

#include <stdlib.h>
#include <string.h>

#include "pool/packed.h"
#include "tls/tls.h"

struct conn_tls *
conn_tls_new(const struct tls_facts *f)
{
	const char *const texts[] = { f->version, f->cipher, f->alpn, f->sni,
		f->common_name, f->subject, f->sans, f->serial };
	struct conn_tls *t;
	char *at;

	t = malloc(sizeof(*t) + packed_size(texts, PACKED_COUNT(texts)));
	if (t == NULL)
		return NULL;
	at = t->text;
	t->version = packed_put(&at, f->version);
	t->cipher = packed_put(&at, f->cipher);
	t->alpn = packed_put(&at, f->alpn);
	t->server_name = packed_put(&at, f->sni);
	t->name = packed_put(&at, f->common_name);
	t->subject = packed_put(&at, f->subject);
	t->sans = packed_put(&at, f->sans);
	t->serial = packed_put(&at, f->serial);
	t->resumed = f->resumed;
	return t;
}
