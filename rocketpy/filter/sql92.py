"""SQL92 filters: an expression is compiled once and asked for each message (SelectorParser.jj, 4.9.8).

    wanted = compile_filter("price BETWEEN 10 AND 20 AND color IN ('red', 'blue')")
    wanted.matches({"price": "15", "color": "red"})

The grammar is that of Java with its surprises: nothing has to follow the end of an expression, so what does is not
read (`a LIKE 'x'` is `a`); NOT binds tighter than comparisons; a property alone is a condition that never holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rocketpy.filter import sql92_expressions as build
from rocketpy.filter import sql92_tokens as kinds
from rocketpy.filter.sql92_expressions import Expression, Properties
from rocketpy.filter.sql92_tokens import LexicalError, Word, escaped, place, units, word_at
from rocketpy.filter.sql92_values import EvaluationError, Long, integer

_MOST_NESTED: Final = 150
"""Levels of brackets and signs; Java's limit is the stack of a thread, some thousands."""
_ORDERINGS: Final = {f'"{symbol}"': symbol for symbol in (">", ">=", "<", "<=")}
_OPERANDS: Final = (
    kinds.NOT, kinds.TRUE, kinds.FALSE, kinds.NULL, kinds.DECIMAL, kinds.FLOATING, kinds.STRING, kinds.ID, '"("', '"-"',
)  # fmt: skip
"""What a signed operand may begin with."""
_CONSTANTS: Final = {kinds.TRUE: True, kinds.FALSE: False, kinds.NULL: None}


class FilterError(ValueError):
    """An expression that is none; the text is what Java answers CHECK_CLIENT_CONFIG with."""


class Filter:
    """A compiled expression. Properties of other names than `names` mean nothing to it."""

    __slots__ = ("_evaluate", "names")

    def __init__(self, expression: Expression, names: Iterable[str]) -> None:
        self._evaluate = expression.evaluate
        self.names = tuple(names)

    def matches(self, properties: Properties) -> bool:
        """Whether a message with these properties is wanted; where they cannot be compared, it is not."""
        try:
            return self._evaluate(properties) is True
        except EvaluationError:
            return False


@lru_cache(maxsize=1000)
def compile_filter(expression: str) -> Filter:
    """The filter that an expression stands for. Raises FilterError."""
    parser = _Parser(expression)
    return Filter(parser.parse(), parser.names)


def parse(expression: str) -> Expression:
    """The expression as a function to a value. Raises FilterError."""
    return _Parser(expression).parse()


class _SyntaxError(ValueError):
    pass


class _UnexpectedError(_SyntaxError):
    """A word that may not stand where it does."""


