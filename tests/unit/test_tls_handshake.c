#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "unit/tls_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct identity root, server, device;

static void
make_identities(void)
{
	root = tls_certs_root("Root");
	server =
	    tls_certs_make(&(struct wish){ .name = "server", .issuer = &root });
	device = tls_certs_make(&(struct wish){ .name = "device 7",
	    .issuer = &root,
	    .sans = "DNS:seven.example, IP:10.0.0.7, URI:urn:dev:7, "
		    "email:seven@example" });
}

TestSuite(tls_handshake, .init = make_identities, .timeout = 60);

/* The listener and a device meet; ours must fail. */
static enum tls_failure
fail(const struct listener *l, SSL_CTX *ctx, const char **text)
{
	struct pair p = pair_new(peer_context(l), ctx);

	pair_shake(&p);
	cr_assert_eq(p.result, TLS_FAILED, "%d", p.result);
	return pair_failure(&p, text);
}

/* --- what is no TLS --- */

struct garbage_case {
	char bytes[64];
	size_t len;
	enum tls_failure failure;
};

ParameterizedTestParameters(tls_handshake, garbage)
{
	static struct garbage_case cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, TLS_FAILURE_HTTP },
		{ "POST /x HTTP/1.0\r\n\r\n", 20, TLS_FAILURE_HTTP },
		{ "CONNECT x:1 HTTP/1.1\r\n\r\n", 24, TLS_FAILURE_HTTP },
		{ "SSH-2.0-OpenSSH_9.2\r\n", 21, TLS_FAILURE_NOT_TLS },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, TLS_FAILURE_NOT_TLS },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
		    TLS_FAILURE_NOT_TLS },
		{ "\x17\x03\x03\x00\x05hello", 10, TLS_FAILURE_NOT_TLS },
		{ "\x15\x03\x03\x00\x02\x02\x28", 7, TLS_FAILURE_NOT_TLS },
		/* A ClientHello whose body makes no sense. */
		{ "\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00", 13,
		    TLS_FAILURE_PROTOCOL },
		/* A record that is longer than may be. */
		{ "\x16\x03\x01\xff\xff\x01\x00\x00\x04\x03\x03\x00\x00", 13,
		    TLS_FAILURE_PROTOCOL },
		{ "\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9,
		    TLS_FAILURE_PROTOCOL },
	};

	return cr_make_param_array(struct garbage_case, cases, COUNT(cases));
}

ParameterizedTest(struct garbage_case *k, tls_handshake, garbage,
    .init = make_identities)
{
	struct pair p = pair_new(
	    peer_context(&(struct listener){ .identity = &server }), NULL);
	const char *text;

	cr_assert_eq(send(p.theirs, k->bytes, k->len, 0), (ssize_t)k->len);
	(void)shutdown(p.theirs, SHUT_WR);
	while (p.result == TLS_AGAIN_READ)
		p.result = mercury_tls.handshake(p.session, p.ours);
	cr_assert_eq(p.result, TLS_FAILED);
	cr_expect_eq(pair_failure(&p, &text), k->failure, "%s: %s",
	    tls_failure_name(pair_failure(&p, NULL)), text);
	cr_expect_str_neq(text, "");
	pair_free(&p);
}

Test(tls_handshake, garbage_byte_by_byte)
{
	static const char bytes[] = "GET / HTTP/1.1\r\n\r\n";
	struct pair p = pair_new(
	    peer_context(&(struct listener){ .identity = &server }), NULL);
	size_t i;

	for (i = 0; p.result == TLS_AGAIN_READ; i++) {
		cr_assert_lt(i, sizeof(bytes));
		cr_assert_eq(send(p.theirs, bytes + i, 1, 0), 1);
		p.result = mercury_tls.handshake(p.session, p.ours);
	}
	cr_expect_eq(pair_failure(&p, NULL), TLS_FAILURE_HTTP);
	pair_free(&p);
}

