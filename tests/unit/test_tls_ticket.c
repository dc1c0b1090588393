#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "unit/tls_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct identity root, server, device;
static SSL_SESSION *session; /* the device's newest */

static void
make_identities(void)
{
	root = tls_certs_root("Root");
	server =
	    tls_certs_make(&(struct wish){ .name = "server", .issuer = &root });
	device =
	    tls_certs_make(&(struct wish){ .name = "device", .issuer = &root });
}

TestSuite(tls_ticket, .init = make_identities, .timeout = 60);

/* Keys of these generations; 0: none. */
static struct ticket_keys
make_keys(uint8_t a, uint8_t b, uint8_t c)
{
	const uint8_t generations[] = { a, b, c };
	struct ticket_keys keys = { 0 };
	size_t i;

	for (i = 0; i < 3 && generations[i] != 0; i++)
		memset(&keys.keys[keys.count++], generations[i],
		    sizeof(keys.keys[0]));
	return keys;
}

static struct tls_context *
context_with(const struct listener *l, struct ticket_keys keys)
{
	struct tls_context *c = peer_context(l);

	cr_assert_eq(mercury_tls.context_set_tickets(c, &keys), 0);
	return c;
}

/* Keep the device's session, if it is one with a ticket. */
static void
keep_session(SSL *ssl)
{
	SSL_SESSION *fresh = SSL_get1_session(ssl);

	if (SSL_SESSION_has_ticket(fresh))
		session = fresh;
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
}

/* The device connects with its session, if it has one. Was it resumed? */
static bool
connect_again(struct tls_context *c, SSL_CTX *ctx, struct tls_facts *facts)
{
	struct pair p = pair_new(c, ctx);
	uint8_t byte;

	if (session != NULL)
		SSL_set_session(p.peer, session);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, facts);
	cr_expect_eq(facts->resumed, SSL_session_reused(p.peer) == 1);
	/* What comes first is the ticket. */
	cr_assert_eq(
	    mercury_tls.send(p.session, p.ours, (const uint8_t *)"x", 1), 1);
	cr_assert_eq(SSL_read(p.peer, &byte, 1), 1);
	keep_session(p.peer);
	pair_free(&p);
	return facts->resumed;
}

ParameterizedTestParameters(tls_ticket, versions)
{
	static int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	return cr_make_param_array(int, versions, COUNT(versions));
}

ParameterizedTest(int *version, tls_ticket, versions, .init = make_identities)
{
	const struct listener l = { .identity = &server };
	SSL_CTX *ctx = peer_ctx(*version);
	struct tls_facts facts;
	SSL_SESSION *first;

	/* Workers share keys. */
	cr_expect(
	    !connect_again(context_with(&l, make_keys(1, 0, 0)), ctx, &facts));
	cr_assert_not_null(session);
	cr_expect(
	    connect_again(context_with(&l, make_keys(1, 0, 0)), ctx, &facts));
	first = session;
	/* Keys get old, and a ticket is renewed. */
	cr_expect(
	    connect_again(context_with(&l, make_keys(2, 1, 0)), ctx, &facts));
	cr_expect_neq(session, first);
	cr_expect(
	    connect_again(context_with(&l, make_keys(4, 3, 2)), ctx, &facts));
	session = first;
	cr_expect(
	    !connect_again(context_with(&l, make_keys(4, 3, 2)), ctx, &facts));
	cr_expect(
	    connect_again(context_with(&l, make_keys(4, 0, 0)), ctx, &facts));
}

Test(tls_ticket, each_resumption_has_a_new_ticket_in_version_1_3)
{
	struct tls_context *c = context_with(
	    &(struct listener){ .identity = &server }, make_keys(1, 0, 0));
	SSL_CTX *ctx = peer_ctx(TLS1_3_VERSION);
	struct tls_facts facts;
	const SSL_SESSION *before;
	int i;

	(void)connect_again(c, ctx, &facts);
	for (i = 0; i < 3; i++) {
		before = session;
		cr_expect(connect_again(c, ctx, &facts));
		cr_expect_neq(session, before);
	}
}

Test(tls_ticket, none_without_keys)
{
	const struct listener l = { .identity = &server };
	struct tls_facts facts;

	(void)connect_again(peer_context(&l), peer_ctx(TLS1_3_VERSION), &facts);
	cr_expect_null(session);
	(void)connect_again(peer_context(&l), peer_ctx(TLS1_2_VERSION), &facts);
	cr_expect_null(session);
}

Test(tls_ticket, none_where_they_are_off)
{
	const struct listener l = { .identity = &server, .no_tickets = "" };
	struct tls_facts facts;

	(void)connect_again(context_with(&l, make_keys(1, 0, 0)),
	    peer_ctx(TLS1_3_VERSION), &facts);
	cr_expect_null(session);
}

Test(tls_ticket, numbers_of_keys_are_checked)
{
	struct tls_context *c =
	    peer_context(&(struct listener){ .identity = &server });
	struct ticket_keys keys = make_keys(1, 2, 3);

	keys.count = 4;
	cr_expect_eq(mercury_tls.context_set_tickets(c, &keys), -1);
	keys.count = 0;
	cr_expect_eq(mercury_tls.context_set_tickets(c, &keys), -1);
	keys.count = 3;
	cr_expect_eq(mercury_tls.context_set_tickets(c, &keys), 0);
}

/* The certificate comes with the ticket. */
ParameterizedTestParameters(tls_ticket, a_device_stays_known)
{
	static int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	return cr_make_param_array(int, versions, COUNT(versions));
}

ParameterizedTest(int *version, tls_ticket, a_device_stays_known,
    .init = make_identities)
{
	struct listener l = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	SSL_CTX *ctx = peer_ctx(*version);
	struct tls_facts facts;

	peer_show(ctx, &device);
	cr_expect(
	    !connect_again(context_with(&l, make_keys(1, 0, 0)), ctx, &facts));
	cr_expect(
	    connect_again(context_with(&l, make_keys(1, 0, 0)), ctx, &facts));
	cr_expect(facts.certificate);
	cr_expect_str_eq(facts.common_name, "device");
	/* With a list of who is revoked, tickets of before are void. */
	l.crl = tls_certs_crl(&root, NULL, 30);
	cr_expect(
	    !connect_again(context_with(&l, make_keys(1, 0, 0)), ctx, &facts));
}

Test(tls_ticket, server_names_share_keys)
{
	const struct listener l = { .identity = &server,
		.names = { "a.example" },
		.identities = { &device } };
	struct tls_context *c = context_with(&l, make_keys(1, 0, 0));
	SSL_CTX *ctx = peer_ctx(TLS1_3_VERSION);
	struct pair p;
	uint8_t byte;
	int i;

	for (i = 0; i < 2; i++) {
		p = pair_new(c, ctx);
		peer_ask(p.peer, "a.example");
		if (session != NULL)
			SSL_set_session(p.peer, session);
		pair_must_shake(&p);
		cr_expect_eq(SSL_session_reused(p.peer), i);
		cr_assert_eq(mercury_tls.send(p.session, p.ours,
				 (const uint8_t *)"x", 1),
		    1);
		cr_assert_eq(SSL_read(p.peer, &byte, 1), 1);
		keep_session(p.peer);
		pair_free(&p);
	}
}
