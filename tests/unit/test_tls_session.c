#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "unit/tls_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct identity root, server;

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
	static uint8_t data[TLS_RECV_SIZE];
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
