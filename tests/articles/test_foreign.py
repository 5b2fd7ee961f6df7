"""What only a site's generator understands does not reach a mail; code keeps its own."""

import time

import pytest

from broadsheet.articles.foreign import without_foreign


def markdown(text):
    return without_foreign(text, "markdown")[0]


def mdx(text):
    return without_foreign(text, "mdx")[0]


def told(text, kind="markdown"):
    return [(each.code, each.message) for each in without_foreign(text, kind)[1]]


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('{{< figure src="a.png" >}}', ""),
        ("a {{% ref x %}} b", "a  b"),
        ("{{< note >}}\nInside.\n{{< /note >}}", "\nInside.\n"),
        ("{{</* figure */>}}", "{{&lt; figure &gt;}}"),
        ("{{ youtube(id='x') }}", ""),
        ("{% quote(author='x') %}Inside.{% end %}", "Inside."),
        ('[x]({{< relref "/y" >}})', "[x]()"),
        ("{{< highlight go >}}\na {b}\n{{< /highlight >}}", "\n```go\na {b}\n```\n"),
    ],
)
def test_shortcodes_of_hugo_and_zola_are_taken_out_and_what_they_enclose_stays(written, left):
    assert markdown(written) == left


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("{% include a.html b='c' %}", ""),
        ("{%- if a -%}Inside.{%- endif -%}", "Inside."),
        ("Hello {{ page.name }}!", "Hello !"),
        ("![x]({{ site.baseurl }}/a.png)", "![x](/a.png)"),
        ("![x]({{ '/a.png' | relative_url }})", "![x](/a.png)"),
        ("{% comment %}\nGone.\n{% endcomment %}", ""),
        ("{% raw %}{{ shown }}{% endraw %}", "{{ shown }}"),
        ("{# gone #}", ""),
        ("{% highlight ruby linenos %}\na = `b`\n{% endhighlight %}", "\n```ruby\na = `b`\n```\n"),
        ("{% highlight md %}\n```\na\n```\n{% endhighlight %}", "\n````md\n```\na\n```\n````\n"),
    ],
)
def test_liquid_is_taken_out_and_what_it_encloses_stays(written, left):
    assert markdown(written) == left


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("# Title {#top}\n", "# Title \n"),
        ('Text.\n{: .lead #a b="c"}\n\nMore.', "Text.\n\nMore."),
        ("- a\n{: .x}\n- b", "- a\n- b"),
        ('A [link](x){: target="_blank"} here.', "A [link](x) here."),
        ("* TOC\n{:toc}\n\nText.", "\nText."),
        ("## Two {.big}\n", "## Two \n"),
        ("{::comment}\nGone.\n{:/comment}\nText.", "\nText."),
        ("{::nomarkdown}x{:/}", "x"),
    ],
)
def test_kramdowns_attributes_are_taken_out(written, left):
    assert markdown(written) == left


def test_the_fences_of_directives_are_taken_out_and_what_they_enclose_stays():
    assert markdown(":::note Take care\n\nCareful.\n\n:::\n").strip() == "Careful."


@pytest.mark.parametrize(
    "code",
    [
        "```\n{{< a >}} {% b %} {{ c }}\n{: .d}\n<E />\n```\n",
        "~~~md\n:::note\n{{< a >}}\n~~~\n",
        "Text.\n\n    {{< a >}}\n    {% b %}\n",
        "`{{< a >}}` and ``{% b ` %}`` and `<C/>`",
        "- item\n\n  ```\n  {{ a }}\n  ```\n",
        "<!-- {{ a }} {% b %} -->",
        "\\{{ a }\\}",
    ],
)
def test_code_and_comments_keep_theirs(code):
    assert without_foreign(code, "markdown") == (code, [])


