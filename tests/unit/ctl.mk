## Unit tests of src/ctl.
CTL_TEST_LIBS = libctl.a liboption.a libcommon.a $(JANSSON_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_ctl_conn_text test_ctl_event_text test_ctl_options \
	test_ctl_output test_ctl_params test_ctl_status_text \
	test_ctl_supervisor_text test_ctl_table

test_ctl_conn_text_SOURCES = tests/unit/test_ctl_conn_text.c
test_ctl_conn_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_conn_text_LDADD = $(CTL_TEST_LIBS)

test_ctl_event_text_SOURCES = tests/unit/test_ctl_event_text.c
test_ctl_event_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_event_text_LDADD = $(CTL_TEST_LIBS)

test_ctl_options_SOURCES = tests/unit/test_ctl_options.c
test_ctl_options_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_options_LDADD = $(CTL_TEST_LIBS)

test_ctl_output_SOURCES = tests/unit/test_ctl_output.c
test_ctl_output_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_output_LDADD = $(CTL_TEST_LIBS)

test_ctl_params_SOURCES = tests/unit/test_ctl_params.c
test_ctl_params_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_params_LDADD = $(CTL_TEST_LIBS)

test_ctl_status_text_SOURCES = tests/unit/test_ctl_status_text.c
test_ctl_status_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_status_text_LDADD = $(CTL_TEST_LIBS)

test_ctl_table_SOURCES = tests/unit/test_ctl_table.c
test_ctl_table_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_table_LDADD = $(CTL_TEST_LIBS)

test_ctl_supervisor_text_SOURCES = tests/unit/test_ctl_supervisor_text.c
test_ctl_supervisor_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_supervisor_text_LDADD = $(CTL_TEST_LIBS)

UNIT_TESTS += test_ctl_packet test_ctl_pcapng test_ctl_trace_note \
	test_ctl_trace_pcap test_ctl_trace_text

test_ctl_packet_SOURCES = tests/unit/test_ctl_packet.c
test_ctl_packet_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_packet_LDADD = $(CTL_TEST_LIBS)

test_ctl_pcapng_SOURCES = tests/unit/test_ctl_pcapng.c
test_ctl_pcapng_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_pcapng_LDADD = $(CTL_TEST_LIBS)

test_ctl_trace_note_SOURCES = tests/unit/test_ctl_trace_note.c
test_ctl_trace_note_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_trace_note_LDADD = $(CTL_TEST_LIBS)

test_ctl_trace_pcap_SOURCES = tests/unit/test_ctl_trace_pcap.c
test_ctl_trace_pcap_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_trace_pcap_LDADD = $(CTL_TEST_LIBS)

test_ctl_trace_text_SOURCES = tests/unit/test_ctl_trace_text.c
test_ctl_trace_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_trace_text_LDADD = $(CTL_TEST_LIBS)

UNIT_TESTS += test_ctl_clip test_ctl_fit test_ctl_frame \
	test_ctl_listener_text test_ctl_order test_ctl_progress \
	test_ctl_rates test_ctl_units

test_ctl_clip_SOURCES = tests/unit/test_ctl_clip.c
test_ctl_clip_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_clip_LDADD = $(CTL_TEST_LIBS)

test_ctl_fit_SOURCES = tests/unit/test_ctl_fit.c
test_ctl_fit_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_fit_LDADD = $(CTL_TEST_LIBS)

test_ctl_frame_SOURCES = tests/unit/test_ctl_frame.c
test_ctl_frame_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_frame_LDADD = $(CTL_TEST_LIBS)

test_ctl_listener_text_SOURCES = tests/unit/test_ctl_listener_text.c
test_ctl_listener_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_listener_text_LDADD = $(CTL_TEST_LIBS)

test_ctl_order_SOURCES = tests/unit/test_ctl_order.c
test_ctl_order_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_order_LDADD = $(CTL_TEST_LIBS)

test_ctl_progress_SOURCES = tests/unit/test_ctl_progress.c
test_ctl_progress_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_progress_LDADD = $(CTL_TEST_LIBS)

test_ctl_rates_SOURCES = tests/unit/test_ctl_rates.c
test_ctl_rates_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_rates_LDADD = $(CTL_TEST_LIBS)

test_ctl_units_SOURCES = tests/unit/test_ctl_units.c
test_ctl_units_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_units_LDADD = $(CTL_TEST_LIBS)

UNIT_TESTS += test_ctl_upstream_text
test_ctl_upstream_text_SOURCES = tests/unit/test_ctl_upstream_text.c
test_ctl_upstream_text_CPPFLAGS = $(UNIT_CPPFLAGS)
test_ctl_upstream_text_LDADD = $(CTL_TEST_LIBS)
