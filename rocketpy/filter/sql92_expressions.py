"""The parts of a compiled SQL92 filter: functions from a message's properties to a value.

None is SQL's NULL. What cannot be compared raises EvaluationError, when built if that is known by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rocketpy.filter.sql92_values import EvaluationError, Long, Value, compare, compare_doubles, double, shown


class Properties(Protocol):
    """What a message says of itself, by name: a dict, or what finds a property when it is asked for."""

    def get(self, name: str, /) -> str | None:
        """The property of that name; None if there is none."""


Evaluate = Callable[[Properties], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A function, how Java shows it, and what decides where it may stand."""

    evaluate: Evaluate
    text: str
    is_boolean: bool = False
    is_property: bool = False
    is_constant: bool = False
    value: Value = None
    """Of a constant."""


def constant(value: Value) -> Expression:
    """A literal; TRUE, FALSE and NULL count as boolean."""
    is_boolean = value is None or isinstance(value, bool)
    return Expression(lambda properties: value, shown(value), is_boolean, is_constant=True, value=value)


def property_value(name: str) -> Expression:
    """A property of the message, NULL if it has none of that name."""
    return Expression(lambda properties: properties.get(name), name, is_property=True)


def negation(operand: Expression) -> Expression:
    """Minus; of anything but a number it is NULL."""
    evaluate = operand.evaluate

    def negated(properties: Properties) -> Value:
        value = evaluate(properties)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if isinstance(value, Long):
            return Long(-value)
        return -value

    return Expression(negated, f"(- {operand.text})")


def cast(operand: Expression) -> Expression:
    """A property where a condition is expected: as a string it is false, whatever it says."""
    evaluate = operand.evaluate
    return Expression(lambda properties: None if evaluate(properties) is None else False, operand.text, is_boolean=True)


def inversion(operand: Expression) -> Expression:
    """NOT."""
    evaluate = operand.evaluate

    def inverted(properties: Properties) -> Value:
        value = evaluate(properties)
        return None if value is None else not value

    return Expression(inverted, f"(NOT {operand.text})", is_boolean=True)


def conjunction(left: Expression, right: Expression) -> Expression:
    """AND: false if a side is, else NULL if a side is."""
    first, second = left.evaluate, right.evaluate

    def both(properties: Properties) -> Value:
        a = first(properties)
        if a is False:
            return False
        b = second(properties)
        return b if a is not None or b is False else None

    return Expression(both, f"({left.text} && {right.text})", is_boolean=True)


def disjunction(left: Expression, right: Expression) -> Expression:
    """OR: true if a side is, else NULL if a side is."""
    first, second = left.evaluate, right.evaluate

    def either(properties: Properties) -> Value:
        a = first(properties)
        if a is True:
            return True
        b = second(properties)
        return b if a is not None or b is True else None

    return Expression(either, f"({left.text} || {right.text})", is_boolean=True)


def equality(left: Expression, right: Expression) -> Expression:
    """The = of literals that are not NULL (createEqual:142)."""
    for side in (left, right):
        if side.is_constant and side.value is None:
            raise EvaluationError(f"'{side.text}' cannot be compared.")
    if left.is_constant and right.is_constant and left.is_boolean and not right.is_boolean:
        raise EvaluationError(f"'{left.text}' cannot be compared with '{right.text}'")
    return same(left, right)


def same(left: Expression, right: Expression) -> Expression:
    """Equal, or both NULL. If only the left side is NULL the answer is, too; if only the right one is, it is false."""
    first, second = left.evaluate, right.evaluate

    def equal(properties: Properties) -> Value:
        a, b = first(properties), second(properties)
        if a is None:
            return True if b is None else None
        return b is not None and compare(a, b) == 0

    return Expression(equal, f"({left.text} == {right.text})", is_boolean=True)


_ACCEPTED: dict[str, tuple[int, ...]] = {">": (1,), ">=": (0, 1), "<": (-1,), "<=": (-1, 0)}


def ordering(left: Expression, symbol: str, right: Expression) -> Expression:
    """One of > >= < <=, between numbers; two strings have to be numbers, too (evaluate:252)."""
    for side in (left, right):
        number = isinstance(side.value, int | float) and not isinstance(side.value, bool)
        if side.is_boolean or (side.is_constant and not number):
            raise EvaluationError(f"Value '{side.text}' cannot be compared.")
    first, second, accepted = left.evaluate, right.evaluate, _ACCEPTED[symbol]

    def ordered(properties: Properties) -> Value:
        a = first(properties)
        b = None if a is None else second(properties)
        if b is None:
            return None
        if isinstance(a, str) and isinstance(b, str):
            return compare_doubles(double(a), double(b)) in accepted
        return compare(a, b) in accepted

    return Expression(ordered, f"({left.text} {symbol} {right.text})", is_boolean=True)


def between(value: Expression, low: Expression, high: Expression) -> Expression:
    """Both ends included. Literal ends have to be in order (createBetween:54)."""
    if low.is_constant and high.is_constant:
        if low.value is None or high.value is None:
            raise EvaluationError("Illegal values of between, values can not be null!")
        try:
            order = compare(high.value, low.value)
        except EvaluationError as error:
            raise EvaluationError(f"java.lang.NumberFormatException: {error}") from None
        if order < 0:
            raise EvaluationError(
                f"Illegal values of between, left value({_bare(low)}) must less than or equal to right "
                f"value({_bare(high)})"
            )
    return conjunction(ordering(value, ">=", low), ordering(value, "<=", high))


def _bare(literal: Expression) -> str:
    if isinstance(literal.value, str):
        return literal.value
    return literal.text.lower() if isinstance(literal.value, bool) else literal.text


def outside(value: Expression, low: Expression, high: Expression) -> Expression:
    """NOT BETWEEN."""
    return disjunction(ordering(value, "<", low), ordering(value, ">", high))


def membership(operand: Expression, elements: list[str], *, inverted: bool) -> Expression:
    """IN and NOT IN, of a property only."""
    if not operand.is_property:
        raise EvaluationError(f"Expected a property for In expression, got: {operand.text}")
    evaluate, members = operand.evaluate, frozenset(elements)

    def contained(properties: Properties) -> Value:
        value = evaluate(properties)
        return None if value is None else (value in members) is not inverted

    symbol = "NOT IN" if inverted else "IN"
    return Expression(contained, f"{operand.text} {symbol} ( {', '.join(elements)} )", is_boolean=True)
