"""The tags an article gets: its own in one form, those of its category, and those of the rules. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import regex

from broadsheet.articles.dialects import TAG_LIMIT, normal_tag, plain_category
from broadsheet.articles.findings import Finding
from broadsheet.conf import Config, TaggingRule

#: How many characters of an article the rules see, and how many seconds one rule may take over one article.
LONGEST = 100_000
PATIENCE = 0.25


@dataclass
class Tagging:
    """The workspace's ``[[tag_rules]]`` and ``[tags]``, ready to be asked."""

    rules: tuple[TaggingRule, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """By every form of a tag: the one to keep."""
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By category, in its plain form: its tags."""
    _hopeless: set[str] = field(default_factory=set)
    """Patterns that took too long once, and are not tried on thousands of articles more."""

    @classmethod
    def of(cls, config: Config) -> "Tagging":
        """The tagging that ``broadsheet.toml`` asks for."""
        return cls(
            rules=config.tag_rules,
            synonyms={
                normal_tag(form): normal_tag(tag) for tag, forms in config.tags.synonyms.items() for form in forms
            },
            categories={
                plain_category(category): tuple(normal_tag(tag) for tag in tags)
                for category, tags in config.tags.categories.items()
            },
        )

    def fingerprint(self) -> str:
        """All that its answers depend on, as text."""
        rules = [(rule.tag, rule.when, rule.also_tagged) for rule in self.rules]
        return repr((rules, sorted(self.synonyms.items()), sorted(self.categories.items())))

    def tags_of(
        self, given: Iterable[str], categories: Iterable[str], texts: Iterable[str]
    ) -> tuple[tuple[str, ...], list[Finding]]:
        """The tags of an article with those of its own, those categories and those texts; and what went wrong.

        1. Its own tags, synonyms replaced. 2. The tags of its categories. 3. Rules that fit; if it has tags of
        its own, only rules that are for these too.
        """
        own = [tag for each in given if (tag := normal_tag(each))]
        filed = [tag for each in categories for tag in self.categories.get(plain_category(each), ())]
        ruled, findings = self._ruled([r for r in self.rules if r.also_tagged or not own], texts)
        kept = dict.fromkeys(self.synonyms.get(tag, tag) for tag in (*own, *filed, *ruled))
        return tuple(tag for tag in kept if tag and len(tag) <= TAG_LIMIT), findings

    def _ruled(self, rules: list[TaggingRule], texts: Iterable[str]) -> tuple[list[str], list[Finding]]:
        if not rules:
            return [], []
        text = "\n".join(texts)[:LONGEST]
        found, findings = [], []
        for rule in rules:
            try:
                if rule.when not in self._hopeless and compiled(rule.when).search(text, timeout=PATIENCE):
                    found.append(normal_tag(rule.tag))
            except TimeoutError:
                self._hopeless.add(rule.when)
            if rule.when in self._hopeless:
                shown = f"the rule for the tag “{rule.tag}” takes too long and was not tried; make its pattern simpler"
                findings.append(Finding("tag-rule", shown))
        return found, findings


@cache
def compiled(pattern: str) -> Any:
    """The pattern of a rule, ready to search; in any case."""
    return regex.compile(pattern, regex.IGNORECASE)
