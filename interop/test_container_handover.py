"""One store volume, served by the official broker's container and by ours in turn: each finds what the other left."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.container_servers import IMAGES, ContainerBroker, ContainerNameServer
from interop.containers import Containers, Network
from interop.expect import equal
from interop.raw_client import RawClient
from interop.test_handover import A_TURN, SMALL, History

MAKES = ("java", "ours", "java", "ours")


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_volume_goes_back_and_forth(containers: Containers, network: Network, tmp_path: Path, killed: bool) -> None:
    history = History()
    volume = containers.volume()
    owners = set()
    with ContainerNameServer(tmp_path / "namesrv", IMAGES["java"][0], containers, network) as namesrv:
        for turn, make in enumerate(MAKES):
            directory = tmp_path / f"broker-{turn}"
            image = IMAGES[make][1]
            with ContainerBroker(
                directory, image, containers, namesrv.address, network, volume=volume, **SMALL
            ) as broker:
                with RawClient(broker.address) as client:
                    history.check_messages(client)
                    if turn and not killed:  # Java loses index and offsets of the last seconds when it is killed
                        history.check_files_beside(client)
                    history.go_on(client)
                assert broker.container is not None
                status, said = broker.container.execute("find", "/home/rocketmq/store", "-printf", "%U:%G\n")
                equal("listing of the store", status, 0)
                owners.update(said.split())
                if not killed:
                    equal(f"exit status of {make}", broker.stop() in (0, 143), True)
    equal("owners of its files", owners, {"3000:3000"})
    equal("messages", len(history.messages), len(MAKES) * A_TURN)
