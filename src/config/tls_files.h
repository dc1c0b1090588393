/*
 * tls_files: certificates, keys and revocation lists in files, read and
 * checked before a worker gets them. Errors and warnings do not name the key
 * of the tls section, but the file.
 */
#ifndef MERCURY_CONFIG_TLS_FILES_H
#define MERCURY_CONFIG_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "tls/tls_material.h"

/* Warned of when a certificate ends within this. */
#define TLS_FILES_SOON_DAYS 14

/* The text of a file, owned by who reads it. */
struct tls_file {
	const char *path; /* borrowed */
	char *text;       /* NULL: not read */
	size_t len;
};

/* Read it, whole. Returns 0, or -1 with *err. */
int tls_files_read(struct tls_file *, const char *path, struct err *err);

/* Wipe and free the text. */
void tls_files_clear(struct tls_file *);

/* The text for what takes it. */
struct tls_bytes tls_files_bytes(const struct tls_file *);

/*
 * Are there certificates in it, in order, each good today? weak: a weak key
 * is fine. Returns 0, or -1 with *err. *warning gets a text, empty for none.
 */
int tls_files_check_cert(const struct tls_file *, bool weak,
    struct err *warning, struct err *err);

/* Is the key in it that of the certificate? The same. */
int tls_files_check_key(const struct tls_file *f, const struct tls_file *cert,
    struct err *warning, struct err *err);

/* Can the certificates in it, in any order, vouch for others today? */
int tls_files_check_ca(const struct tls_file *, struct err *warning,
    struct err *err);

/* Are the lists in it up to date, and is there one for each of the ca? */
int tls_files_check_crl(const struct tls_file *, const struct tls_file *ca,
    struct err *warning, struct err *err);

#endif /* MERCURY_CONFIG_TLS_FILES_H */
