## Unit tests of src/supervisor; SCRATCH is set in common.mk.
SUPERVISOR_TEST_LIBS = libsupervisor.a libsandbox.a libcommon.a $(EVENT_LIBS) \
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

UNIT_TESTS += test_supervisor_bind_backoff test_supervisor_history \
	test_supervisor_intensity test_supervisor_listener_state \
	test_supervisor_restart test_supervisor_strategy

test_supervisor_bind_backoff_SOURCES = tests/unit/test_supervisor_bind_backoff.c
test_supervisor_bind_backoff_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_bind_backoff_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_history_SOURCES = tests/unit/test_supervisor_history.c
test_supervisor_history_CPPFLAGS = $(UNIT_CPPFLAGS)
## So that the test can let memory run out.
test_supervisor_history_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray
test_supervisor_history_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_intensity_SOURCES = tests/unit/test_supervisor_intensity.c
test_supervisor_intensity_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_intensity_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray
test_supervisor_intensity_LDADD = $(SUPERVISOR_TEST_LIBS)

UNIT_TESTS += test_supervisor_listener_module
test_supervisor_listener_module_SOURCES = \
	tests/unit/test_supervisor_listener_module.c
test_supervisor_listener_module_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_listener_module_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_listener_state_SOURCES = \
	tests/unit/test_supervisor_listener_state.c
test_supervisor_listener_state_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_listener_state_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_restart_SOURCES = tests/unit/test_supervisor_restart.c
test_supervisor_restart_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_restart_LDADD = $(SUPERVISOR_TEST_LIBS)

test_supervisor_strategy_SOURCES = tests/unit/test_supervisor_strategy.c
test_supervisor_strategy_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_strategy_LDADD = $(SUPERVISOR_TEST_LIBS)

UNIT_TESTS += test_supervisor_alarm
test_supervisor_alarm_SOURCES = tests/unit/test_supervisor_alarm.c
test_supervisor_alarm_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_alarm_LDADD = libsupervisor.a $(CRITERION_LIBS)

UNIT_TESTS += test_supervisor_tickets
test_supervisor_tickets_SOURCES = tests/unit/test_supervisor_tickets.c
test_supervisor_tickets_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_tickets_LDADD = libsupervisor.a libsandbox.a libcommon.a $(EVENT_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_supervisor_readiness
test_supervisor_readiness_SOURCES = tests/unit/test_supervisor_readiness.c
test_supervisor_readiness_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_readiness_LDADD = $(SUPERVISOR_TEST_LIBS)

UNIT_TESTS += test_supervisor_helper_task
test_supervisor_helper_task_SOURCES = tests/unit/test_supervisor_helper_task.c
test_supervisor_helper_task_CPPFLAGS = $(UNIT_CPPFLAGS)
## In the place of any executable.
test_supervisor_helper_task_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=spawn
test_supervisor_helper_task_LDADD = $(SUPERVISOR_TEST_LIBS)

UNIT_TESTS += test_supervisor_timer
test_supervisor_timer_SOURCES = tests/unit/test_supervisor_timer.c
test_supervisor_timer_CPPFLAGS = $(UNIT_CPPFLAGS)
## So that the test can let memory run out.
test_supervisor_timer_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=event_add \
	-Wl,--wrap=event_new
test_supervisor_timer_LDADD = $(SUPERVISOR_TEST_LIBS)

UNIT_TESTS += test_supervisor_counters
test_supervisor_counters_SOURCES = tests/unit/test_supervisor_counters.c
test_supervisor_counters_CPPFLAGS = $(UNIT_CPPFLAGS)
test_supervisor_counters_LDADD = $(SUPERVISOR_TEST_LIBS)
