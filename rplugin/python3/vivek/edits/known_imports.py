"""Which import a well-known Python name needs, when code uses it and nothing defines it.

The tables hold names that mean one thing wherever they are seen; a name that is as likely a forgotten
variable (`code`, `test`, `count`) is in none of them.
"""

from __future__ import annotations

import re
import sys

_MEMBERS = {
    "abc": "ABC ABCMeta abstractmethod",
    "argparse": "ArgumentParser Namespace RawDescriptionHelpFormatter",
    "ast": "literal_eval NodeVisitor NodeTransformer",
    "bisect": "bisect_left bisect_right insort insort_left insort_right",
    "collections": "ChainMap Counter OrderedDict UserDict UserList defaultdict deque namedtuple",
    "collections.abc": "AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Coroutine"
    " Generator Hashable ItemsView Iterable Iterator KeysView Mapping MutableMapping"
    " MutableSequence MutableSet Sequence Sized ValuesView",
    "concurrent.futures": "ProcessPoolExecutor ThreadPoolExecutor as_completed",
    "contextlib": "AsyncExitStack ExitStack asynccontextmanager contextmanager nullcontext redirect_stderr"
    " redirect_stdout suppress",
    "copy": "deepcopy",
    "dataclasses": "asdict astuple dataclass field is_dataclass",
    "datetime": "timedelta timezone",
    "decimal": "Decimal InvalidOperation ROUND_HALF_EVEN ROUND_HALF_UP",
    "enum": "Enum Flag IntEnum IntFlag StrEnum auto unique",
    "fractions": "Fraction",
    "functools": "cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch"
    " singledispatchmethod total_ordering wraps",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "io": "BytesIO StringIO TextIOWrapper",
    "itertools": "accumulate chain combinations combinations_with_replacement cycle dropwhile groupby islice"
    " pairwise permutations product starmap takewhile zip_longest",
    "math": "ceil floor gcd hypot inf isclose isinf isnan isqrt log10 log2 prod sqrt",
    "operator": "attrgetter itemgetter methodcaller",
    "pathlib": "Path PosixPath PurePath PurePosixPath",
    "pprint": "pprint",
    "random": "randint randrange",
    "statistics": "median pstdev stdev",
    "string": "ascii_letters ascii_lowercase ascii_uppercase hexdigits punctuation",
    "subprocess": "CalledProcessError Popen TimeoutExpired",
    "tempfile": "NamedTemporaryFile TemporaryDirectory TemporaryFile mkdtemp mkstemp",
    "textwrap": "dedent",
    "threading": "RLock Thread",
    "time": "monotonic perf_counter",
    "types": "MappingProxyType ModuleType SimpleNamespace TracebackType",
    "typing": "Annotated Any AnyStr ClassVar Dict Final FrozenSet Generic IO List Literal NamedTuple"
    " NewType NoReturn Optional ParamSpec Protocol Self Set Tuple Type TYPE_CHECKING TypeAlias"
    " TypedDict TypeGuard TypeVar Union cast get_type_hints overload runtime_checkable",
    "unittest": "TestCase",
    "unittest.mock": "AsyncMock MagicMock Mock",
    "urllib.parse": "parse_qs quote_plus unquote urlencode urljoin urlparse urlsplit urlunparse",
    "uuid": "UUID uuid4",
    "zoneinfo": "ZoneInfo",
}
_FROM = {name: f"from {module} import {name}" for module, names in _MEMBERS.items() for name in names.split()}

_ALIASES = {
    "dt": "import datetime as dt",
    "np": "import numpy as np",
    "nx": "import networkx as nx",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "pl": "import polars as pl",
    "sns": "import seaborn as sns",
    "tf": "import tensorflow as tf",
}

