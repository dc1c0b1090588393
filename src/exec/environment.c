#include "exec/environment.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conn_id.h"
#include "common/exec_plan.h"
#include "common/ipc_msg.h"

/* Room for what we say; the texts of a certificate are the most of it. */
#define VARIABLES_MAX 40u
#define TEXT_SIZE 4096

#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* What we say, while it is gathered. */
struct gathered {
	const struct exec_texts *own;
	size_t count;
	size_t used;
	const char *variables[VARIABLES_MAX];
	char text[TEXT_SIZE];
};

/* Is name the name of one of these variables? */
static bool
has_name(const struct exec_texts *t, const char *name)
{
	const size_t len = strlen(name);
	const char *at = NULL;

	while ((at = exec_texts_next(t, at)) != NULL)
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return true;
	return false;
}

/* One that does not fit is left out: half a value would be worse. */
static void __attribute__((format(printf, 3, 4)))
say(struct gathered *g, const char *name, const char *fmt, ...)
{
	const size_t room = sizeof(g->text) - g->used;
	char *at = g->text + g->used;
	va_list ap;
	int len, n;

	if (g->count == VARIABLES_MAX || has_name(g->own, name))
		return;
	len = snprintf(at, room, "%s=", name);
	if (len < 0 || (size_t)len >= room)
		return;
	va_start(ap, fmt);
	n = vsnprintf(at + len, room - (size_t)len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room - (size_t)len)
		return;
	g->variables[g->count++] = at;
	g->used += (size_t)len + (size_t)n + 1;
}

static void
say_text(struct gathered *g, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		say(g, name, "%s", text);
}

/* --- the connection --- */

static void
say_end(struct gathered *g, const struct environment_end *end,
    const char *ip_name, const char *port_name)
{
	const bool is_v4 =
	    memcmp(end->address, v4_prefix, sizeof(v4_prefix)) == 0;
	char ip[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(is_v4 ? AF_INET : AF_INET6,
	    is_v4 ? end->address + sizeof(v4_prefix) : end->address, ip,
	    sizeof(ip));
	say(g, ip_name, "%s", ip);
	say(g, port_name, "%u", (unsigned int)end->port);
}

static void
say_tcp(struct gathered *g, const struct environment_facts *f)
{
	say(g, "PROTO", "TCP");
	if (!f->has_ends)
		return;
	say_end(g, &f->local, "TCPLOCALIP", "TCPLOCALPORT");
	say_end(g, &f->remote, "TCPREMOTEIP", "TCPREMOTEPORT");
}

static void
say_unix(struct gathered *g, const struct environment_facts *f)
{
	say(g, "PROTO", "UNIX");
	say_text(g, "UNIXLOCALPATH", f->path);
	if (!f->has_peer)
		return;
	say(g, "UNIXREMOTEEUID", "%u", (unsigned int)f->uid);
	say(g, "UNIXREMOTEEGID", "%u", (unsigned int)f->gid);
	say(g, "UNIXREMOTEPID", "%d", (int)f->pid);
}

/* The names are those of Apache's mod_ssl, as ucspi-ssl has them. */
static void
say_tls(struct gathered *g, const struct environment_tls *t)
{
	say_text(g, "SSL_PROTOCOL", t->version);
	say_text(g, "SSL_CIPHER", t->cipher);
	say_text(g, "SSL_TLS_SNI", t->server_name);
	say_text(g, "SSL_TLS_SNI_SERVERNAME", t->server_name);
	say_text(g, "SSL_CLIENT_S_DN", t->subject);
	say_text(g, "SSL_CLIENT_S_DN_CN", t->name);
	say_text(g, "SSL_CLIENT_M_SERIAL", t->serial);
	say(g, "SSL_SESSION_RESUMED", "%s", t->resumed ? "Resumed" : "Initial");
}

static void
say_ours(struct gathered *g, const struct environment_facts *f)
{
	char id[CONN_ID_SIZE];

	conn_id_format(f->connection, id);
	say(g, "MERCURY_LISTENER", "%s", f->listener);
	say(g, "MERCURY_CONNECTION", "%s", id);
	say(g, WORKER_VARIABLE, "%d", (int)f->worker);
	say_text(g, RUN_VARIABLE, f->run);
	say_text(g, RUN_DRAIN_VARIABLE, f->run_drain);
}

/* --- the whole --- */

/* The texts stand behind the pointers to them, in one piece of memory. */
static char **
put_together(const struct gathered *g)
{
	const struct exec_texts *own = g->own;
	const size_t count = g->count + own->count;
	char **all, *text;
	size_t i;

	all = malloc((count + 1) * sizeof(*all) + g->used + own->size);
	if (all == NULL)
		return NULL;
	text = (char *)(all + count + 1);
	memcpy(text, g->text, g->used);
	memcpy(text + g->used, own->bytes, own->size);
	for (i = 0; i < count; i++) {
		all[i] = text;
		text += strlen(text) + 1;
	}
	all[count] = NULL;
	return all;
}

char **
environment_make(const struct environment_facts *f,
    const struct exec_texts *own)
{
	static struct gathered g;

	g.own = own;
	g.count = 0;
	g.used = 0;
	say(&g, "PATH", "%s", DEFAULT_PATH);
	if (f->is_unix)
		say_unix(&g, f);
	else
		say_tcp(&g, f);
	if (f->tls != NULL)
		say_tls(&g, f->tls);
	say_ours(&g, f);
	return put_together(&g);
}
