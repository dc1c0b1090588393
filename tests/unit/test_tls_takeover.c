#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tls/tls_context.h"
#include "tls/tls_kind.h"
#include "tls/tls_stream.h"
#include "unit/tls_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of the largest echo. */
#define LARGE ((size_t)5 << 20)

static struct identity root, server, device;
static uint8_t data[TLS_RECV_SIZE], sent[LARGE], back[LARGE];
static const char *const suites[] = { "TLS_AES_128_GCM_SHA256",
	"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };

static void
make_identities(void)
{
	size_t i;

	root = tls_certs_root("Root");
	server =
	    tls_certs_make(&(struct wish){ .name = "server", .issuer = &root });
	device =
	    tls_certs_make(&(struct wish){ .name = "device", .issuer = &root });
	for (i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 31 + (i >> 8));
}

TestSuite(tls_takeover, .init = make_identities, .timeout = 120);

static bool
is_ours(const struct pair *p)
{
	return p->session->kind == &tls_by_stream;
}

/* What a pair is to be. */
struct way {
	enum tls_role role;
	int suite;   /* of suites */
	int tickets; /* that the server makes */
	bool mutual;
};

/* Of the side that is the server; ours, or the device's. */
static void
want_tickets(const struct way *w, struct tls_context *c, SSL_CTX *ctx)
{
	struct ticket_keys keys = { .count = 1 };

	if (w->role == TLS_ROLE_CLIENT) {
		cr_assert_eq(SSL_CTX_set_num_tickets(ctx, (size_t)w->tickets),
		    1);
		return;
	}
	cr_assert_eq(mercury_tls.context_set_tickets(c, &keys), 0);
	cr_assert_eq(SSL_CTX_set_num_tickets(c->ctx, (size_t)w->tickets), 1);
}

static struct pair
connect_way(const struct way *w)
{
	struct tls_context *c =
	    peer_context(&(struct listener){ .role = w->role,
		.identity = &server,
		.verify = w->mutual ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE,
		.client_ca = w->mutual ? root.cert_pem : NULL });
	SSL_CTX *ctx = peer_ctx(TLS1_3_VERSION);
	struct tls_facts facts;
	struct pair p;

	peer_show(ctx, &device);
	cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, suites[w->suite]), 1);
	want_tickets(w, c, ctx);
	p = pair_new(c, ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.version, "TLSv1.3");
	cr_expect_str_eq(facts.cipher, suites[w->suite]);
	cr_expect_eq(facts.certificate, w->mutual);
	cr_expect(is_ours(&p));
	cr_expect_null(p.session->ssl);
	cr_expect_null(p.session->takeover);
	SSL_set_mode(p.peer,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return p;
}

/* The device can't go on now; any other reason fails the test. */
static size_t
some(const struct pair *p, int n)
{
	const int error = SSL_get_error(p->peer, n);

	if (n > 0)
		return (size_t)n;
	cr_assert(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE,
	    "%d: %s", error, ERR_reason_error_string(ERR_peek_error()));
	return 0;
}

/* The device sends len bytes, and we send them back. */
static void
echo(struct pair *p, size_t len)
{
	size_t out = 0, held = 0, at = 0, in = 0;
	ssize_t n;

	while (in < len) {
		if (out < len)
			out += some(p,
			    SSL_write(p->peer, sent + out, (int)(len - out)));
		if (at == held) {
			n = mercury_tls.recv(p->session, p->ours, data,
			    sizeof(data));
			cr_assert(n > 0 || n == TLS_AGAIN, "%zd", n);
			held = n > 0 ? (size_t)n : 0;
			at = 0;
		}
		if (at < held) {
			n = mercury_tls.send(p->session, p->ours, data + at,
			    held - at);
			cr_assert(n > 0 || n == TLS_AGAIN, "%zd", n);
			at += n > 0 ? (size_t)n : 0;
		}
		(void)mercury_tls.flush(p->session, p->ours);
		in += some(p, SSL_read(p->peer, back + in, (int)(len - in)));
	}
	cr_expect_eq(memcmp(sent, back, len), 0);
	cr_expect_eq(mercury_tls.unsent(p->session), 0);
	cr_expect(!mercury_tls.pending(p->session));
	cr_expect_null(p->session->flow.received, "a buffer is left");
}

