"""Sockets and greenlets: how frames come in, are answered, and leave; no subject of RocketMQ is known here.

- `router`      from a request's code to its handler, and from what that does to the answer's bytes
- `connection`  one peer: reads, handles in line, writes; asks it in turn
- `server`      a listening port and its connections
- `client`      requests by address, over shared connections
- `workers`     the greenlets in which connections are served
- `loops`       what is done from time to time
- `app`         something that runs in a hub: in yours, in a thread, or as the process
"""
