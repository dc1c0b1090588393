/*
 * config_grammar: which sections and options a config file has, as libConfuse
 * wants it, made from the option table.
 */
#ifndef MERCURY_CONFIG_CONFIG_GRAMMAR_H
#define MERCURY_CONFIG_CONFIG_GRAMMAR_H

#include <confuse.h>

/* Who hears of what libConfuse has parsed. */
struct config_hooks {
	cfg_validate_callback_t option;  /* a value of an option */
	cfg_callback_t list_value;       /* one of a list */
	cfg_validate_callback_t inner;   /* a section in a section has ended */
	cfg_validate_callback_t section; /* an outermost one has */
	cfg_func_t include;
};

/* The grammar; the caller frees it with cfg_free(). NULL: out of memory. */
cfg_t *config_grammar(const struct config_hooks *);

#endif /* MERCURY_CONFIG_CONFIG_GRAMMAR_H */
