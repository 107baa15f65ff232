"""The keys of Java's NettyServerConfig and NettyClientConfig: they stand in the file of the broker or name server."""

from __future__ import annotations

from rocketpy.config.address import processors
from rocketpy.config.key import Config, Long, key, keys


@keys
class ServerConfig(Config):
    """Java's NettyServerConfig (remoting/.../netty/NettyServerConfig.java:20-42)."""

    listen_port: int = key(8888, "the port; mqnamesrv starts from 9876, mqbroker from 10911; 0: any free one")
    server_worker_threads: int = key(8, "threads that decode and encode", moot=True)
    server_callback_executor_threads: int = key(0, "threads that run callbacks", moot=True)
    server_selector_threads: int = key(3, "threads that wait for sockets", moot=True)
    server_oneway_semaphore_value: int = key(256, "most oneway requests under way towards clients", moot=True)
    server_async_semaphore_value: int = key(64, "most asynchronous requests under way towards clients", moot=True)
    server_channel_max_idle_time_seconds: int = key(120, "s without a byte either way before a connection is closed")
    server_socket_snd_buf_size: int = key(0, "bytes of SO_SNDBUF; 0: the system's choice")
    server_socket_rcv_buf_size: int = key(0, "bytes of SO_RCVBUF; 0: the system's choice")
    write_buffer_high_water_mark: int = key(0, "bytes that may wait for a slow peer; ours is not read from", moot=True)
    write_buffer_low_water_mark: int = key(0, "bytes waiting when a slow peer is fast again", moot=True)
    server_socket_backlog: int = key(1024, "connections that wait to be accepted")
    server_pooled_byte_buf_allocator_enable: bool = key(True, "pool Netty's buffers", moot=True)
    use_epoll_native_selector: bool = key(False, "wait for sockets with Netty's own epoll", moot=True)


@keys
class RemotingClientConfig(Config):
    """Java's NettyClientConfig (remoting/.../netty/NettyClientConfig.java:19-46): how a server connects to others."""

    client_worker_threads: int = key(4, "threads that decode and encode", moot=True)
    client_callback_executor_threads: int = key(processors, "threads that run callbacks", moot=True)
    client_oneway_semaphore_value: int = key(65535, "most oneway requests under way", moot=True)
    client_async_semaphore_value: int = key(65535, "most asynchronous requests under way", moot=True)
    connect_timeout_millis: int = key(3000, "ms to wait for a connection")
    channel_not_active_interval: Long = key(60_000, "ms of silence; read by nothing in Java either", moot=True)
    client_channel_max_idle_time_seconds: int = key(120, "s without a byte either way before a connection is closed")
    client_socket_snd_buf_size: int = key(0, "bytes of SO_SNDBUF; 0: the system's choice")
    client_socket_rcv_buf_size: int = key(0, "bytes of SO_RCVBUF; 0: the system's choice")
    client_pooled_byte_buf_allocator_enable: bool = key(False, "pool Netty's buffers", moot=True)
    client_close_socket_if_timeout: bool = key(True, "close a connection whose synchronous request timed out")
    use_tls: bool = key(False, "speak TLS", java="useTLS")
    write_buffer_high_water_mark: int = key(0, "bytes that may wait for a slow server", moot=True)
    write_buffer_low_water_mark: int = key(0, "bytes waiting when a slow server is fast again", moot=True)
