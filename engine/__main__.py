"""The program `rustbelt`: the command line, which Ctrl-C ends with 130 also while its modules are imported."""

from engine import interrupts


def main() -> None:
    """Runs the command line."""
    interrupts.take_over()
    from engine.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
