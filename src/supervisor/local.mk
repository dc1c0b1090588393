## mercuryd: the supervisor. All but main.c is a library, for its tests.
noinst_LIBRARIES += libsupervisor.a
libsupervisor_a_SOURCES = \
	src/supervisor/args.c src/supervisor/args.h \
	src/supervisor/backoff.c src/supervisor/backoff.h \
	src/supervisor/bind.c src/supervisor/bind.h \
	src/supervisor/bind_backoff.c src/supervisor/bind_backoff.h \
	src/supervisor/boot.c src/supervisor/boot.h \
	src/supervisor/child.c src/supervisor/child.h \
	src/supervisor/child_fsm.c src/supervisor/child_fsm.h \
	src/supervisor/counters.c src/supervisor/counters.h \
	src/supervisor/crew.c src/supervisor/crew.h \
	src/supervisor/control.c src/supervisor/control.h \
	src/supervisor/control_socket.c src/supervisor/control_socket.h \
	src/supervisor/daemonize.c src/supervisor/daemonize.h \
	src/supervisor/history.c src/supervisor/history.h \
	src/supervisor/intensity.c src/supervisor/intensity.h \
	src/supervisor/group.c src/supervisor/group.h \
	src/supervisor/helper_task.c src/supervisor/helper_task.h \
	src/supervisor/lines.c src/supervisor/lines.h \
	src/supervisor/listener.c src/supervisor/listener.h \
	src/supervisor/listener_state.c src/supervisor/listener_state.h \
	src/supervisor/listener_table.c src/supervisor/listener_table.h \
	src/supervisor/notify.c src/supervisor/notify.h \
	src/supervisor/pid_file.c src/supervisor/pid_file.h \
	src/supervisor/plan.c src/supervisor/plan.h \
	src/supervisor/plan_load.c src/supervisor/plan_load.h \
	src/supervisor/pool.c src/supervisor/pool.h \
	src/supervisor/record.c src/supervisor/record.h \
	src/supervisor/reload.c src/supervisor/reload.h \
	src/supervisor/request.c src/supervisor/request.h \
	src/supervisor/restart.c src/supervisor/restart.h \
	src/supervisor/seats.c src/supervisor/seats.h \
	src/supervisor/shutdown.c src/supervisor/shutdown.h \
	src/supervisor/slots.c src/supervisor/slots.h \
	src/supervisor/sockets.c src/supervisor/sockets.h \
	src/supervisor/spawn.c src/supervisor/spawn.h \
	src/supervisor/status.c src/supervisor/status.h \
	src/supervisor/strategy.c src/supervisor/strategy.h \
	src/supervisor/strays.c src/supervisor/strays.h \
	src/supervisor/supervisor.c src/supervisor/supervisor.h \
	src/supervisor/unix_path.c src/supervisor/unix_path.h \
	src/supervisor/watch.c src/supervisor/watch.h

sbin_PROGRAMS += mercuryd
mercuryd_SOURCES = src/supervisor/main.c
mercuryd_LDADD = libsupervisor.a libcommon.a $(EVENT_LIBS) $(BSD_LIBS)
