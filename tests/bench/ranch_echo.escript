#!/usr/bin/env escript
%% -*- erlang -*-
%%! +Q 65536 +P 262144
%% An echo listener of Ranch, as its manual has it. A line on the standard
%% input has it stop and start the listener; its end ends this.
%%
%%     ranch_echo.escript EBIN PORT
-mode(compile).
-export([start_link/3, serve/2]).

start_link(Ref, Transport, _Options) ->
    {ok, spawn_link(?MODULE, serve, [Ref, Transport])}.

serve(Ref, Transport) ->
    {ok, Socket} = ranch:handshake(Ref),
    echo(Socket, Transport).

echo(Socket, Transport) ->
    case Transport:recv(Socket, 0, infinity) of
        {ok, Data} ->
            case Transport:send(Socket, Data) of
                ok -> echo(Socket, Transport);
                {error, _} -> Transport:close(Socket)
            end;
        {error, _} -> Transport:close(Socket)
    end.

listen(Port) ->
    Options = #{max_connections => infinity, num_acceptors => 16,
                socket_opts => [{ip, {127, 0, 0, 1}}, {port, Port},
                                {backlog, 4096}, {nodelay, true}]},
    {ok, _} = ranch:start_listener(echo, ranch_tcp, Options, ?MODULE, []).

commands(Port) ->
    case io:get_line("") of
        eof -> halt(0);
        {error, _} -> halt(1);
        _ ->
            ok = ranch:stop_listener(echo),
            listen(Port),
            io:format("restarted~n"),
            commands(Port)
    end.

main([Ebin, Port]) ->
    true = code:add_patha(Ebin),
    {ok, _} = application:ensure_all_started(ranch),
    logger:set_primary_config(level, none),
    listen(list_to_integer(Port)),
    io:format("listening~n"),
    commands(list_to_integer(Port)).
