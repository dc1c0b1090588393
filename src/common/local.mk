## common: what two or more executables use; no policy, no loop of its own.
noinst_LIBRARIES += libcommon.a
libcommon_a_SOURCES = \
	src/common/addr.c src/common/addr.h \
	src/common/base64.c src/common/base64.h \
	src/common/batches.c src/common/batches.h \
	src/common/bulk.c src/common/bulk.h \
	src/common/channel.c src/common/channel.h \
	src/common/check_port.c src/common/check_port.h \
	src/common/cidr.c src/common/cidr.h \
	src/common/cidr_set.c src/common/cidr_set.h \
	src/common/clock.c src/common/clock.h \
	src/common/conn_end.c src/common/conn_end.h \
	src/common/conn_id.c src/common/conn_id.h \
	src/common/conn_state.c src/common/conn_state.h \
	src/common/err.c src/common/err.h \
	src/common/event.c src/common/event.h src/common/event_list.h \
	src/common/event_sink.c src/common/event_sink.h \
	src/common/event_wire.c src/common/event_wire.h \
	src/common/exec_plan.c src/common/exec_plan.h \
	src/common/exit_table.c src/common/exit_table.h \
	src/common/fact_list.h \
	src/common/fd.c src/common/fd.h \
	src/common/gate.c src/common/gate.h \
	src/common/gateway_settings.c src/common/gateway_settings.h \
	src/common/health_board.c src/common/health_board.h \
	src/common/hex.h \
	src/common/histogram.c src/common/histogram.h \
	src/common/ipc.c src/common/ipc.h src/common/ipc_msg.h \
	src/common/log.c src/common/log.h \
	src/common/loop.c src/common/loop.h \
	src/common/metric_list.h \
	src/common/module_plan.c src/common/module_plan.h \
	src/common/option_list.h \
	src/common/probe_sources.c src/common/probe_sources.h \
	src/common/proxy_plan.c src/common/proxy_plan.h \
	src/common/quota.c src/common/quota.h \
	src/common/role.c src/common/role.h \
	src/common/scoreboard.c src/common/scoreboard.h \
	src/common/shared.c src/common/shared.h \
	src/common/snapshot.c src/common/snapshot.h \
	src/common/spec.c src/common/spec.h \
	src/common/store_board.c src/common/store_board.h \
	src/common/syn_filter.c src/common/syn_filter.h \
	src/common/ticket_keys.h \
	src/common/tls_failure.c src/common/tls_failure.h \
	src/common/tls_words.h \
	src/common/trace_wire.c src/common/trace_wire.h \
	src/common/upstream_board.c src/common/upstream_board.h \
	src/common/utf8.c src/common/utf8.h \
	src/common/vfork.c src/common/vfork.h \
	src/common/wanted.c src/common/wanted.h
