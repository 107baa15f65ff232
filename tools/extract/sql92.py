"""Asks the official filter module what it makes of many expressions: `python -m tools.extract.sql92`.

Each expression is put to each set of properties; the answers, one letter each, are T, F, N for null and ! for an
exception. They go to compat/sql92.json5.
"""

from __future__ import annotations

import json
import subprocess
from itertools import product
from pathlib import Path
from typing import Final

import compat
from interop import artifacts

SOURCE: Final = Path(__file__).with_name("Sql92.java")
COMMENT: Final = """What SQL92 filters match. results: an answer for each of `sets`; T, F, N (null), ! (an exception).
blooms: the bits of names in bloom filters.
Made by `python -m tools.extract.sql92` from the official jars of Apache RocketMQ 4.9.7; not edited by hand."""

SETS: Final[list[dict[str, str]]] = [
    {}, {"a": ""}, {"a": "x"}, {"a": "5"}, {"a": "5.0"}, {"a": " 5 "}, {"a": "-3"}, {"a": "+7"}, {"a": "0"},
    {"a": "-0.0"}, {"a": "NaN"}, {"a": "Infinity"}, {"a": "1e3"}, {"a": "5d"}, {"a": "0x1p3"}, {"a": "true"},
    {"a": "TRUE"}, {"a": "false"}, {"a": "2147483648"}, {"a": "9223372036854775808"}, {"a": "it's"},
    {"a": "\u00fcber"}, {"b": "5"}, {"a": "5", "b": "5"}, {"a": "5", "b": "5.0"}, {"a": "4", "b": "10"},
    {"a": "x", "b": "y"}, {"a": "x", "b": "x"}, {"a": "5", "b": "true"}, {"a": "\u0665"}, {"A": "5"},
    {"a": "1_0"}, {"_x$1": "5"}, {"a": "5", "b": "7", "c": "9"},
]  # fmt: skip
OPERANDS: Final = ("a", "b", "5", "-5", "5.0", "-0.5", "2147483648", "5L", "'5'", "'x'", "TRUE", "FALSE", "NULL", "(a)")
OPERATORS: Final = ("=", "<>", ">", ">=", "<", "<=")
CONDITIONS: Final = ("a = 5", "b = 5", "a IS NULL", "b IS NOT NULL", "a > b", "a", "TRUE", "NULL", "NOT (a = 'x')")
OTHERS: Final = (
    "", " ", "a", "5", "'x'", "-a", "+a", "+ + 5 = a", "- - 5 = a", "-a = 5", "-'5' = a", "NOT a", "NOT -a",
    "NOT NOT a = 5",
    "a IN ('x')", "a in ('5', 'x')", "a NOT IN ('x')", "a IN ('it''s')", "a IN ()", "a IN (5)", "a IN ('x'", "a IN 'x'",
    "a NOT IN ('x', 'y', 'z', '5', 'true', '')", "5 IN ('5')", "(a) IN ('5')", "a IN ('x') = TRUE", "a IN ('x') > 5",
    "a BETWEEN 1 AND 5", "a NOT BETWEEN 1 AND 5", "a BETWEEN 5 AND 1", "a NOT BETWEEN 5 AND 1", "a BETWEEN b AND 9",
    "a BETWEEN -5 AND -1", "a BETWEEN -1 AND -5", "a BETWEEN '1' AND '5'", "a BETWEEN 'b' AND 'a'",
    "a BETWEEN NULL AND 5", "a BETWEEN 'x' AND 5", "a BETWEEN 1.5 AND 5", "a BETWEEN 1 AND 5.5", "5 BETWEEN a AND b",
    "a BETWEEN 1 OR 5", "a BETWEEN 1", "a BETWEEN 5.5 AND 1.5", "a BETWEEN TRUE AND FALSE", "a BETWEEN b AND c",
    "a NOT BETWEEN b AND c", "a NOT 5", "a NOT", "a IS", "a IS 5", "a IS NOT", "a IS NOT 5", "a IS TRUE",
    "a IS NULL IS NULL", "5 IS NULL", "'x' IS NOT NULL", "NULL IS NULL", "NULL IS NOT NULL", "TRUE IS NULL",
    "-a IS NULL",
    "a LIKE 'x%'", "a CONTAINS 'x'", "a STARTSWITH 'x'", "a = 5 b = 6", "a = 5 )", "a = 5 ;", "a = 5 #", "a = #",
    "a = 'x", "a = \"x\"", "(a = 5", "a = 5)", "()", "a =", "= a", "a == 5", "a != 5", "a > = 5", "a < > 5",
    "a % 2 = 0",
    "a + 1 = 6", "a - 1 = 4", "a * 1 = 5", "a = 5 -- comment", "a = 5 -- comment\n", "-- comment\na = 5",
    "--c\r\na = 5",
    "/* c */ a = 5", "a /* c **/ = /***/ 5", "a = /* c", "a = 5 AND /* c", "a\t=\n5", "a\r\n= #", "a\t= #",
    "\u00fc = 5",
    "a = '\u00fcber'", "a = 'it''s'", "a = ''", "a = 007", "a = 00", "a = 0L", "a = 10L", "a = 5l", "a = 5.", "a = .5",
    "a = 5e0", "a = 5.E0", "a = 5E+0", "a = 0.0", "a = 1e400", "a = 1e-400", "a = 0e0", "a = 9223372036854775807",
    "a = 9223372036854775808", "a = -9223372036854775808", "a = 99999999999999999999", "a = -2147483648", "a = 0x10",
    "NOT a = 5", "NOT (a = 5)", "not(a=5)and b=5", "a = b = TRUE", "(a = b) = (b = a)", "a = b <> TRUE", "a = 5 = TRUE",
    "(a = 5) = b", "TRUE = (a = 5)", "b = (a = 5)", "a > 1 > 2", "(a > 1) > 2", "a > (b = 1)", "TRUE", "FALSE", "NULL",
    "true and not false", "NOT NULL", "NOT TRUE", "a AND b", "a OR TRUE", "5 AND TRUE", "TRUE OR 5", "'x' OR TRUE",
    "a and 5", "a AND", "AND a", "a OR OR b", "NOTa = 5", "nota IS NULL", "_x$1 = 5", "$ IS NULL",
    "_ IS NULL", "1a = 5",
    "a.b = 5", "a-b = 5", "A = 5", "between = 5", "in IN ('x')", "is IS NULL", "((((a))))", "((a = 5) OR (b = 5))",
    "a > 'x'", "'x' > a", "a > '5'", "a = 5 OR b = 5 AND a = 4", "(a = 5 OR b = 5) AND a = 4", "a >= 5 AND a <= 7",
    "a >= 5 AND a <= 7 OR a IS NULL", "a = 1 AND b", "5 = 5", "5 = 5.0", "5 = 5L", "5 > 4", "5.5 >= 5", "'x' = 'x'",
    "'x' = 'y'", "'5' = 5", "'x' = 5", "5 = 'x'", "TRUE = TRUE", "TRUE = FALSE", "TRUE = 'true'", "'true' = TRUE",
    "1 = TRUE", "TRUE = 1", "a = a", "a <> a", "a > a", "a >= a", "\f a = 5", "@", "?", ".", "a = .",
    "a = 5..", "/", "a /",
)  # fmt: skip
NAMES: Final = ("", "g", "group#topic", "please_rename_unique_group_name#TopicTest", "\u00fc\u4e2d\u6587#t", "x" * 100)


def expressions() -> list[str]:
    """All that are asked about."""
    compared = [f"{left} {operator} {right}" for left, operator, right in product(OPERANDS, OPERATORS, OPERANDS)]
    joined = [f"{left} {word} {right}" for left, word, right in product(CONDITIONS, ("AND", "OR"), CONDITIONS)]
    return list(dict.fromkeys([*OTHERS, *joined, *compared]))


def extract() -> int:
    """Write the table; how many expressions it has. Raises interop.artifacts.MissingToolError."""
    class_path = artifacts.classpath("broker")
    done = subprocess.run(
        [artifacts.java(), "-Xmx256m", "-cp", class_path, str(SOURCE)],
        input=json.dumps({"sets": SETS, "expressions": expressions(), "names": NAMES}).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    answers = json.loads(done.stdout[done.stdout.index(b"{") :])
    compat.write(compat.DIRECTORY / "sql92.json5", COMMENT, answers)
    return len(answers["rows"])


if __name__ == "__main__":
    print(f"{extract():5} sql92")
