"""What stands together: the equations that are one rule on several cells, and on what each of them depends.

A rule that is mapped over the cells of a table gives the same equations once for each cell. Those that are alike, down
to what they read, make a *pack*: they are computed as the rows of one array. The compiler then sees a few long loops
where it would see many short ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag

from engine.program.equations import ELEMENTWISE, Atom, Constant, Equation, Rule, Value


class Axis(IntFlag):
    """What a value differs by."""

    NONE = 0
    POLICY = 1
    PATH = 2
    YEAR = 4


@dataclass(frozen=True, eq=False)
class Pack:
    """Equations that are computed as the rows of one array, and what these differ by; one alone where it is not elementwise."""

    equations: tuple[Equation, ...]
    axes: Axis

    @property
    def name(self) -> str:
        """The operation."""
        return self.equations[0].name

    @property
    def outputs(self) -> tuple[Value, ...]:
        """What the rows give, one value a row where there are several."""
        return tuple(value for equation in self.equations for value in equation.outputs)

    @property
    def operands(self) -> tuple[tuple[Atom, ...], ...]:
        """What the rows read, one column for each operand."""
        return tuple(zip(*(equation.inputs for equation in self.equations), strict=True))


def differences(rule: Rule, axes: Sequence[Axis]) -> dict[Atom, Axis]:
    """What each value of a rule differs by, from what its inputs do. Constants are not among them."""
    differs: dict[Atom, Axis] = dict(zip(rule.inputs, axes, strict=True))
    for equation in rule.equations:
        own = Axis.NONE
        for atom in equation.inputs:
            own |= differs.get(atom, Axis.NONE)
        differs.update((value, own) for value in equation.outputs)
    return differs


def packed(
    rule: Rule, axes: Sequence[Axis], tables: Sequence[Hashable]
) -> tuple[tuple[Pack, ...], dict[Atom, Atom]]:
    """The equations of a rule in packs, in an order in which they can be computed.

    Args:
      axes: what each input differs by.
      tables: for each input, what it stands together with: inputs of one table are the rows of one array.

    Returns: the packs, and for each value that was left out because another is the same, that other one.
    """
    differs = differences(rule, axes)
    kinds: dict[Atom, Hashable] = {
        value: ("input", table) for value, table in zip(rule.inputs, tables, strict=True)
    }
    numbers: dict[Hashable, int] = {}
    rows: dict[int, list[Equation]] = {}

    def kind(atom: Atom) -> Hashable:
        if isinstance(atom, Constant):
            return ("constant", atom.shape, str(atom.dtype))
        return kinds[atom]

    for equation in rule.equations:
        own = differs[equation.outputs[0]]
        if is_table(equation):
            kinds.update((value, ("table", equation)) for value in equation.outputs)
            rows[numbers.setdefault(equation, len(numbers))] = [equation]
            continue
        # a kind holds the kinds of all that is read, so no equation can depend on another of its own kind
        reads = tuple(kind(atom) for atom in equation.inputs)
        alike = equation.name, str(equation.params), own, equation.scope, reads
        key: Hashable = equation if alone(equation) else alike
        number = numbers.setdefault(key, len(numbers))
        rows.setdefault(number, []).append(equation)
        kinds.update((value, ("pack", number, k)) for k, value in enumerate(equation.outputs))
    same: dict[Atom, Atom] = {}
    packs = []
    for of in rows.values():
        read = [replace(row, inputs=tuple(same.get(atom, atom) for atom in row.inputs)) for row in of]
        packs.append(Pack(_without_repeats(read, same), differs[of[0].outputs[0]]))
    return tuple(packs), same


def _without_repeats(rows: list[Equation], same: dict[Atom, Atom]) -> tuple[Equation, ...]:
    """The rows that differ, where each comes as often as the others: what a region has in common for all its sectors.

    Rows that are alike by chance stay, so that the others keep their order.
    """
    if alone(rows[0]) or is_table(rows[0]):
        return tuple(rows)
    alike: dict[tuple[Atom, ...], list[Equation]] = {}
    for row in rows:
        alike.setdefault(row.inputs, []).append(row)
    if len({len(group) for group in alike.values()}) > 1:
        return tuple(rows)
    for first, *others in alike.values():
        same.update((row.outputs[0], first.outputs[0]) for row in others)
    return tuple(group[0] for group in alike.values())


def alone(equation: Equation) -> bool:
    """Whether an equation cannot be a row among others: its operation, or the shapes that it reads, do not allow it."""
    shapes = {atom.shape for atom in (*equation.inputs, *equation.outputs)}
    return equation.name not in ELEMENTWISE or len(shapes) > 1


def is_table(equation: Equation) -> bool:
    """Whether an equation only says that what it reads stands together, as `Cells` do."""
    kinds = {(atom.shape, str(atom.dtype)) for atom in equation.inputs}
    return equation.name == "optimization_barrier" and len(kinds) == 1
