#include "unit/tls_certs.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DAY (24L * 60 * 60)

static EVP_PKEY *
make_key(enum tls_certs_kind kind)
{
	switch (kind) {
	case KEY_RSA:
		return EVP_RSA_gen(2048);
	case KEY_RSA_1024:
		return EVP_RSA_gen(1024);
	case KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_EC_gen("P-256");
	}
}

static char *
take_text(BIO *bio)
{
	char *bytes, *text;
	const long len = BIO_get_mem_data(bio, &bytes);

	cr_assert_gt(len, 0);
	text = strndup(bytes, (size_t)len);
	cr_assert_not_null(text);
	BIO_free(bio);
	return text;
}

static char *
cert_text(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert_eq(PEM_write_bio_X509(bio, cert), 1);
	return take_text(bio);
}

static char *
key_text(EVP_PKEY *key, const EVP_CIPHER *cipher, char *phrase)
{
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, phrase,
			 phrase == NULL ? 0 : (int)strlen(phrase), NULL, NULL),
	    1);
	return take_text(bio);
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	cr_assert_not_null(e, "%s", value);
	cr_assert_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
name_it(X509 *cert, const struct wish *w)
{
	static long serial = 0x1000;
	X509_NAME *subject = X509_get_subject_name(cert);

	cr_assert_eq(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
			 (const unsigned char *)"Devices", -1, -1, 0),
	    1);
	cr_assert_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
			 (const unsigned char *)w->name, -1, -1, 0),
	    1);
	cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial),
	    1);
	cr_assert_eq(X509_set_issuer_name(cert,
			 w->issuer == NULL
			     ? subject
			     : X509_get_subject_name(w->issuer->cert)),
	    1);
}

struct identity
tls_certs_make(const struct wish *w)
{
	struct identity id = { .cert = X509_new(), .key = make_key(w->kind) };
	EVP_PKEY *signer = w->issuer == NULL ? id.key : w->issuer->key;
	const EVP_MD *digest = EVP_sha256();

	cr_assert_not_null(id.key);
	if (EVP_PKEY_get_id(signer) == EVP_PKEY_ED25519)
		digest = NULL;
	X509_set_version(id.cert, X509_VERSION_3);
	name_it(id.cert, w);
	X509_gmtime_adj(X509_getm_notBefore(id.cert),
	    w->from_days == 0 ? -DAY : w->from_days * DAY);
	X509_gmtime_adj(X509_getm_notAfter(id.cert),
	    w->until_days == 0 ? 365 * DAY : w->until_days * DAY);
	X509_set_pubkey(id.cert, id.key);
	if (w->is_ca)
		extend(id.cert, NID_basic_constraints, "critical,CA:TRUE");
	if (w->sans != NULL)
		extend(id.cert, NID_subject_alt_name, w->sans);
	cr_assert_gt(X509_sign(id.cert, signer, digest), 0);
	id.cert_pem = cert_text(id.cert);
	id.key_pem = key_text(id.key, NULL, NULL);
	return id;
}

struct identity
tls_certs_root(const char *name)
{
	const struct wish w = { .name = name, .is_ca = 1 };

	return tls_certs_make(&w);
}

static void
revoke(X509_CRL *crl, const struct identity *id)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));

	cr_assert_eq(
	    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(id->cert)),
	    1);
	cr_assert_eq(X509_REVOKED_set_revocationDate(r, now), 1);
	cr_assert_eq(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_TIME_free(now);
}

char *
tls_certs_crl(const struct identity *issuer, const struct identity *revoked,
    int until_days)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, time(NULL) - 2 * DAY);
	BIO *bio = BIO_new(BIO_s_mem());

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_CRL_set1_lastUpdate(crl, at);
	ASN1_TIME_set(at, time(NULL) + until_days * DAY);
	X509_CRL_set1_nextUpdate(crl, at);
	if (revoked != NULL)
		revoke(crl, revoked);
	cr_assert_gt(X509_CRL_sign(crl, issuer->key, EVP_sha256()), 0);
	cr_assert_eq(PEM_write_bio_X509_CRL(bio, crl), 1);
	ASN1_TIME_free(at);
	X509_CRL_free(crl);
	return take_text(bio);
}

char *
tls_certs_encrypted(const struct identity *id)
{
	char phrase[] = "secret";

	return key_text(id->key, EVP_aes_128_cbc(), phrase);
}

char *
tls_certs_join(const char *text, ...)
{
	char *all = strdup(""), *more;
	va_list ap;

	va_start(ap, text);
	for (; text != NULL; text = va_arg(ap, const char *)) {
		cr_assert_geq(asprintf(&more, "%s%s", all, text), 0);
		free(all);
		all = more;
	}
	va_end(ap);
	return all;
}
