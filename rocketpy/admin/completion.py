"""Command lines of mqadmin completed by a shell: the names of sub-commands, then the options of the one chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from rocketpy.admin import catalog
from rocketpy.admin.options import Option

_BASH = """\
# mqadmin completion; to be sourced, e.g. from ~/.bashrc: source <(mqadmin --completion bash)
_mqadmin() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="help {names}"
    else
        case ${{COMP_WORDS[1]}} in
            help) words="{names}" ;;
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _mqadmin mqadmin
"""


def bash() -> str:
    """A script for bash."""
    commands = list(catalog.commands())
    cases = [
        f'            {command.name}) words="{" ".join(_words(command.options.sorted))}" ;;' for command in commands
    ]
    return _BASH.format(names=" ".join(command.name for command in commands), cases="\n".join(cases))


def zsh() -> str:
    """The same for zsh, which can read bash's."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash()}"


def fish() -> str:
    """A script for fish, with descriptions."""
    lines = ["# mqadmin completion; to be put into ~/.config/fish/completions/mqadmin.fish"]
    for command in catalog.commands():
        lines.append(
            f"complete -c mqadmin -n __fish_use_subcommand -a {command.name} -d {_quoted(command.description)}"
        )
        for option in command.options.sorted:
            takes = " -r" if option.argument else ""
            condition = f"'__fish_seen_subcommand_from {command.name}'"
            names = f"-s {option.short} -l {_quoted(option.long.strip())}"
            lines.append(f"complete -c mqadmin -n {condition} {names}{takes} -d {_quoted(option.description)}")
    return "\n".join(lines) + "\n"


SCRIPTS: Final[Mapping[str, Callable[[], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""By the name of the shell."""


def _words(options: list[Option]) -> list[str]:
    """Short and long names, but for those with blanks in them."""
    names = [f"-{one.short}" for one in options]
    return names + [f"--{one.long}" for one in options if " " not in one.long]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
