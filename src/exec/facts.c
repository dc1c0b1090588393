#include "exec/facts.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc_msg.h"
#include "common/spec.h"
#include "exec/environment.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/conn_tls.h"

/* As the proxy in front says, if there is one. */
static void
take_ends(const struct conn *c, struct environment_facts *f)
{
	struct trace_address peer, local;

	if (!c->has_address && (c->origin == NULL || !c->origin->has_address))
		return;
	conn_addresses(c, &peer, &local);
	f->has_ends = true;
	memcpy(f->local.address, local.bytes, sizeof(f->local.address));
	f->local.port = local.port;
	if (c->origin != NULL && c->origin->has_address) {
		memcpy(f->remote.address, peer.bytes,
		    sizeof(f->remote.address));
		f->remote.port = peer.port;
	} else {
		/* The kernel may have forgotten it. */
		memcpy(f->remote.address, c->address,
		    sizeof(f->remote.address));
		f->remote.port = c->port;
	}
}

static void
take_process(const struct conn *c, struct environment_facts *f)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(conn_fd(c), SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return;
	f->has_peer = true;
	f->uid = peer.uid;
	f->gid = peer.gid;
	f->pid = peer.pid;
}

/* Agreed by us, or by a proxy in front. Returns false: it is not TLS. */
static bool
take_tls(const struct conn *c, struct environment_tls *t)
{
	const struct conn_tls *agreed = c->agreed;
	const struct conn_origin *o = c->origin;

	if (agreed != NULL)
		*t = (struct environment_tls){ .version = agreed->version,
			.cipher = agreed->cipher,
			.server_name = agreed->server_name,
			.subject = agreed->subject,
			.name = agreed->name,
			.serial = agreed->serial,
			.resumed = agreed->resumed };
	else if (o != NULL && o->tls_version[0] != '\0')
		*t = (struct environment_tls){ .version = o->tls_version,
			.cipher = o->tls_cipher,
			.server_name = o->authority,
			.name = o->tls_name };
	else
		return false;
	return true;
}

char **
facts_environment(const struct conn *c, const struct exec_texts *own)
{
	const struct listener_spec *spec = c->list->spec;
	struct environment_tls tls;
	struct environment_facts f = { .listener = spec->name,
		.connection = c->id,
		/* What a proxy tells of a client is TCP. */
		.is_unix = spec->transport == TRANSPORT_UNIX &&
		    (c->origin == NULL || !c->origin->has_address),
		.path = spec->path,
		.worker = getpid(),
		.run = getenv(RUN_VARIABLE),
		.run_drain = getenv(RUN_DRAIN_VARIABLE) };

	if (f.is_unix)
		take_process(c, &f);
	else
		take_ends(c, &f);
	if (take_tls(c, &tls))
		f.tls = &tls;
	return environment_make(&f, own);
}
