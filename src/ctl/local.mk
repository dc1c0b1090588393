## mercuryctl: the operator's command.
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	src/ctl/cell.c src/ctl/cell.h \
	src/ctl/client.c src/ctl/client.h \
	src/ctl/clip.c src/ctl/clip.h \
	src/ctl/command.c src/ctl/command.h \
	src/ctl/command_connection.c src/ctl/command_connection.h \
	src/ctl/command_daemon.c src/ctl/command_daemon.h \
	src/ctl/command_events.c src/ctl/command_events.h \
	src/ctl/command_listener.c src/ctl/command_listener.h \
	src/ctl/command_status.c src/ctl/command_status.h \
	src/ctl/command_supervisor.c src/ctl/command_supervisor.h \
	src/ctl/command_trace.c src/ctl/command_trace.h \
	src/ctl/command_tree.c src/ctl/command_tree.h \
	src/ctl/command_upstream.c src/ctl/command_upstream.h \
	src/ctl/conn_text.c src/ctl/conn_text.h \
	src/ctl/detail_text.c src/ctl/detail_text.h \
	src/ctl/event_show.c src/ctl/event_show.h \
	src/ctl/event_text.c src/ctl/event_text.h \
	src/ctl/fit.c src/ctl/fit.h \
	src/ctl/frame.c src/ctl/frame.h \
	src/ctl/listener_text.c src/ctl/listener_text.h \
	src/ctl/look.c src/ctl/look.h \
	src/ctl/options.c src/ctl/options.h \
	src/ctl/order.c src/ctl/order.h \
	src/ctl/output.c src/ctl/output.h \
	src/ctl/packet.c src/ctl/packet.h \
	src/ctl/params.c src/ctl/params.h \
	src/ctl/pcapng.c src/ctl/pcapng.h \
	src/ctl/progress.c src/ctl/progress.h \
	src/ctl/rates.c src/ctl/rates.h \
	src/ctl/screen.c src/ctl/screen.h \
	src/ctl/signals.c src/ctl/signals.h \
	src/ctl/status_text.c src/ctl/status_text.h \
	src/ctl/store_text.c src/ctl/store_text.h \
	src/ctl/supervisor_text.c src/ctl/supervisor_text.h \
	src/ctl/table.c src/ctl/table.h \
	src/ctl/trace_note.c src/ctl/trace_note.h \
	src/ctl/trace_pcap.c src/ctl/trace_pcap.h \
	src/ctl/trace_show.c src/ctl/trace_show.h \
	src/ctl/trace_text.c src/ctl/trace_text.h \
	src/ctl/units.c src/ctl/units.h \
	src/ctl/upstream_text.c src/ctl/upstream_text.h \
	src/ctl/waiting.c src/ctl/waiting.h \
	src/ctl/watch.c src/ctl/watch.h

bin_PROGRAMS += mercuryctl
mercuryctl_SOURCES = src/ctl/main.c
mercuryctl_LDADD = libctl.a liboption.a libcommon.a $(JANSSON_LIBS) $(BSD_LIBS)

# bash-completion looks for a file of the command's very name.
bash_completiondir = $(datadir)/bash-completion/completions
bash_completion_DATA = contrib/completion/mercuryctl
EXTRA_DIST += contrib/completion/mercuryctl.bash
CLEANFILES += contrib/completion/mercuryctl

contrib/completion/mercuryctl: contrib/completion/mercuryctl.bash
	$(AM_V_GEN)$(MKDIR_P) contrib/completion && \
	    cp '$(srcdir)/contrib/completion/mercuryctl.bash' $@