Test(tls_handshake, who_closes_is_told_apart)
{
	struct pair p =
	    pair_new(peer_context(&(struct listener){ .identity = &server }),
		peer_ctx(0));
	const char *text;

	cr_expect_eq(SSL_do_handshake(p.peer), -1);
	cr_expect_eq(mercury_tls.handshake(p.session, p.ours), TLS_AGAIN_READ);
	(void)shutdown(p.theirs, SHUT_RDWR);
	cr_expect_eq(mercury_tls.handshake(p.session, p.ours), TLS_FAILED);
	cr_expect_eq(pair_failure(&p, &text), TLS_FAILURE_CLOSED);
	cr_expect_str_eq(text, "the peer closed the connection");
	pair_free(&p);
}

/* --- what is agreed --- */

Test(tls_handshake, too_old_a_version)
{
	SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION);
	const char *text;

	cr_expect_eq(fail(&(struct listener){ .identity = &server,
			      .min_version = 0x0304 },
			 ctx, &text),
	    TLS_FAILURE_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	cr_expect_eq(
	    fail(&(struct listener){ .identity = &server }, ctx, &text),
	    TLS_FAILURE_VERSION);
	cr_expect_str_eq(text, "the peer's version of TLS is too old");
}

Test(tls_handshake, nothing_in_common)
{
	char group[] = "X448";
	SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION);
	const char *text;

	SSL_CTX_set_cipher_list(ctx, "AES128-SHA");
	cr_expect_eq(
	    fail(&(struct listener){ .identity = &server }, ctx, &text),
	    TLS_FAILURE_CIPHER);
	ctx = peer_ctx(TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	cr_expect_eq(fail(&(struct listener){ .identity = &server,
			      .ciphersuites = "TLS_AES_256_GCM_SHA384" },
			 ctx, &text),
	    TLS_FAILURE_CIPHER);
	ctx = peer_ctx(TLS1_3_VERSION);
	SSL_CTX_set1_groups_list(ctx, group);
	cr_expect_eq(
	    fail(&(struct listener){ .identity = &server }, ctx, &text),
	    TLS_FAILURE_CIPHER);
}

Test(tls_handshake, ciphers_are_ours_to_choose)
{
	const struct listener l = { .identity = &server,
		.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-"
			   "GCM-SHA256" };
	SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION);
	struct tls_facts facts;
	struct pair p;

	SSL_CTX_set_cipher_list(ctx,
	    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-"
	    "ECDSA-AES256-GCM-SHA384");
	p = pair_new(peer_context(&l), ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
	pair_free(&p);
}

Test(tls_handshake, alpn)
{
	const struct listener l = { .identity = &server,
		.alpn = "\4mqtt\5x-pos" };
	SSL_CTX *ctx = peer_ctx(0);
	struct tls_facts facts;
	const char *text;
	struct pair p;

	SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\5x-pos\4mqtt", 11);
	p = pair_new(peer_context(&l), ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.alpn, "mqtt");
	pair_free(&p);
	/* Who offers none gets none. */
	p = pair_new(peer_context(&l), peer_ctx(0));
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.alpn, "");
	pair_free(&p);
	SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\2h2", 3);
	cr_expect_eq(fail(&l, ctx, &text), TLS_FAILURE_ALPN);
}

/* --- server names --- */

struct name_case {
	char asked[32];  /* empty: none */
	char common[32]; /* of the certificate that is shown */
};

ParameterizedTestParameters(tls_handshake, server_names)
{
	static struct name_case cases[] = {
		{ "", "server" },
		{ "a.example", "a" },
		{ "A.Example", "a" },
		{ "a.example.", "a" },
		{ "b.example", "any" },
		{ "b.b.example", "server" },
		{ "example", "server" },
		{ "other", "server" },
	};

	return cr_make_param_array(struct name_case, cases, COUNT(cases));
}

static void
expect_name(struct tls_context *c, const struct name_case *k, int version)
{
	struct pair p = pair_new(c, peer_ctx(version));
	struct tls_facts facts;
	char common[32] = "";

	if (k->asked[0] != '\0')
		peer_ask(p.peer, k->asked);
	pair_must_shake(&p);
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get0_peer_certificate(p.peer)),
	    NID_commonName, common, sizeof(common));
	cr_expect_str_eq(common, k->common, "%s", k->asked);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.sni, k->asked);
	pair_free(&p);
}

