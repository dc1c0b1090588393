#include "config/config_grammar.h"

#include <string.h>

#include "option/option.h"
#include "option/tls_section.h"

/* Room for the keys of a tls section, and an end. */
#define TLS_KEYS_MAX 16

/* Hear of the options of a section. */
static void
watch(const struct config_hooks *hooks, cfg_opt_t *options,
    enum option_section section)
{
	cfg_opt_t *o;

	for (o = options; o->name != NULL; o++) {
		if (option_is_list(section, o->name)) {
			o->flags |= CFGF_LIST;
			o->parsecb = hooks->list_value;
		} else {
			o->validcb = hooks->option;
		}
	}
}

/* The options of a tls section, and of those within it. */
static void
list_tls(const struct config_hooks *hooks, enum tls_section_kind kind,
    cfg_opt_t *sections, cfg_opt_t out[static TLS_KEYS_MAX])
{
	const cfg_opt_t end = CFG_END();
	const char *key;
	size_t i;

	for (i = 0; (key = tls_section_key(kind, i)) != NULL; i++) {
		out[i] = (cfg_opt_t)CFG_STR(key, NULL, CFGF_NODEFAULT);
		out[i].validcb = hooks->option;
		if (strcmp(key, TLS_SECTION_LIST) == 0) {
			out[i].flags |= CFGF_LIST;
			out[i].validcb = NULL;
			out[i].parsecb = hooks->list_value;
		} else if (strcmp(key, TLS_SECTION_NAMES) == 0) {
			out[i] = (cfg_opt_t)CFG_SEC(TLS_SECTION_NAMES, sections,
			    CFGF_MULTI | CFGF_TITLE);
			out[i].validcb = hooks->inner;
		}
	}
	out[i] = end;
}

/* The option called name is a section with these options. */
static void
make_section(const struct config_hooks *hooks, cfg_opt_t *options,
    const char *name, cfg_opt_t *within)
{
	cfg_opt_t *o;

	for (o = options; strcmp(o->name, name) != 0; o++)
		;
	*o = (cfg_opt_t)CFG_SEC(name, within, CFGF_MULTI);
	o->validcb = hooks->inner;
}

cfg_t *
config_grammar(const struct config_hooks *hooks)
{
	cfg_opt_t sni[TLS_KEYS_MAX], tls[TLS_KEYS_MAX];
	cfg_opt_t upstream_tls[TLS_KEYS_MAX];
	cfg_opt_t proxy[] = {
#define PROXY_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t exec[] = {
#define EXEC_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t module[] = {
#define MODULE_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t daemon[] = {
#define DAEMON_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t store[] = {
#define STORE_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t gateway[] = {
#define GATEWAY_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t listener[] = {
#define LISTENER_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t group[] = {
#define GROUP_OPTION(ID, NAME, ...) CFG_STR(NAME, NULL, CFGF_NODEFAULT),
#include "common/option_list.h"
		CFG_END()
	};
	cfg_opt_t file[] = { CFG_SEC("daemon", daemon, CFGF_MULTI),
		CFG_SEC("store", store, CFGF_MULTI),
		CFG_SEC("gateway", gateway, CFGF_MULTI),
		CFG_SEC("listener", listener, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("group", group, CFGF_MULTI | CFGF_TITLE),
		CFG_FUNC("include", hooks->include), CFG_END() };
	cfg_opt_t *o;

	watch(hooks, daemon, OPTION_DAEMON);
	watch(hooks, store, OPTION_STORE);
	list_tls(hooks, TLS_SECTION_SNI, NULL, sni);
	list_tls(hooks, TLS_SECTION_LISTENER, sni, tls);
	list_tls(hooks, TLS_SECTION_UPSTREAM, NULL, upstream_tls);
	watch(hooks, proxy, OPTION_PROXY);
	watch(hooks, exec, OPTION_EXEC);
	watch(hooks, module, OPTION_MODULE);
	make_section(hooks, proxy, "tls", upstream_tls);
	watch(hooks, listener, OPTION_LISTENER);
	watch(hooks, gateway, OPTION_GATEWAY);
	make_section(hooks, listener, "tls", tls);
	make_section(hooks, listener, "proxy", proxy);
	make_section(hooks, listener, "exec", exec);
	make_section(hooks, listener, "module", module);
	make_section(hooks, gateway, "tls", tls);
	watch(hooks, group, OPTION_GROUP);
	for (o = file; o->type == CFGT_SEC; o++)
		o->validcb = hooks->section;
	return cfg_init(file, CFGF_NONE);
}