/* Neither side sends more, and both know it. */
static void
say_goodbye(struct pair *p)
{
	cr_assert_eq(SSL_shutdown(p->peer), 0);
	cr_expect_eq(pair_recv(p, data), TLS_FINISHED);
	cr_assert_eq(mercury_tls.send(p->session, p->ours, sent, 3), 3);
	mercury_tls.finish(p->session, p->ours);
	cr_expect_eq(SSL_read(p->peer, back, 16), 3);
	cr_expect_eq(SSL_read(p->peer, back, 16), 0);
	cr_expect_eq(SSL_get_error(p->peer, 0), SSL_ERROR_ZERO_RETURN);
	cr_expect_eq(mercury_tls.send(p->session, p->ours, sent, 3), TLS_ERROR);
	pair_free(p);
}

ParameterizedTestParameters(tls_takeover, every_way)
{
	static struct way ways[] = {
		{ TLS_ROLE_SERVER, 0, 0, false },
		{ TLS_ROLE_SERVER, 0, 1, false },
		{ TLS_ROLE_SERVER, 0, 2, true },
		{ TLS_ROLE_SERVER, 1, 1, true },
		{ TLS_ROLE_SERVER, 1, 2, false },
		{ TLS_ROLE_SERVER, 2, 0, true },
		{ TLS_ROLE_SERVER, 2, 1, false },
		{ TLS_ROLE_CLIENT, 0, 0, false },
		{ TLS_ROLE_CLIENT, 0, 2, true },
		{ TLS_ROLE_CLIENT, 1, 1, true },
		{ TLS_ROLE_CLIENT, 2, 2, false },
	};

	return cr_make_param_array(struct way, ways, COUNT(ways));
}

ParameterizedTest(struct way *w, tls_takeover, every_way,
    .init = make_identities)
{
	static const size_t sizes[] = { 1, 2, 100, 16383, 16384, 16385, 65536,
		LARGE };
	struct pair p = connect_way(w);
	size_t i;

	for (i = 0; i < COUNT(sizes); i++)
		echo(&p, sizes[i]);
	say_goodbye(&p);
}

ParameterizedTestParameters(tls_takeover, keys_change)
{
	static struct way ways[] = {
		{ TLS_ROLE_SERVER, 0, 1, false },
		{ TLS_ROLE_SERVER, 1, 1, false },
		{ TLS_ROLE_CLIENT, 2, 1, false },
	};

	return cr_make_param_array(struct way, ways, COUNT(ways));
}

ParameterizedTest(struct way *w, tls_takeover, keys_change,
    .init = make_identities)
{
	static const int kinds[] = { SSL_KEY_UPDATE_NOT_REQUESTED,
		SSL_KEY_UPDATE_REQUESTED };
	struct pair p = connect_way(w);
	int i;

	p.session->stream->records = 2;
	for (i = 0; i < 20; i++) {
		cr_assert_eq(SSL_key_update(p.peer, kinds[i % 2]), 1);
		echo(&p, i == 10 ? 300000 : 100);
	}
	cr_expect_gt(p.session->stream->out.key.id, 20);
	say_goodbye(&p);
}

/* --- what comes in parts, or all at once --- */

/* What the device writes goes to relay[0], and can be had from relay[1]. */
static size_t
capture(struct pair *p, const void *bytes, size_t len, uint8_t *out)
{
	static int relay[2] = { -1, -1 };
	ssize_t n;

	if (relay[0] == -1)
		cr_assert_eq(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, relay),
		    0);
	SSL_set_wfd(p->peer, relay[0]);
	cr_assert_eq(SSL_write(p->peer, bytes, (int)len), (int)len);
	n = recv(relay[1], out, TLS_RECORD_MAX, 0);
	cr_assert_gt(n, 0);
	SSL_set_wfd(p->peer, p->theirs);
	return (size_t)n;
}