ParameterizedTest(struct name_case *k, tls_handshake, server_names,
    .init = make_identities)
{
	const struct identity a = tls_certs_make(&(struct wish){ .name = "a" });
	const struct identity any =
	    tls_certs_make(&(struct wish){ .name = "any" });
	struct tls_context *c =
	    peer_context(&(struct listener){ .identity = &server,
		.names = { "*.example", "a.EXAMPLE" },
		.identities = { &any, &a } });

	expect_name(c, k, TLS1_2_VERSION);
	expect_name(c, k, TLS1_3_VERSION);
}

Test(tls_handshake, the_chain_is_shown_and_nothing_else)
{
	const struct listener l = { .identity = &server,
		.chain = root.cert_pem,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_OPTIONAL };
	const struct listener no_chain = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_OPTIONAL };
	struct pair p = pair_new(peer_context(&l), peer_ctx(0));

	pair_must_shake(&p);
	cr_expect_eq(sk_X509_num(SSL_get_peer_cert_chain(p.peer)), 2);
	pair_free(&p);
	/* It is not completed from client_ca. */
	p = pair_new(peer_context(&no_chain), peer_ctx(0));
	pair_must_shake(&p);
	cr_expect_eq(sk_X509_num(SSL_get_peer_cert_chain(p.peer)), 1);
	pair_free(&p);
}

/* --- certificates of devices --- */

ParameterizedTestParameters(tls_handshake, a_device_is_known_by_its_certificate)
{
	static int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	return cr_make_param_array(int, versions, COUNT(versions));
}

ParameterizedTest(int *version, tls_handshake,
    a_device_is_known_by_its_certificate, .init = make_identities)
{
	const struct listener l = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	SSL_CTX *ctx = peer_ctx(*version);
	struct tls_facts facts;
	struct pair p;

	peer_show(ctx, &device);
	p = pair_new(peer_context(&l), ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect(facts.certificate);
	cr_expect_str_eq(facts.subject, "CN=device 7,O=Devices");
	cr_expect_str_eq(facts.common_name, "device 7");
	cr_expect_str_eq(facts.sans,
	    "DNS:seven.example, IP:10.0.0.7, URI:urn:dev:7, "
	    "email:seven@example");
	cr_expect_eq(strlen(facts.serial), 4);
	pair_free(&p);
}

Test(tls_handshake, names_of_devices_are_text)
{
	const struct identity odd = tls_certs_make(
	    &(struct wish){ .name = "z\xc3\xbc\x01\n\"x", .issuer = &root });
	const struct listener l = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	SSL_CTX *ctx = peer_ctx(0);
	struct tls_facts facts;
	struct pair p;

	peer_show(ctx, &odd);
	p = pair_new(peer_context(&l), ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.common_name, "z\xc3\xbc??\"x");
	cr_expect_str_eq(facts.subject, "CN=z\xc3\xbc\\01\\0A\\\"x,O=Devices");
	pair_free(&p);
}

/* What listeners think of a device that shows nothing. */
Test(tls_handshake, a_device_without_certificate)
{
	struct listener l = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	struct tls_facts facts;
	const char *text;
	struct pair p;

	cr_expect_eq(fail(&l, peer_ctx(TLS1_2_VERSION), &text),
	    TLS_FAILURE_NO_CERTIFICATE);
	cr_expect_eq(fail(&l, peer_ctx(TLS1_3_VERSION), &text),
	    TLS_FAILURE_NO_CERTIFICATE);
	cr_expect_str_eq(text, "the peer showed no certificate");
	l.verify = TLS_VERIFY_OPTIONAL;
	p = pair_new(peer_context(&l), peer_ctx(0));
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect(!facts.certificate);
	cr_expect_str_eq(facts.subject, "");
	pair_free(&p);
}

static void
expect_refused(const struct listener *l, const struct identity *id,
    const char *why)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	const char *text;
	SSL_CTX *ctx;
	size_t i;

	for (i = 0; i < COUNT(versions); i++) {
		ctx = peer_ctx(versions[i]);
		peer_show(ctx, id);
		cr_expect_eq(fail(l, ctx, &text), TLS_FAILURE_BAD_CERTIFICATE);
		cr_expect_not_null(strstr(text, why), "%s: %s", why, text);
	}
}

