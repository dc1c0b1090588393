/*
 * tls_wants: from what the tls section of a listener wants to what a worker
 * needs: the files are read, checked, and put into the material.
 *
 * Every error says which key and which file: "tls.key: /etc/x.pem: ...".
 */
#ifndef MERCURY_CONFIG_TLS_WANTS_H
#define MERCURY_CONFIG_TLS_WANTS_H

#include <jansson.h>
#include <stddef.h>

#include "common/err.h"
#include "tls/tls_material.h"

#define TLS_WANTS_WARNINGS 8

/* Of a file, in bytes. */
#define TLS_WANTS_FILE_MAX ((size_t)1 << 20)

/* What is not wrong yet; the texts have the form of errors. */
struct tls_warnings {
	size_t count; /* may be more than are kept */
	char texts[TLS_WANTS_WARNINGS][ERR_TEXT_SIZE];
};

/* One more, if there is room. */
void tls_warnings_add(struct tls_warnings *, const char *text);

/*
 * Read what wants (tls_section.h) names, and make the material. *out starts
 * zeroed; the caller frees its bytes with tls_material_free(). A worker can
 * make a context of it: that was tried. Returns 0, or -1 with *err.
 */
int tls_wants_read(const json_t *wants, struct tls_writer *out,
    struct tls_warnings *, struct err *err);

#endif /* MERCURY_CONFIG_TLS_WANTS_H */
