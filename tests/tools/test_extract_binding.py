from __future__ import annotations

from tools.extract.binding import rows_of_source

SOURCE = """
from .ffi import dll
Pair = namedtuple('Pair', ['left', 'right'])
PY2 = bool(0)
class Kind(IntEnum):
    ONE = 1
class Thing(Kind):
    table = {}
    def __init__(self, name, size=None, kind=Kind.ONE): pass
    def __del__(self): pass
    @property
    def name(self): return ''
    def do(self, what='*'): pass
    def _inside(self): pass
def shown(x): pass
def _hidden(x): pass
"""


def test_source_becomes_rows_of_what_is_public() -> None:
    place = {"distribution": "d==1", "module": "m"}
    assert list(rows_of_source("d==1", "m", SOURCE)) == [
        {**place, "class": "Pair", "bases": ["tuple"], "fields": ["left", "right"]},
        {**place, "class": "Kind", "bases": ["IntEnum"], "values": {"ONE": 1}, "properties": [], "methods": {}},
        {
            **place,
            "class": "Thing",
            "bases": ["Kind"],
            "values": {"table": {}},
            "properties": ["name"],
            "methods": {
                "__init__": [
                    {"name": "name"}, {"name": "size", "default": "None"}, {"name": "kind", "default": "Kind.ONE"},
                ],
                "do": [{"name": "what", "default": "'*'"}],
            },
        },
        {**place, "function": "shown", "parameters": [{"name": "x"}]},
    ]  # fmt: skip