Test(tls_handshake, certificates_that_are_refused)
{
	const struct identity other_root = tls_certs_root("Root");
	const struct identity stranger = tls_certs_make(
	    &(struct wish){ .name = "stranger", .issuer = &other_root });
	const struct identity old =
	    tls_certs_make(&(struct wish){ .name = "old",
		.issuer = &root,
		.from_days = -9,
		.until_days = -8 });
	struct listener l = { .identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };

	expect_refused(&l, &stranger, "was refused: ");
	expect_refused(&l, &old, "certificate has expired");
	l.verify = TLS_VERIFY_OPTIONAL;
	expect_refused(&l, &old, "certificate has expired");
}

/* A device whose certificate comes from an intermediate authority. */
Test(tls_handshake, revocation)
{
	const struct identity middle = tls_certs_make(
	    &(struct wish){ .name = "Middle", .issuer = &root, .is_ca = 1 });
	const struct identity good =
	    tls_certs_make(&(struct wish){ .name = "good", .issuer = &middle });
	const struct identity bad =
	    tls_certs_make(&(struct wish){ .name = "bad", .issuer = &middle });
	struct listener l = { .identity = &server,
		.client_ca =
		    tls_certs_join(root.cert_pem, middle.cert_pem, NULL),
		.crl = tls_certs_crl(&middle, &bad, 30),
		.verify = TLS_VERIFY_REQUIRED };
	SSL_CTX *ctx = peer_ctx(0);
	struct pair p;

	peer_show(ctx, &good);
	p = pair_new(peer_context(&l), ctx);
	pair_must_shake(&p);
	pair_free(&p);
	expect_refused(&l, &bad, "certificate revoked");
	/* Without a list of its issuer nobody knows. */
	expect_refused(&l, &device, "unable to get certificate CRL");
	/* The root has revoked the authority. */
	l.crl = tls_certs_join(tls_certs_crl(&middle, NULL, 30),
	    tls_certs_crl(&root, &middle, 30), NULL);
	l.client_ca = root.cert_pem;
	SSL_CTX_add1_chain_cert(ctx, middle.cert);
	p = pair_new(peer_context(&l), ctx);
	pair_shake(&p);
	cr_expect_eq(pair_failure(&p, NULL), TLS_FAILURE_BAD_CERTIFICATE);
	pair_free(&p);
}

Test(tls_handshake, a_device_that_does_not_trust_us)
{
	SSL_CTX *ctx = peer_ctx(0);
	const char *text;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	cr_expect_eq(
	    fail(&(struct listener){ .identity = &server }, ctx, &text),
	    TLS_FAILURE_UNKNOWN_CA);
	cr_expect_str_eq(text, "the peer sent the alert \"unknown CA\"");
}

/* --- we are the client --- */

