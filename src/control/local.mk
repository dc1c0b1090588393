## mercury-control: the control socket's clients, JSON-RPC.
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	src/control/access.c src/control/access.h \
	src/control/calls.c src/control/calls.h \
	src/control/client.c src/control/client.h \
	src/control/conn_query.c src/control/conn_query.h \
	src/control/control.c src/control/control.h \
	src/control/follow.c src/control/follow.h \
	src/control/followers.c src/control/followers.h \
	src/control/line.c src/control/line.h \
	src/control/method.c src/control/method.h \
	src/control/method_connection.c src/control/method_connection.h \
	src/control/method_daemon.c src/control/method_daemon.h \
	src/control/method_events.c src/control/method_events.h \
	src/control/method_listener.c src/control/method_listener.h \
	src/control/method_supervisor.c src/control/method_supervisor.h \
	src/control/method_trace.c src/control/method_trace.h \
	src/control/method_upstream.c src/control/method_upstream.h \
	src/control/peer_filter.c src/control/peer_filter.h \
	src/control/plan_json.c src/control/plan_json.h \
	src/control/rpc.c src/control/rpc.h \
	src/control/server.c src/control/server.h \
	src/control/store_link.c src/control/store_link.h \
	src/control/trace_json.c src/control/trace_json.h \
	src/control/traces.c src/control/traces.h \
	src/control/workers.c src/control/workers.h

role_PROGRAMS += mercury-control
mercury_control_SOURCES = src/control/main.c
mercury_control_LDADD = libcontrol.a libjson.a liboption.a libsandbox.a \
	libcommon.a $(EVENT_LIBS) $(JANSSON_LIBS) $(BSD_LIBS)
