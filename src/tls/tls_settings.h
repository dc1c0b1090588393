/*
 * tls_settings: the settings of a listener's TLS, put into an SSL_CTX.
 */
#ifndef MERCURY_TLS_TLS_SETTINGS_H
#define MERCURY_TLS_TLS_SETTINGS_H

#include <openssl/types.h>

#include "common/err.h"
#include "tls/tls_context.h"
#include "tls/tls_material.h"

/*
 * Make an SSL_CTX for a context and one of its identities (cert NULL: none).
 * The texts of m are borrowed during the call, the context for as long as the
 * SSL_CTX lives. The caller frees it; NULL with *err, whose text begins with
 * the option at fault.
 */
SSL_CTX *tls_settings_apply(struct tls_context *, const struct tls_material *m,
    const struct tls_identity *, struct err *err);

#endif /* MERCURY_TLS_TLS_SETTINGS_H */
