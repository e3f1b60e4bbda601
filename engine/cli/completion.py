"""`rustbelt completion`: the script by which a shell completes commands, options, studies and runs."""

from __future__ import annotations

import os

import click
from click.shell_completion import get_completion_class

from engine.cli import options
from engine.cli.show import screen

HOW = {
    "bash": 'eval "$(rustbelt completion bash)"    in ~/.bashrc',
    "zsh": 'eval "$(rustbelt completion zsh)"    in ~/.zshrc',
    "fish": "rustbelt completion fish > ~/.config/fish/completions/rustbelt.fish",
}


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice([*HOW]), required=False)
@options.debug
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """Print the script by which SHELL (bash, zsh or fish) completes commands, options, studies and runs.

    Without SHELL, the one that runs is taken, and how to make it last is said.
    """
    chosen = shell or os.path.basename(os.environ.get("SHELL", ""))
    if chosen not in HOW:
        raise click.UsageError(f"expected one of {', '.join(HOW)}, got an unknown shell.")
    if shell is None:
        click.echo(f"# {HOW[chosen]}", err=True)
    kind = get_completion_class(chosen)
    assert kind is not None
    screen.print_text(kind(ctx.find_root().command, {}, "rustbelt", "_RUSTBELT_COMPLETE").source())
