#include "tls/tls_facts.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

/* As RFC 2253, but with letters beyond ASCII as they are. */
#define SUBJECT_FLAGS (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)

/* Text of bounded size that is being made. */
struct text {
	char *out;
	size_t size;
	size_t len;
};

/* Append whole characters, as many as fit; what is no character becomes ?. */
static void
append(struct text *t, const char *bytes, size_t len)
{
	char character[5];
	size_t at = 0, n;

	while (at < len) {
		n = len - at < 4 ? len - at : 4;
		memcpy(character, bytes + at, n);
		character[n] = '\0';
		n = utf8_length(character);
		if (n == 0)
			character[0] = '?';
		if (t->len + (n == 0 ? 1 : n) >= t->size)
			break;
		memcpy(t->out + t->len, character, n == 0 ? 1 : n);
		t->len += n == 0 ? 1 : n;
		at += n == 0 ? 1 : n;
	}
	t->out[t->len] = '\0';
}

static void
put(char *out, size_t size, const void *bytes, size_t len)
{
	struct text t = { .out = out, .size = size };

	append(&t, bytes, len);
}

static void
put_string(char *out, size_t size, const char *text)
{
	if (text != NULL)
		put(out, size, text, strlen(text));
}

/* --- the peer's certificate --- */

static void
put_subject(struct tls_facts *f, const X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio == NULL)
		return;
	if (X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
		SUBJECT_FLAGS) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		put(f->subject, sizeof(f->subject), text, (size_t)len);
	}
	(void)BIO_free(bio);
}

static void
put_common_name(struct tls_facts *f, const X509 *cert)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	int len;

	if (at < 0)
		return;
	len = ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len > 0)
		put(f->common_name, sizeof(f->common_name), text, (size_t)len);
	OPENSSL_free(text);
}

static void
put_serial(struct tls_facts *f, const X509 *cert)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *digits = number != NULL ? BN_bn2hex(number) : NULL;

	put_string(f->serial, sizeof(f->serial), digits);
	OPENSSL_free(digits);
	BN_free(number);
}

static void
append_item(struct text *t, const char *kind, const void *bytes, int len)
{
	if (len <= 0)
		return;
	if (t->len > 0)
		append(t, ", ", 2);
	append(t, kind, strlen(kind));
	append(t, bytes, (size_t)len);
}

static void
append_address(struct text *t, const ASN1_OCTET_STRING *address)
{
	const int len = ASN1_STRING_length(address);
	const int family = len == 4 ? AF_INET : AF_INET6;
	char buffer[INET6_ADDRSTRLEN];

	if ((len == 4 || len == 16) &&
	    inet_ntop(family, ASN1_STRING_get0_data(address), buffer,
		sizeof(buffer)) != NULL)
		append_item(t, "IP:", buffer, (int)strlen(buffer));
}

static void
append_name(struct text *t, const GENERAL_NAME *name)
{
	const char *kind;
	const ASN1_STRING *value;
	int type;

	value = GENERAL_NAME_get0_value(name, &type);
	switch (type) {
	case GEN_DNS:
		kind = "DNS:";
		break;
	case GEN_EMAIL:
		kind = "email:";
		break;
	case GEN_URI:
		kind = "URI:";
		break;
	case GEN_IPADD:
		append_address(t, value);
		return;
	default:
		return;
	}
	append_item(t, kind, ASN1_STRING_get0_data(value),
	    ASN1_STRING_length(value));
}

static void
put_sans(struct tls_facts *f, const X509 *cert)
{
	struct text t = { .out = f->sans, .size = sizeof(f->sans) };
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++)
		append_name(&t, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
}

void
tls_facts_fill(const SSL *ssl, bool verified, struct tls_facts *f)
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	const unsigned char *alpn;
	unsigned int alpn_len;

	memset(f, 0, sizeof(*f));
	put_string(f->version, sizeof(f->version), SSL_get_version(ssl));
	put_string(f->cipher, sizeof(f->cipher), SSL_get_cipher_name(ssl));
	put_string(f->sni, sizeof(f->sni),
	    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
	if (alpn_len > 0)
		put(f->alpn, sizeof(f->alpn), alpn, alpn_len);
	f->resumed = SSL_session_reused(ssl) == 1;
	f->certificate =
	    verified && cert != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
	if (f->certificate) {
		put_subject(f, cert);
		put_common_name(f, cert);
		put_serial(f, cert);
		put_sans(f, cert);
	}
	ERR_clear_error();
}
