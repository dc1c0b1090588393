/* tls_words: the closed sets of the tls section, and what it is bounded by. */
#ifndef MERCURY_COMMON_TLS_WORDS_H
#define MERCURY_COMMON_TLS_WORDS_H

#define TLS_NAMES_MAX 1024 /* server names with a certificate of their own */

/* Closed sets: the word in config and JSON. */
#define TLS_ROLES(X) X(SERVER, "server") X(CLIENT, "client")
#define TLS_VERIFIES(X) \
	X(NONE, "none") X(OPTIONAL, "optional") X(REQUIRED, "required")

enum tls_role {
#define X(NAME, WORD) TLS_ROLE_##NAME,
	TLS_ROLES(X)
#undef X
	    TLS_ROLE_COUNT
};

enum tls_verify {
#define X(NAME, WORD) TLS_VERIFY_##NAME,
	TLS_VERIFIES(X)
#undef X
	    TLS_VERIFY_COUNT
};

#endif /* MERCURY_COMMON_TLS_WORDS_H */
