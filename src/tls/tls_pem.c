#include "tls/tls_pem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

static BIO *
open_text(const struct tls_bytes *text, struct err *err)
{
	BIO *bio = NULL;

	ERR_clear_error();
	if (text->len <= INT_MAX)
		bio = BIO_new_mem_buf(text->data, (int)text->len);
	if (bio == NULL)
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
	return bio;
}

/* Has OpenSSL stopped because the text has no more of what it looked for? */
static bool
at_end(void)
{
	const unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static void
none_found(const struct tls_bytes *text, const char *what, struct err *err)
{
	static const char begin[] = "-----BEGIN ";

	if (memmem(text->data, text->len, begin, sizeof(begin) - 1) == NULL)
		(void)err_set(err, ERR_INVALID,
		    "is not PEM: it has no \"-----BEGIN\"");
	else
		(void)err_set(err, ERR_INVALID, "has no %s in PEM", what);
}

/* After reading count of what: is all well? */
static bool
check_end(const struct tls_bytes *text, const char *what, int count,
    struct err *err)
{
	const bool ended = at_end();

	ERR_clear_error();
	if (!ended)
		(void)err_set(err, ERR_INVALID, "its %s number %d is malformed",
		    what, count + 1);
	else if (count == 0)
		none_found(text, what, err);
	return ended && count > 0;
}

STACK_OF(X509) * tls_pem_certs(const struct tls_bytes *text, struct err *err)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *bio = open_text(text, err);
	bool good = false;
	X509 *cert;

	if (certs == NULL || bio == NULL)
		goto out;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(certs, cert) == 0) {
			X509_free(cert);
			break;
		}
	good = check_end(text, "certificate", sk_X509_num(certs), err);
out:
	(void)BIO_free(bio);
	if (good)
		return certs;
	sk_X509_pop_free(certs, X509_free);
	return NULL;
}

STACK_OF(X509_CRL) * tls_pem_crls(const struct tls_bytes *text, struct err *err)
{
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	BIO *bio = open_text(text, err);
	bool good = false;
	X509_CRL *crl;

	if (crls == NULL || bio == NULL)
		goto out;
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_CRL_push(crls, crl) == 0) {
			X509_CRL_free(crl);
			break;
		}
	good = check_end(text, "revocation list", sk_X509_CRL_num(crls), err);
out:
	(void)BIO_free(bio);
	if (good)
		return crls;
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return NULL;
}

/* OpenSSL wants a pass phrase: there is none. */
static int
on_pass_phrase(char *buffer, int size, int writing, void *encrypted)
{
	(void)buffer;
	(void)size;
	(void)writing;
	*(bool *)encrypted = true;
	return -1;
}

EVP_PKEY *
tls_pem_key(const struct tls_bytes *text, struct err *err)
{
	BIO *bio = open_text(text, err);
	bool encrypted = false;
	EVP_PKEY *key;

	if (bio == NULL)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, on_pass_phrase, &encrypted);
	(void)BIO_free(bio);
	if (key == NULL && encrypted)
		(void)err_set(err, ERR_INVALID,
		    "its private key is encrypted: must have no pass phrase");
	else if (key == NULL &&
	    memmem(text->data, text->len, "PRIVATE KEY-----", 16) == NULL)
		none_found(text, "private key", err);
	else if (key == NULL)
		(void)err_set(err, ERR_INVALID,
		    "its private key is malformed or of an unknown kind");
	ERR_clear_error();
	return key;
}