static void
deliver(const struct pair *p, const uint8_t *bytes, size_t len)
{
	cr_assert_eq(send(p->theirs, bytes, len, 0), (ssize_t)len);
}

static ssize_t
recv_now(struct pair *p)
{
	return mercury_tls.recv(p->session, p->ours, data, sizeof(data));
}

static const struct way ordinary = { .tickets = 1 };

Test(tls_takeover, a_record_split_anywhere)
{
	struct pair p = connect_way(&ordinary);
	uint8_t record[100];
	size_t cut, n;

	for (cut = 1; cut < 40 + TLS_RECORD_EXTRA; cut++) {
		n = capture(&p, sent, 40, record);
		deliver(&p, record, cut);
		cr_assert_eq(recv_now(&p), TLS_AGAIN);
		cr_expect(!mercury_tls.pending(p.session));
		/* That does not disturb the other way. */
		cr_assert_eq(mercury_tls.send(p.session, p.ours, sent, 5), 5);
		cr_assert_eq(SSL_read(p.peer, back, 16), 5);
		deliver(&p, record + cut, n - cut);
		cr_assert_eq(recv_now(&p), 40);
		cr_expect_eq(memcmp(data, sent, 40), 0);
		cr_expect_null(p.session->flow.received);
	}
	pair_free(&p);
}

Test(tls_takeover, a_large_record_byte_by_byte)
{
	struct pair p = connect_way(&ordinary);
	static uint8_t record[TLS_RECORD_MAX];
	const size_t n = capture(&p, sent, 3000, record);
	size_t i;

	for (i = 0; i < n - 1; i++) {
		deliver(&p, record + i, 1);
		cr_assert_eq(recv_now(&p), TLS_AGAIN);
	}
	deliver(&p, record + i, 1);
	cr_assert_eq(recv_now(&p), 3000);
	cr_expect_eq(memcmp(data, sent, 3000), 0);
	pair_free(&p);
}

Test(tls_takeover, records_behind_the_handshake_are_not_lost)
{
	struct pair p =
	    pair_new(peer_context(&(struct listener){ .identity = &server }),
		peer_ctx(TLS1_3_VERSION));
	uint8_t record[100];
	struct tls_facts facts;
	size_t n;

	p.peer_result = SSL_do_handshake(p.peer);
	cr_expect_eq(mercury_tls.handshake(p.session, p.ours), TLS_AGAIN_READ);
	p.peer_result = SSL_do_handshake(p.peer);
	cr_assert_eq(p.peer_result, 1);
	/* One and a half. */
	cr_assert_eq(SSL_write(p.peer, "early", 5), 5);
	n = capture(&p, "late", 4, record);
	deliver(&p, record, 10);
	cr_assert_eq(mercury_tls.handshake(p.session, p.ours), TLS_DONE);
	mercury_tls.describe(p.session, &facts);
	cr_expect(is_ours(&p));
	cr_expect(mercury_tls.pending(p.session));
	cr_assert_eq(recv_now(&p), 5);
	cr_expect_eq(memcmp(data, "early", 5), 0);
	cr_expect(!mercury_tls.pending(p.session));
	cr_expect_eq(recv_now(&p), TLS_AGAIN);
	deliver(&p, record + 10, n - 10);
	cr_assert_eq(recv_now(&p), 4);
	cr_expect_eq(memcmp(data, "late", 4), 0);
	pair_free(&p);
}

