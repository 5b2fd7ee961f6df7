"""Templates and readers as Hypothesis makes them up."""

# ruff: noqa: E501  a template's source reads best in one line

from hypothesis import strategies as st

_characters = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"))
NASTY = [
    "Ada", "", " ", "Anna-Lena Müller", "Ωmega", "👩🏽‍🚀 Ada 🎉", "مرحبا بالعالم", "שלום", "山田太郎", "a" * 5000, "é" * 5000, "x y " * 1250,
    "." * 200, ".hidden\n.dots\n..\n.", "\"quoted\" 'single'", "<script>alert(1)</script>", "a < b > c & d &amp; &lt;", "x=y==3D=\n=",
    "tab\there", "two\nlines", "trailing   ", "   leading", "javascript:alert(1)", "https://reader.example/?a=1&b=2#c",
    "//evil.example", "mailto:a@b.example", "%41%zz", "{{ 7*7 }}", "{% if x %}", "zq0123456789v0z", "\u202eRTL", "\u2028sep", "=?utf-8?q?x?=",
    "-->", "]]>", "<!--", "\\", "a@b.example", "1", "-3.5", "sleep",
]  # fmt: skip
texts = st.one_of(
    st.sampled_from(NASTY), st.text(_characters, max_size=20), st.text(st.sampled_from("ab <>&\"'=.\n\t"), max_size=12)
)
plain_texts = st.one_of(
    st.sampled_from([each for each in NASTY if not set(each) & set("\n\r\t")]), st.text(_characters, max_size=20)
)


def readers(words=texts):
    """What is known of a reader: anything may be missing."""
    return st.fixed_dictionaries(
        {},
        optional={
            "first_name": words,
            "city": words,
            "url": words,
            "note": st.one_of(words, st.none()),
            "age": st.integers(-5, 120),
            "score": st.floats(-10, 10, allow_nan=False).map(lambda x: round(x, 2)),
            "vip": st.booleans(),
            "interests": st.lists(st.one_of(st.sampled_from(["sleep", "movement"]), words), max_size=4),
        },
    )


_words = st.sampled_from(
    [
        "subscriber.first_name",
        "subscriber.city",
        "subscriber['note']",
        "subscriber.url",
        "subscriber.first_name | default('friend')",
    ]
)
_numbers = st.sampled_from(
    ["subscriber.age", "subscriber.score", "subscriber.age | default(7)", "articles | length", "3"]
)
_literals = st.sampled_from(["'sleep'", "'a<b'", "'Ü & co'", "articles[0].title", "site.name", "''"])
_lists = st.sampled_from(["subscriber.interests", "subscriber.interests | default([])", "articles[0].tags"])
#: applied to a text
_filters = st.sampled_from(
    ["upper", "lower", "title", "capitalize", "trim", "truncate(9)", "truncate(5, true, '…', 0)", "replace('a', '<b>')", "length", "e", "urlencode",
     "string | default('z', true) | first", "string | default('z', true) | last", "string", "default('', true)", "default('n/a')", "d(site.name)", "wordcount", "striptags", "indent(2)", "escape",
     "replace('<', subscriber.city)", "string | default('z', true) | batch(2) | first | join", "list | join('·')"]
)  # fmt: skip
_number_filters = st.sampled_from(
    ["int", "round", "round(1)", "float", "abs", "string", "default(1)", "round | int", "filesizeformat"]
)
_list_filters = st.sampled_from(
    ["join(', ')", "join", "length", "first", "last", "sort | join('/')", "unique | join(' ')", "map('upper') | join(', ')", "select('equalto', 'sleep') | list | length"]
)  # fmt: skip


