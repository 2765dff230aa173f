"""Do the calls in the file still fit: parameters that an edit dropped, renamed or began to require.

Python: only calls that surely mean the function, and that fitted before. C, Go and Rust: as many
arguments as parameters. It does not look into other files.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator

import tree_sitter

from vivek.checks import scopes
from vivek.checks.edit import Check, Edit, failed, passed
from vivek.checks.scopes import Function
from vivek.grammar import parse

NAME = "fits its callers"
WEIGHT = 0.45

_ABOUT_PARAMETERS = re.compile(
    r"\b(?:remov\w+|drop\w*|delet\w+|renam\w+|reorder\w*|swap\w*|unused)\b.*"
    r"\b(?:param\w*|arg(?:ument)?s?|signature|keyword)\b"
    r"|\b(?:required|mandatory|keyword.only|positional.only|make it a (?:method|function|property|class)"
    r"|(?:static|class)\s?method|property|convert|turn|becom\w+)\b",
    re.IGNORECASE | re.DOTALL,
)
_COUNTED = {"c": "call_expression", "go": "call_expression", "rust": "call_expression"}


def check_parameters(edit: Edit) -> Check:
    """Fails for the first call outside of the target that fitted its function before and does no more."""
    found = _python(edit) if edit.filetype == "python" else _counted(edit)
    detail = next(found, None)
    return failed(NAME, WEIGHT, detail) if detail else passed(NAME, WEIGHT)


def fits(call: ast.Call, function: Function, *, bound: bool) -> bool:
    """Whether a call can be made; True too where ``*args`` leave it open. bound: its first is ``self``."""
    if any(isinstance(each, ast.Starred) for each in call.args) or any(not key.arg for key in call.keywords):
        return True
    try:
        signature(function, bound=bound).bind(*call.args, **{str(key.arg): key for key in call.keywords})
    except TypeError:
        return False
    return True


def misfits(tree: ast.Module, first: int, last: int) -> Iterator[tuple[ast.Call, Function]]:
    """Calls on these lines that surely mean a function of the file and cannot be made, and that function."""
    known, once = _by_name(tree), _bound_once(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and first <= node.lineno <= last:
            name = node.func.id
            function = known.get(("", name)) or known.get((name, "__init__"))
            if function and name in once and not fits(node, function, bound=("", name) not in known):
                yield node, function
        elif isinstance(node, ast.ClassDef) and node.lineno <= last and first <= (node.end_lineno or last):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                    method = known.get((node.name, call.func.attr))
                    inside = first <= call.lineno <= last and _is_own(call, call.func.attr)
                    if method and inside and not fits(call, method, bound=True):
                        yield call, method


def signature(function: Function, *, bound: bool) -> inspect.Signature:
    """A function's signature with all defaults None. bound: without the first parameter."""
    arguments, kinds = function.args, inspect.Parameter
    positional = [*arguments.posonlyargs, *arguments.args]
    defaulted = len(positional) - len(arguments.defaults)
    found = []
    for index, each in enumerate(positional):
        kind = kinds.POSITIONAL_ONLY if index < len(arguments.posonlyargs) else kinds.POSITIONAL_OR_KEYWORD
        found.append(kinds(each.arg, kind, default=None if index >= defaulted else kinds.empty))
    if bound and found:
        del found[0]
    if arguments.vararg:
        found.append(kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(kinds(each.arg, kinds.KEYWORD_ONLY, default=None if default else kinds.empty))
    if arguments.kwarg:
        found.append(kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(found)


def changed_functions(edit: Edit) -> Iterator[tuple[str, str, Function, Function]]:
    """(class or "", name, before, after) of functions of the target whose parameters changed."""
    if edit.tree_before is None or edit.tree_after is None:
        return
    old, new = _by_name(edit.tree_before), _by_name(edit.tree_after)
    for key, before in old.items():
        inside = key in new and edit.first <= before.lineno <= edit.last
        if inside and ast.dump(before.args) != ast.dump(new[key].args):
            yield *key, before, new[key]


def told(call: ast.Call, before: Function, after: Function) -> str:
    """What to mend: the call, and the parameter that it misses or may not leave out."""
    names = [each.arg for each in scopes.parameters(after)]
    lost = [each.arg for each in scopes.parameters(before) if each.arg not in names]
    quoted = ast.unparse(call).split("\n")[0][:80]
    known = {each.arg for each in scopes.parameters(before)}
    added = [name for name in names if name not in known]
    what = f"keep `{lost[0]}`" if lost else f"give `{added[0]}` a default" if added else "keep its parameters"
    return f"`{after.name}` is called as `{quoted}` elsewhere, which no longer fits: {what}."


def excused(before: Function, after: Function, instruction: str) -> bool:
    """Whether the instruction asks for these parameters to change."""
    old = {each.arg for each in scopes.parameters(before)}
    new = {each.arg for each in scopes.parameters(after)}
    named = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", instruction) for name in old ^ new)
    return named or bool(_ABOUT_PARAMETERS.search(instruction))


def _python(edit: Edit) -> Iterator[str]:
    changed = [each for each in changed_functions(edit) if not excused(each[2], each[3], edit.instruction)]
    if not changed or edit.tree_after is None:
        return
    for owner, name, before, after in changed:
        for call, bound in _calls(edit.tree_after, owner, name):
            outside = not edit.after_first <= call.lineno <= edit.after_last
            if outside and fits(call, before, bound=bound) and not fits(call, after, bound=bound):
                yield told(call, before, after)


def _by_name(tree: ast.Module) -> dict[tuple[str, str], Function]:
    """Functions and methods of the file's top classes, plain ones alone, that are defined once."""
    found: dict[tuple[str, str], Function] = {}
    twice: set[tuple[str, str]] = set()
    for function, around in scopes.functions(tree):
        if not isinstance(around, (ast.Module, ast.ClassDef)):
            continue
        key = (around.name if isinstance(around, ast.ClassDef) else "", function.name)
        if key in found or function.decorator_list:
            twice.add(key)
        found[key] = function
    return {key: function for key, function in found.items() if key not in twice}


def _calls(tree: ast.Module, owner: str, name: str) -> Iterator[tuple[ast.Call, bool]]:
    """Calls that surely mean the function, and whether their first argument is bound."""
    if owner and name == "__init__":
        yield from ((call, True) for call in _plain_calls(tree, owner))
    elif owner:
        for part in ast.walk(tree):
            if isinstance(part, ast.ClassDef) and part.name == owner:
                yield from ((call, True) for call in ast.walk(part) if _is_own(call, name))  # type: ignore[misc]
    else:
        yield from ((call, False) for call in _plain_calls(tree, name))


def _plain_calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    """Calls of a name that the file binds once."""
    if name not in _bound_once(tree):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _bound_once(tree: ast.Module) -> set[str]:
    """Names that the file binds at one place alone, and no parameter has."""
    nodes = list(ast.walk(tree))
    counts = Counter(name for node in nodes for name in scopes.bound(node))
    given = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {name for name, count in counts.items() if count == 1} - given


def _is_own(node: ast.AST, name: str) -> bool:
    """Whether this is ``self.name(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "self"
    )


def _counted(edit: Edit) -> Iterator[str]:
    """Calls with as many arguments as there were parameters, where there are others now."""
    before, after = parse(edit.before, edit.filetype), parse(edit.after, edit.filetype)
    if (
        edit.filetype not in _COUNTED
        or before is None
        or after is None
        or _ABOUT_PARAMETERS.search(edit.instruction)
    ):
        return
    old, new = _counts(before.root_node), _counts(after.root_node)
    for name, (row, count) in old.items():
        if not edit.first <= row + 1 <= edit.last or name not in new or new[name][1] == count:
            continue
        for call in _nodes(after.root_node, _COUNTED[edit.filetype]):
            callee, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
            given = [each for each in arguments.named_children if each.type != "comment"] if arguments else []
            outside = not edit.after_first <= call.start_point[0] + 1 <= edit.after_last
            if outside and callee and _text(callee) == name and len(given) == count:
                what = f"give it {count} parameter{'s' if count != 1 else ''} as before"
                yield f"`{name}` is called as `{_text(call)[:80]}` elsewhere, which no longer fits: {what}."


def _counts(root: tree_sitter.Node) -> dict[str, tuple[int, int]]:
    """Name -> (0-based row, number of parameters) of functions with a fixed number of them."""
    found: dict[str, tuple[int, int]] = {}
    for kind in ("function_definition", "function_declaration", "function_item"):
        for node in _nodes(root, kind):
            holder = node
            while (inner := holder.child_by_field_name("declarator")) is not None:
                holder = inner
                if holder.type == "function_declarator":
                    break
            name = holder.child_by_field_name("declarator") or node.child_by_field_name("name")
            given = holder.child_by_field_name("parameters")
            count = _fixed(given) if given else -1
            if name is not None and count >= 0:
                found[_text(name)] = (node.start_point[0], count)
    return found


def _fixed(parameters: tree_sitter.Node) -> int:
    """How many parameters there are; -1 where that is open."""
    count = 0
    for each in parameters.named_children:
        if "variadic" in each.type or each.type == "self_parameter":
            return -1
        if "parameter" in each.type and _text(each) != "void":
            # Go's `a, b int` names two.
            count += max(1, len(each.children_by_field_name("name")))
    return count


def _nodes(root: tree_sitter.Node, kind: str) -> Iterator[tree_sitter.Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == kind:
            yield node
        pending += reversed(node.named_children)


def _text(node: tree_sitter.Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text else ""
