"""How each language spells its definitions and imports: tables of tree-sitter node types, as data.

`vivek.context.blocks` reads them. Nothing here parses; the parsers come from `vivek.grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Language:
    """The node types of one grammar.

    functions, classes: nodes that define; a class is whatever has members (struct, trait, interface, enum).
    values: function expressions; they are named by what they are assigned to. binders: nodes that do so.
    calls: nodes that may take a function as their last argument and so give it a name, as tests do:
    ``it('x', () => ...)``. wrappers: nodes around a definition that belong to it (a decorator list,
    ``export``, ``template <...>``). leading: nodes right above a definition that belong to it (doc comments,
    attributes). imports: node type -> what its text must match to be an import. nested: nodes at the top
    level in which imports are looked for too. header: finds a definition's first line in code that does not
    parse; its group names the kind, its text the name.
    """

    functions: frozenset[str]
    header: re.Pattern[str]
    imports: Mapping[str, re.Pattern[str]]
    classes: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    binders: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    leading: frozenset[str] = frozenset()
    nested: frozenset[str] = field(default_factory=lambda: frozenset({"ERROR"}))


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_ANY = re.compile("")
_REQUIRE = re.compile(r"=\s*(?:await\s+)?(?:require|import)\b\s*[(\"']")

_PYTHON = Language(
    functions=_set("function_definition"),
    classes=_set("class_definition"),
    wrappers=_set("decorated_definition"),
    imports={"import_statement": _ANY, "import_from_statement": _ANY, "future_import_statement": _ANY},
    nested=_set(
        "ERROR if_statement try_statement else_clause elif_clause except_clause finally_clause block"
    ),
    header=re.compile(r"\s*(?:async\s+)?(?:def\s+(?P<function>\w+)|class\s+(?P<class>\w+))"),
)

_JAVASCRIPT = Language(
    functions=_set("function_declaration generator_function_declaration method_definition"),
    classes=_set(
        "class_declaration abstract_class_declaration interface_declaration type_alias_declaration "
        "enum_declaration"
    ),
    values=_set("arrow_function function_expression generator_function class"),
    binders=_set(
        "variable_declarator assignment_expression pair field_definition public_field_definition "
        "export_statement"
    ),
    calls=_set("call_expression"),
    wrappers=_set(
        "export_statement lexical_declaration variable_declaration expression_statement ambient_declaration"
    ),
    leading=_set("comment decorator"),
    imports={"import_statement": _ANY, "lexical_declaration": _REQUIRE, "variable_declaration": _REQUIRE},
    header=re.compile(
        r"\s*(?:export\s+|default\s+|async\s+|declare\s+|abstract\s+)*"
        r"(?:function\s*\*?\s*(?P<function>[\w$]+)|(?:class|interface|enum)\s+(?P<class>[\w$]+)"
        r"|(?:const|let|var)\s+(?P<value>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*(?::[^=]+)?=>|\w+\s*=>))"
    ),
)

_GO = Language(
    functions=_set("function_declaration method_declaration"),
    classes=_set("type_spec type_alias"),
    values=_set("func_literal"),
    binders=_set("var_spec short_var_declaration"),
    wrappers=_set("type_declaration var_declaration"),
    leading=_set("comment"),
    imports={"package_clause": _ANY, "import_declaration": _ANY},
    header=re.compile(r"\s*(?:func\s+(?:\([^)]*\)\s*)?(?P<function>\w+)|type\s+(?P<class>\w+))"),
)

_RUST = Language(
    functions=_set("function_item macro_definition"),
    classes=_set("struct_item enum_item union_item trait_item impl_item"),
    leading=_set("line_comment block_comment attribute_item"),
    imports={"use_declaration": _ANY, "extern_crate_declaration": _ANY},
    header=re.compile(
        r"\s*(?:pub(?:\([^)]*\))?\s+|async\s+|const\s+|unsafe\s+|extern\s+(?:\"\w+\"\s+)?)*"
        r"(?:fn\s+(?P<function>\w+)|(?:struct|enum|union|trait|impl(?:<[^{]*>)?(?:\s+[\w:<>]+\s+for)?)\s+(?P<class>\w+))"
    ),
)

_JAVA = Language(
    functions=_set("method_declaration constructor_declaration compact_constructor_declaration"),
    classes=_set(
        "class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration"
    ),
    leading=_set("line_comment block_comment"),
    imports={"package_declaration": _ANY, "import_declaration": _ANY},
    header=re.compile(
        r"\s*(?:(?:public|protected|private|static|final|abstract|synchronized|default)\s+)*"
        r"(?:(?:class|interface|enum|record)\s+(?P<class>\w+)"
        r"|(?!return\b|new\b|else\b|throw\b)[\w<>\[\],.? ]+\s+(?P<function>\w+)\s*\([^;]*$)"
    ),
)

_C_HEADER = re.compile(
    r"\s*(?:(?:typedef\s+)?(?:class|struct|union|enum(?:\s+class)?)\s+(?P<class>\w+)[^;]*$"
    r"|(?!return\b|else\b|case\b|throw\b|new\b|delete\b)\w[\w\s*&:<>,~]*?[\s*&:](?P<function>~?\w+)\s*\([^;]*$)"
)

_C = Language(
    functions=_set("function_definition"),
    classes=_set("struct_specifier union_specifier enum_specifier"),
    wrappers=_set("type_definition declaration"),
    leading=_set("comment"),
    imports={"preproc_include": _ANY},
    nested=_set(
        "ERROR preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification declaration_list"
    ),
    header=_C_HEADER,
)

_CPP = Language(
    functions=_set("function_definition"),
    classes=_set("class_specifier struct_specifier union_specifier enum_specifier concept_definition"),
    values=_set("lambda_expression"),
    binders=_set("init_declarator"),
    wrappers=_set("type_definition declaration template_declaration"),
    leading=_set("comment"),
    imports={"preproc_include": _ANY, "using_declaration": _ANY},
    nested=_set(
        "ERROR preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification declaration_list"
    ),
    header=_C_HEADER,
)

_LUA = Language(
    functions=_set("function_declaration"),
    values=_set("function_definition"),
    binders=_set("assignment_statement field"),
    calls=_set("function_call"),
    wrappers=_set("variable_declaration"),
    leading=_set("comment"),
    imports={"variable_declaration": re.compile(r"=\s*require\b")},
    header=re.compile(
        r"\s*(?:(?:local\s+)?function\s+(?P<function>[\w.:]+)|(?:local\s+)?(?P<value>[\w.]+)\s*=\s*function\b)"
    ),
)

_BASH = Language(
    functions=_set("function_definition"),
    leading=_set("comment"),
    imports={"command": re.compile(r"(?:source|\.)\s")},
    header=re.compile(r"\s*(?:function\s+(?P<function>[\w:.-]+)|(?P<value>[\w:.-]+)\s*\(\s*\))"),
)

LANGUAGES: Mapping[str, Language] = {
    "bash": _BASH,
    "c": _C,
    "cpp": _CPP,
    "go": _GO,
    "java": _JAVA,
    "javascript": _JAVASCRIPT,
    "lua": _LUA,
    "python": _PYTHON,
    "rust": _RUST,
    "tsx": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
}
"""Grammar name -> its tables. TypeScript's grammars have the same names for the same things as
JavaScript's."""
