#include "tls/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tls/tls_context.h"

/* What OpenSSL makes of the callback's result. */
enum {
	TICKET_FAILED = -1,
	TICKET_UNKNOWN = 0, /* not ours, or too old: a full handshake */
	TICKET_GOOD = 1,
	TICKET_RENEW = 2 /* good, but make a new one */
};

/* Fetched once: OpenSSL would look it up for each ticket. */
static const EVP_CIPHER *
ticket_cipher(void)
{
	static EVP_CIPHER *cipher;

	if (cipher == NULL)
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return cipher;
}

static int
set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	static char digest[] = "SHA256";
	OSSL_PARAM params[3];

	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    key->hmac, sizeof(key->hmac));
	params[1] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_MAC_CTX_set_params(mac, params);
}

static int
encrypt_ticket(struct ticket_key *key, uint8_t *name, uint8_t *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, sizeof(key->name));
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) != 1 ||
	    !EVP_EncryptInit_ex2(cipher, ticket_cipher(), key->aes, iv, NULL) ||
	    !set_mac(mac, key))
		return TICKET_FAILED;
	return TICKET_GOOD;
}

static int
decrypt_ticket(struct ticket_keys *keys, const uint8_t *name, const uint8_t *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct ticket_key *key;
	uint32_t i;

	for (i = 0; i < keys->count; i++) {
		key = &keys->keys[i];
		if (memcmp(key->name, name, sizeof(key->name)) != 0)
			continue;
		if (!EVP_DecryptInit_ex2(cipher, ticket_cipher(), key->aes, iv,
			NULL) ||
		    !set_mac(mac, key))
			return TICKET_FAILED;
		return i == 0 ? TICKET_GOOD : TICKET_RENEW;
	}
	return TICKET_UNKNOWN;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_context *context = tls_context_of(ssl);
	int result;

	if (context->keys.count == 0 || ticket_cipher() == NULL)
		return encrypt ? TICKET_FAILED : TICKET_UNKNOWN;
	if (encrypt)
		return encrypt_ticket(&context->keys.keys[0], name, iv, cipher,
		    mac);
	result = decrypt_ticket(&context->keys, name, iv, cipher, mac);
	/* Of version 1.3 many clients use a ticket only once. */
	if (result == TICKET_GOOD && SSL_version(ssl) == TLS1_3_VERSION)
		result = TICKET_RENEW;
	return result;
}

void
tls_ticket_enable(SSL_CTX *ctx)
{
	(void)SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_timeout(ctx, TLS_TICKET_SECONDS);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}

void
tls_ticket_disable(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
}
