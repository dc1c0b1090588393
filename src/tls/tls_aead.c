#include "tls/tls_aead.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>

/* Bytes that the text and the tag have at most. */
#define BODY_MAX (16384 + 256)

enum way { OPEN, SEAL, WAY_COUNT };

static const struct suite {
	uint16_t id;
	const char *cipher;
	const char *digest;
	size_t key_size;
	size_t secret_size;
} suites[TLS_SUITE_COUNT] = {
	[TLS_SUITE_AES_128_GCM] = { 0x1301, "AES-128-GCM", "SHA2-256", 16, 32 },
	[TLS_SUITE_AES_256_GCM] = { 0x1302, "AES-256-GCM", "SHA2-384", 32, 48 },
	[TLS_SUITE_CHACHA20_POLY1305] = { 0x1303, "ChaCha20-Poly1305",
	    "SHA2-256", 32, 32 },
};

/* What all keys of a suite use, one after the other. */
static struct slot {
	EVP_CIPHER_CTX *ctx; /* NULL: not needed yet */
	uint64_t key;        /* the id of the key that it holds; 0: none */
} slots[TLS_SUITE_COUNT][WAY_COUNT];

enum tls_suite
tls_suite_find(uint16_t id)
{
	enum tls_suite s = TLS_SUITE_COUNT;

	while (--s > TLS_SUITE_NONE && suites[s].id != id)
		continue;
	return s;
}

size_t
tls_suite_secret_size(enum tls_suite suite)
{
	return suites[suite].secret_size;
}

/* --- secrets --- */

static EVP_KDF_CTX *
kdf_ctx(void)
{
	static EVP_KDF_CTX *ctx;
	EVP_KDF *kdf;

	if (ctx == NULL) {
		kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
		ctx = EVP_KDF_CTX_new(kdf);
		EVP_KDF_free(kdf);
	}
	return ctx;
}

/* OpenSSL's parameters want to be writable, and are not written. */
static void *
writable(const void *p)
{
	return (void *)(uintptr_t)p;
}

int
tls_suite_expand(enum tls_suite suite, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len)
{
	static char prefix[] = "tls13 ";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	EVP_KDF_CTX *ctx = kdf_ctx();
	OSSL_PARAM params[6];
	int good;

	params[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    writable(suites[suite].digest), 0);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    writable(secret), suites[suite].secret_size);
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX,
	    prefix, sizeof(prefix) - 1);
	params[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL,
	    writable(label), strlen(label));
	params[5] = OSSL_PARAM_construct_end();
	good = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
	/* It forgets the secret. */
	EVP_KDF_CTX_reset(ctx);
	return good ? 0 : -1;
}

/* --- keys --- */

static EVP_CIPHER_CTX *
new_ctx(enum tls_suite suite, enum way way)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suites[suite].cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (cipher == NULL || ctx == NULL ||
	    EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, (int)way, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_CIPHER_free(cipher);
	return ctx;
}

int
tls_key_derive(struct tls_key *key, enum tls_suite suite, const uint8_t *secret)
{
	static uint64_t last_id;
	enum way way;

	tls_key_wipe(key);
	for (way = 0; way < WAY_COUNT; way++) {
		if (slots[suite][way].ctx == NULL)
			slots[suite][way].ctx = new_ctx(suite, way);
		if (slots[suite][way].ctx == NULL)
			return -1;
	}
	if (tls_suite_expand(suite, secret, "key", key->bytes,
		suites[suite].key_size) == -1) {
		tls_key_wipe(key);
		return -1;
	}
	key->suite = suite;
	key->id = ++last_id;
	return 0;
}

/* Let it hold another key, of no use. */
static void
clear_slot(struct slot *slot)
{
	static const uint8_t zero[TLS_AEAD_KEY_MAX];

	slot->key = 0;
	(void)EVP_CipherInit_ex2(slot->ctx, NULL, zero, zero, -1, NULL);
}

void
tls_key_wipe(struct tls_key *key)
{
	enum way way;

	for (way = 0; key->id != 0 && way < WAY_COUNT; way++)
		if (slots[key->suite][way].key == key->id)
			clear_slot(&slots[key->suite][way]);
	OPENSSL_cleanse(key, sizeof(*key));
}

/* --- records --- */

static bool
give_tag(EVP_CIPHER_CTX *ctx, uint8_t *tag)
{
	return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TLS_AEAD_TAG,
		   tag) == 1;
}

static bool
take_tag(EVP_CIPHER_CTX *ctx, uint8_t *tag)
{
	return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TLS_AEAD_TAG,
		   tag) == 1;
}

static EVP_CIPHER_CTX *
begin(const struct tls_key *key, enum way way, const uint8_t *nonce)
{
	struct slot *slot = &slots[key->suite][way];
	const bool same = slot->key == key->id;

	assert(key->id != 0);
	slot->key = 0;
	if (EVP_CipherInit_ex2(slot->ctx, NULL, same ? NULL : key->bytes, nonce,
		-1, NULL) != 1)
		return NULL;
	slot->key = key->id;
	return slot->ctx;
}

/* Header and text; the cipher's last step is the caller's. */
static bool
transform(EVP_CIPHER_CTX *ctx, uint8_t *record, int len)
{
	uint8_t *text = record + TLS_AEAD_HEADER;
	int n;

	return ctx != NULL &&
	    EVP_CipherUpdate(ctx, NULL, &n, record, TLS_AEAD_HEADER) == 1 &&
	    (len == 0 ||
		(EVP_CipherUpdate(ctx, text, &n, text, len) == 1 && n == len));
}

/* Bytes of text in a record of len. */
static int
text_size(size_t len)
{
	assert(len >= TLS_AEAD_HEADER + TLS_AEAD_TAG);
	assert(len <= TLS_AEAD_HEADER + BODY_MAX);
	return (int)len - TLS_AEAD_HEADER - TLS_AEAD_TAG;
}

int
tls_aead_seal(const struct tls_key *key,
    const uint8_t nonce[static TLS_AEAD_NONCE], uint8_t *record, size_t len)
{
	EVP_CIPHER_CTX *ctx = begin(key, SEAL, nonce);
	uint8_t *tag = record + len - TLS_AEAD_TAG;
	int n;

	if (transform(ctx, record, text_size(len)) &&
	    EVP_CipherFinal_ex(ctx, tag, &n) == 1 && n == 0 &&
	    take_tag(ctx, tag))
		return 0;
	ERR_clear_error();
	return -1;
}

int
tls_aead_open(const struct tls_key *key,
    const uint8_t nonce[static TLS_AEAD_NONCE], uint8_t *record, size_t len)
{
	EVP_CIPHER_CTX *ctx = begin(key, OPEN, nonce);
	uint8_t *tag = record + len - TLS_AEAD_TAG;
	int n;

	if (transform(ctx, record, text_size(len)) && give_tag(ctx, tag) &&
	    EVP_CipherFinal_ex(ctx, tag, &n) == 1 && n == 0)
		return 0;
	OPENSSL_cleanse(record, len);
	ERR_clear_error();
	return -1;
}
