from __future__ import annotations

import pytest

from rocketpy.protocol.flags import MessageSysFlag, perm_string, transaction_type, with_transaction_type


@pytest.mark.parametrize(
    ("perm", "text"), [(0, "---"), (1, "--X"), (2, "-W-"), (4, "R--"), (6, "RW-"), (7, "RWX"), (8, "---"), (99, "-WX")]
)
def test_perm_is_shown_as_three_letters(perm: int, text: str) -> None:
    assert perm_string(perm) == text


def test_transaction_type_is_read_and_replaced_alone() -> None:
    flag = MessageSysFlag.COMPRESSED | MessageSysFlag.TRANSACTION_PREPARED | MessageSysFlag.BORNHOST_V6
    assert transaction_type(flag) == MessageSysFlag.TRANSACTION_PREPARED
    committed = with_transaction_type(flag, MessageSysFlag.TRANSACTION_COMMIT)
    assert committed == MessageSysFlag.COMPRESSED | MessageSysFlag.TRANSACTION_COMMIT | MessageSysFlag.BORNHOST_V6
    assert with_transaction_type(committed, MessageSysFlag.TRANSACTION_NOT_TYPE) == 0x11
