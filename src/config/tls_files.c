#include "config/tls_files.h"

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config_load.h"
#include "config/tls_wants.h"
#include "tls/tls_pem.h"

/* What OpenSSL's own level for keys takes by default. */
#define SECURITY_BITS_MIN 112

#define SUBJECT_SIZE 128
#define DATE_SIZE 16

/* --- text --- */

int
tls_files_read(struct tls_file *f, const char *path, struct err *err)
{
	struct err why;

	f->path = path;
	f->text = config_load(path, &f->len, &why);
	if (f->text == NULL)
		return err_set(err, why.code, "%s: %s", path, why.text);
	if (f->len > TLS_WANTS_FILE_MAX)
		return err_set(err, ERR_INVALID,
		    "%s: is too large: must have at most %zu bytes", path,
		    TLS_WANTS_FILE_MAX);
	if (f->len == 0)
		return err_set(err, ERR_INVALID, "%s: is empty", path);
	if (memchr(f->text, '\0', f->len) != NULL)
		return err_set(err, ERR_INVALID,
		    "%s: is not PEM: it is no text", path);
	return 0;
}

void
tls_files_clear(struct tls_file *f)
{
	if (f->text != NULL)
		explicit_bzero(f->text, f->len);
	free(f->text);
	f->text = NULL;
}

struct tls_bytes
tls_files_bytes(const struct tls_file *f)
{
	return (struct tls_bytes){ (const uint8_t *)f->text, f->len };
}

static int blame(const struct tls_file *f, struct err *err, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Fill in *err with the file's name and the text. Returns -1. */
static int
blame(const struct tls_file *f, struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_INVALID, "%s: %s", f->path, text);
}

/* "2026-01-31" */
static void
format_date(const ASN1_TIME *t, char out[static DATE_SIZE])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(out, DATE_SIZE, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(out, DATE_SIZE, "?");
}

/* Of a certificate, for people; it comes from the operator's own file. */
static void
format_name(const X509_NAME *name, char out[static SUBJECT_SIZE])
{
	if (X509_NAME_oneline(name, out, SUBJECT_SIZE) == NULL)
		out[0] = '\0';
}

/* --- certificates --- */

static int
check_dates(const struct tls_file *f, const X509 *cert, struct err *warning,
    struct err *err)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert);
	const ASN1_TIME *until = X509_get0_notAfter(cert);
	char name[SUBJECT_SIZE], date[DATE_SIZE];
	time_t soon = time(NULL) + TLS_FILES_SOON_DAYS * 24L * 60 * 60;

	format_name(X509_get_subject_name(cert), name);
	if (X509_cmp_current_time(from) > 0) {
		format_date(from, date);
		return blame(f, err,
		    "the certificate \"%s\" is not valid before %s", name,
		    date);
	}
	format_date(until, date);
	if (X509_cmp_current_time(until) < 0)
		return blame(f, err, "the certificate \"%s\" expired on %s",
		    name, date);
	if (X509_cmp_time(until, &soon) < 0)
		(void)blame(f, warning, "the certificate \"%s\" expires on %s",
		    name, date);
	return 0;
}

