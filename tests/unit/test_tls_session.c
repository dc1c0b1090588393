#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "unit/tls_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct identity root, server;

/* 2 MiB, which no socket pair takes at once. */
#define FLOOD ((size_t)2 << 20)

static uint8_t data[TLS_RECV_SIZE];

static void
make_identities(void)
{
	root = tls_certs_root("Root");
	server = tls_certs_make(&(struct wish){ .name = "server",
	    .issuer = &root,
	    .sans = "DNS:server.example" });
}

TestSuite(tls_session, .init = make_identities, .timeout = 60);

static struct tls_context *
plain_context(void)
{
	return peer_context(&(struct listener){ .identity = &server });
}

struct version_case {
	int version;
	char name[16];
};

ParameterizedTestParameters(tls_session, bytes_travel_both_ways)
{
	static struct version_case cases[] = {
		{ TLS1_2_VERSION, "TLSv1.2" },
		{ TLS1_3_VERSION, "TLSv1.3" },
	};

	return cr_make_param_array(struct version_case, cases, COUNT(cases));
}

ParameterizedTest(struct version_case *k, tls_session, bytes_travel_both_ways,
    .init = make_identities)
{
	struct tls_context *c = plain_context();
	SSL_CTX *ctx = peer_ctx(k->version);
	struct pair p = pair_new(c, ctx);
	struct tls_facts facts;
	char answer[16];

	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.version, k->name);
	cr_expect(!facts.resumed);
	cr_expect(!facts.certificate);
	cr_expect_str_neq(facts.cipher, "");
	cr_assert_eq(SSL_write(p.peer, "hello", 5), 5);
	cr_assert_eq(pair_recv(&p, data), 5);
	cr_expect_eq(memcmp(data, "hello", 5), 0);
	cr_assert_eq(
	    mercury_tls.send(p.session, p.ours, (const uint8_t *)"world", 5),
	    5);
	cr_assert_eq(SSL_read(p.peer, answer, sizeof(answer)), 5);
	cr_expect_eq(memcmp(answer, "world", 5), 0);
	pair_free(&p);
	SSL_CTX_free(ctx);
	mercury_tls.context_free(c);
}

/* A session and a device of this version that have shaken hands. */
static struct pair
connect_pair(int version)
{
	struct pair p = pair_new(plain_context(), peer_ctx(version));
	struct tls_facts facts;

	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	return p;
}

Test(tls_session, key_kinds)
{
	static const enum tls_certs_kind kinds[] = { KEY_RSA, KEY_ED25519 };
	struct identity id;
	struct pair p;
	size_t i;

	for (i = 0; i < COUNT(kinds); i++) {
		id = tls_certs_make(
		    &(struct wish){ .name = "x", .kind = kinds[i] });
		p = pair_new(
		    peer_context(&(struct listener){ .identity = &id }),
		    peer_ctx(0));
		pair_must_shake(&p);
		pair_free(&p);
	}
}

Test(tls_session, all_that_came_is_given_at_once)
{
	struct pair p = connect_pair(TLS1_3_VERSION);
	size_t total = 0;
	uint8_t byte;
	int i;

	for (i = 0; i < 40; i++) {
		byte = (uint8_t)i;
		cr_assert_eq(SSL_write(p.peer, &byte, 1), 1);
	}
	cr_assert_eq(pair_recv(&p, data), 40);
	for (total = 0; total < 40; total++)
		cr_expect_eq(data[total], total);
	cr_expect_eq(mercury_tls.recv(p.session, p.ours, data, sizeof(data)),
	    TLS_AGAIN);
	cr_expect(!mercury_tls.pending(p.session));
	pair_free(&p);
}

