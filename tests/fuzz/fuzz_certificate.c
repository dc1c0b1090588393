/*
 * A client's certificate: what a worker tells of it, and the environment of a
 * program that it makes of that. The first byte says whether the input is a
 * certificate as it is (DER), or one that is made here of the rest: parts of
 * its subject, then names, each with its kind, its length and its bytes.
 */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/exec_plan.h"
#include "common/utf8.h"
#include "exec/environment.h"
#include "fuzz.h"
#include "tls/tls_facts.h"

#define PARTS_MAX 16

/* The certificate that the session has (-Wl,--wrap). */
static X509 *shown;

X509 *__wrap_SSL_get0_peer_certificate(const SSL *ssl);
long __wrap_SSL_get_verify_result(const SSL *ssl);

X509 *
__wrap_SSL_get0_peer_certificate(const SSL *ssl)
{
	(void)ssl;
	return shown;
}

long
__wrap_SSL_get_verify_result(const SSL *ssl)
{
	(void)ssl;
	return X509_V_OK;
}

/* --- a certificate --- */

static void
put_subject(struct fuzz_input *in, X509 *cert)
{
	static const int nids[] = { NID_commonName, NID_organizationName,
		NID_serialNumber, NID_pkcs9_emailAddress, NID_title };
	static const int types[] = { V_ASN1_UTF8STRING, V_ASN1_BMPSTRING,
		V_ASN1_T61STRING, V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING,
		V_ASN1_UNIVERSALSTRING, V_ASN1_OCTET_STRING };
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned int count = fuzz_byte(in) % PARTS_MAX;

	for (; count > 0 && in->left > 0; count--) {
		const int nid = nids[fuzz_byte(in) % 5];
		const int type = types[fuzz_byte(in) % 7];
		size_t len = fuzz_byte(in);
		const uint8_t *bytes = fuzz_bytes(in, &len);

		(void)X509_NAME_add_entry_by_NID(name, nid, type, bytes,
		    (int)len, -1, 0);
	}
}

static ASN1_STRING *
new_string(int type, const uint8_t *bytes, size_t len)
{
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	FUZZ_CHECK(s != NULL && ASN1_STRING_set(s, bytes, (int)len) == 1);
	return s;
}

static void
put_names(struct fuzz_input *in, X509 *cert)
{
	static const int kinds[] = { GEN_DNS, GEN_EMAIL, GEN_URI, GEN_IPADD };
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	unsigned int count = fuzz_byte(in) % PARTS_MAX;

	FUZZ_CHECK(names != NULL);
	for (; count > 0 && in->left > 0; count--) {
		const int kind = kinds[fuzz_byte(in) % 4];
		size_t len = fuzz_byte(in);
		const uint8_t *bytes = fuzz_bytes(in, &len);
		GENERAL_NAME *name = GENERAL_NAME_new();

		FUZZ_CHECK(name != NULL);
		GENERAL_NAME_set0_value(name, kind,
		    new_string(kind == GEN_IPADD ? V_ASN1_OCTET_STRING
						 : V_ASN1_IA5STRING,
			bytes, len));
		FUZZ_CHECK(sk_GENERAL_NAME_push(names, name) > 0);
	}
	if (sk_GENERAL_NAME_num(names) > 0)
		FUZZ_CHECK(X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
			       0, X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(names);
}

static void
put_serial(struct fuzz_input *in, X509 *cert)
{
	size_t len = fuzz_byte(in) % 40;
	const uint8_t *bytes = fuzz_bytes(in, &len);
	BIGNUM *n = BN_bin2bn(bytes, (int)len, NULL);

	FUZZ_CHECK(n != NULL);
	(void)BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
}

/* NULL: it is none. */
static X509 *
make_certificate(struct fuzz_input *in)
{
	const unsigned char *at;
	X509 *cert;

	if (fuzz_byte(in) % 2 == 1) {
		at = in->at;
		return d2i_X509(NULL, &at, (long)in->left);
	}
	cert = X509_new();
	FUZZ_CHECK(cert != NULL);
	put_serial(in, cert);
	put_subject(in, cert);
	put_names(in, cert);
	return cert;
}

/* --- what comes of it --- */

static void
check_facts(const struct tls_facts *f)
{
	FUZZ_CHECK(f->certificate);
	FUZZ_CHECK_TEXT(f->version, sizeof(f->version));
	FUZZ_CHECK_TEXT(f->cipher, sizeof(f->cipher));
	FUZZ_CHECK_TEXT(f->subject, sizeof(f->subject));
	FUZZ_CHECK_TEXT(f->common_name, sizeof(f->common_name));
	FUZZ_CHECK_TEXT(f->sans, sizeof(f->sans));
	FUZZ_CHECK_TEXT(f->serial, sizeof(f->serial));
}

/* The value of a variable; it is there once. NULL: it is not there. */
static const char *
value_of(char **environment, const char *name)
{
	const size_t len = strlen(name);
	const char *value = NULL;

	for (; *environment != NULL; environment++) {
		if (strncmp(*environment, name, len) != 0 ||
		    (*environment)[len] != '=')
			continue;
		FUZZ_CHECK(value == NULL);
		value = *environment + len + 1;
	}
	return value;
}

/* A text is told as it is; one that is empty is not told. */
static void
check_value(char **environment, const char *name, const char *text)
{
	const char *value = value_of(environment, name);

	if (text[0] == '\0')
		FUZZ_CHECK(value == NULL);
	else
		FUZZ_CHECK(value != NULL && strcmp(value, text) == 0);
}

static void
check_environment(const struct tls_facts *f)
{
	const struct environment_tls tls = { .version = f->version,
		.cipher = f->cipher,
		.server_name = f->sni,
		.subject = f->subject,
		.name = f->common_name,
		.serial = f->serial };
	const struct environment_facts facts = { .listener = "meters",
		.connection = 7,
		.has_ends = true,
		.tls = &tls,
		.worker = 42 };
	static struct exec_texts own;
	char **environment, **variable;

	if (own.count == 0)
		FUZZ_CHECK(exec_texts_add(&own, "SSL_CIPHER=mine") == 0);
	environment = environment_make(&facts, &own);
	FUZZ_CHECK(environment != NULL);
	for (variable = environment; *variable != NULL; variable++) {
		FUZZ_CHECK(strchr(*variable, '=') != NULL);
		FUZZ_CHECK_TEXT(*variable, (size_t)4096);
	}
	check_value(environment, "SSL_CLIENT_S_DN", f->subject);
	check_value(environment, "SSL_CLIENT_S_DN_CN", f->common_name);
	check_value(environment, "SSL_CLIENT_M_SERIAL", f->serial);
	check_value(environment, "SSL_CIPHER", "mine");
	free(environment);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static SSL_CTX *ctx;
	static SSL *ssl;
	struct fuzz_input in = { data, len };
	struct tls_facts facts;

	if (ssl == NULL) {
		ctx = SSL_CTX_new(TLS_server_method());
		ssl = ctx == NULL ? NULL : SSL_new(ctx);
		FUZZ_CHECK(ssl != NULL);
	}
	shown = make_certificate(&in);
	if (shown == NULL)
		return 0;
	memset(&facts, 0xaa, sizeof(facts));
	tls_facts_fill(ssl, true, &facts);
	check_facts(&facts);
	check_environment(&facts);
	X509_free(shown);
	return 0;
}
