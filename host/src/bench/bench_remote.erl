%% The jobs of `odeon bench remote` for Erlang's virtual machine: two connected ones, of
%% which the near one measures and prints one number. Both end when their standard
%% input does, so that none outlives whoever started them.
-module(bench_remote).
-export([main/1, far/0, spawned/1, crowd/1, canary/0, nothing/0, add/2, members/2]).

far() ->
    io:format("ready~n"),
    until_eof().

main([Job, Far | More]) ->
    spawn(fun until_eof/0),
    [true = net_kernel:connect_node(list_to_atom(Other)) || Other <- More],
    Value = run(Job, list_to_atom(Far)),
    io:format("~.4f~n", [float(Value)]),
    halt(0).

until_eof() ->
    case io:get_line("") of
        Text when is_list(Text) -> until_eof();
        _ -> halt(0)
    end.

median(Values) -> lists:nth(length(Values) div 2 + 1, lists:sort(Values)).

seconds(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - Start) / 1.0e9.

await([]) -> ok;
await([Ref | Refs]) -> receive {'DOWN', Ref, _, _, normal} -> await(Refs) end.

run("connect", Node) ->
    Times = [begin
        Time = seconds(fun() -> connect(Node) end),
        erlang:disconnect_node(Node),
        timer:sleep(100),
        Time * 1.0e3
    end || _ <- lists:seq(1, 21)],
    median(Times);
run(Job, Node) ->
    true = net_kernel:connect_node(Node),
    connected(Job, Node).

%% Over TLS the other side may still be at the end of the former connection.
connect(Node) ->
    case net_kernel:connect_node(Node) of
        true -> ok;
        false -> connect(Node)
    end.

connected("pingpong", Node) ->
    Pong = far_spawn(Node, [echo]),
    Trip = fun(Count) ->
        seconds(fun() -> await([element(2, spawn_monitor(fun() -> ping(Pong, body(64), Count) end))]) end)
    end,
    Trip(5000),
    Count = 40000,
    Count / Trip(Count);
connected("small", Node) -> stream(Node, 1, 400000, 64);
connected("small_8", Node) -> stream(Node, 8, 50000, 64);
connected("big", Node) ->
    Count = 1024,
    stream(Node, 1, Count, 1 bsl 20) * (1 bsl 20) / 1.0e6;
connected("spawn_down", Node) ->
    Count = 20000,
    spawn_down(Node, 1000),
    Count / seconds(fun() -> spawn_down(Node, Count) end);
connected("call", Node) -> calls(Node, 1, 20000);
connected("call_64", Node) -> calls(Node, 64, 2000);
%% Names on all nodes, one after the other.
connected("register", _) -> registrations(1, 300);
%% The same by 64 processes at a time.
connected("register_64", _) -> registrations(64, 10);
connected("whereis", _) ->
    global:sync(),
    yes = global:register_name(bench, self()),
    Count = 1000000,
    seconds(fun() -> whereis_name(Count) end) * 1.0e9 / Count;
%% 10,000 members on three nodes, to each of which a loop sends.
connected("group_cast", _) ->
    Self = self(),
    Share = 10000 div 3,
    [begin
        Size = case Node of N when N =:= node() -> 10000 - 2 * Share; _ -> Share end,
        spawn(Node, ?MODULE, members, [Size, Self]),
        receive joined -> ok end
    end || Node <- [node() | nodes()]],
    pg_has(10000),
    Body = body(64),
    median([seconds(fun() ->
        [Pid ! {Self, Body} || Pid <- pg:get_members(bench, members)],
        answers(10000)
    end) * 1.0e3 || _ <- lists:seq(1, 11)]);
connected("ping_under_bulk", Node) ->
    Pong = far_spawn(Node, [echo]),
    Sink = far_spawn(Node, [sink]),
    Bulk = body(64 bsl 20),
    spawn_link(fun() -> bulk(Sink, Bulk) end),
    timer:sleep(500),
    Self = self(),
    spawn(fun() -> Self ! {times, [trip(Pong) || _ <- lists:seq(1, 300)]} end),
    receive {times, Times} ->
        lists:nth(length(Times) * 99 div 100, lists:sort(Times)) / 1000
    end;
