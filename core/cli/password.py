"""`onboarding password …`"""

import typer
app = typer.Typer(no_args_is_help=True)
@app.callback()
def group() -> None:
    """The password that a sealed secret is revealed with."""
@app.command("set")
def set_it() -> None:
    """x"""
