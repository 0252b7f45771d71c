%% Programs of the Savina suite on Erlang's own processes, as Programs.ts has them for libraries of JavaScript: the same
%% messages, the same operations, each result checked. Measured as in Measure.ts: warm, then the median of batches.
%% Processes are spawned without links and supervisors; a fresh set for each batch.
-module(savina).
-export([main/0]).

main() ->
    Quick = lists:member("--quick", init:get_plain_arguments()),
    Samples = [measure(Id, Run, Quick) || {Id, Run} <- programs()],
    io:format("{\"samples\":[~s]}~n", [lists:join(",", Samples)]),
    halt(0).

programs() ->
    [{"pingpong", fun pingpong/1},
     {"count", fun count/1},
     {"fjcreate", fun fjcreate/1},
     {"createstop", fun createstop/1},
     {"fjthrput", fun fjthrput/1},
     {"threadring", fun threadring/1},
     {"chameneos", fun chameneos/1},
     {"big", fun big/1}].

%% ---------------------------------------------------------------- measuring

measure(Id, Run, Quick) ->
    {WarmUp, Batch, Batches} = case Quick of true -> {2, 1, 1}; false -> {250, 100, 5} end,
    Operations = warm_up(Run, 64, WarmUp, Batch, now_ns()),
    {Cpu, Wall} = lists:unzip([batch(Run, Operations) || _ <- lists:seq(1, Batches)]),
    io_lib:format("{\"case\":\"~s\",\"cpuNs\":~.3f,\"wallNs\":~.3f}", [Id, median(Cpu), median(Wall)]).

warm_up(Run, Operations, WarmUp, Batch, Begin) ->
    Start = now_ns(),
    Run(Operations),
    Now = now_ns(),
    Ms = max((Now - Start) / 1.0e6, 0.001),
    case (Now - Begin) / 1.0e6 >= WarmUp andalso Ms >= Batch / 4 of
        true -> max(1, round(Operations * Batch / Ms));
        false -> warm_up(Run, Operations * 2, WarmUp, Batch, Begin)
    end.

batch(Run, Operations) ->
    Cpu = cpu_ns(),
    Start = now_ns(),
    Run(Operations),
    {(cpu_ns() - Cpu) / Operations, (now_ns() - Start) / Operations}.

now_ns() -> erlang:monotonic_time(nanosecond).

%% CPU time of all threads of the process, in ticks of the kernel of 10 ms: batches are longer for it than those of the others.
cpu_ns() ->
    {Total, _} = erlang:statistics(runtime),
    Total * 1000000.

median(Values) -> lists:nth((length(Values) + 1) div 2, lists:sort(Values)).

check(_, Value, Value) -> ok;
check(What, Actual, Expected) ->
    io:format(standard_error, "~s is ~p, and should be ~p~n", [What, Actual, Expected]),
    halt(1).

%% Waits for the one message that ends a program.
finished() -> receive {done, Result} -> Result end.

%% ---------------------------------------------------------------- ping-pong, thread ring, counting

pingpong(Operations) ->
    Main = self(),
    Ping = spawn(fun() -> player(Main, undefined, 0) end),
    Pong = spawn(fun() -> player(Main, Ping, 0) end),
    Ping ! {partner, Pong},
    Ping ! (Operations - 1),
    finished(),
    check("The number of pings", stopped(Ping), (Operations + 1) div 2),
    check("The number of pongs", stopped(Pong), Operations div 2).

player(Main, Partner, Handled) ->
    receive
        {partner, Pid} -> player(Main, Pid, Handled);
        {stop, From} -> From ! {handled, Handled};
        0 -> Main ! {done, ok}, player(Main, Partner, Handled + 1);
        Left -> Partner ! (Left - 1), player(Main, Partner, Handled + 1)
    end.

stopped(Pid) ->
    Pid ! {stop, self()},
    receive {handled, Handled} -> Handled end.

threadring(Operations) ->
    Main = self(),
    Ring = [spawn(fun() -> link_of_ring(Main, I, undefined, 0) end) || I <- lists:seq(0, 99)],
    [Pid ! {partner, Next} || {Pid, Next} <- lists:zip(Ring, tl(Ring) ++ [hd(Ring)])],
    hd(Ring) ! (Operations - 1),
    Last = finished(),
    check("The number of hops", lists:sum([stopped(Pid) || Pid <- Ring]), Operations),
    check("The actor that got the last", Last, (Operations - 1) rem 100).

link_of_ring(Main, I, Next, Hops) ->
    receive
        {partner, Pid} -> link_of_ring(Main, I, Pid, Hops);
        {stop, From} -> From ! {handled, Hops};
        0 -> Main ! {done, I}, link_of_ring(Main, I, Next, Hops + 1);
        Left -> Next ! (Left - 1), link_of_ring(Main, I, Next, Hops + 1)
    end.

count(Operations) ->
    Main = self(),
    Counter = spawn(fun() -> counter(undefined, 0) end),
    Producer = spawn(fun() -> producer(Main, Counter, Operations) end),
    Counter ! {producer, Producer},
    Producer ! 0,
    Total = finished(),
    exit(Counter, kill),
    check("The count", Total, Operations).

counter(Producer, Counted) ->
    receive
        {producer, Pid} -> counter(Pid, Counted);
        0 -> Producer ! Counted, counter(Producer, Counted);
        Amount -> counter(Producer, Counted + Amount)
    end.

