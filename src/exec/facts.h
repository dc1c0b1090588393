/* facts: the environment of the program of a connection. */
#ifndef MERCURY_EXEC_FACTS_H
#define MERCURY_EXEC_FACTS_H

struct conn;
struct exec_texts;

/* As environment_make(); its socket must still be open. */
char **facts_environment(const struct conn *, const struct exec_texts *own);

#endif /* MERCURY_EXEC_FACTS_H */