Test(tls_takeover, a_handshake_with_a_second_hello)
{
	/* OpenSSL's macro wants it writable. */
	static char groups[] = "X448:P-256";
	SSL_CTX *ctx = peer_ctx(TLS1_3_VERSION);
	struct tls_facts facts;
	struct pair p;

	cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
	p = pair_new(peer_context(&(struct listener){ .identity = &server }),
	    ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect(is_ours(&p));
	echo(&p, 5000);
	say_goodbye(&p);
}

Test(tls_takeover, keys_change_while_the_socket_is_full)
{
	struct pair p = connect_way(&ordinary);
	size_t taken = 0;
	ssize_t n;

	do {
		n = mercury_tls.send(p.session, p.ours, sent, sizeof(data));
		taken += n > 0 ? (size_t)n : 0;
	} while (n > 0 && mercury_tls.unsent(p.session) == 0);
	cr_assert_eq(SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED), 1);
	cr_assert_eq(SSL_write(p.peer, "x", 1), 1);
	cr_assert_eq(recv_now(&p), 1);
	while (taken > 0) {
		(void)mercury_tls.flush(p.session, p.ours);
		taken -= some(&p, SSL_read(p.peer, back, (int)sizeof(data)));
	}
	echo(&p, 1000);
	say_goodbye(&p);
}

/* --- attacks --- */

/* Our end is dead, and the device got that alert. */
static void
expect_dead(struct pair *p, int alert)
{
	const char *text;

	cr_assert_eq(recv_now(p), TLS_ERROR);
	cr_expect_eq(pair_failure(p, &text), TLS_FAILURE_PROTOCOL);
	cr_expect_neq(strlen(text), 0);
	cr_expect(!mercury_tls.pending(p->session));
	cr_expect_eq(recv_now(p), TLS_ERROR);
	cr_expect_eq(mercury_tls.send(p->session, p->ours, sent, 1), TLS_ERROR);
	ERR_clear_error();
	cr_expect_leq(SSL_read(p->peer, back, 16), 0);
	cr_expect_eq(ERR_GET_REASON(ERR_peek_error()),
	    SSL_AD_REASON_OFFSET + alert, "%s",
	    ERR_reason_error_string(ERR_peek_error()));
	mercury_tls.finish(p->session, p->ours);
	cr_expect_eq(recv(p->theirs, back, 16, MSG_DONTWAIT), -1);
	cr_expect_null(p->session->flow.received);
	pair_free(p);
}

Test(tls_takeover, a_replay)
{
	struct pair p = connect_way(&ordinary);
	uint8_t record[100];
	const size_t n = capture(&p, sent, 40, record);

	deliver(&p, record, n);
	cr_assert_eq(recv_now(&p), 40);
	deliver(&p, record, n);
	expect_dead(&p, SSL_AD_BAD_RECORD_MAC);
}

Test(tls_takeover, a_wrong_order)
{
	struct pair p = connect_way(&ordinary);
	uint8_t first[100], second[100];
	const size_t n = capture(&p, sent, 40, first);

	(void)capture(&p, sent, 40, second);
	deliver(&p, second, n);
	deliver(&p, first, n);
	expect_dead(&p, SSL_AD_BAD_RECORD_MAC);
}

Test(tls_takeover, a_changed_bit_behind_what_is_good)
{
	struct pair p = connect_way(&ordinary);
	uint8_t records[200];
	size_t n = capture(&p, sent, 40, records);

	n += capture(&p, sent, 40, records + n);
	records[n - 1] ^= 1;
	deliver(&p, records, n);
	cr_assert_eq(recv_now(&p), 40);
	cr_expect(mercury_tls.pending(p.session));
	expect_dead(&p, SSL_AD_BAD_RECORD_MAC);
}

struct raw_case {
	uint8_t bytes[8];
	size_t len;
	int alert;
};

