/*
 * tls_material: what a TLS context is made of, as bytes that travel from
 * mercury-config to the workers. Pure; the bytes hold private keys, so
 * whoever has them wipes them.
 *
 * The format, all numbers little-endian: the 8 bytes "MTLS 1\n\0", then items
 * up to the end: a tag (uint16, enum tls_tag), 0 (uint16), a length (uint32)
 * and so many bytes. Each tag comes at most once, but for NAME, which begins
 * a further certificate: the CERT and KEY behind it are for that name.
 */
#ifndef MERCURY_TLS_TLS_MATERIAL_H
#define MERCURY_TLS_TLS_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/tls_words.h"

#define TLS_MATERIAL_MAX ((size_t)4 << 20) /* bytes of all */

/* clang-format off */
/*     TAG(ID) in the order in which they come */
#define TLS_TAGS(TAG)							\
	TAG(ROLE)		/* uint8: enum tls_role */		\
	TAG(VERIFY)		/* uint8: enum tls_verify */		\
	TAG(MIN_VERSION)	/* uint16 as on the wire: 0x0303 */	\
	TAG(TICKETS)		/* uint8: 0 or 1 */			\
	TAG(CIPHERS)		/* text, as OpenSSL has it */		\
	TAG(CIPHERSUITES)	/* text */				\
	TAG(ALPN)		/* as on the wire: (length, name)... */	\
	TAG(CLIENT_CA)		/* PEM */				\
	TAG(CRL)		/* PEM */				\
	TAG(CERT)		/* PEM: the certificate, then its chain */ \
	TAG(KEY)		/* PEM */				\
	TAG(NAME)		/* text: "a.example" or "*.a.example" */
/* clang-format on */

enum tls_tag {
	TLS_TAG_NONE,
#define TAG(ID) TLS_TAG_##ID,
	TLS_TAGS(TAG)
#undef TAG
	    TLS_TAG_COUNT
};

/* Bytes within the material; data NULL: the item is not there. */
struct tls_bytes {
	const uint8_t *data;
	size_t len;
};

struct tls_identity {
	struct tls_bytes name; /* NULL: the one for all other names */
	struct tls_bytes cert;
	struct tls_bytes key;
};

struct tls_material {
	enum tls_role role;
	enum tls_verify verify;
	unsigned int min_version;
	bool tickets;
	struct tls_bytes ciphers;
	struct tls_bytes ciphersuites;
	struct tls_bytes alpn;
	struct tls_bytes client_ca;
	struct tls_bytes crl;
	struct tls_identity identity; /* cert NULL: there is none */
	struct tls_bytes names;       /* tls_material_next() */
};

/*
 * Take bytes apart; *m points into them. What is not there gets its default:
 * role server, verify none, version 1.2, tickets on. Returns 0, or -1 with
 * *err. Then all values are in range and all of the names' items are whole.
 */
int tls_material_parse(const void *bytes, size_t size, struct tls_material *m,
    struct err *err);

/*
 * The next of the further certificates, from *m itself, which moves on.
 * Returns false at the end.
 */
bool tls_material_next(struct tls_material *m, struct tls_identity *);

/* Bytes that are being made. Start with all 0. */
struct tls_writer {
	uint8_t *bytes; /* NULL: none yet */
	size_t size;
	size_t room;
	bool failed; /* out of memory or over TLS_MATERIAL_MAX */
};

/* Append an item. When that fails, w->failed stays true. */
void tls_material_put(struct tls_writer *w, enum tls_tag, const void *data,
    size_t len);

/* The same for an item that is a little-endian number of size 1 or 2. */
void tls_material_put_number(struct tls_writer *w, enum tls_tag,
    unsigned int value, size_t size);

/* Wipe and free the bytes of size, if any. */
void tls_material_free(uint8_t *bytes, size_t size);

#endif /* MERCURY_TLS_TLS_MATERIAL_H */
