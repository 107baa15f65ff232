import random

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.frame import FrameDecoder

FRAMES = [b"\x00\x00\x00\x00", b"\x00\x00\x00\x02{}", bytes(range(256)) * 3, b"\x01\x00\x00\x04abcdefgh"]
STREAM = b"".join(len(frame).to_bytes(4) + frame for frame in FRAMES)


def frames_of(decoder: FrameDecoder, *reads: bytes) -> list[bytes]:
    frames = []
    for data in reads:
        decoder.feed(data)
        while (frame := decoder.next_frame()) is not None:
            frames.append(frame)
    return frames


def test_frames_of_one_read() -> None:
    assert frames_of(FrameDecoder(), STREAM) == FRAMES


def test_frames_byte_by_byte() -> None:
    assert frames_of(FrameDecoder(), *(STREAM[at : at + 1] for at in range(len(STREAM)))) == FRAMES


def test_frames_cut_anywhere() -> None:
    rng = random.Random(7)
    for _ in range(200):
        cuts = sorted(rng.choices(range(len(STREAM)), k=rng.randrange(8)))
        reads = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
        assert frames_of(FrameDecoder(), *reads) == FRAMES


def test_an_unfinished_frame_waits() -> None:
    decoder = FrameDecoder()
    assert frames_of(decoder, STREAM + STREAM[:3]) == FRAMES
    assert frames_of(decoder, STREAM[3:]) == FRAMES


@pytest.mark.parametrize("length", [-1, -(2**31), 0, 3, 1000 - 3, 2**31 - 1])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(ProtocolError, match=f"frame of {length} bytes"):
        frames_of(FrameDecoder(max_frame=1000), length.to_bytes(4, signed=True) + b"12345678")


def test_the_longest_frame_is_read() -> None:
    frame = bytes(1000 - 4)
    assert frames_of(FrameDecoder(max_frame=1000), len(frame).to_bytes(4), frame) == [frame]