@st.composite
def expressions(draw, depth=2):
    """An expression that gives something to print."""
    kind = draw(st.integers(0, 15 if depth else 5))
    one = draw(expressions(depth - 1)) if kind > 5 else ""
    match kind:
        case 0 | 1:
            return draw(_words)
        case 2:
            return draw(_literals)
        case 3:
            return f"({draw(_numbers)}) | {draw(_number_filters)}"
        case 4:
            return f"({draw(_lists)}) | {draw(_list_filters)}"
        case 5:
            return f"({draw(_words)}) | {draw(_filters)}"
        case 6 | 7:
            return f"({one}) | string | {draw(_filters)}"
        case 8:
            return f"({one}) ~ ({draw(expressions(depth - 1))})"
        case 9:
            return f"({one}) if {draw(conditions(depth - 1))} else ({draw(expressions(depth - 1))})"
        case 10:
            return f"({one}) if {draw(conditions(depth - 1))}"
        case 11:
            return f"({one}) {draw(st.sampled_from(['or', 'and']))} ({draw(expressions(depth - 1))})"
        case 12:
            return f"({draw(_numbers)}) {draw(st.sampled_from(['+', '-', '*', '//', '%', '/']))} ({draw(_numbers)})"
        case 13:
            return f"'%s, <b>%s' | format({one}, {draw(_words)})"
        case 14:
            return draw(
                st.sampled_from(
                    [
                        f"(({one}) | string).upper()",
                        f"'<i>' ~ ({one})",
                        f"'[%s]' % ({one})",
                        f"(({one}) ~ '!')[0]",
                        f"(({one}) | string).split('a') | join('-')",
                    ]
                )
            )
        case _:
            return f"[{one}, {draw(_literals)}] | join({draw(_literals)})"


@st.composite
def conditions(draw, depth=2):
    """An expression that decides."""
    kind = draw(st.integers(0, 10 if depth else 6))
    match kind:
        case 0:
            return draw(_words)
        case 1:
            return f"({draw(_words)}) {draw(st.sampled_from(['==', '!=']))} {draw(_literals)}"
        case 2:
            return (
                f"({draw(_numbers)}) {draw(st.sampled_from(['<', '<=', '>', '>=', '==']))} {draw(st.integers(-3, 60))}"
            )
        case 3:
            return f"1 < ({draw(_numbers)}) {draw(st.sampled_from(['<', '!=']))} 50"
        case 4:
            return f"{draw(_literals)} {draw(st.sampled_from(['in', 'not in']))} {draw(_lists)}"
        case 5:
            return f"'a' {draw(st.sampled_from(['in', 'not in']))} ({draw(_words)})"
        case 6:
            return f"{draw(st.sampled_from(['subscriber.vip', 'subscriber.nothing', 'subscriber.note']))} is {draw(st.sampled_from(['defined', 'none', 'not defined', 'string', 'true']))}"
        case 7:
            return f"not ({draw(conditions(depth - 1))})"
        case 8:
            return f"({draw(conditions(depth - 1))}) and ({draw(conditions(depth - 1))})"
        case 9:
            return f"({draw(conditions(depth - 1))}) or ({draw(conditions(depth - 1))})"
        case _:
            return f"({draw(expressions(depth - 1))}) == ({draw(expressions(depth - 1))})"


def _printed(expression):
    return "{{ " + expression + " }}"