/* Send what fits of a flood from the peer; returns how much was taken. */
static size_t
flood_from_peer(struct pair *p, size_t len)
{
	static uint8_t block[16384];
	size_t sent = 0;
	int n;

	while (sent < len) {
		memset(block, (int)(sent >> 14), sizeof(block));
		n = SSL_write(p->peer, block, sizeof(block));
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	return sent;
}

ParameterizedTestParameters(tls_session, a_flood_loses_nothing)
{
	static int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	return cr_make_param_array(int, versions, COUNT(versions));
}

ParameterizedTest(int *version, tls_session, a_flood_loses_nothing,
    .init = make_identities)
{
	struct pair p = connect_pair(*version);
	size_t sent = 0, got = 0;
	ssize_t n;

	SSL_set_mode(p.peer,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	while (got < FLOOD) {
		if (sent < FLOOD)
			sent += flood_from_peer(&p, FLOOD - sent);
		n = mercury_tls.recv(p.session, p.ours, data, sizeof(data));
		cr_assert(n > 0 || n == TLS_AGAIN);
		got += n > 0 ? (size_t)n : 0;
	}
	cr_expect_eq(got, FLOOD);
	pair_free(&p);
}

Test(tls_session, one_byte_at_a_time)
{
	struct pair p = pair_new(plain_context(), peer_ctx(0));
	int relay[2];
	uint8_t byte;
	int turns;

	/* What the device says reaches us byte by byte. */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, relay),
	    0);
	SSL_set_wfd(p.peer, relay[0]);
	for (turns = 0; turns < 10000 && p.result != TLS_DONE; turns++) {
		if (p.peer_result != 1)
			p.peer_result = SSL_do_handshake(p.peer);
		if (recv(relay[1], &byte, 1, 0) == 1)
			cr_assert_eq(send(p.theirs, &byte, 1, 0), 1);
		p.result = mercury_tls.handshake(p.session, p.ours);
		cr_assert_neq(p.result, TLS_FAILED);
	}
	cr_expect_eq(p.result, TLS_DONE);
	cr_expect_eq(p.peer_result, 1);
	pair_free(&p);
}

Test(tls_session, bytes_that_came_before_count)
{
	struct tls_context *c = plain_context();
	struct pair p = pair_new(c, peer_ctx(0));
	ssize_t n;

	/* Behind a PROXY header came half of the ClientHello. */
	p.peer_result = SSL_do_handshake(p.peer);
	n = recv(p.ours, data, 100, 0);
	cr_assert_eq(n, 100);
	mercury_tls.session_free(p.session);
	p.session = mercury_tls.session_new(c, data, (size_t)n);
	pair_must_shake(&p);
	pair_free(&p);
}

Test(tls_session, data_behind_the_handshake_is_pending)
{
	struct pair p = pair_new(plain_context(), peer_ctx(TLS1_3_VERSION));

	p.peer_result = SSL_do_handshake(p.peer);
	cr_expect_eq(mercury_tls.handshake(p.session, p.ours), TLS_AGAIN_READ);
	p.peer_result = SSL_do_handshake(p.peer);
	cr_assert_eq(p.peer_result, 1);
	cr_assert_eq(SSL_write(p.peer, "early", 5), 5);
	cr_assert_eq(mercury_tls.handshake(p.session, p.ours), TLS_DONE);
	cr_expect(mercury_tls.pending(p.session));
	cr_assert_eq(mercury_tls.recv(p.session, p.ours, data, sizeof(data)),
	    5);
	cr_expect(!mercury_tls.pending(p.session));
	pair_free(&p);
}

/* --- sending to a peer that is slow --- */

/* Send until the socket is full; returns how much was taken. */
static size_t
fill_socket(struct pair *p)
{
	size_t taken = 0;
	ssize_t n;

	memset(data, 'x', sizeof(data));
	do {
		n = mercury_tls.send(p->session, p->ours, data, sizeof(data));
		taken += n > 0 ? (size_t)n : 0;
	} while (n > 0 && mercury_tls.unsent(p->session) == 0);
	cr_assert(n > 0 || n == TLS_AGAIN);
	return taken;
}

