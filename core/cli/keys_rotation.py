"""`onboarding keys rotate …`: a rotation is begun or gone on with, listed, finished, or the old key brought back."""

from typing import Annotated

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT, day_of
from core.cli.keys_account import AccessKeyId, Expires, Region, stop
from core.cli.output import Json, as_json, check_json, checks_table, fail, fields_json, opened, plain, table
from core.domain.actor import Actor
from core.services.rotation import Advance, RotationView, advance, begin_rotation, bring_back, list_rotations
from core.services.workspace import Workspace

app = typer.Typer()


@app.command()
def rotate(
    access_key: AccessKeyId,
    region: Region,
    expires: Expires = None,
    tag: Annotated[str | None, typer.Option(help="Tag of the new key; without it, the old one's.")] = None,
    take_over: Annotated[bool, typer.Option("--take-over", help="Go on although somebody is at it.")] = False,
    delete_now: Annotated[bool, typer.Option("--delete-now", help="Do not wait for the time of grace.")] = False,
    json: Json = False,
) -> None:
    """Replace a key whose secret is sealed here, in all credentials that use it; goes on with one that was begun."""
    day = day_of(expires)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        present = _rotation_of(actor, workspace, access_key, region)
        if present is None:
            begun = begin_rotation(actor, workspace, access_key, region, tag=tag, expires=day)
            stop(begun.problem)
            present = begun.rotation
        assert present is not None  # noqa: S101 - a rotation without problem has begun
        done = advance(actor, workspace, present.id, take_over=take_over, delete_now=delete_now)
    _say_rotation(done, json)


@app.command()
def back(
    access_key: AccessKeyId,
    region: Region,
    take_over: Annotated[bool, typer.Option("--take-over", help="Although somebody is at it.")] = False,
    json: Json = False,
) -> None:
    """Bring back a key whose rotation is under way; the new one is deleted."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        present = _rotation_of(actor, workspace, access_key, region)
        if present is None:
            fail(f"No rotation of {access_key} is under way in {region}.", BAD_INPUT)
        done = bring_back(actor, workspace, present.id, take_over=take_over)
    _say_rotation(done, json)


@app.command()
def rotations(
    every: Annotated[bool, typer.Option("--all", help="Those that ended too.")] = False, json: Json = False
) -> None:
    """List the rotations that are under way."""
    with opened() as workspace:
        found = list_rotations(terminal_actor(workspace), workspace, ended=every)
    if json:
        as_json([fields_json(one) for one in found])
        return
    table(
        ["Old key", "New key", "Region", "Step", "Begun by", "Begun", "Delete after", "Problem"],
        [
            [
                one.old_key,
                one.new_key,
                one.region,
                one.outcome or one.step,
                one.actor,
                f"{one.begun:%Y-%m-%d %H:%M}",
                f"{one.delete_after:%Y-%m-%d %H:%M}" if one.delete_after else "",
                one.problem,
            ]
            for one in found
        ],
    )


@app.command()
def finish(json: Json = False) -> None:
    """Delete the old keys whose time of grace is over (for cron). Exit 1 when one could not be."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        due = [one for one in list_rotations(actor, workspace) if one.due]
        done = [advance(actor, workspace, one.id) for one in due]
    if json:
        as_json([fields_json(one.rotation) for one in done if one.rotation])
    else:
        plain(f"{sum(not one.problem for one in done)} of {len(done)} due rotations ended.")
    for one in done:
        if one.problem:
            plain(str(one.problem), error=True)
    if any(one.problem for one in done):
        raise typer.Exit(REFUSED)


def _rotation_of(actor: Actor, workspace: Workspace, access_key: str, region: str) -> RotationView | None:
    under_way = list_rotations(actor, workspace)
    return next((one for one in under_way if (one.old_key, one.region) == (access_key, region)), None)


def _say_rotation(done: Advance, json: bool) -> None:
    view = done.rotation
    if json:
        problem = done.problem.model_dump() if done.problem else None
        shown = fields_json(view) if view else {}
        as_json(shown | {"problem": problem, "checks": [check_json(line) for line in done.results]})
    else:
        if done.results:
            checks_table(done.results)
        if view:
            plain(f"{view.old_key} → {view.new_key or '…'}: {view.outcome or f'next step: {view.step}'}")
            if view.step == "wait" and view.delete_after and not view.ended:
                plain(f"The old key is INACTIVE; it may be deleted after {view.delete_after:%Y-%m-%d %H:%M} UTC.")
        if done.problem:
            plain(str(done.problem), error=True)
    if done.problem:
        raise typer.Exit(REFUSED)
