## Unit tests of src/supervisor; SCRATCH is set in common.mk.
SUPERVISOR_TEST_LIBS = libsupervisor.a libcommon.a $(EVENT_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_supervisor_args test_supervisor_backoff \
	test_supervisor_bind test_supervisor_child_fsm \
	test_supervisor_control_socket test_supervisor_lines \
	test_supervisor_notify test_supervisor_pid_file \
	test_supervisor_plan test_supervisor_unix_path

test_supervisor_args_SOURCES = tests/unit/test_supervisor_args.c $(SCRATCH)
test_supervisor_args_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_args_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_backoff_SOURCES = tests/unit/test_supervisor_backoff.c
test_supervisor_backoff_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_backoff_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_bind_SOURCES = tests/unit/test_supervisor_bind.c $(SCRATCH)
test_supervisor_bind_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_bind_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_child_fsm_SOURCES = tests/unit/test_supervisor_child_fsm.c
test_supervisor_child_fsm_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_child_fsm_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_control_socket_SOURCES = \
	tests/unit/test_supervisor_control_socket.c $(SCRATCH)
test_supervisor_control_socket_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_control_socket_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_lines_SOURCES = tests/unit/test_supervisor_lines.c
test_supervisor_lines_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_lines_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_notify_SOURCES = tests/unit/test_supervisor_notify.c \
	$(SCRATCH)
test_supervisor_notify_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_notify_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_pid_file_SOURCES = tests/unit/test_supervisor_pid_file.c \
	$(SCRATCH)
test_supervisor_pid_file_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_pid_file_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_plan_SOURCES = tests/unit/test_supervisor_plan.c
test_supervisor_plan_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_plan_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_unix_path_SOURCES = tests/unit/test_supervisor_unix_path.c \
	$(SCRATCH)
test_supervisor_unix_path_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_unix_path_LDADD = $(SUPERVISOR_TEST_LIBS)
