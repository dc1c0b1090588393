/*
 * An established TLS 1.3 connection: what a peer sends that knows the keys,
 * so that all behind the decryption is reached, and what others send.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "tls/tls_stream.h"

#define WIRE_SIZE ((size_t)4 * TLS_STREAM_ROOM)

enum op { RAW, SEAL, PEER_UPDATES, SEAL_PLAIN, WRITE, ANSWER, CLOSE, OP_COUNT };

static struct tls_stream ours, theirs;

/* On its way to us, and what it must become if it becomes data. */
static uint8_t wire[WIRE_SIZE];
static size_t wire_len;
static const uint8_t *sealed;
static size_t sealed_len;
static bool over;

static void
start(struct fuzz_input *in)
{
	struct tls_secrets s = { .suite = TLS_SUITE_AES_128_GCM };

	s.client = fuzz_byte(in) % 2 == 1;
	memset(s.ours, 1, sizeof(s.ours));
	memset(s.theirs, 2, sizeof(s.theirs));
	FUZZ_CHECK(tls_stream_start(&ours, &s) == 0);
	s.client = !s.client;
	memset(s.ours, 2, sizeof(s.ours));
	memset(s.theirs, 1, sizeof(s.theirs));
	FUZZ_CHECK(tls_stream_start(&theirs, &s) == 0);
	ours.records = 1 + (uint64_t)fuzz_byte(in);
	wire_len = sealed_len = 0;
	over = false;
}

/* --- what reaches us --- */

static void
check_data(const struct tls_read *r)
{
	/* Nothing but what was sealed, and each but once. */
	FUZZ_CHECK(sealed_len > 0 && r->len == sealed_len);
	FUZZ_CHECK(memcmp(r->data, sealed, sealed_len) == 0);
	FUZZ_CHECK(r->data >= wire && r->data + r->len <= wire + r->taken);
	sealed_len = 0;
}

static void
check_fault(const struct tls_read *r)
{
	uint8_t out[TLS_STREAM_ROOM];
	struct tls_read seen;
	const bool closed = ours.closed;
	const size_t n = tls_stream_give_up(&ours, r->fault, out);

	FUZZ_CHECK(r->fault > TLS_FAULT_NONE && r->fault < TLS_FAULT_COUNT);
	FUZZ_CHECK(closed == (n == 0));
	if (n > 0) {
		FUZZ_CHECK(
		    tls_stream_read(&theirs, out, n, &seen) == TLS_EVENT_ALERT);
		FUZZ_CHECK(seen.alert == tls_fault_alert(r->fault));
	}
	FUZZ_CHECK(ours.in.dead && ours.out.dead);
}

static void
read_wire(void)
{
	enum tls_event event = TLS_EVENT_NOTHING;
	struct tls_read r;

	while (!over && event != TLS_EVENT_MORE) {
		event = tls_stream_read(&ours, wire, wire_len, &r);
		FUZZ_CHECK(r.taken <= wire_len);
		FUZZ_CHECK((event == TLS_EVENT_MORE) <= (r.taken == 0));
		FUZZ_CHECK(ours.message_len < TLS_STREAM_MESSAGE ||
		    event == TLS_EVENT_FAULT);
		if (event == TLS_EVENT_DATA)
			check_data(&r);
		else if (event == TLS_EVENT_FAULT)
			check_fault(&r);
		over = event == TLS_EVENT_FAULT || event == TLS_EVENT_CLOSED ||
		    event == TLS_EVENT_ALERT;
		wire_len -= r.taken;
		memmove(wire, wire + r.taken, wire_len);
	}
	FUZZ_CHECK(over || wire_len < TLS_RECORD_MAX);
}

/* As many bytes of the input as it says, and it has. */
static const uint8_t *
take(struct fuzz_input *in, size_t *len)
{
	const uint8_t *bytes = in->at;

	if (*len > in->left)
		*len = in->left;
	in->at += *len;
	in->left -= *len;
	return bytes;
}

static void
put_raw(struct fuzz_input *in)
{
	size_t len = fuzz_byte(in);
	const uint8_t *bytes = take(in, &len);

	memcpy(wire + wire_len, bytes, len);
	wire_len += len;
}

