#include "config/tls_wants.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/tls_files.h"
#include "option/tls_section.h"
#include "tls/tls.h"

/* Room for "tls.sni "NAME": cert". */
#define WHERE_SIZE 320

struct reading {
	const json_t *wants;
	struct tls_writer *out;
	struct tls_warnings *warnings;
	struct err *err;
	bool weak; /* weak keys are fine: the operator says so in ciphers */
};

/* --- what is wanted --- */

static const char *
word_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Which of the words it is; otherwise if it is not there. */
static unsigned int
index_of(const json_t *object, const char *key, const char *const *words,
    unsigned int otherwise)
{
	const char *word = word_of(object, key);
	unsigned int i;

	for (i = 0; word != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return otherwise;
}

static int
blame(struct reading *r, const char *where)
{
	const struct err why = *r->err;

	return err_set(r->err, why.code, "%s: %s", where, why.text);
}

void
tls_warnings_add(struct tls_warnings *w, const char *text)
{
	if (w->count < TLS_WANTS_WARNINGS)
		(void)strlcpy(w->texts[w->count], text, sizeof(w->texts[0]));
	w->count++;
}

static void
warn(struct reading *r, const char *where, const struct err *warning)
{
	char text[ERR_TEXT_SIZE];

	if (warning->text[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "%.80s: %.300s", where,
	    warning->text);
	tls_warnings_add(r->warnings, text);
}

/* The outcome of a check of the file that where names. */
static int
settle(struct reading *r, const char *where, int result,
    const struct err *warning)
{
	if (result == -1)
		return blame(r, where);
	warn(r, where, warning);
	return 0;
}

/* --- settings --- */

static void
put_text(struct reading *r, enum tls_tag tag, const char *key)
{
	const char *text = word_of(r->wants, key);

	if (text != NULL)
		tls_material_put(r->out, tag, text, strlen(text));
}

/* As on the wire: each name behind its length. */
static void
put_alpn(struct reading *r)
{
	const json_t *list = json_object_get(r->wants, "alpn");
	uint8_t wire[2048];
	size_t at = 0, len, i;
	const json_t *item;

	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		len = json_string_length(item);
		if (len == 0 || len > 255 || at + 1 + len > sizeof(wire))
			continue;
		wire[at++] = (uint8_t)len;
		memcpy(wire + at, json_string_value(item), len);
		at += len;
	}
	if (at > 0)
		tls_material_put(r->out, TLS_TAG_ALPN, wire, at);
}

static void
put_settings(struct reading *r)
{
	static const char *const roles[] = {
#define X(NAME, WORD) WORD,
		TLS_ROLES(X)
#undef X
		    NULL
	};
	static const char *const verifies[] = {
#define X(NAME, WORD) WORD,
		TLS_VERIFIES(X)
#undef X
		    NULL
	};
	static const char *const versions[] = { "1.2", "1.3", NULL };
	const json_t *w = r->wants;
	const bool has_ca = json_object_get(w, "client_ca") != NULL;

	/* Who names authorities wants their certificates. */
	tls_material_put_number(r->out, TLS_TAG_ROLE,
	    index_of(w, "role", roles, TLS_ROLE_SERVER), 1);
	tls_material_put_number(r->out, TLS_TAG_VERIFY,
	    index_of(w, "verify", verifies,
		has_ca ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE),
	    1);
	tls_material_put_number(r->out, TLS_TAG_MIN_VERSION,
	    0x0303 + index_of(w, "min_version", versions, 0), 2);
	tls_material_put_number(r->out, TLS_TAG_TICKETS,
	    !json_is_false(json_object_get(w, "session_tickets")), 1);
	put_text(r, TLS_TAG_CIPHERS, "ciphers");
	put_text(r, TLS_TAG_CIPHERSUITES, "ciphersuites");
	put_alpn(r);
}

/* --- files --- */

static void
put_file(struct reading *r, enum tls_tag tag, const struct tls_file *f)
{
	tls_material_put(r->out, tag, f->text, f->len);
}

/* Some of the system's many authorities are always out of date. */
static int
read_authorities(struct reading *r, struct tls_file *f, const char *path,
    struct err *warning)
{
	const bool ours = strcmp(path, TLS_SECTION_SYSTEM_CA) != 0;
	struct err why;

	if (tls_files_read(f, path, &why) == 0)
		return ours ? tls_files_check_ca(f, warning, r->err) : 0;
	return err_set(r->err, why.code, "%s%s", why.text,
	    ours ? ""
		 : " (install package ca-certificates, or name the file of "
		   "those who sign)");
}

/* The certificates of those who may sign, and their lists. */
static int
put_authorities(struct reading *r)
{
	const char *ca_path = word_of(r->wants, "client_ca");
	const char *crl_path = word_of(r->wants, "crl");
	struct tls_file ca = { 0 }, crl = { 0 };
	struct err warning = { 0 };
	int result = 0;

	if (ca_path == NULL)
		return 0;
	result = read_authorities(r, &ca, ca_path, &warning);
	result = settle(r, "tls.client_ca", result, &warning);
	put_file(r, TLS_TAG_CLIENT_CA, &ca);
	if (result == 0 && crl_path != NULL) {
		if (tls_files_read(&crl, crl_path, r->err) == -1)
			result = -1;
		else
			result =
			    tls_files_check_crl(&crl, &ca, &warning, r->err);
		result = settle(r, "tls.crl", result, &warning);
		put_file(r, TLS_TAG_CRL, &crl);
	}
	tls_files_clear(&ca);
	tls_files_clear(&crl);
	return result;
}

static int
put_cert(struct reading *r, const char *where, const char *path,
    struct tls_file *f)
{
	struct err warning = { 0 };
	int result = tls_files_read(f, path, r->err);

	if (result == 0)
		result = tls_files_check_cert(f, r->weak, &warning, r->err);
	put_file(r, TLS_TAG_CERT, f);
	return settle(r, where, result, &warning);
}

static int
put_key(struct reading *r, const char *where, const char *path,
    const struct tls_file *cert)
{
	struct tls_file own = { 0 };
	const struct tls_file *f = cert;
	struct err warning = { 0 };
	int result = 0;

	if (strcmp(path, cert->path) != 0) {
		result = tls_files_read(&own, path, r->err);
		f = &own;
	}
	if (result == 0)
		result = tls_files_check_key(f, cert, &warning, r->err);
	put_file(r, TLS_TAG_KEY, f);
	tls_files_clear(&own);
	return settle(r, where, result, &warning);
}

/* The certificate and key of the section, or of a name in it. */
static int
put_identity(struct reading *r, const char *where, const json_t *object)
{
	const char *cert_path = word_of(object, "cert");
	const char *key_path = word_of(object, "key");
	struct tls_file cert = { 0 };
	char cert_where[WHERE_SIZE], key_where[WHERE_SIZE];
	int result;

	if (cert_path == NULL)
		return 0;
	/* Many keep both in one file. */
	(void)snprintf(cert_where, sizeof(cert_where), "%scert", where);
	(void)snprintf(key_where, sizeof(key_where), "%s%s", where,
	    key_path != NULL ? "key" : "cert");
	if (key_path == NULL)
		key_path = cert_path;
	result = put_cert(r, cert_where, cert_path, &cert);
	if (result == 0)
		result = put_key(r, key_where, key_path, &cert);
	tls_files_clear(&cert);
	return result;
}

static int
put_names(struct reading *r)
{
	json_t *names = json_object_get(r->wants, "sni"), *object;
	char where[WHERE_SIZE];
	const char *name;

	json_object_foreach (names, name, object) {
		(void)snprintf(where, sizeof(where),
		    "tls.sni \"%.255s\": ", name);
		tls_material_put(r->out, TLS_TAG_NAME, name, strlen(name));
		if (put_identity(r, where, object) == -1)
			return -1;
	}
	return 0;
}

/* Do with it what a worker will do. */
static int
try_material(struct reading *r)
{
	const struct tls_writer *w = r->out;
	struct tls_context *c;
	const struct err *why = r->err;
	struct err text;

	if (w->failed)
		return err_set(r->err, ERR_INVALID,
		    "tls: its files have more than %zu bytes together",
		    TLS_MATERIAL_MAX);
	c = mercury_tls.context_new(w->bytes, w->size, r->err);
	mercury_tls.context_free(c);
	if (c != NULL)
		return 0;
	text = *why;
	return err_set(r->err, text.code, "tls.%s", text.text);
}

int
tls_wants_read(const json_t *wants, struct tls_writer *out,
    struct tls_warnings *warnings, struct err *err)
{
	const char *ciphers = word_of(wants, "ciphers");
	struct reading r = { .wants = wants,
		.out = out,
		.warnings = warnings,
		.err = err,
		.weak =
		    ciphers != NULL && strstr(ciphers, "@SECLEVEL=") != NULL };

	warnings->count = 0;
	put_settings(&r);
	if (put_authorities(&r) == -1 ||
	    put_identity(&r, "tls.", wants) == -1 || put_names(&r) == -1)
		return -1;
	return try_material(&r);
}