Test(tls_handshake, as_the_client_of_a_device)
{
	const struct listener l = { .role = TLS_ROLE_CLIENT,
		.identity = &server,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	struct tls_context *c = peer_context(&l);
	SSL_CTX *ctx = peer_ctx(0);
	struct tls_facts facts;
	uint8_t data[16];
	struct pair p;

	cr_expect(mercury_tls.context_speaks_first(c));
	peer_show(ctx, &device);
	SSL_CTX_set_verify(ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root.cert);
	p = pair_new(c, ctx);
	pair_must_shake(&p);
	mercury_tls.describe(p.session, &facts);
	cr_expect_str_eq(facts.common_name, "device 7");
	cr_assert_eq(
	    mercury_tls.send(p.session, p.ours, (const uint8_t *)"hello", 5),
	    5);
	cr_assert_eq(SSL_read(p.peer, data, sizeof(data)), 5);
	pair_free(&p);
}

Test(tls_handshake, as_a_client_we_check_the_device)
{
	const struct listener l = { .role = TLS_ROLE_CLIENT,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	const struct identity stranger =
	    tls_certs_make(&(struct wish){ .name = "stranger" });
	SSL_CTX *ctx = peer_ctx(0);
	const char *text;

	peer_show(ctx, &stranger);
	cr_expect_eq(fail(&l, ctx, &text), TLS_FAILURE_BAD_CERTIFICATE);
}

/* --- we are the client of one that has a name --- */

struct server_case {
	const char *sans;   /* of what the peer shows */
	const char *server; /* what we want */
	bool good;
};

static const struct server_case servers[] = {
	{ "DNS:pos.example", "pos.example", true },
	{ "DNS:pos.example", "POS.Example", true },
	{ "DNS:pos.example", "pos.example.", true },
	{ "IP:fe80::1", "fe80::1%eth0", true },
	{ "IP:fe80::1", "fe80::2%eth0", false },
	{ "DNS:*.pos.example", "a.pos.example", true },
	{ "DNS:*.pos.example", "a.b.pos.example", false },
	{ "DNS:*.pos.example", "pos.example", false },
	{ "DNS:a*.pos.example", "ab.pos.example", false },
	{ "DNS:other.example", "pos.example", false },
	{ "DNS:pos.example", "10.0.0.5", false },
	{ "IP:10.0.0.5", "10.0.0.5", true },
	{ "IP:10.0.0.5", "10.0.0.6", false },
	{ "DNS:10.0.0.5", "10.0.0.5", false },
	{ "IP:fd00::1", "fd00:0::1", true },
	{ "IP:fd00::1", "fd00::2", false },
	{ "DNS:other.example", "", true },
};

static void
check_server(const struct server_case *k)
{
	const struct listener l = { .role = TLS_ROLE_CLIENT,
		.client_ca = root.cert_pem,
		.verify = TLS_VERIFY_REQUIRED };
	const struct identity shown =
	    tls_certs_make(&(struct wish){ .name = "pos.example",
		.sans = k->sans,
		.issuer = &root });
	SSL_CTX *ctx = peer_ctx(0);
	const char *text = "";
	struct pair p;

	peer_show(ctx, &shown);
	p = pair_to(peer_context(&l), ctx, k->server);
	pair_shake(&p);
	cr_expect_eq(p.result, k->good ? TLS_DONE : TLS_FAILED, "%s for %s",
	    k->sans, k->server);
	if (!k->good) {
		cr_expect_eq(pair_failure(&p, &text),
		    TLS_FAILURE_BAD_CERTIFICATE);
		cr_expect_not_null(strstr(text, "mismatch"), "%s", text);
	}
	pair_free(&p);
}

Test(tls_handshake, a_server_must_have_its_name)
{
	size_t i;

	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		check_server(&servers[i]);
}

/* The name is asked for, an address is not; and nobody else is let in. */
Test(tls_handshake, a_server_is_told_its_name)
{
	const struct listener l = { .role = TLS_ROLE_CLIENT,
		.verify = TLS_VERIFY_NONE };
	SSL_CTX *ctx = peer_ctx(0);
	struct pair p;

	peer_show(ctx, &server);
	p = pair_to(peer_context(&l), ctx, "pos.example");
	pair_must_shake(&p);
	cr_expect_str_eq(SSL_get_servername(p.peer, TLSEXT_NAMETYPE_host_name),
	    "pos.example");
	pair_free(&p);
	p = pair_to(peer_context(&l), ctx, "10.0.0.5");
	pair_must_shake(&p);
	cr_expect_null(SSL_get_servername(p.peer, TLSEXT_NAMETYPE_host_name));
	pair_free(&p);
}

Test(tls_handshake, a_server_has_no_name_that_is_too_long)
{
	const struct listener l = { .role = TLS_ROLE_CLIENT };
	struct tls_context *c = peer_context(&l);
	char name[300];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_null(mercury_tls.session_connect(c, name));
	mercury_tls.context_free(c);
}
