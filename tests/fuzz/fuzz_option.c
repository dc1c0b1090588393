/*
 * Options as the control socket and saved listeners have them (JSON), or as
 * the config file does (a key and a value, apart by a newline). The first byte
 * says which. What was taken is written down, and must be taken again.
 */
#include <jansson.h>

#include "fuzz.h"
#include "option/option.h"

#define SECTIONS (OPTION_GATEWAY + 1)
#define KEY_SECTIONS (OPTION_MODULE + 1)

static void
check_listener_again(const struct wanted *w)
{
	json_t *written = option_listener_json(w);
	struct wanted again;
	struct err err = { 0 };
	unsigned int id;

	FUZZ_CHECK(written != NULL);
	FUZZ_CHECK(
	    option_listener_update(w->spec.name, written, &again, &err) == 0);
	FUZZ_CHECK(again.set == w->set);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		FUZZ_CHECK(spec_option_equal(id, &w->spec, &again.spec));
	wanted_clear(&again);
	json_decref(written);
}

static void
show_all(const struct listener_spec *spec)
{
	char text[OPTION_VALUE_SIZE];
	unsigned int id;

	for (id = 0; id < LISTENER_OPTION_COUNT; id++) {
		option_listener_text(spec, (enum listener_option)id, text);
		FUZZ_CHECK(strnlen(text, sizeof(text)) < sizeof(text));
	}
}

static int
read_listener(const json_t *options, bool update, struct err *err)
{
	struct wanted w;

	if ((update ? option_listener_update : option_listener)("meters",
		options, &w, err) == -1)
		return -1;
	FUZZ_CHECK(wanted_check(&w, err) == 0);
	check_listener_again(&w);
	show_all(&w.spec);
	wanted_clear(&w);
	return 0;
}

static int
read_gateway(const json_t *options, struct err *err)
{
	struct gateway_wanted g;
	unsigned int i;

	if (option_gateway(options, &g, err) == -1)
		return -1;
	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++)
		FUZZ_CHECK(strnlen(g.settings.places[i].address,
			       SPEC_ADDRESS_SIZE) < SPEC_ADDRESS_SIZE);
	bulks_drop(&g.bulks);
	return 0;
}

static int
read_json(uint8_t how, const json_t *options, struct err *err)
{
	struct daemon_settings daemon;
	struct store_settings store;
	struct group_spec group;

	switch (how % (SECTIONS + 1)) {
	case OPTION_DAEMON:
		return option_daemon(options, &daemon, err);
	case OPTION_GROUP:
		return option_group("group", options, &group, err);
	case OPTION_STORE:
		return option_store(options, "/var/lib/mercury", &store, err);
	case OPTION_GATEWAY:
		return read_gateway(options, err);
	case OPTION_LISTENER:
		return read_listener(options, false, err);
	default:
		return read_listener(options, true, err);
	}
}

/* A text that ends and has one line. */
static void
check_err(const struct err *err)
{
	FUZZ_CHECK(err->code != ERR_NONE);
	FUZZ_CHECK(strnlen(err->text, sizeof(err->text)) < sizeof(err->text));
	FUZZ_CHECK(strchr(err->text, '\n') == NULL);
}

static void
read_key_and_value(uint8_t how, const struct fuzz_input *in)
{
	char *key = fuzz_string(in->at, in->left);
	char *value = strchr(key, '\n');
	struct err err = { 0 };

	if (value != NULL) {
		*value++ = '\0';
		value = fuzz_string(value, strlen(value));
		if (option_check_value(
			(enum option_section)(how % KEY_SECTIONS), key, value,
			&err) == -1)
			check_err(&err);
	}
	free(value);
	free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t how = fuzz_byte(&in);
	struct err err = { 0 };
	json_t *options;

	if (how & 0x80) {
		read_key_and_value(how, &in);
		return 0;
	}
	options = json_loadb((const char *)in.at, in.left,
	    JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(options) && read_json(how, options, &err) == -1)
		check_err(&err);
	json_decref(options);
	return 0;
}
