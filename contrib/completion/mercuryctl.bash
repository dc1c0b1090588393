# bash completion for mercuryctl(1)                        -*- shell-script -*-
# shellcheck shell=bash

# The command that is typed, which need not be in PATH.
_mercuryctl_run() {
	local ctl=${COMP_WORDS[0]}

	# shellcheck disable=SC2088 # it is text still
	[[ $ctl != "~/"* ]] || ctl=$HOME/${ctl#"~/"}
	"$ctl" "$@" </dev/null 2>/dev/null
}

# The names of the daemon's listeners; those that a shell would have to quote
# are left to the user. Without a daemon there are none. "$@": how to reach it.
_mercuryctl_listeners() {
	_mercuryctl_run "$@" --json --timeout 1s status |
		grep -oE '"name": "[][:alnum:]_.:@%+,-]+"' |
		sed 's/^"name": "//; s/"$//'
}

# The types of events, and their kinds, as the help has them.
_mercuryctl_types() {
	_mercuryctl_run events --help |
		sed -n 's/^  \(\([a-z]*\)\.[a-z_]*\)  *[a-z]*$/\1 \2/p'
}

# The words that an option of a listener takes, where there are but a few.
_mercuryctl_values() {
	case $1 in
	protocol) echo "echo discard proxy exec module" ;;
	proxy.balance) echo "round_robin least_connections source first" ;;
	proxy.check) echo "off connect expect" ;;
	proxy.send_proxy) echo "off v1 v2" ;;
	proxy.tls.verify) echo "required none" ;;
	exec.stderr) echo "log socket null" ;;
	proxy.splice | module.check_state) echo "true false" ;;
	transport) echo "tcp tls unix" ;;
	overflow) echo "queue reject" ;;
	proxy_protocol) echo "off v1 v2 any" ;;
	nodelay | required | record_connections) echo "true false" ;;
	restart) echo "permanent transient temporary" ;;
	workers) echo "auto" ;;
	keepalive) echo "off 60s/10s/3" ;;
	esac
}

_mercuryctl() {
	local commands="status tree add-listener remove-listener
		update-listener pause resume restart-listener upstreams
		upstream-set connections kick trace history failure-rate stats
		events cleanup reload drain undrain shutdown"
	local keys="address port path mode owner group transport protocol pool
		workers backlog nodelay keepalive drain_timeout idle_timeout
		max_lifetime user_timeout handshake_timeout
		allow deny probes proxy_protocol proxy_trusted tls bind_attempts
		bind_backoff bind_backoff_max required health_port restart max_restarts
		max_seconds hang_timeout record_connections max_connections
		overflow accept_rate accept_burst user proxy exec module"
	local section_keys="proxy.upstreams proxy.balance proxy.connect_timeout
		proxy.retries proxy.max_connections proxy.queue
		proxy.queue_timeout proxy.weight proxy.check
		proxy.check_interval proxy.check_timeout proxy.check_rise
		proxy.check_fall proxy.check_send proxy.check_expect
		proxy.send_proxy proxy.splice proxy.resolve_every
		proxy.resolvers proxy.tls.ca proxy.tls.cert proxy.tls.key
		proxy.tls.crl proxy.tls.verify proxy.tls.server_name
		exec.command exec.directory exec.environment
		exec.max_processes exec.kill_after exec.stderr exec.cpu
		exec.memory exec.files exec.processes
		module.path module.options module.check_state"
	local options="--socket --json --output --timeout --help --version"
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command="" words="" i
	local -a reach=()

	COMPREPLY=()
	# "--option=value" is three words, too; a lone "=" is an empty value.
	if [[ $cur == = && $prev == --* ]]; then
		cur=""
	elif [[ $prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --* ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $prev in
	-s | --socket | --file | --pcap)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--timeout | --deadline | --window | --since | --limit | --older-than | \
		--peer | --idle | --count)
		return
		;;
	esac

	# Where the command is, and behind it how many arguments there are.
	local arguments=0
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket)
			[[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))
			reach=(-s "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-s?*) reach=(-s "${COMP_WORDS[i]#-s}") ;;
		-o | --output | --file | --timeout | --deadline | --window | --since | \
			--limit | --older-than | --peer | --idle | --count | --pcap | \
			--listener | --type | --severity)
			[[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))
			((i++))
			;;
		--watch)
			# Its value may be missing.
			[[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))
			[[ ${COMP_WORDS[i + 1]} != [0-9]* ]] || ((i++))
			;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=${COMP_WORDS[i]}
			else
				((arguments++))
			fi
			;;
		esac
	done

	# A value: bash takes "key=value" for three words.
	if [[ $command == add-listener || $command == update-listener ]]; then
		if [[ $cur == = ]]; then
			cur=""
			words=$(_mercuryctl_values "$prev")
		elif [[ $prev == = ]]; then
			words=$(_mercuryctl_values "${COMP_WORDS[COMP_CWORD - 2]}")
		fi
		if [[ $prev == = || ${COMP_WORDS[COMP_CWORD]} == = ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
			return
		fi
	fi

	case $prev in
	--listener) words=$(_mercuryctl_listeners "${reach[@]}") ;;
	--type) words=$(_mercuryctl_types) ;;
	--severity) words="info warning error" ;;
	-o | --output) words="wide" ;;
	esac
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur" |
			sort -u)
		return
	fi

	case $command in
	"") words=$commands ;;
	status)
		options+=" --watch"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	add-listener)
		options+=" --file --save"
		((arguments)) && words=$keys
		;;
	update-listener)
		options+=" --save"
		if ((arguments)); then
			words=$keys
		else
			words=$(_mercuryctl_listeners "${reach[@]}")
		fi
		;;
	remove-listener)
		options+=" --deadline --save"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	pause)
		options+=" --queue"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	upstream-set)
		# An address is several words to bash, for its colons.
		if ((arguments > 1)); then
			words="ready drain maint"
		elif ((!arguments)); then
			words=$(_mercuryctl_listeners "${reach[@]}")
		fi
		;;
	resume | upstreams | kick | history | drain | undrain)
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	restart-listener)
		options+=" --all --deadline"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	connections)
		options+=" --limit --peer --idle"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	trace)
		options+=" --peer --count --pcap"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	failure-rate)
		options+=" --window"
		((arguments)) || words=$(_mercuryctl_listeners "${reach[@]}")
		;;
	events)
		options+=" --since --listener --type --severity --limit --follow"
		;;
	cleanup) options+=" --older-than --dry-run" ;;
	reload) options+=" --dry-run" ;;
	shutdown) options+=" --deadline" ;;
	esac

	if [[ $cur == -* ]]; then
		words=$options
	elif [[ $words == "$keys" ]]; then
		[[ $cur != *.* ]] || words=$section_keys
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -S = -W "$words" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _mercuryctl mercuryctl
