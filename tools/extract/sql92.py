"""Asks the official filter module what it makes of many expressions: `python -m tools.extract.sql92`.

Each expression is put to each set of properties; the answers, one letter each, are T, F, N for null and ! for an
exception. They go to compat/sql92.json5.
"""

from __future__ import annotations

import json
import subprocess
from itertools import product
from pathlib import Path
from random import Random
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
    {"a": "2147483647"}, {"a": "-2147483649"}, {"a": "9223372036854775807"}, {"a": "-9223372036854775809"},
    {"a": ".5"}, {"a": "5."}, {"a": "5f"}, {"a": "1e400"}, {"a": "-Infinity"}, {"a": "0x10"}, {"a": "NaN", "b": "NaN"},
    {"a": "\U0001f680", "b": "\U0001f680"}, {"a": "5", "b": " 5"}, {"a": "0.1", "b": "0.10"}, {"a": "", "b": ""},
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
    "3.4028236e38", "NOT 1.0E-5", "- 1.5e-7", "1e+40 OR a", "a BETWEEN 5. AND 1.0E-5", "FALSE BETWEEN '' AND .5",
    "'\n' BETWEEN ' ' AND 0.1", "+ ", "+", "+ + ", "a = + ", "+ (a", "+ ,", "NOT + )", "a NOT 'x'", "a > 1 NOT b",
    "(a NOT)", "a NOT NOT IN ('x')", "a NOT #", "a IN ('\U0001f680', 5)", "('\U0001f680' NOT", "\U0001f680 = 5",
    "a = \U0001f680",
    "a = '\U0001f680", ".x", ".x ", "/x", "/ *", "a = /", "a = '\n", "a = 'x\r", "#\n", "a\n\n= #", "a\r= @ x",
    "\t\t# ", "\x00",
    "a = 5 \\ b", "a IN ('x', 'y' 'z')", "a IN (,)", "a IN ('x',)", "a IN", "IN ('x')", "BETWEEN 1 AND 2", "IS NULL",
    "NOT", "NOT NOT NOT a", "NOT a IS NULL", "NOT (a IS NULL)", "NOT a BETWEEN 1 AND 5", "NOT a IN ('x')",
    "NOT a > 5 AND b = 5", "NOT a = b = b", "a = NOT b", "a > NOT b", "a = -b", "- a BETWEEN - 5 AND 5", "- - a = 5",
    "a BETWEEN b AND NULL", "a BETWEEN NULL AND NULL", "NULL BETWEEN 1 AND 2", "a NOT BETWEEN NULL AND 5",
    "a BETWEEN 'x' AND 'y'", "a BETWEEN 2147483648 AND 5", "a BETWEEN 5 AND 2147483648", "a BETWEEN -0.0 AND 0.0",
    "a BETWEEN 0.0 AND -0.0", "a >= 2147483647", "a > 2147483647", "a <= 2147483648", "a = 9223372036854775807L",
    "a <> 9223372036854775807", "a = 1e3", "a = 1000", "a = 1000.0", "a > -1e3", "a = .1", "a = b AND a > b",
    "a > b OR a = b OR a < b", "a = a = a", "(a = b) IS NULL", "(a > 5) IS NOT NULL", "a IS NULL AND b IS NULL",
    "a IN ('') OR b IN ('')", "a IN ('TRUE', 'true')", "a IN (TRUE)", "a NOT IN ('5') IS NULL", "a IS NOT NULL IS NULL",
    "true = a", "TRUE <> a", "FALSE = b", "a <> TRUE", "TRUE > FALSE", "a > TRUE", "NULL = a", "a = NULL",
    "NULL <> NULL",
    "((((((((((a = 5))))))))))", "(" * 100 + "a = 5" + ")" * 100, "(" * 140 + "a", "NOT " * 100 + "(a = 5)",
    " AND ".join(["a = 5"] * 200), " OR ".join(f"a = {number}" for number in range(200)), "a = " + "9" * 400,
    "a = '" + "x" * 5_000 + "'", "andy = 5", "ORacle = 5", "isnull = 5", "nulls IS NULL", "truest = 5", "inn IN ('x')",
)  # fmt: skip
NUMBERS: Final = (
    "5", "-5", "5.0", "0.1", "1e3", ".5", "0", "2147483648", "5L", "-0.0", "9223372036854775807", "a", "b", "c",
    "(a)", "-a",
)
STRINGS: Final = ("'5'", "'x'", "''", "'it''s'", "'true'", "'5.0'")
RANDOM: Final = 700
NAMES: Final = ("", "g", "group#topic", "please_rename_unique_group_name#TopicTest", "\u00fc\u4e2d\u6587#t", "x" * 100)


def conditions() -> list[str]:
    """Some, put together at random, and always the same."""
    random = Random(92)
    return [_condition(random, random.randrange(5)) for _ in range(RANDOM)]


def _condition(random: Random, depth: int) -> str:
    pick = random.choice
    if depth == 0 or random.random() < 0.3:
        name, number, inverted = pick("abc"), pick(NUMBERS), pick(("", "NOT "))
        return pick(
            (
                f"{name} {pick(OPERATORS)} {number}",
                f"{name} {pick(('=', '<>'))} {pick((*STRINGS, 'TRUE', 'FALSE'))}",
                f"{name} {inverted}BETWEEN {number} AND {pick(NUMBERS)}",
                f"{name} {inverted}IN ({', '.join(random.sample(STRINGS, random.randrange(1, 5)))})",
                f"{name} IS {inverted}NULL",
                pick(("TRUE", "false", "NULL", "a")),
            )
        )
    inner = _condition(random, depth - 1)
    return pick(
        (
            f"{inner} {pick(('AND', 'OR'))} {_condition(random, depth - 1)}",
            f"{inner} {pick(('and', 'or'))} ({_condition(random, depth - 1)})",
            f"({inner})",
            f"NOT ({inner})",
            f"NOT {inner}",
            f"({inner}) {pick(('=', '<>'))} {pick(('TRUE', 'a', '(b = 5)'))}",
        )
    )


def expressions() -> list[str]:
    """All that are asked about."""
    compared = [f"{left} {operator} {right}" for left, operator, right in product(OPERANDS, OPERATORS, OPERANDS)]
    joined = [f"{left} {word} {right}" for left, word, right in product(CONDITIONS, ("AND", "OR"), CONDITIONS)]
    return list(dict.fromkeys([*OTHERS, *joined, *compared, *conditions()]))


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
