## contrib: scripts for trying and testing, examples for the system's init.
EXTRA_DIST += \
	contrib/analyze.sh \
	contrib/check.sh \
	contrib/coverage.sh \
	contrib/fuzz.sh \
	contrib/quickstart.sh \
	contrib/setup.sh

## Examples of modules, which are built as an outsider would, with make(1).
EXTRA_DIST += contrib/modules/README.md \
	contrib/modules/line-time/Makefile \
	contrib/modules/line-time/line_time.c \
	contrib/modules/iso8583-echo/Makefile \
	contrib/modules/iso8583-echo/iso8583.c \
	contrib/modules/iso8583-echo/iso8583.h \
	contrib/modules/iso8583-echo/iso8583_echo.c \
	contrib/modules/modbus-sim/Makefile \
	contrib/modules/modbus-sim/modbus.c \
	contrib/modules/modbus-sim/modbus.h \
	contrib/modules/modbus-sim/modbus_sim.c

initexampledir = $(docdir)/examples/init.d
dist_initexample_SCRIPTS = contrib/init.d/mercuryd
systemdexampledir = $(docdir)/examples/systemd
dist_systemdexample_DATA = contrib/systemd/mercuryd.service
haproxyexampledir = $(docdir)/examples/haproxy
dist_haproxyexample_DATA = contrib/haproxy/mercury.cfg
nginxexampledir = $(docdir)/examples/nginx
dist_nginxexample_DATA = contrib/nginx/mercury.conf
logrotateexampledir = $(docdir)/examples/logrotate
dist_logrotateexample_DATA = contrib/logrotate/mercury

## Alerts and a dashboard for what the gateway tells.
prometheusexampledir = $(docdir)/examples/prometheus
dist_prometheusexample_DATA = \
	contrib/prometheus/mercury.rules.yml \
	contrib/prometheus/mercury.rules_test.yml \
	contrib/prometheus/prometheus.yml
grafanaexampledir = $(docdir)/examples/grafana
dist_grafanaexample_DATA = contrib/grafana/mercury.json

## Debian's packaging, to be linked as debian/, and a container.
EXTRA_DIST += \
	contrib/debian/changelog \
	contrib/debian/check.sh \
	contrib/debian/chroot.sh \
	contrib/debian/control \
	contrib/debian/copyright \
	contrib/debian/mercury-dev.examples \
	contrib/debian/mercury-dev.install \
	contrib/debian/mercury-dev.lintian-overrides \
	contrib/debian/mercury.README.Debian \
	contrib/debian/mercury.docs \
	contrib/debian/mercury.install \
	contrib/debian/mercury.lintian-overrides \
	contrib/debian/mercury.postinst \
	contrib/debian/mercury.postrm \
	contrib/debian/needrestart/mercury.conf \
	contrib/debian/not-installed \
	contrib/debian/rules \
	contrib/debian/source/format \
	contrib/debian/source/lintian-overrides \
	contrib/debian/tests/control \
	contrib/debian/tests/module \
	contrib/debian/tests/smoke \
	contrib/docker/Dockerfile \
	contrib/docker/Dockerfile.dockerignore \
	contrib/docker/healthcheck \
	contrib/docker/mercury.conf
