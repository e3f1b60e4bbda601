"""What holds for every nest: types, order and levels of its operations, its memory, and that all of it is needed."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from engine.lanes.nest import Nest
from engine.lanes.operation_table import OPERATIONS
from engine.lanes.operations import KINDS, Address, Carried, Item, Level, Loop, Operation, Region, Store, words_of


class Walk:
    """A nest while it is walked."""

    def __init__(self, nest: Nest):
        self.nest = nest
        self.known = {nest.lane}
        self.turns: dict[int, int] = {}
        self.written = {region: np.zeros(region.words, bool) for region in nest.bases}
        self.read: set[Operation | Region] = set(nest.results)
        self.made: list[Operation | Region] = []
        self.carried: list[Carried] = []

    def faults(self) -> Iterator[str]:
        """What is wrong with the nest."""
        yield from self.items(self.nest.body, ())
        spans = sorted((self.nest.bases[region], region.words) for region in self.nest.bases)
        ends = [start for start, _ in spans[1:]] + [self.nest.scratch]
        if any(start % 2 or start + size > end for (start, size), end in zip(spans, ends, strict=True)):
            yield "regions overlap, or lie at odd words"
        covered = np.zeros(self.nest.scratch, bool)
        for region, words in self.written.items():
            covered[self.nest.bases[region] :][: region.words] = words
        for name, (dtype, places) in self.nest.outputs.items():
            if not all(covered[places + k].all() for k in range(words_of(dtype))):
                yield f"output {name} is not written"
        for one in self.made:
            if one not in self.read:
                yield f"{one.name if isinstance(one, Operation) else 'a region'} is never read"
        if any(self.read.isdisjoint({row.now, row.last}) for row in self.carried):
            yield "a carried number is never read"

    def items(self, items: Sequence[Item], loops: tuple[int, ...]) -> Iterator[str]:
        for one in items:
            if isinstance(one, Operation):
                yield from self.operands(one.name, one.operands, loops)
                yield from self.operation(one, len(loops))
                self.known.add(one)
                self.made.append(one)
            elif isinstance(one, Store):
                yield from self.operands("store", [one.value], loops)
                self.made.append(one.address.memory)
                yield from self.access(one.address, one.value.dtype, loops, to_write=True)
            else:
                yield from self.loop(one, loops)

    def loop(self, loop: Loop, loops: tuple[int, ...]) -> Iterator[str]:
        yield from self.operands("a start", [row.start for row in loop.carried], loops)
        outside, inside = set(self.known), (*loops, loop.number)
        if loop.number in self.turns:
            yield "two loops have one number"
        self.turns[loop.number] = loop.length
        self.known |= {row.now for row in loop.carried}
        yield from self.items(loop.body, inside)
        yield from self.operands("an end", [row.end for row in loop.carried], inside)
        self.known = outside | {row.last for row in loop.carried}
        for row in loop.carried:
            if len({one.dtype for one in row}) > 1 or row.now.level.depth != len(inside):
                yield "a carried number changes its type, or is of another loop"
            self.carried.append(row)

    def operands(self, reader: str, operands: Iterable[Operation], loops: tuple[int, ...]) -> Iterator[str]:
        for one in operands:
            self.read.add(one)
            if one.name == "input":
                yield from self.access(one.address, one.dtype, loops, to_write=False)
            elif one.name != "constant" and one not in self.known:
                yield f"{reader} reads {one.name}, which is not computed yet"

    def operation(self, one: Operation, depth: int) -> Iterator[str]:
        if one in self.known:
            yield f"{one.name} is computed twice"
        levels = [operand.level for operand in one.operands]
        level = Level(max(part.depth for part in levels), any(part.wide for part in levels))
        if one.level != level or one.level.depth != depth:
            yield f"{one.name} of {level} is at {one.level}, in {depth} loops"
        meaning = OPERATIONS.get(one.name)
        if meaning is None:
            yield f"{one.name} has no row"
            return
        types = [operand.dtype for operand in one.operands]
        kinds = meaning.reads.split() * (len(types) if one.name == "call" else 1)
        if len(kinds) != len(types) or not all(read.kind in kind for read, kind in zip(types, kinds, strict=True)):
            yield f"{one.name} of {types}, not of {meaning.reads}"
        elif len({read for read, kind in zip(types, kinds, strict=True) if kind == kinds[-1]}) > 1:
            yield f"{one.name} of several types, {types}"
        gives = one.dtype.kind in meaning.gives if meaning.gives else one.dtype == types[-1]
        if not gives or one.dtype not in KINDS:
            yield f"{one.name} of {types} gives {one.dtype}"

    def access(self, address: Address, dtype: np.dtype, loops: tuple[int, ...], to_write: bool) -> Iterator[str]:
        """What is wrong with reading or writing a number, in all turns of the loops along which its address moves."""
        memory = address.memory
        strides = (*address.strides, *(memory.copies[address.level :] if isinstance(memory, Region) else ()))
        if not {stride.loop for stride in strides} <= {*loops}:
            yield "an address moves along a loop that is not around it"
            return
        places = np.array([address.at])
        for loop, words in strides:
            places = (places[:, None] + words * np.arange(self.turns[loop])).ravel()
        places = (places[:, None] + np.arange(words_of(dtype))).ravel()
        if not isinstance(memory, Region):
            if places.min() < 0 or places.max() >= {"shared": self.nest.shared, "own": self.nest.own}[memory]:
                yield f"an address is outside the {memory} inputs"
            return
        self.read.update([] if to_write else [memory])
        if memory not in self.written or places.min() < 0 or places.max() >= memory.words:
            yield "an address is outside its region"
        elif to_write:
            self.written[memory][places] = True
        elif not self.written[memory][places].all():
            yield "memory is read before it is written"


def faults(nest: Nest) -> list[str]:
    """What is wrong with a nest, empty if nothing is."""
    return [*Walk(nest).faults()]