_MODULES = (
    "abc argparse ast asyncio base64 bisect builtins collections colorsys concurrent configparser"
    " contextlib contextvars copy csv ctypes dataclasses decimal difflib dis email enum fcntl fnmatch"
    " fractions ftplib functools gc getpass gettext glob grp gzip hashlib heapq hmac http importlib"
    " inspect io ipaddress itertools json locale logging lzma marshal math mimetypes mmap multiprocessing"
    " operator os pathlib pdb pickle pkgutil pprint pstats random re runpy shelve shlex shutil smtplib"
    " socket socketserver sqlite3 ssl statistics struct subprocess sys syslog tarfile tempfile textwrap"
    " threading time timeit tkinter tokenize tomllib traceback tracemalloc typing unicodedata unittest"
    " urllib uuid warnings wave weakref webbrowser winreg xml zipfile zlib zoneinfo"
)
_SURE = frozenset(_MODULES.split()) & sys.stdlib_module_names

_AMBIGUOUS = {
    "array": "array",
    "binascii": "hexlify|unhexlify|crc32|b2a_\\w+|a2b_\\w+",
    "calendar": "monthrange|month_name|month_abbr|day_name|day_abbr|isleap|timegm|monthcalendar|Calendar",
    "errno": "E[A-Z0-9]+",
    "fileinput": "input",
    "filecmp": "cmp|cmpfiles|dircmp",
    "html": "escape|unescape",
    "keyword": "iskeyword|kwlist|issoftkeyword",
    "numbers": "Number|Integral|Real|Rational|Complex",
    "platform": "system|machine|node|release|version|platform|python_version|processor|uname",
    "pwd": "getpwnam|getpwuid|getpwall",
    "queue": "Queue|LifoQueue|PriorityQueue|SimpleQueue|Empty|Full",
    "resource": "getrusage|setrlimit|getrlimit|RUSAGE_SELF|RLIMIT_\\w+",
    "sched": "scheduler",
    "secrets": "token_\\w+|choice|randbelow|compare_digest|randbits|SystemRandom",
    "select": "select|poll|epoll|kqueue",
    "selectors": "DefaultSelector|EVENT_\\w+",
    "signal": "signal|SIG\\w+|alarm|pause|Signals|getsignal",
    "stat": "S_\\w+|ST_\\w+|filemode",
    "string": "ascii_\\w+|digits|hexdigits|octdigits|punctuation|printable|whitespace|Template"
    "|Formatter|capwords",
    "sysconfig": "get_\\w+",
    "types": "SimpleNamespace|MappingProxyType|FunctionType|ModuleType|TracebackType|MethodType|CodeType"
    "|GeneratorType|GenericAlias|UnionType|NoneType|LambdaType",
}
"""Modules whose names are as often a variable's, with the members by which the module is known."""


def import_for(name: str, code: str = "") -> str | None:
    """The statement that a well-known name needs, e.g. "from pathlib import Path"; None for any other name.

    code: where the name is used; it decides between ``import datetime`` and ``from datetime import
    datetime``, and whether a name like `string` is the module (``string.digits``) or a variable.
    """
    if name in ("datetime", "date"):
        return _for_dates(name, code)
    if name in _FROM:
        return _FROM[name]
    if name in _ALIASES:
        return _ALIASES[name]
    used = name in _AMBIGUOUS and re.search(rf"(?<![\w.]){name}\.(?:{_AMBIGUOUS[name]})\b", code)
    return f"import {name}" if name in _SURE or used else None


def _for_dates(name: str, code: str) -> str | None:
    """`datetime` is a module and a class in it; `date` is the class only where one of its makers is
    called."""
    if name == "date":
        made = re.search(r"(?<![\w.])date(?:\.(?:today|from\w+))?\(\d*", code)
        return "from datetime import date" if made and made[0] != "date(" else None
    module = r"(?<![\w.])datetime\.(?:datetime|date|time|timedelta|timezone|tzinfo|UTC)\b"
    return "import datetime" if re.search(module, code) else "from datetime import datetime"
