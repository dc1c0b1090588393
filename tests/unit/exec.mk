## Unit tests of src/exec.
UNIT_TESTS += test_exec_environment test_exec_spawn
test_exec_environment_SOURCES = tests/unit/test_exec_environment.c \
	tests/unit/exec_plans.c tests/unit/exec_plans.h
test_exec_environment_CPPFLAGS = $(UNIT_CPPFLAGS)
test_exec_environment_LDADD = libexec_programs.a libcommon.a \
	$(CRITERION_LIBS)

test_exec_spawn_SOURCES = tests/unit/test_exec_spawn.c \
	tests/unit/exec_plans.c tests/unit/exec_plans.h $(SCRATCH)
test_exec_spawn_CPPFLAGS = $(UNIT_CPPFLAGS)
test_exec_spawn_LDADD = libexec_programs.a libcommon.a $(BSD_LIBS) \
	$(CRITERION_LIBS)

UNIT_TESTS += test_exec_program
test_exec_program_SOURCES = tests/unit/test_exec_program.c \
	tests/unit/exec_plans.c tests/unit/exec_plans.h $(SCRATCH)
test_exec_program_CPPFLAGS = $(UNIT_CPPFLAGS)
test_exec_program_LDADD = libexec_programs.a libcommon.a $(EVENT_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_exec_exec
test_exec_exec_SOURCES = tests/unit/test_exec_exec.c \
	tests/unit/exec_plans.c tests/unit/exec_plans.h
test_exec_exec_CPPFLAGS = $(UNIT_CPPFLAGS)
test_exec_exec_LDADD = libexec_programs.a libpool.a libcommon.a \
	$(EVENT_LIBS) $(BSD_LIBS) $(CRITERION_LIBS)
