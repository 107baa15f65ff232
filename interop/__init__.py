"""Against the real thing: official servers, clients and tools beside ours, in every direction.

    python -m interop --namesrv HOST:PORT     a table of what holds for a cluster that runs somewhere
    pytest interop                            the same table for Java's servers, ours, and both mixes

Bottom up: `artifacts` finds the official programs; `process`, `ports` and `raw_client` are what everything stands on;
`server`, `java_servers`, `our_servers` and `cluster` make a cluster; `driver` with java/ and go/ are official clients
that do what they are told, `troupe` those of a run; `messages`, `expect`, `deliveries` and `stage` are what scenarios
are written with; `scenario` is their table, scenarios/ holds them. `binding` finds the C++ binding for Python, and has
a program of its users run with it and with `rocketpy.compat_client`.

The same in containers: `engine` finds one, `own_engine` starts one; `root_filesystem`, `image_archive` and
`images` have what is run in it; `container_program` and `containers` take the place of processes and ports,
`container_servers` and `container_clients` that of servers and drivers.
"""