@st.composite
def inline(draw, depth=2):
    """What may stand inside an element."""
    kind = draw(st.integers(0, 12 if depth else 5))
    match kind:
        case 0:
            return draw(st.sampled_from(["Hello ", "a & b", "Grüße.", "one\n.two", "<br>", "x=1"]))
        case 1 | 2:
            return _printed(draw(expressions()))
        case 3:
            return f'<b title="t {_printed(draw(expressions()))} &quot;u">b</b>'
        case 4:
            return f'<a href="{_printed(draw(expressions()))}">here</a>'
        case 5:
            return f'<a href="https://x.example/?q={_printed(draw(expressions()))}&amp;r=1"><img src="https://x.example/i.png" alt="{_printed(draw(expressions()))}"></a>'
        case 6 | 7:
            other = draw(st.sampled_from(["", "{% else %}" + draw(inline(depth - 1))]))
            return f"{{% if {draw(conditions())} %}}{draw(inline(depth - 1))}{other}{{% endif %}}"
        case 8:
            return (
                f"{{% if {draw(conditions())} %}}{draw(inline(depth - 1))}{{% elif {draw(conditions())} %}}"
                f"{draw(inline(depth - 1))}{{% else %}}{draw(inline(depth - 1))}{{% endif %}}"
            )
        case 9:
            return f"{{% filter {draw(st.sampled_from(['upper', 'replace(&quot;a&quot;, &quot;b&quot;)'.replace('&quot;', chr(34)), 'trim', 'e']))} %}}{draw(inline(0))}{{% endfilter %}}"
        case 10:
            return f"{{% with v = {draw(expressions())} %}}{{{{ v }}}}{{{{ v | default('x') }}}}{{{{ show(v) }}}}{{% endwith %}}"
        case 11:
            return f"{{{{ show({draw(expressions())}) }}}}{{% include 'shared/part.html' %}}"
        case _:
            return f"{{% with %}}{{% set b %}}{draw(inline(0))}{{% endset %}}{{{{ b }}}}{{{{ b | upper }}}}{{{{ b ~ '&' }}}}{{% endwith %}}"


@st.composite
def blocks(draw, depth=2):
    """Whole elements."""
    kind = draw(st.integers(0, 5 if depth else 1))
    match kind:
        case 0 | 1:
            return f"<p>{draw(inline())}{draw(inline(1))}{{{{ top }}}}</p>\n"
        case 2:
            return f"{{% if {draw(conditions())} %}}\n{draw(blocks(depth - 1))}{{% else %}}\n{draw(blocks(depth - 1))}{{% endif %}}\n"
        case 3:
            return f"{{% for article in articles %}}{{% if {draw(conditions())} %}}<p>{{{{ loop.index }}}} {{{{ article.title }}}} {draw(inline(1))}</p>{{% endif %}}{{% endfor %}}\n"
        case 4:
            return f'<table><tr><td>a</td></tr>{{% if {draw(conditions())} %}}<tr><td align="left">{draw(inline(1))}</td></tr>{{% endif %}}<tr><td>{draw(inline(1))}</td></tr></table>\n'
        case _:
            return draw(blocks(depth - 1)) + draw(blocks(depth - 1))


@st.composite
def bodies(draw, depth=2):
    """Blocks, and a value set above all of them."""
    return f"{{% set top = {draw(expressions())} %}}\n{draw(blocks(depth))}<p>{{{{ top }}}}</p>"


@st.composite
def text_parts(draw, depth=1):
    """Lines of a plain text."""
    kind = draw(st.integers(0, 4 if depth else 2))
    match kind:
        case 0:
            return draw(st.sampled_from(["Hello,\n", ".dots\n", "a & b = <c>\n\n", "ünï   \n"]))
        case 1 | 2:
            return f"{_printed(draw(expressions()))}\n"
        case 3:
            return f"{{% if {draw(conditions())} %}}\n{draw(text_parts(depth - 1))}{{% else %}}\n{draw(text_parts(depth - 1))}{{% endif %}}\n"
        case _:
            return (
                draw(text_parts(depth - 1))
                + f"{{% with v = {draw(expressions())} %}}{{{{ v }}}} end{{% endwith %}}\n{{% for a in articles %}}\n{{{{ a.title }}}} {_printed(draw(expressions(1)))}\n{{% endfor %}}\n"
            )


@st.composite
def subjects(draw):
    """A subject, or a preheader: one line."""
    return "-".join(
        draw(
            st.lists(
                st.one_of(st.sampled_from(["News", "for", "Größe:", "{{ articles[0].title }}"]), expressions(1).filter(lambda e: "subscriber" in e).map(_printed),
                          st.builds(lambda c: f"{{% if {c} %}}A{{% else %}}B{{% endif %}}", conditions(1))),
                min_size=1, max_size=3,
            )
        )
    )  # fmt: skip
