"""The picture of the rooms, drawn from the imports that the code really has: docs/images/rooms.svg.

A room stands one column right of the furthest room that it imports; an arrow goes from a room to one that imports it,
which is the way data flow. The packages and modules beside the rooms are listed above (they read the rooms' tables) or
below (the rooms use them). Equal imports give equal bytes.
"""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from whyalike.provenance import PACKAGE, closure, imports

ROOMS = ("data", "splits", "models", "training", "activations", "similarity", "statistics", "figures")
WIDTH, HEIGHT, GAP, STEP = 96, 40, 34, 64  # of a box; between columns; between the middles of two boxes of a column
MIDDLE, MARGIN = 170, 20  # height of the row of rooms; edge of the picture
INK, PAPER, FILL = "#24292f", "#ffffff", "#ddebf7"


def modules() -> list[str]:
    """Every module of the package, sorted."""
    root = Path(__file__).parents[1]
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob("*.py"))
    return sorted(".".join((PACKAGE, *path.parts)).removesuffix(".__init__") for path in paths)


def _unit(module: str) -> str:
    """The package or module right below the root that holds ``module``."""
    return module.split(".")[1]


def room_graph() -> dict[str, set[str]]:
    """Room -> the other rooms that its modules import."""
    graph: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module in modules():
        if module.count(".") == 2 and (room := _unit(module)) in graph:
            graph[room] |= {_unit(name) for name in imports(module) if name.count(".")} & set(graph) - {room}
    return graph


def beside_rooms() -> tuple[list[str], list[str]]:
    """The packages and modules beside the rooms: those that no room uses, and those that rooms use."""
    beside = sorted({_unit(module) for module in modules() if module.count(".")} - set(ROOMS))
    reached = closure(module for module in modules() if module.count(".") == 2 and _unit(module) in ROOMS)
    used = {_unit(module) for module in reached if module.count(".")}
    return [name for name in beside if name not in used], [name for name in beside if name in used]


def columns(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Room -> its column: 0 without imports, else one more than the furthest room that it imports.

    Raises
    ------
    ValueError : rooms import each other in a circle.
    """
    depth: dict[str, int] = {}
    while len(depth) < len(graph):
        ready = {room for room in graph if room not in depth and graph[room] <= depth.keys()}
        if not ready:
            raise ValueError(f"rooms must import one way, in a circle are some of: {sorted(graph.keys() - depth)}")
        depth |= {room: max((depth[name] + 1 for name in graph[room]), default=0) for room in ready}
    return depth


def picture() -> str:
    """The SVG text."""
    graph = room_graph()
    depth = columns(graph)
    places = _places(depth)
    width = 2 * MARGIN + (max(depth.values()) + 1) * (WIDTH + GAP) - GAP
    arrows = [
        _arrow(places[used], places[room], depth[room] - depth[used]) for room in sorted(graph) for used in graph[room]
    ]
    above, below = beside_rooms()
    bottom = MIDDLE + 150
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 40}" font-family="sans-serif" '
        f'font-size="14" fill="{INK}">',
        "<title>The rooms of whyalike: an arrow goes from a room to one that imports it</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        _band(MARGIN, f"choose and plan: {' · '.join(above)}", width),
        *sorted(arrows),
        *(_box(room, *places[room]) for room in sorted(places)),
        _band(bottom, f"used by the rooms: {' · '.join(below)}", width),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _places(depth: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Room -> left edge and middle of its box; rooms of one column stand below each other."""
    rows: dict[int, list[str]] = {}
    for room in sorted(depth):
        rows.setdefault(depth[room], []).append(room)
    return {
        room: (MARGIN + column * (WIDTH + GAP), MIDDLE + STEP * row)
        for column, rooms in rows.items()
        for row, room in enumerate(rooms)
    }


def _arrow(start: tuple[int, int], end: tuple[int, int], distance: int) -> str:
    """Straight to the next column, around the rooms between otherwise: above from the first row, else below."""
    (x1, y1), (x2, y2) = start, end
    if distance == 1:
        path = f"M{x1 + WIDTH} {y1}L{x2} {y2}"
    else:
        side = -1 if y1 == MIDDLE else 1
        x1, x2 = x1 + WIDTH // 2 + 6 * distance, x2 + WIDTH // 2 - 6 * distance
        bend = MIDDLE + side * (HEIGHT // 2 + 14 * distance + (STEP if side > 0 else 0))
        path = f"M{x1} {y1 + side * HEIGHT // 2}C{x1} {bend} {x2} {bend} {x2} {y2 + side * HEIGHT // 2}"
    return f'<path d="{path}" fill="none" stroke="{INK}" marker-end="url(#tip)"/>'


def _box(room: str, x: int, y: int) -> str:
    corner = f'x="{x}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" rx="6"'
    text = f'<text x="{x + WIDTH // 2}" y="{y + 5}" text-anchor="middle">{room}</text>'
    return f'<rect {corner} fill="{FILL}" stroke="{INK}"/>{text}'


def _band(y: int, text: str, width: int) -> str:
    """Text across the picture, in as many lines as it needs; 8 pixels hold any character of 14 px type on average."""
    lines = textwrap.wrap(text, (width - 2 * MARGIN) // 8, break_on_hyphens=False)
    return "".join(
        f'<text x="{width // 2}" y="{y + 14 + 20 * i}" text-anchor="middle" font-style="italic">{line}</text>'
        for i, line in enumerate(lines)
    )