connected("nodedown", Node) ->
    Pids = rpc:call(Node, ?MODULE, crowd, [100000]),
    Refs = [monitor(process, Pid) || Pid <- Pids],
    Port = rpc:call(Node, ?MODULE, canary, []),
    Self = self(),
    spawn_opt(fun() ->
        {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [{active, true}]),
        Self ! connected,
        receive {tcp_closed, Socket} -> Self ! {lost, erlang:monotonic_time(nanosecond)} end
    end, [{priority, max}]),
    receive connected -> ok end,
    Process = rpc:call(Node, os, getpid, []),
    timer:sleep(500),
    spawn(fun() -> os:cmd("kill -9 " ++ Process) end),
    [receive {'DOWN', Ref, _, _, noconnection} -> ok end || Ref <- Refs],
    End = erlang:monotonic_time(nanosecond),
    receive {lost, Start} -> (End - Start) / 1.0e6 end.

%% Registrations in a second.
registrations(Callers, Count) ->
    application:set_env(kernel, global_multi_name_action, allow),
    global:sync(),
    register_names(50),
    Time = seconds(fun() ->
        await([element(2, spawn_monitor(fun() -> register_names(Count) end))
            || _ <- lists:seq(1, Callers)])
    end),
    Callers * Count / Time.

register_names(0) -> ok;
register_names(Count) ->
    yes = global:register_name({bench, make_ref()}, self()),
    register_names(Count - 1).

whereis_name(0) -> ok;
whereis_name(Count) ->
    Pid = global:whereis_name(bench),
    true = is_pid(Pid),
    whereis_name(Count - 1).

%% Members of a group on this node, which live as long as this process.
members(Count, To) ->
    {ok, _} = pg:start(bench),
    ok = pg:join(bench, members, [spawn(fun echo/0) || _ <- lists:seq(1, Count)]),
    To ! joined,
    receive never -> ok end.

pg_has(Count) ->
    case length(pg:get_members(bench, members)) of
        Count -> ok;
        _ -> timer:sleep(1), pg_has(Count)
    end.

answers(0) -> ok;
answers(Count) -> receive Answer when is_binary(Answer) -> answers(Count - 1) end.

body(Bytes) -> binary:copy(<<1>>, Bytes).

%% On the far node, what spawn/4 runs.
spawned([echo]) -> echo();
spawned([sink]) -> sink().

far_spawn(Node, What) -> spawn(Node, ?MODULE, spawned, [What]).

echo() -> receive {From, Body} -> From ! Body, echo() end.

sink() ->
    receive
        {ack, From, _} -> From ! done, sink();
        {msg, _, _} -> sink()
    end.

ping(_, _, 0) -> ok;
ping(Pong, Body, Count) ->
    Pong ! {self(), Body},
    receive _ -> ping(Pong, Body, Count - 1) end.

trip(Pong) ->
    Start = erlang:monotonic_time(nanosecond),
    Pong ! {self(), body(64)},
    receive _ -> ok end,
    erlang:monotonic_time(nanosecond) - Start.

%% Messages in a second. Each sender's last one is answered.
stream(Node, Senders, Count, Bytes) ->
    Sink = far_spawn(Node, [sink]),
    Body = body(Bytes),
    Send = fun(Messages) ->
        seconds(fun() ->
            await([element(2, spawn_monitor(fun() -> send(Sink, Body, Messages) end))
                || _ <- lists:seq(1, Senders)])
        end)
    end,
    Send(max(1, Count div 20)),
    Senders * Count / Send(Count).

send(Sink, Body, 1) ->
    Sink ! {ack, self(), Body},
    receive done -> ok end;
send(Sink, Body, Count) ->
    Sink ! {msg, self(), Body},
    send(Sink, Body, Count - 1).

bulk(Sink, Body) ->
    Sink ! {ack, self(), Body},
    receive done -> bulk(Sink, Body) end.

spawn_down(_, 0) -> ok;
spawn_down(Node, Count) ->
    {_, Ref} = spawn_monitor(Node, ?MODULE, nothing, []),
    receive {'DOWN', Ref, _, _, normal} -> spawn_down(Node, Count - 1) end.

nothing() -> ok.

%% Calls in a second.
calls(Node, Callers, Count) ->
    call(Node, 1000),
    Time = seconds(fun() ->
        await([element(2, spawn_monitor(fun() -> call(Node, Count) end))
            || _ <- lists:seq(1, Callers)])
    end),
    Callers * Count / Time.

call(_, 0) -> ok;
call(Node, Count) ->
    3 = erpc:call(Node, ?MODULE, add, [1, 2]),
    call(Node, Count - 1).

add(A, B) -> A + B.

crowd(Count) -> [spawn(fun echo/0) || _ <- lists:seq(1, Count)].

%% A connection that shows when this node's process is gone.
canary() ->
    Self = self(),
    spawn(fun() ->
        {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
        {ok, Port} = inet:port(Listener),
        Self ! {port, Port},
        {ok, _} = gen_tcp:accept(Listener),
        receive never -> ok end
    end),
    receive {port, Port} -> Port end.
