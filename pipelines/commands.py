"""Commands that other modules hold, each module loaded only when one of its commands is chosen: to load all of them takes a second.

What a list of commands says of one is read in its module's text, so that it stands in one place and costs no import.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

MODULES = {
    "prices": "cli_prices",
    "owners": "cli_owners",
    "ratecard": "cli_ratecard",
    "unit": "cli_unit",
    "budgets": "cli_budgets",
    "rerate": "cli_rerate",
    "audit": "cli_rerate",
    "close": "cli_close",
    "reopen": "cli_close",
    "explain": "cli_explain",
    "reconcile": "cli_reconcile",
    "readiness": "cli_readiness",
    "experiments": "cli_experiments",
    "forecast": "cli_forecast",
    "gpu-sample": "cli_gpu",
    "telemetry": "cli_telemetry",
    "savings": "cli_savings",
    "anomalies": "cli_anomalies",
    "quota": "cli_quota",
    "notify": "cli_notify",
    "whatif": "cli_whatif",
    "site": "cli_pages",
    "serve": "cli_pages",
    "bench": "cli_bench",
    "export": "cli_export",
}
"""Where each command is, in the order of --help: the one of its name in the module's `app`, or that `app` itself, as a group."""


class Elsewhere(TyperCommand):
    """A command of another module. Whatever is asked of it beyond its name and its help is asked of the command itself."""

    def __init__(self, name: str, module: str) -> None:
        super().__init__(name=name)
        self._module = module

    @property
    def group(self) -> TyperGroup:
        """All commands of its module; loads it."""
        return get_group(import_module(f"meterbook.pipelines.{self._module}").app)

    @property
    def command(self) -> Any:  # noqa: ANN401 -- typer's, of one command or of a group
        """The command itself."""
        group = self.group
        return group.commands.get(str(self.name), group)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 -- typer's
        """The context of the command itself, which is then what runs."""
        return self.command.make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 45) -> str:
        """What a list of commands says of it."""
        self.help = summary(self._module, str(self.name))
        return super().get_short_help_str(limit)


class Commands(TyperGroup):
    """The group of all commands: those given to it, then those of `MODULES`."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 -- typer's
        super().__init__(**attributes)
        for name, module in MODULES.items():
            self.add_command(Elsewhere(name, module))


def summary(module: str, name: str) -> str:
    """The help of a command, from its module's text: the docstring of its function, or what the `app` of a group is made with."""
    of_group = ""
    for node in ast.parse(Path(__file__).with_name(f"{module}.py").read_bytes()).body:
        match node:
            case ast.FunctionDef() if _command(node) == name:
                return ast.get_docstring(node) or ""
            case ast.Assign(targets=[ast.Name("app")], value=ast.Call(keywords=given)):
                of_group = "".join(ast.literal_eval(one.value) for one in given if one.arg == "help")
    return of_group


def _command(function: ast.FunctionDef) -> str | None:
    """The name of the command that a function is; None where it is none."""
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(ast.Name("app"), "command"), args=[ast.Constant(name), *_]):
                return str(name)
            case ast.Call(func=ast.Attribute(ast.Name("app"), "command")):
                return function.name.replace("_", "-")
    return None
