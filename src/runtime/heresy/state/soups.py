"""Trees of Beautiful Soup. The library itself would save the text of one, and parse it again: what the program holds of it
would be others' parts then.

All elements of a tree are made at once, before any knows of another: so a deep tree is no deep recursion.
"""

from __future__ import annotations

from .._typing_names import Any
from .objects import instance_state, make_immutable, make_instance, set_instance_state
from .pickling import Reduced, StatePickler, library_reducer, reducer


class Tree:
    """Stands for the elements of one tree while it is saved.

    Attributes:
        elements: the root first; those that are in it follow it.
        places: where each is, by its identity.
    """

    def __init__(self, root: Any) -> None:
        self.elements = [root]
        for element in self.elements:
            self.elements += getattr(element, "contents", ())
        self.places = {id(element): place for place, element in enumerate(self.elements)}


@library_reducer("bs4", "BeautifulSoup")
@library_reducer(
    "bs4.element", "Tag", "NavigableString", "PreformattedString", "CData", "Comment", "Declaration", "Doctype",
    "ProcessingInstruction", "RubyParenthesisString", "RubyTextString", "Script", "Stylesheet", "TemplateString",
    "XMLProcessingInstruction",
)  # fmt: skip
def _element(pickler: StatePickler, element: Any) -> Reduced:
    root = element
    while root.parent is not None:
        root = root.parent
    tree = pickler.trees.get(id(root))
    if tree is None or id(element) not in tree.places:
        tree = pickler.trees[id(root)] = Tree(root)
    if id(element) not in tree.places:
        return NotImplemented  # its parent does not know of it
    return element_of, (tree, tree.places[id(element)])


@reducer(Tree)
def _tree(pickler: StatePickler, tree: Tree) -> Reduced:
    made = [(type(each), "".join(str.__iter__(each)) if isinstance(each, str) else None) for each in tree.elements]
    return make_tree, (made,), [instance_state(each) for each in tree.elements], None, None, fill_tree


def make_tree(made: list[tuple[type, str | None]]) -> Tree:
    tree = Tree.__new__(Tree)
    tree.elements = [make_instance(cls, {}) if text is None else make_immutable(str, cls, text) for cls, text in made]
    return tree


def fill_tree(tree: Tree, states: list[dict[str, Any]]) -> None:
    for element, state in zip(tree.elements, states):
        set_instance_state(element, state)


def element_of(tree: Tree, place: int) -> Any:
    return tree.elements[place]