class _Parser:
    """Recursive descent, one method a rule of the grammar; `_expected` is what the next word could have been."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._ahead: Word | None = None
        self._expected: set[str] = set()
        self._nested = 0
        self.names: dict[str, None] = {}
        """Of the properties met so far, in their order."""

    def parse(self) -> Expression:
        """The whole expression. Raises FilterError."""
        try:
            return self.condition(self.disjunction())
        except LexicalError as error:
            raise FilterError(f"org.apache.rocketmq.filter.parser.TokenMgrError: {error}") from None
        except _SyntaxError as error:
            raise FilterError(f"org.apache.rocketmq.filter.parser.ParseException: {error}") from None
        except EvaluationError as error:
            is_number = str(error).startswith("For input")
            kind = "java.lang.NumberFormatException" if is_number else "java.lang.RuntimeException"
            raise FilterError(f"{kind}: {error}") from None

    def disjunction(self) -> Expression:
        left = self._conjunction()
        while self._accept(kinds.OR):
            right = self._conjunction()
            left = build.disjunction(self.condition(left), self.condition(right))
        return left

    def condition(self, operand: Expression) -> Expression:
        """What may stand where a condition is expected (asBooleanExpression)."""
        if operand.is_boolean:
            return operand
        if operand.is_property:
            return build.cast(operand)
        raise _SyntaxError(f"Expression will not result in a boolean value: {operand.text}")

    def _conjunction(self) -> Expression:
        left = self._equality()
        while self._accept(kinds.AND):
            right = self._equality()
            left = build.conjunction(self.condition(left), self.condition(right))
        return left

    def _equality(self) -> Expression:
        left = self._comparison()
        while True:
            if self._accept('"="'):
                left = build.equality(left, self._comparison())
            elif self._accept('"<>"'):
                left = build.inversion(build.equality(left, self._comparison()))
            elif self._accept(kinds.IS):
                inverted = not self._accept(kinds.NULL)
                if inverted:
                    self._expected.clear()
                    self._expect(kinds.NOT)
                    self._expect(kinds.NULL)
                left = build.same(left, build.constant(None))
                left = build.inversion(left) if inverted else left
            else:
                return left

    def _comparison(self) -> Expression:
        left = self._unary()
        while True:
            word = self._peek()
            symbol = next((symbol for kind, symbol in _ORDERINGS.items() if self._accept(kind)), None)
            if symbol is not None:
                left = build.ordering(left, symbol, self._unary())
            elif self._accept(kinds.BETWEEN):
                left = build.between(left, *self._range())
            elif self._accept(kinds.IN):
                left = build.membership(left, self._list(), inverted=False)
            elif self._accept(kinds.NOT):
                if self._accept(kinds.BETWEEN):
                    left = build.outside(left, *self._range())
                elif self._accept(kinds.IN):
                    left = build.membership(left, self._list(), inverted=True)
                else:
                    self._expected = {kinds.BETWEEN, kinds.IN, *_ORDERINGS}
                    raise _UnexpectedError(self._complaint(word))
            else:
                return left

    def _range(self) -> tuple[Expression, Expression]:
        low = self._unary()
        self._expect(kinds.AND)
        return low, self._unary()

    def _list(self) -> list[str]:
        self._expect('"("')
        elements = [_unquoted(self._expect(kinds.STRING))]
        while self._accept('","'):
            elements.append(_unquoted(self._expect(kinds.STRING)))
        self._expect('")"')
        return elements

    def _unary(self) -> Expression:
        self._nested += 1
        if self._nested > _MOST_NESTED:
            raise _SyntaxError(f"nested more than {_MOST_NESTED} deep")
        word = self._peek()
        if self._accept('"+"'):
            operand = self._signed(word)
        elif self._accept('"-"'):
            operand = build.negation(self._unary())
        elif self._accept(kinds.NOT):
            operand = build.inversion(self.condition(self._unary()))
        else:
            operand = self._primary()
        self._nested -= 1
        return operand

    def _signed(self, plus: Word) -> Expression:
        """What follows a plus. Java looks ahead whether anything may, and complains of the plus if not."""
        try:
            return self._unary()
        except _UnexpectedError:
            self._expected = set(_OPERANDS)
            raise _UnexpectedError(self._complaint(plus)) from None

    def _primary(self) -> Expression:
        word = self._peek()
        if self._accept(kinds.STRING):
            return build.constant(_unquoted(word))
        if self._accept(kinds.DECIMAL):
            value = integer(word.image.rstrip("lL"), 64)
            return build.constant(value) if value < 1 << 31 else build.constant(Long(value))
        if self._accept(kinds.FLOATING):
            return build.constant(_floating(word.image))
        for kind, truth in _CONSTANTS.items():
            if self._accept(kind):
                return build.constant(truth)
        if self._accept(kinds.ID):
            self.names[word.image] = None
            return build.property_value(word.image)
        self._expect('"("')
        operand = self.disjunction()
        self._expect('")"')
        return operand

    def _peek(self) -> Word:
        if self._ahead is None:
            self._ahead, self._end = word_at(self._text, self._end)
        return self._ahead

    def _accept(self, kind: str) -> bool:
        """Go on if the next word is of that kind."""
        if self._peek().kind != kind:
            self._expected.add(kind)
            return False
        self._ahead = None
        self._expected.clear()
        return True

    def _expect(self, kind: str) -> Word:
        word = self._peek()
        if not self._accept(kind):
            raise _UnexpectedError(self._complaint(word))
        return word

    def _complaint(self, word: Word) -> str:
        text = units(self._text)
        if word.kind == kinds.EOF:  # stands where the last character does
            line, column = place(text, len(text) - 1) if text else (0, 0)
        else:
            line, column = place(text, len(units(self._text[: word.position])))
        met = kinds.EOF if word.kind == kinds.EOF else f' {word.kind} "{escaped(word.image)} "'
        listed = [kind for kind in kinds.KINDS if kind in self._expected and kind != '"+"']
        intro = "Was expecting:" if len(listed) == 1 else "Was expecting one of:"
        expected = "".join(f"{kind} ...\n    " for kind in listed)
        return f'Encountered "{met}" at line {line}, column {column}.\n{intro}\n    {expected}'


def _unquoted(word: Word) -> str:
    return word.image[1:-1].replace("''", "'")


def _floating(image: str) -> float:
    value = float(image)
    if value == float("inf"):
        raise EvaluationError(f"{image} is greater than 1.7976931348623157E308")
    if not value:
        raise EvaluationError(f"{image} is less than 4.9E-324")
    return value
