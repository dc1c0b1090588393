#include "gateway/page.h"

const unsigned char page_html[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><title>Mercury</title>"
    "<p>Mercury: <a href=\"readyz?verbose\">who is ready</a></p></html>\n";
const size_t page_html_len = sizeof(page_html) - 1;
const char page_csp[] = "default-src 'none'";
