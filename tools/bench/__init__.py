"""How fast, how big, how soon ready: the official broker and ours, side by side in one run on one machine.

- `python -m tools.bench`              both brokers, every case, a table with ratios
- `python -m tools.bench.features`     the same of transactions, delays, filters and request-reply
- `python -m tools.bench.clients`      our client beside the official Java and Go ones, at our broker
- `python -m tools.bench.recovery`     the same of starts on a full store, closed or killed
- `python -m tools.bench.store`        what the store costs by itself, appending and reading
- `python -m tools.bench.micro`        the functions of the hot path one by one
- `python -m tools.bench.in_process`   a whole send within our broker, sockets left out
- `python -m tools.bench.in_process_features`  the same of transactions, delays and filters

Absolute figures of a shared machine wander by 10-20 %, so only ratios within one run count. Each case is run by turns
against both brokers, in short rounds, and the load generator tells what it costs itself: a generator as expensive as
the broker would hide the broker's ceiling.
"""