static void
put_sealed(struct fuzz_input *in)
{
	uint8_t type = fuzz_byte(in);
	size_t len = fuzz_byte(in);
	const uint8_t *bytes = take(in, &len);

	/* Not 0, which is padding: the type would be in bytes. */
	if (type == 0)
		type = TLS_RECORD_DATA;
	sealed = bytes;
	sealed_len = type == TLS_RECORD_DATA ? len : 0;
	wire_len += tls_record_seal(&theirs.out, (enum tls_record_type)type,
	    bytes, len, wire + wire_len);
}

/* Any plaintext, with the nonce that is next, whatever that is. */
static void
put_plain(struct fuzz_input *in)
{
	uint8_t *record = wire + wire_len;
	size_t body = fuzz_word(in) %
	    (TLS_RECORD_MAX - TLS_AEAD_HEADER - TLS_AEAD_TAG + 1);
	size_t len = body, end;
	uint8_t nonce[TLS_AEAD_NONCE];
	const uint8_t *bytes = take(in, &len);

	if (theirs.out.dead || theirs.out.sequence > 0xff)
		return;
	memcpy(nonce, theirs.out.iv, sizeof(nonce));
	nonce[TLS_AEAD_NONCE - 1] ^= (uint8_t)theirs.out.sequence++;
	memset(record, 0, TLS_AEAD_HEADER + body);
	memcpy(record + TLS_AEAD_HEADER, bytes, len);
	body += TLS_AEAD_TAG;
	memcpy(record, "\x17\x03\x03", 3);
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	FUZZ_CHECK(tls_aead_seal(&theirs.out.key, nonce, record,
		       TLS_AEAD_HEADER + body) == 0);
	wire_len += TLS_AEAD_HEADER + body;
	for (end = len; end > 0 && bytes[end - 1] == 0; end--)
		continue;
	sealed = bytes;
	sealed_len = end > 0 && bytes[end - 1] == TLS_RECORD_DATA ? end - 1 : 0;
}

/* --- what we write, the peer reads --- */

static void
reach_peer(uint8_t *bytes, size_t len, size_t data_len)
{
	size_t at = 0, got = 0;
	enum tls_event event;
	struct tls_read r;

	while (at < len) {
		event = tls_stream_read(&theirs, bytes + at, len - at, &r);
		FUZZ_CHECK(event == TLS_EVENT_NOTHING ||
		    event == TLS_EVENT_DATA || event == TLS_EVENT_CLOSED);
		FUZZ_CHECK(r.taken > 0);
		got += r.len;
		at += r.taken;
	}
	FUZZ_CHECK(got == data_len);
}

static void
write_data(void)
{
	static const uint8_t word[] = "word";
	uint8_t out[TLS_STREAM_ROOM];
	const bool can = !ours.closed && !ours.out.dead;
	const size_t n = tls_stream_write(&ours, word, sizeof(word), out);

	FUZZ_CHECK(can == (n > 0));
	FUZZ_CHECK(!can || ours.out.sequence <= ours.records);
	reach_peer(out, n, n > 0 ? sizeof(word) : 0);
}

static void
step(struct fuzz_input *in)
{
	uint8_t out[TLS_STREAM_ROOM];

	switch ((enum op)(fuzz_byte(in) % OP_COUNT)) {
	case RAW:
		put_raw(in);
		break;
	case SEAL:
		put_sealed(in);
		break;
	case PEER_UPDATES:
		(void)tls_direction_update(&theirs.out);
		break;
	case SEAL_PLAIN:
		put_plain(in);
		break;
	case WRITE:
		write_data();
		break;
	case ANSWER:
		reach_peer(out, tls_stream_answer(&ours, out), 0);
		break;
	case CLOSE:
	default:
		reach_peer(out, tls_stream_close(&ours, out), 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { .at = data, .left = len };

	start(&in);
	while (!over && in.left > 0) {
		step(&in);
		read_wire();
		sealed_len = 0;
	}
	tls_stream_end(&ours);
	tls_stream_end(&theirs);
	return 0;
}
