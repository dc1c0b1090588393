#include <criterion/criterion.h>
#include <string.h>

#include "common/gateway_settings.h"

static struct gateway_wanted w;
static struct err err;

static void
begin(void)
{
	memset(&w, 0, sizeof(w));
	w.settings.exists = 1;
}

static void
finish(void)
{
	bulks_drop(&w.bulks);
}

TestSuite(gateway_settings, .init = begin, .fini = finish);

/* The settings make no sense. */
static void
expect_refused(void)
{
	cr_expect_eq(gateway_check(&w, &err), -1);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_eq(strncmp(err.text, "gateway: ", 9), 0, "%s", err.text);
}

Test(gateway_settings, nothing_is_fine)
{
	cr_expect_eq(gateway_check(&w, &err), 0);
	w.settings.exists = 0;
	cr_expect_eq(gateway_check(&w, &err), 0);
}

Test(gateway_settings, texts_that_fill_their_arrays)
{
	struct gateway_settings *s = &w.settings;
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++)
		memset(s->places[i].address, 'x',
		    sizeof(s->places[i].address) - 1);
	memset(s->token, 'x', sizeof(s->token) - 1);
	memset(s->hosts, 'x', sizeof(s->hosts) - 1);
	cr_expect_eq(gateway_check(&w, &err), 0);
}

Test(gateway_settings, texts_without_an_end)
{
	struct gateway_settings *s = &w.settings;
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		begin();
		memset(s->places[i].address, 'x', sizeof(s->places[i].address));
		expect_refused();
	}
	begin();
	memset(s->token, 'x', sizeof(s->token));
	expect_refused();
	begin();
	memset(s->hosts, 'x', sizeof(s->hosts));
	expect_refused();
}

Test(gateway_settings, weights)
{
	unsigned int i;

	for (i = 0; i <= UINT8_MAX; i++) {
		w.settings.agent_weight = (uint8_t)i;
		if (i < AGENT_WEIGHT_COUNT)
			cr_expect_eq(gateway_check(&w, &err), 0);
		else
			expect_refused();
	}
}

Test(gateway_settings, values_that_travel_apart)
{
	static const char value[] = "{}";
	unsigned int i;

	for (i = 0; i < BULK_COUNT; i++) {
		finish();
		begin();
		w.bulks.of[i] = bulk_new(value, sizeof(value), &err);
		cr_assert_not_null(w.bulks.of[i], "%s", err.text);
		expect_refused(); /* it was not referred to */
		w.settings.bulks[i] = w.bulks.of[i]->ref;
		cr_expect_eq(gateway_check(&w, &err), 0, "%s", err.text);
		w.settings.bulks[i].digest++;
		expect_refused();
		w.settings.bulks[i] = w.bulks.of[i]->ref;
		bulk_drop(&w.bulks.of[i]);
		expect_refused(); /* it has not come */
	}
}

Test(gateway_settings, sockets_have_names)
{
	cr_expect_str_eq(gateway_socket_name(GATEWAY_HTTP), "listen");
	cr_expect_str_eq(gateway_socket_name(GATEWAY_AGENT), "agent_listen");
	cr_expect_str_eq(gateway_socket_name(GATEWAY_TCP_CHECK),
	    "tcp_check_listen");
	cr_expect_null(gateway_socket_name(GATEWAY_HEALTH_PORT));
	cr_expect_null(gateway_socket_name(4711));
}
