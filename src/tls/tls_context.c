#include "tls/tls_context.h"

#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_settings.h"
#include "tls/tls_ticket.h"

/* A DNS name as text, with its NUL. */
#define NAME_SIZE 256

struct tls_context *
tls_context_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* --- names --- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tls_name *)a)->name,
	    ((const struct tls_name *)b)->name);
}

/* In lower case and without the dot at its end; false: it can't be one. */
static bool
normalize(const char *name, size_t len, char out[static NAME_SIZE])
{
	size_t i;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= NAME_SIZE)
		return false;
	for (i = 0; i < len; i++)
		out[i] = name[i] >= 'A' && name[i] <= 'Z'
		    ? (char)(name[i] - 'A' + 'a')
		    : name[i];
	out[len] = '\0';
	return true;
}

static const struct tls_name *
find_exactly(const struct tls_context *c, char *name)
{
	const struct tls_name key = { .name = name };

	return bsearch(&key, c->names, c->name_count, sizeof(key),
	    compare_names);
}

const struct tls_name *
tls_context_find(const struct tls_context *c, const char *name)
{
	const struct tls_name *found;
	char text[NAME_SIZE], *dot;

	if (!normalize(name, strlen(name), text))
		return NULL;
	found = find_exactly(c, text);
	dot = strchr(text, '.');
	if (found != NULL || dot == NULL || dot == text)
		return found;
	dot[-1] = '*';
	return find_exactly(c, dot - 1);
}

static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_context *c = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_name *found = NULL;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if (c->name_count > 0)
		found = tls_context_find(c, name);
	if (found != NULL)
		(void)SSL_set_SSL_CTX(ssl, found->ctx);
	return SSL_TLSEXT_ERR_OK;
}

static int
add_name(struct tls_context *c, const struct tls_material *m,
    const struct tls_identity *identity, struct err *err)
{
	struct tls_name *n = &c->names[c->name_count];
	char text[NAME_SIZE];
	struct err why;

	if (!normalize((const char *)identity->name.data, identity->name.len,
		text))
		return err_set(err, ERR_INVALID, "sni: is no name");
	n->name = strdup(text);
	if (n->name == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	c->name_count++;
	n->ctx = tls_settings_apply(c, m, identity, &why);
	if (n->ctx == NULL)
		return err_set(err, why.code, "sni \"%.100s\": %s", text,
		    why.text);
	return 0;
}

static int
add_names(struct tls_context *c, const struct tls_material *m, struct err *err)
{
	struct tls_material walk = *m;
	struct tls_identity identity;
	size_t count = 0;

	while (tls_material_next(&walk, &identity))
		count++;
	if (count == 0)
		return 0;
	c->names = calloc(count, sizeof(c->names[0]));
	if (c->names == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	walk = *m;
	while (tls_material_next(&walk, &identity))
		if (add_name(c, m, &identity, err) == -1)
			return -1;
	qsort(c->names, count, sizeof(c->names[0]), compare_names);
	return 0;
}

/* --- life --- */

static int
copy_alpn(struct tls_context *c, const struct tls_bytes *alpn)
{
	uint8_t *copy;

	if (alpn->data == NULL)
		return 0;
	copy = malloc(alpn->len);
	if (copy == NULL)
		return -1;
	memcpy(copy, alpn->data, alpn->len);
	c->alpn.data = copy;
	c->alpn.len = alpn->len;
	return 0;
}

static int
fill(struct tls_context *c, const struct tls_material *m, struct err *err)
{
	c->references = 1;
	c->role = m->role;
	c->verify = m->verify;
	c->tickets = m->tickets && m->role == TLS_ROLE_SERVER;
	if (m->role == TLS_ROLE_SERVER && m->identity.cert.data == NULL)
		return err_set(err, ERR_INVALID, "cert: is missing");
	if (copy_alpn(c, &m->alpn) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	c->ctx = tls_settings_apply(c, m, &m->identity, err);
	if (c->ctx == NULL)
		return -1;
	(void)SSL_CTX_set_tlsext_servername_callback(c->ctx, on_server_name);
	(void)SSL_CTX_set_tlsext_servername_arg(c->ctx, c);
	return add_names(c, m, err);
}

struct tls_context *
tls_context_new(const void *material, size_t size, struct err *err)
{
	struct tls_context *c;
	struct tls_material m;

	if (tls_material_parse(material, size, &m, err) == -1)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		return NULL;
	}
	if (fill(c, &m, err) == -1) {
		c->references = 1;
		tls_context_free(c);
		return NULL;
	}
	return c;
}

void
tls_context_free(struct tls_context *c)
{
	size_t i;

	if (c == NULL || --c->references > 0)
		return;
	for (i = 0; i < c->name_count; i++) {
		SSL_CTX_free(c->names[i].ctx);
		free(c->names[i].name);
	}
	free(c->names);
	SSL_CTX_free(c->ctx);
	free((void *)(uintptr_t)c->alpn.data);
	explicit_bzero(&c->keys, sizeof(c->keys));
	free(c);
}

int
tls_context_set_tickets(struct tls_context *c, const struct ticket_keys *keys)
{
	size_t i;

	if (keys->count < 1 || keys->count > TICKET_KEY_GENERATIONS)
		return -1;
	if (!c->tickets)
		return 0;
	c->keys = *keys;
	/* The names' SSL_CTX matter for how many tickets a session makes. */
	tls_ticket_enable(c->ctx);
	for (i = 0; i < c->name_count; i++)
		tls_ticket_enable(c->names[i].ctx);
	return 0;
}
