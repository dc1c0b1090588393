#include "tls/tls_record.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

/* All records of 1.3 that are protected say that they are of 1.2. */
#define WIRE_MAJOR 3
#define WIRE_MINOR 3

static const struct {
	uint8_t alert;
	int reason;
} faults[TLS_FAULT_COUNT] = {
#define FAULT(ID, ALERT, REASON) [TLS_FAULT_##ID] = { ALERT, REASON },
	TLS_FAULTS(FAULT)
#undef FAULT
};

uint8_t
tls_fault_alert(enum tls_fault fault)
{
	return faults[fault].alert;
}

unsigned long
tls_fault_error(enum tls_fault fault)
{
	return ERR_PACK(ERR_LIB_SSL, 0, faults[fault].reason);
}

/* --- a direction --- */

void
tls_direction_end(struct tls_direction *d)
{
	tls_key_wipe(&d->key);
	OPENSSL_cleanse(d, sizeof(*d));
	d->dead = true;
}

/* The key and the iv for its secret. */
static int
derive(struct tls_direction *d, enum tls_suite suite)
{
	if (tls_key_derive(&d->key, suite, d->secret) == 0 &&
	    tls_suite_expand(suite, d->secret, "iv", d->iv, sizeof(d->iv)) == 0)
		return 0;
	tls_direction_end(d);
	return -1;
}

int
tls_direction_start(struct tls_direction *d, enum tls_suite suite,
    const uint8_t *secret, uint64_t sequence)
{
	memset(d, 0, sizeof(*d));
	memcpy(d->secret, secret, tls_suite_secret_size(suite));
	d->sequence = sequence;
	return derive(d, suite);
}

int
tls_direction_update(struct tls_direction *d)
{
	const enum tls_suite suite = d->key.suite;

	if (d->dead)
		return -1;
	if (tls_suite_expand(suite, d->secret, "traffic upd", d->secret,
		tls_suite_secret_size(suite)) == -1) {
		tls_direction_end(d);
		return -1;
	}
	d->sequence = 0;
	return derive(d, suite);
}

/*
 * The nonce of the next record: each is made once, whatever becomes of it.
 * Returns false when there are no more, or the direction is dead.
 */
static bool
next_nonce(struct tls_direction *d, uint8_t nonce[static TLS_AEAD_NONCE])
{
	uint64_t number = d->sequence;
	size_t i;

	if (d->dead || number == UINT64_MAX)
		return false;
	d->sequence++;
	memcpy(nonce, d->iv, TLS_AEAD_NONCE);
	for (i = TLS_AEAD_NONCE; number > 0; number >>= 8)
		nonce[--i] ^= (uint8_t)number;
	return true;
}

/* --- records --- */

size_t
tls_record_seal(struct tls_direction *d, enum tls_record_type type,
    const uint8_t *data, size_t len, uint8_t *out)
{
	const size_t size = len + TLS_RECORD_EXTRA;
	const size_t body = size - TLS_AEAD_HEADER;
	uint8_t nonce[TLS_AEAD_NONCE];

	assert(len <= TLS_RECORD_PLAIN);
	out[0] = TLS_RECORD_DATA;
	out[1] = WIRE_MAJOR;
	out[2] = WIRE_MINOR;
	out[3] = (uint8_t)(body >> 8);
	out[4] = (uint8_t)body;
	memcpy(out + TLS_AEAD_HEADER, data, len);
	out[TLS_AEAD_HEADER + len] = (uint8_t)type;
	if (next_nonce(d, nonce) &&
	    tls_aead_seal(&d->key, nonce, out, size) == 0)
		return size;
	/* It may hold what nobody should see. */
	OPENSSL_cleanse(out, size);
	tls_direction_end(d);
	return 0;
}

enum tls_fault
tls_record_header(const uint8_t header[static TLS_AEAD_HEADER], size_t *size)
{
	const size_t body = (size_t)header[3] << 8 | header[4];

	*size = TLS_AEAD_HEADER + body;
	if (header[0] != TLS_RECORD_DATA)
		return TLS_FAULT_RECORD;
	if (header[1] != WIRE_MAJOR || header[2] != WIRE_MINOR)
		return TLS_FAULT_VERSION;
	if (*size > TLS_RECORD_MAX)
		return TLS_FAULT_LENGTH;
	/* No cipher makes so little. */
	return body < TLS_AEAD_TAG ? TLS_FAULT_MAC : TLS_FAULT_NONE;
}

/* Take padding and type off what was decrypted. */
static enum tls_fault
strip(const uint8_t *text, size_t len, struct tls_plain *plain)
{
	if (len > TLS_RECORD_PLAIN + 1)
		return TLS_FAULT_PLAIN;
	while (len > 0 && text[len - 1] == 0)
		len--;
	if (len == 0)
		return TLS_FAULT_EMPTY;
	plain->type = text[len - 1];
	plain->data = text;
	plain->len = len - 1;
	return TLS_FAULT_NONE;
}

enum tls_fault
tls_record_open(struct tls_direction *d, uint8_t *record, size_t size,
    struct tls_plain *plain)
{
	enum tls_fault fault = TLS_FAULT_MAC;
	uint8_t nonce[TLS_AEAD_NONCE];

	if (!next_nonce(d, nonce))
		fault = TLS_FAULT_INTERNAL;
	else if (tls_aead_open(&d->key, nonce, record, size) == 0)
		fault = strip(record + TLS_AEAD_HEADER,
		    size - TLS_AEAD_HEADER - TLS_AEAD_TAG, plain);
	if (fault != TLS_FAULT_NONE)
		tls_direction_end(d);
	return fault;
}
