"""Jinja's compiler, with the nodes that Python would decide at once rewritten.

They become calls of the functions that :class:`~broadsheet.rendering.environment.PressEnvironment` keeps in ``press``.
"""

# ruff: noqa: D102, N802  the names of its methods are Jinja's

from collections.abc import Sequence

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst

_OWN_SCOPE = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block, nodes.With)
_BINDS: dict[type[nodes.Node], str] = {
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Macro: "{% macro %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% import %}",
    nodes.Extends: "{% extends %}",
}


def _binding_in(children: Sequence[nodes.Node]) -> str | None:
    """The first statement among ``children`` whose effect outlives them, as the template writes it."""
    for child in children:
        if type(child) in _BINDS:
            return _BINDS[type(child)]
        if next(child.find_all(nodes.NSRef), None) is not None:
            return "{% set %} of a namespace"
        if not isinstance(child, _OWN_SCOPE):
            found = _binding_in(list(child.iter_child_nodes()))
            if found:
                return found
    return None


class Generator(CodeGenerator):
    """Jinja's compiler, with the nodes that Python would decide at once rewritten."""

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        inner = frame.soft()
        branch = self.temporary_identifier()
        otherwise: list[nodes.Node] = list(node.else_)
        if node.elif_:
            first, *rest = node.elif_
            otherwise = [nodes.If(first.test, first.body, rest, node.else_, lineno=first.lineno)]
        self.writeline(f"{branch} = environment.press['_bs_branch'](", node)
        self.visit(node.test, inner)
        self.write(f", {_binding_in([*node.body, *otherwise])!r})")
        for condition, text, body in (("first", "opened", node.body), ("second", "turned", otherwise)):
            if condition == "first" or body:
                self.writeline(f"if {branch}.{condition}:")
                self.indent()
                self._write_token(f"{branch}.{text}()", frame)
                self.blockvisit(body, inner)
                self.outdent()
        self._write_token(f"{branch}.ended()", frame)

    def _write_token(self, source: str, frame: Frame) -> None:
        """Print what ``source`` gives, unless the template extends another and nothing here is printed."""
        if self.has_known_extends and frame.require_output_check:
            self.writeline(source)
        else:
            self.simple_write(source, frame)

    def _call(self, name: str, frame: Frame, *args: nodes.Expr | str, thunks: bool = True) -> None:
        """Write a call of a helper; all but the first argument as functions that compute when called."""
        self.write(f"environment.press['{name}'](")
        for position, arg in enumerate(args):
            self.write(", lambda: " if position and thunks else ", " if position else "")
            if isinstance(arg, str):
                self.write(arg)
            else:
                self.visit(arg, frame)
        self.write(")")

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        inner = frame.inner()
        inner.symbols.analyze_node(node)
        self.enter_frame(inner)
        self.buffer(inner)
        self.blockvisit(node.body, inner)
        self.start_write(frame, node)
        self.write("environment.press['_bs_filtered'](context, ")
        self.visit_Filter(node.filter, inner)
        self.write(")")
        self.end_write(frame)
        self.leave_frame(inner)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.press['_bs_sliceable'](")
        self.visit(node.node, frame)
        self.write(")[")
        self.visit(node.arg, frame)
        self.write("]")

    @optimizeconst
    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:
        self._call("_bs_and", frame, node.left, node.right)

    @optimizeconst
    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        self._call("_bs_or", frame, node.left, node.right)

    @optimizeconst
    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        self._call("_bs_not", frame, node.node)

    @optimizeconst
    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        missing = f'cond_expr_undefined("the inline if on {self.position(node)} has no else")'
        self._call("_bs_select", frame.soft(), node.test, node.expr1, node.expr2 or missing)

    @optimizeconst
    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.write("environment.press['_bs_compare'](")
        self.visit(node.expr, frame)
        self.write(", (")
        for operand in node.ops:
            self.write(f"({operand.op!r}, lambda: ")
            self.visit(operand.expr, frame)
            self.write("), ")
        self.write("))")

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.press['_bs_concat'](context, (")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")