/* The peer reads len bytes, while we flush. */
static void
read_at_peer(struct pair *p, size_t len)
{
	static char block[16384];
	int n, result;

	while (len > 0) {
		n = SSL_read(p->peer, block, sizeof(block));
		if (n > 0) {
			cr_assert_leq((size_t)n, len);
			len -= (size_t)n;
			continue;
		}
		cr_assert_eq(SSL_get_error(p->peer, n), SSL_ERROR_WANT_READ);
		result = mercury_tls.flush(p->session, p->ours);
		cr_assert(result == 0 || result == TLS_AGAIN);
	}
}

ParameterizedTestParameters(tls_session, a_full_socket_loses_nothing)
{
	static int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	return cr_make_param_array(int, versions, COUNT(versions));
}

ParameterizedTest(int *version, tls_session, a_full_socket_loses_nothing,
    .init = make_identities)
{
	struct pair p = connect_pair(*version);
	size_t taken = fill_socket(&p), unsent = mercury_tls.unsent(p.session);

	cr_assert_gt(unsent, 0);
	cr_expect_leq(unsent, 2 * (16384 + 512));
	cr_expect_eq(mercury_tls.send(p.session, p.ours, data, 10), TLS_AGAIN);
	cr_expect_eq(mercury_tls.unsent(p.session), unsent);
	read_at_peer(&p, taken);
	cr_expect_eq(mercury_tls.unsent(p.session), 0);
	cr_assert_eq(mercury_tls.send(p.session, p.ours, data, 10), 10);
	read_at_peer(&p, 10);
	pair_free(&p);
}

Test(tls_session, we_read_while_we_cannot_send)
{
	struct pair p = connect_pair(TLS1_3_VERSION);
	const size_t taken = fill_socket(&p);

	cr_assert_eq(SSL_write(p.peer, "still here", 10), 10);
	cr_expect_eq(pair_recv(&p, data), 10);
	read_at_peer(&p, taken);
	pair_free(&p);
}

/* --- key updates --- */

Test(tls_session, key_updates_are_followed_and_answered)
{
	struct pair p = connect_pair(TLS1_3_VERSION);
	char answer[16];
	int i;

	for (i = 0; i < 5; i++) {
		cr_assert_eq(SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED),
		    1);
		cr_assert_eq(SSL_write(p.peer, "new keys", 8), 8);
		cr_assert_eq(pair_recv(&p, data), 8);
		cr_expect_eq(memcmp(data, "new keys", 8), 0);
		cr_assert_eq(mercury_tls.send(p.session, p.ours, data, 8), 8);
		cr_assert_eq(SSL_read(p.peer, answer, sizeof(answer)), 8);
	}
	pair_free(&p);
}

Test(tls_session, who_asks_for_keys_and_reads_nothing_is_sent_away)
{
	struct pair p = connect_pair(TLS1_3_VERSION);
	ssize_t n = TLS_AGAIN;
	const char *text;
	long i;

	(void)fill_socket(&p);
	for (i = 0; i < 1000000 && n == TLS_AGAIN; i++) {
		(void)SSL_key_update(p.peer, SSL_KEY_UPDATE_REQUESTED);
		(void)SSL_do_handshake(p.peer);
		n = mercury_tls.recv(p.session, p.ours, data, sizeof(data));
		cr_assert_lt(mercury_tls.unsent(p.session), 400000);
	}
	cr_expect_eq(n, TLS_ERROR);
	cr_expect_eq(pair_failure(&p, &text), TLS_FAILURE_PROTOCOL);
	cr_expect_not_null(strstr(text, "reads no answers"), "%s", text);
	pair_free(&p);
}

/* --- ends --- */

