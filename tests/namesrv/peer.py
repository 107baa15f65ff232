"""One connection to a name server, over a plain socket, and bodies to register with."""

import json
import socket

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command


class Peer:
    """One connection to the server, one request at a time."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self._opaque = 0

    def send(self, code, ext=None, body=b"", **fields):
        self._opaque += 1
        if isinstance(body, str):
            body = body.encode()
        command = Command(code, opaque=self._opaque, ext_fields=ext, body=body, **fields)
        self.socket.sendall(command.encode())

    def ask(self, code, ext=None, body=b"", **fields):
        self.send(code, ext, body, **fields)
        answer = self.receive()
        assert answer.opaque == self._opaque
        assert answer.is_response
        return answer

    def receive(self):
        length = int.from_bytes(self._read(4))
        return Command.decode(self._read(length))

    def close(self):
        self.socket.close()

    def is_closed(self):
        return self.socket.recv(1) == b""

    def register(self, name="a", broker_id=0, body="", *, cluster="c", address=None, ext=None, **fields):
        header = {
            "brokerName": name,
            "brokerAddr": address or f"{name}:{broker_id}",
            "clusterName": cluster,
            "haServerAddr": f"ha-{name}:{broker_id}",
            "brokerId": str(broker_id),
        }
        return self.ask(RequestCode.REGISTER_BROKER, header | (ext or {}), body, **fields)

    def route(self, topic, **fields):
        return self.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": topic}, **fields)

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "closed by the server"
            data += part
        return data


def topics(*names, version=1, **settings):
    """The JSON text of a registration as a Java broker writes it."""
    table = {
        name: {
            "order": False,
            "perm": 6,
            "readQueueNums": 4,
            "topicFilterType": "SINGLE_TAG",
            "topicName": name,
            "topicSysFlag": 0,
            "writeQueueNums": 4,
        }
        | settings
        for name in names
    }
    wrapper = {"dataVersion": {"counter": version, "timestamp": version}, "topicConfigTable": table}
    return json.dumps({"filterServerList": [], "topicConfigSerializeWrapper": wrapper}, ensure_ascii=False)