@pytest.mark.parametrize(
    "plain",
    [
        "A set {a, b} and a < B and 5 {years}.",
        "import duties rose.\nexport too.",
        "<https://x.example> <B>bold</B> <a href='x'>y</a>",
        "unclosed {{< and {% and {{ and <Foo and {: and {#",
        "::: a colon",
    ],
)
def test_what_only_looks_like_it_stays_in_markdown(plain):
    assert markdown(plain) == plain or plain.startswith(":::")


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("import A from './a'\nimport {B} from \"b\"\n\nText.", "\n\nText."),
        ("export const meta = {\n  a: 1,\n\n  b: [2],\n}\n\nText.", "\n\nText."),
        ("export default ({children}) => <div>{children}</div>\n\nText.", "\n\nText."),
        ("Hello {props.name}, {' '}{\"you\"}.", "Hello ,  you."),
        ("{/* a\n\ncomment */}Text.", "Text."),
        ("{list.map((x) => <li key={x}>don't</li>)}", ""),
        ("<Callout kind={{a: '}'}} title=\"a > b\">Hello **you**</Callout>", "Hello **you**"),
        ("<Image src={hero} alt='A' />", ""),
        ("<></>", ""),
        ("<div style={{color: 'red'}} id=\"x\">Text</div>", '<div id="x">Text</div>'),
        ("<img src='/a.png' alt='A' />", "<img src='/a.png' alt='A' />"),
        ("\\{kept\\} and `{code}`", "\\{kept\\} and `{code}`"),
        ("## Title {#id}", "## Title "),
        ("Prose\nimport is a word.", "Prose\nimport is a word."),
        ("<Tab.Panel a=`x`>", "<Tab.Panel a=`x`>"),
    ],
)
def test_mdx_is_taken_out_and_text_stays(written, left):
    assert mdx(written) == left


def test_components_in_plain_markdown_are_taken_out_and_imports_that_can_be_nothing_else():
    assert markdown("import A from 'a';\n\n<Aa b={c}>Text</Aa>") == "\nText"


def test_fenced_code_in_a_component_is_kept_however_deep():
    text = "<Tabs>\n      ```js\n      const {a} = b\n      ```\n</Tabs>"
    assert "const {a} = b" in mdx(text)


def test_the_content_of_an_indented_component_is_no_code(parse):
    text = "---\ntitle: T\n---\n<Tabs>\n    <Tab>\n\n        Some **text**.\n\n    </Tab>\n</Tabs>\n"
    assert "<p>Some <strong>text</strong>.</p>" in parse(text, path="articles/a.mdx").html


def test_html_keeps_pre_code_and_comments():
    text = "<p>{{ a }}{% if b %}c{% endif %}</p><pre>{{ d }}</pre><code class='x'>{% e %}</code><!-- {{ f }} -->"
    assert without_foreign(text, "html")[0] == text.replace("{{ a }}{% if b %}c{% endif %}", "c")


def test_each_is_told_once_with_its_first_line_and_how_often():
    text = "Text.\n\n{{< note >}}a{{< /note >}}\n{{< note >}}b{{< /note >}}\n{{ page.x }}\n# T {#t}\n<Foo/>\n:::tip\n"
    assert told(text) == [
        ("shortcode", "line 3: the shortcode note was taken out (and 1 more)"),
        ("liquid", "line 5: {{ page.x }} was taken out"),
        ("kramdown", "line 6: {#t} was taken out"),
        ("jsx", "line 7: the component <Foo> was taken out"),
        ("directive", "line 8: the directive tip was taken out"),
    ]
    assert told("import A from 'a'\n\n{b}", "mdx") == [
        ("mdx", "line 1: import A from 'a' was taken out"),
        ("mdx", "line 3: {b} was taken out"),
    ]


def test_the_line_is_the_files(parse):
    article = parse("---\ntitle: T\ntags: [a]\n---\n\n{{< toc >}}\n")
    assert [each.message for each in article.findings] == ["line 6: the shortcode toc was taken out"]


def test_a_text_without_any_mark_is_not_even_parsed():
    text = "# T\n\nJust words, (brackets) and *stars*.\n"
    assert without_foreign(text, "markdown")[0] is text


@pytest.mark.parametrize("kind", ["markdown", "mdx", "html"])
@pytest.mark.parametrize(
    "mark", ["{", "{{", "{%", "{{<", "<A", "`", "{#", "{:", "<A {", "import ", "{'", "<A b=", "{%raw%}", "* \n{:toc}\n"]
)
def test_no_text_takes_long(kind, mark):
    started = time.process_time()
    without_foreign((mark * 100_000)[:100_000], kind)
    assert time.process_time() - started < 2