static int
check_strength(const struct tls_file *f, const X509 *cert, struct err *err)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL)
		return blame(f, err,
		    "the key of its certificate is of an "
		    "unknown kind");
	if (EVP_PKEY_get_security_bits(key) >= SECURITY_BITS_MIN)
		return 0;
	return blame(f, err,
	    "the key of its certificate is too weak: %s with %d bits (a longer "
	    "RSA key, or ECDSA, or @SECLEVEL=0 in ciphers)",
	    EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

/* Has each certificate signed the one before it? */
static int
check_order(const struct tls_file *f, const STACK_OF(X509) * certs,
    struct err *err)
{
	int i;

	for (i = 1; i < sk_X509_num(certs); i++)
		if (X509_check_issued(sk_X509_value(certs, i),
			sk_X509_value(certs, i - 1)) != X509_V_OK)
			return blame(f, err,
			    "certificate %d has not signed certificate %d: the "
			    "listener's own must come first, then the one that "
			    "has signed it, and so on",
			    i + 1, i);
	return 0;
}

static STACK_OF(X509) * read_certs(const struct tls_file *f, struct err *err)
{
	const struct tls_bytes bytes = tls_files_bytes(f);
	struct err why;
	STACK_OF(X509) *certs = tls_pem_certs(&bytes, &why);

	if (certs == NULL)
		(void)blame(f, err, "%s", why.text);
	return certs;
}

static int
check_all_dates(const struct tls_file *f, const STACK_OF(X509) * certs,
    struct err *warning, struct err *err)
{
	int i;

	warning->text[0] = '\0';
	for (i = 0; i < sk_X509_num(certs); i++)
		if (check_dates(f, sk_X509_value(certs, i), warning, err) == -1)
			return -1;
	return 0;
}

int
tls_files_check_cert(const struct tls_file *f, bool weak, struct err *warning,
    struct err *err)
{
	STACK_OF(X509) *certs = read_certs(f, err);
	int result;

	if (certs == NULL)
		return -1;
	result = check_all_dates(f, certs, warning, err);
	if (result == 0)
		result = check_order(f, certs, err);
	if (result == 0 && !weak)
		result = check_strength(f, sk_X509_value(certs, 0), err);
	sk_X509_pop_free(certs, X509_free);
	return result;
}

int
tls_files_check_ca(const struct tls_file *f, struct err *warning,
    struct err *err)
{
	STACK_OF(X509) *certs = read_certs(f, err);
	int result;

	if (certs == NULL)
		return -1;
	result = check_all_dates(f, certs, warning, err);
	sk_X509_pop_free(certs, X509_free);
	return result;
}

/* --- keys --- */

static bool
is_readable_by_others(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

static int
compare_key(const struct tls_file *f, EVP_PKEY *key,
    const struct tls_file *cert, struct err *err)
{
	STACK_OF(X509) *certs = read_certs(cert, err);
	int same;

	if (certs == NULL)
		return -1;
	same = X509_check_private_key(sk_X509_value(certs, 0), key);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	if (same == 1)
		return 0;
	if (f->path == cert->path)
		return blame(f, err,
		    "its private key is not that of its first certificate");
	return blame(f, err,
	    "its private key is not that of the certificate in %s", cert->path);
}

int
tls_files_check_key(const struct tls_file *f, const struct tls_file *cert,
    struct err *warning, struct err *err)
{
	const struct tls_bytes bytes = tls_files_bytes(f);
	struct err why;
	EVP_PKEY *key = tls_pem_key(&bytes, &why);
	int result;

	warning->text[0] = '\0';
	if (key == NULL)
		return blame(f, err, "%s", why.text);
	result = compare_key(f, key, cert, err);
	EVP_PKEY_free(key);
	if (result == 0 && is_readable_by_others(f->path))
		(void)blame(f, warning,
		    "others may read this private key: should be of mode 0600");
	return result;
}

/* --- revocation lists --- */

static int
check_list_dates(const struct tls_file *f, const X509_CRL *crl, struct err *err)
{
	const ASN1_TIME *from = X509_CRL_get0_lastUpdate(crl);
	const ASN1_TIME *until = X509_CRL_get0_nextUpdate(crl);
	char name[SUBJECT_SIZE], date[DATE_SIZE];

	format_name(X509_CRL_get_issuer(crl), name);
	if (X509_cmp_current_time(from) > 0) {
		format_date(from, date);
		return blame(f, err,
		    "the revocation list of \"%s\" is not valid before %s",
		    name, date);
	}
	if (until == NULL || X509_cmp_current_time(until) > 0)
		return 0;
	format_date(until, date);
	return blame(f, err,
	    "the revocation list of \"%s\" is out of date: the next one was "
	    "due on %s",
	    name, date);
}

static bool
has_list_of(const STACK_OF(X509_CRL) * crls, const X509_NAME *issuer)
{
	int i;

	for (i = 0; i < sk_X509_CRL_num(crls); i++)
		if (X509_NAME_cmp(
			X509_CRL_get_issuer(sk_X509_CRL_value(crls, i)),
			issuer) == 0)
			return true;
	return false;
}

/* Warn of an authority whose certificates will all be refused. */
static int
check_authorities(const struct tls_file *f, const STACK_OF(X509_CRL) * crls,
    const struct tls_file *ca, struct err *warning, struct err *err)
{
	STACK_OF(X509) *certs = read_certs(ca, err);
	const X509_NAME *subject;
	char name[SUBJECT_SIZE];
	int i;

	if (certs == NULL)
		return -1;
	for (i = 0; i < sk_X509_num(certs); i++) {
		subject = X509_get_subject_name(sk_X509_value(certs, i));
		if (has_list_of(crls, subject))
			continue;
		format_name(subject, name);
		(void)blame(f, warning,
		    "has no revocation list of \"%s\" in client_ca: "
		    "certificates signed by it are refused",
		    name);
	}
	sk_X509_pop_free(certs, X509_free);
	return 0;
}

int
tls_files_check_crl(const struct tls_file *f, const struct tls_file *ca,
    struct err *warning, struct err *err)
{
	const struct tls_bytes bytes = tls_files_bytes(f);
	struct err why;
	STACK_OF(X509_CRL) *crls = tls_pem_crls(&bytes, &why);
	int result = 0, i;

	warning->text[0] = '\0';
	if (crls == NULL)
		return blame(f, err, "%s", why.text);
	for (i = 0; result == 0 && i < sk_X509_CRL_num(crls); i++)
		result = check_list_dates(f, sk_X509_CRL_value(crls, i), err);
	if (result == 0)
		result = check_authorities(f, crls, ca, warning, err);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return result;
}
