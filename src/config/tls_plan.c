#include "config/tls_plan.h"

#include <jansson.h>

/* The section of its value; NULL with *err. Gives a new reference. */
static json_t *
section_of(const struct bulk *b, struct err *err)
{
	const void *bytes = bulk_map(b, err);
	json_t *section = NULL;

	if (bytes == NULL)
		return NULL;
	section = json_loadb(bytes, b->ref.size, 0, NULL);
	bulk_unmap(b, bytes);
	if (section == NULL)
		(void)err_set(err, ERR_INTERNAL, "tls: that is no section");
	return section;
}

int
tls_plan_read(struct wanted *w, struct tls_warnings *warnings, struct err *err)
{
	struct bulk **material = &w->bulks.of[BULK_TLS_MATERIAL];
	struct tls_writer written = { 0 };
	json_t *section;

	warnings->count = 0;
	if (w->bulks.of[BULK_TLS] == NULL)
		return 0;
	section = section_of(w->bulks.of[BULK_TLS], err);
	if (section == NULL)
		return -1;
	bulk_drop(material);
	if (tls_wants_read(section, &written, warnings, err) == 0)
		*material = bulk_new(written.bytes, written.size, err);
	tls_material_free(written.bytes, written.size);
	json_decref(section);
	if (*material == NULL)
		return -1;
	w->spec.bulks[BULK_TLS_MATERIAL] = (*material)->ref;
	return 0;
}
