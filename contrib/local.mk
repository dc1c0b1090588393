## contrib: scripts for trying and testing, examples for the system's init.
EXTRA_DIST += \
	contrib/check.sh \
	contrib/fuzz.sh \
	contrib/quickstart.sh \
	contrib/setup.sh

initexampledir = $(docdir)/examples/init.d
dist_initexample_SCRIPTS = contrib/init.d/mercuryd
systemdexampledir = $(docdir)/examples/systemd
dist_systemdexample_DATA = contrib/systemd/mercuryd.service
haproxyexampledir = $(docdir)/examples/haproxy
dist_haproxyexample_DATA = contrib/haproxy/mercury.cfg

## Alerts and a dashboard for what the gateway tells.
prometheusexampledir = $(docdir)/examples/prometheus
dist_prometheusexample_DATA = \
	contrib/prometheus/mercury.rules.yml \
	contrib/prometheus/mercury.rules_test.yml \
	contrib/prometheus/prometheus.yml
grafanaexampledir = $(docdir)/examples/grafana
dist_grafanaexample_DATA = contrib/grafana/mercury.json