Test(tls_session, close_notify_comes_behind_the_data)
{
	struct pair p = connect_pair(TLS1_3_VERSION);

	cr_assert_eq(SSL_write(p.peer, "bye", 3), 3);
	cr_assert_eq(SSL_shutdown(p.peer), 0);
	cr_assert_eq(pair_recv(&p, data), 3);
	cr_expect(mercury_tls.pending(p.session));
	cr_expect_eq(mercury_tls.recv(p.session, p.ours, data, sizeof(data)),
	    TLS_FINISHED);
	cr_expect(!mercury_tls.pending(p.session));
	/* We may still answer. */
	cr_expect_eq(mercury_tls.send(p.session, p.ours, data, 3), 3);
	mercury_tls.finish(p.session, p.ours);
	cr_expect_eq(SSL_read(p.peer, data, 16), 3);
	cr_expect_eq(SSL_read(p.peer, data, 16), 0);
	cr_expect_eq(SSL_get_error(p.peer, 0), SSL_ERROR_ZERO_RETURN);
	pair_free(&p);
}

Test(tls_session, an_end_without_close_notify)
{
	struct pair p = connect_pair(TLS1_3_VERSION);

	cr_assert_eq(SSL_write(p.peer, "bye", 3), 3);
	(void)close(p.theirs);
	p.theirs = -1;
	cr_assert_eq(pair_recv(&p, data), 3);
	cr_expect_eq(pair_recv(&p, data), TLS_FINISHED);
	pair_free(&p);
}

Test(tls_session, a_broken_socket)
{
	struct pair p = connect_pair(TLS1_3_VERSION);

	(void)close(p.theirs);
	p.theirs = -1;
	cr_expect_eq(mercury_tls.send(p.session, p.ours, data, 3), TLS_GONE);
	cr_expect_eq(errno, EPIPE);
	pair_free(&p);
}

Test(tls_session, what_was_tampered_with_is_an_error)
{
	struct pair p = connect_pair(TLS1_3_VERSION);
	uint8_t record[64];
	const char *text;
	int relay[2];
	ssize_t n;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, relay),
	    0);
	cr_assert_eq(SSL_write(p.peer, "good", 4), 4);
	SSL_set_wfd(p.peer, relay[0]);
	cr_assert_eq(SSL_write(p.peer, "evil", 4), 4);
	n = recv(relay[1], record, sizeof(record), 0);
	cr_assert_gt(n, 5);
	record[n - 1] ^= 1;
	cr_assert_eq(send(p.theirs, record, (size_t)n, 0), n);
	cr_assert_eq(pair_recv(&p, data), 4);
	cr_expect(mercury_tls.pending(p.session));
	cr_expect_eq(pair_recv(&p, data), TLS_ERROR);
	cr_expect_eq(pair_failure(&p, &text), TLS_FAILURE_PROTOCOL);
	cr_expect_not_null(strstr(text, "bad record mac"), "%s", text);
	pair_free(&p);
}

Test(tls_session, an_alert_is_an_error)
{
	struct pair p = connect_pair(TLS1_2_VERSION);
	const char *text;

	/* A record of another version makes the device send an alert. */
	cr_assert_eq(send(p.ours,
			 "\x17\x03\x03\x00\x20"
			 "01234567890123456789012345678901",
			 37, 0),
	    37);
	cr_expect_leq(SSL_read(p.peer, data, 16), 0);
	cr_expect_eq(pair_recv(&p, data), TLS_ERROR);
	cr_expect_eq(pair_failure(&p, &text), TLS_FAILURE_ALERT);
	cr_expect_str_eq(text, "the peer sent the alert \"bad record mac\"");
	pair_free(&p);
}

Test(tls_session, renegotiation_is_refused)
{
	struct pair p = connect_pair(TLS1_2_VERSION);

	cr_assert_eq(SSL_renegotiate(p.peer), 1);
	cr_expect_eq(SSL_do_handshake(p.peer), -1);
	cr_expect_eq(mercury_tls.recv(p.session, p.ours, data, sizeof(data)),
	    TLS_AGAIN);
	cr_expect_eq(SSL_do_handshake(p.peer), -1);
	cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	pair_free(&p);
}