ParameterizedTestParameters(tls_takeover, raw_bytes)
{
	static struct raw_case cases[] = {
		{ { 20, 3, 3, 0, 1, 1 }, 6, SSL_AD_UNEXPECTED_MESSAGE },
		{ { 21, 3, 3, 0, 2, 1, 0 }, 7, SSL_AD_UNEXPECTED_MESSAGE },
		{ { 22, 3, 3, 0, 1, 1 }, 6, SSL_AD_UNEXPECTED_MESSAGE },
		{ { 23, 3, 3, 0x41, 1 }, 5, SSL_AD_RECORD_OVERFLOW },
		{ { 23, 3, 3, 0, 0 }, 5, SSL_AD_BAD_RECORD_MAC },
		{ { 23, 3, 1, 0, 32 }, 5, SSL_AD_PROTOCOL_VERSION },
	};

	return cr_make_param_array(struct raw_case, cases, COUNT(cases));
}

ParameterizedTest(struct raw_case *k, tls_takeover, raw_bytes,
    .init = make_identities)
{
	struct pair p = connect_way(&ordinary);

	deliver(&p, k->bytes, k->len);
	expect_dead(&p, k->alert);
}

Test(tls_takeover, an_alert_of_the_peer)
{
	struct pair p = connect_way(&ordinary);
	const char *text;

	/* What it can't decrypt makes the device send one. */
	cr_assert_eq(send(p.ours,
			 "\x17\x03\x03\x00\x20"
			 "01234567890123456789012345678901",
			 37, 0),
	    37);
	cr_expect_leq(SSL_read(p.peer, data, 16), 0);
	cr_expect_eq(pair_recv(&p, data), TLS_ERROR);
	cr_expect_eq(pair_failure(&p, &text), TLS_FAILURE_ALERT);
	cr_expect_str_eq(text, "the peer sent the alert \"bad record mac\"");
	cr_expect_eq(mercury_tls.send(p.session, p.ours, sent, 1), TLS_ERROR);
	pair_free(&p);
}

Test(tls_takeover, an_end_within_a_record)
{
	struct pair p = connect_way(&ordinary);
	uint8_t record[100];

	(void)capture(&p, sent, 40, record);
	deliver(&p, record, 20);
	cr_expect_eq(recv_now(&p), TLS_AGAIN);
	cr_assert_eq(shutdown(p.theirs, SHUT_WR), 0);
	cr_expect_eq(recv_now(&p), TLS_FINISHED);
	cr_expect_eq(pair_recv(&p, data), TLS_FINISHED);
	pair_free(&p);
}

/* --- where the SSL stays --- */

Test(tls_takeover, not_for_version_1_2)
{
	struct pair p =
	    pair_new(peer_context(&(struct listener){ .identity = &server }),
		peer_ctx(TLS1_2_VERSION));
	struct tls_facts facts;

	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect(!is_ours(&p));
	cr_expect_not_null(p.session->ssl);
	cr_expect_null(p.session->takeover);
	echo(&p, 1000);
	pair_free(&p);
}

Test(tls_takeover, not_for_peers_that_want_small_records)
{
	SSL_CTX *ctx = peer_ctx(TLS1_3_VERSION);
	struct tls_facts facts;
	struct pair p;

	cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(ctx,
			 TLSEXT_max_fragment_length_512),
	    1);
	p = pair_new(peer_context(&(struct listener){ .identity = &server }),
	    ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect(!is_ours(&p));
	SSL_set_mode(p.peer, SSL_MODE_ENABLE_PARTIAL_WRITE);
	echo(&p, 5000);
	pair_free(&p);
}

Test(tls_takeover, not_when_data_has_gone_by)
{
	struct tls_facts facts;
	struct pair p;
	int i;

	for (i = 0; i < 3; i++) {
		p = pair_new(
		    peer_context(&(struct listener){ .identity = &server }),
		    peer_ctx(TLS1_3_VERSION));
		pair_must_shake(&p);
		if (i == 1)
			cr_assert_eq(
			    SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED),
			    1);
		if (i < 2) {
			cr_assert_eq(SSL_write(p.peer, "x", 1), 1);
			cr_assert_eq(pair_recv(&p, data), 1);
		} else {
			mercury_tls.finish(p.session, p.ours);
		}
		mercury_tls.describe(p.session, &facts);
		cr_expect(!is_ours(&p), "%d", i);
		pair_free(&p);
	}
}
