## exec: a program for each connection.
noinst_LIBRARIES += libexec_programs.a
libexec_programs_a_SOURCES = \
	src/exec/environment.c src/exec/environment.h \
	src/exec/error_output.c src/exec/error_output.h \
	src/exec/exec.c src/exec/exec.h \
	src/exec/exec_record.c src/exec/exec_record.h \
	src/exec/facts.c src/exec/facts.h \
	src/exec/program.c src/exec/program.h \
	src/exec/pump.c src/exec/pump.h \
	src/exec/spawn.c src/exec/spawn.h