producer(Main, Counter, Operations) ->
    receive
        Operations -> Main ! {done, Operations};
        Sofar ->
            burst(Counter, min(1000, Operations - Sofar)),
            Counter ! 0,
            producer(Main, Counter, Operations)
    end.

burst(_, 0) -> ok;
burst(Counter, Left) -> Counter ! 1, burst(Counter, Left - 1).

%% ---------------------------------------------------------------- fork and join

%% The sum is shared memory here, as the variable is in the programs for JavaScript. The process waits for more messages until it
%% is killed in the end, as the libraries are closed in the end.
fjcreate(Operations) ->
    create(Operations, fun once_and_wait/1).

%% The process ends after its message. A thousand at a time, as in CreateStop.ts.
createstop(Operations) when Operations =< 1000 -> create(Operations, fun once/1);
createstop(Operations) -> create(1000, fun once/1), createstop(Operations - 1000).

create(Operations, Body) ->
    Shared = {atomics:new(2, []), self()},
    atomics:put(element(1, Shared), 1, Operations),
    Pids = creating(Shared, Body, Operations, []),
    finished(),
    check("The sum", atomics:get(element(1, Shared), 2), Operations * (Operations - 1) div 2),
    [exit(Pid, kill) || Pid <- Pids].

creating(_, _, 0, Pids) -> Pids;
creating(Shared, Body, Left, Pids) ->
    Pid = spawn(fun() -> Body(Shared) end),
    Pid ! (Left - 1),
    creating(Shared, Body, Left - 1, kept(Body, Pid, Pids)).

kept(Body, Pid, Pids) ->
    case Body =:= fun once_and_wait/1 of true -> [Pid | Pids]; false -> Pids end.

once_and_wait(Shared) -> once(Shared), once_and_wait(Shared).

once({Atomics, Main}) ->
    receive
        Value ->
            atomics:add(Atomics, 2, Value),
            case atomics:sub_get(Atomics, 1, 1) of 0 -> Main ! {done, ok}; _ -> ok end
    end.

fjthrput(Operations) ->
    Rounds = (Operations + 5999) div 6000,
    Main = self(),
    Workers = [spawn(fun() -> worker(Main, 0) end) || _ <- lists:seq(1, 60)],
    rounds(Workers, Rounds),
    check("The number of messages", lists:sum([stopped(Pid) || Pid <- Workers]), Rounds * 6000).

rounds(_, 0) -> ok;
rounds(Workers, Left) ->
    [[Pid ! I || Pid <- Workers] || I <- lists:seq(1, 100)],
    [receive joined -> ok end || _ <- Workers],
    rounds(Workers, Left - 1).

%% Says when a round is over for it, and not after each message, so that here the round costs less than in the others.
worker(Main, Handled) ->
    receive
        {stop, From} -> From ! {handled, Handled};
        100 -> Main ! joined, worker(Main, Handled + 1);
        _ -> worker(Main, Handled + 1)
    end.

%% ---------------------------------------------------------------- chameneos, big

chameneos(Operations) ->
    Main = self(),
    Mall = spawn(fun() -> mall(Operations, undefined) end),
    [spawn(fun() -> creature(Main, Mall, I rem 3) end) || I <- lists:seq(0, 99)],
    Met = lists:sum([receive {met, Times} -> Times end || _ <- lists:seq(1, 100)]),
    exit(Mall, kill),
    check("Twice the number of meetings", Met, 2 * Operations).

mall(0, Waiting) ->
    case Waiting of undefined -> ok; {_, First} -> First ! gone end,
    receive {_, Pid} -> Pid ! gone end,
    mall(0, undefined);
mall(Left, undefined) ->
    receive Visitor -> mall(Left, Visitor) end;
mall(Left, {OtherColour, Other}) ->
    receive
        {Colour, Pid} ->
            Other ! Colour,
            Pid ! OtherColour,
            mall(Left - 1, undefined)
    end.

creature(Main, Mall, Colour) ->
    Mall ! {Colour, self()},
    creature(Main, Mall, Colour, 0).

creature(Main, Mall, Colour, Met) ->
    receive
        gone -> Main ! {met, Met};
        Other ->
            New = case Other of Colour -> Colour; _ -> 3 - Colour - Other end,
            Mall ! {New, self()},
            creature(Main, Mall, New, Met + 1)
    end.

big(Operations) ->
    Main = self(),
    Each = (Operations + 119) div 120,
    All = [spawn(fun() -> receive {all, Pids} -> pinger(Main, Pids, I, Each, I, 0) end end) || I <- lists:seq(1, 120)],
    Pids = list_to_tuple(All),
    [Pid ! {all, Pids} || Pid <- All],
    [Pid ! -1 || Pid <- All],
    [receive ended -> ok end || _ <- All],
    check("The number of pings", lists:sum([stopped(Pid) || Pid <- All]), Each * 120).

%% The generator of randomOf in Library.ts, one for each process, since they share no memory.
pinger(Main, Pids, I, Left, Random, Pings) ->
    receive
        {stop, From} -> From ! {handled, Pings};
        -1 when Left =:= 0 -> Main ! ended, pinger(Main, Pids, I, -1, Random, Pings);
        -1 ->
            Next = (Random * 1664525 + 1013904223) band 16#ffffffff,
            element(1 + ((Next * 120) bsr 32), Pids) ! I,
            pinger(Main, Pids, I, Left - 1, Next, Pings);
        From ->
            element(From, Pids) ! -1,
            pinger(Main, Pids, I, Left, Random, Pings + 1)
    end.
