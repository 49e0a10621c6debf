%% The jobs of `odeon bench local` for Erlang's virtual machine. Each prints one number.
-module(bench).
-export([main/1]).

main([Job]) ->
    Value = run(Job),
    io:format("~.4f~n", [float(Value)]),
    halt(0).

body() -> binary:copy(<<0>>, 64).

median(Values) -> lists:nth(length(Values) div 2 + 1, lists:sort(Values)).

seconds(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - Start) / 1.0e9.

run("spawn") ->
    %% Microseconds: spawn, block in receive, one message, end.
    Batch = 100,
    median([begin
        Time = seconds(fun() ->
            Refs = [spawn_monitor(fun() -> receive _ -> ok end end) || _ <- lists:seq(1, Batch)],
            [Pid ! body() || {Pid, _} <- Refs],
            [receive {'DOWN', Ref, _, _, _} -> ok end || {_, Ref} <- Refs]
        end),
        Time * 1.0e6 / Batch
    end || _ <- lists:seq(1, 300)]);
run("idle") ->
    Before = erlang:memory(total),
    Pids = [spawn(fun echo/0) || _ <- lists:seq(1, 20000)],
    (erlang:memory(total) - Before) / 1024 / length(Pids);
run("pingpong") -> pairs(1, 400000);
run("pingpong_pairs") -> pairs(16, 50000);
run("fanin") ->
    Senders = 8, Hundreds = 2500, Total = Senders * Hundreds * 100,
    median([begin
        Time = seconds(fun() ->
            {Sink, Ref} = spawn_monitor(fun() -> sink(Total) end),
            [spawn(fun() -> flood(Sink, body(), Hundreds, true) end)
                || _ <- lists:seq(1, Senders)],
            receive {'DOWN', Ref, _, _, _} -> ok end
        end),
        Total / Time
    end || _ <- lists:seq(1, 3)]);
run("fib35") ->
    median([seconds(fun() -> fib(35) end) * 1.0e3 || _ <- lists:seq(1, 3)]);
run("rtt_p99") ->
    [spawn(fun spin/0) || _ <- lists:seq(1, 2)],
    Pong = spawn(fun echo/0),
    Count = 6000,
    Self = self(),
    spawn(fun() -> Self ! {times, [trip(Pong) || _ <- lists:seq(1, Count)]} end),
    receive {times, Times} -> lists:nth(Count * 99 div 100, lists:sort(Times)) / 1000 end.

pairs(Pairs, Count) ->
    median([begin
        Pongs = [spawn(fun echo/0) || _ <- lists:seq(1, Pairs)],
        Time = seconds(fun() ->
            Refs = [element(2, spawn_monitor(fun() -> ping(Pong, body(), Count) end))
                || Pong <- Pongs],
            [receive {'DOWN', Ref, _, _, _} -> ok end || Ref <- Refs]
        end),
        [exit(Pong, kill) || Pong <- Pongs],
        Pairs * Count / Time
    end || _ <- lists:seq(1, 3)]).

trip(Pong) ->
    Start = erlang:monotonic_time(nanosecond),
    Pong ! {self(), body()},
    receive _ -> ok end,
    erlang:monotonic_time(nanosecond) - Start.

echo() -> receive {From, Body} -> From ! Body, echo() end.

ping(_, _, 0) -> ok;
ping(Pong, Body, Count) ->
    Pong ! {self(), Body},
    receive _ -> ping(Pong, Body, Count - 1) end.

sink(0) -> ok;
sink(Count) ->
    receive
        {ack, From, Body} -> From ! Body, sink(Count - 1);
        {msg, _, _} -> sink(Count - 1)
    end.

flood(_, _, 0, _) -> receive _ -> ok end;
flood(Sink, Body, Hundreds, First) ->
    burst(Sink, Body, 99),
    Sink ! {ack, self(), Body},
    case First of true -> ok; false -> receive _ -> ok end end,
    flood(Sink, Body, Hundreds - 1, false).

burst(_, _, 0) -> ok;
burst(Sink, Body, Count) -> Sink ! {msg, self(), Body}, burst(Sink, Body, Count - 1).

fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).

spin() -> spin().
