"""``broadsheet staff``: accounts of the console."""

from typing import Annotated

import typer

from broadsheet.cli.content import Json
from broadsheet.cli.output import OUT, print_json, print_table
from broadsheet.cli.setup import WrongUse, ready, who

staff = typer.Typer(help="Accounts of the console: add, list, reset-factor.", no_args_is_help=True)

ROLES = ("viewer", "editor", "publisher", "admin")


@staff.command("add")
def add(
    email: Annotated[str, typer.Argument(help="The person's address; they sign in with it.")],
    role: Annotated[str, typer.Option(help=" | ".join(ROLES))] = "admin",
) -> None:
    """Make an account, and print the link where its owner chooses a password. It works once, for three days."""
    if role not in ROLES:
        raise WrongUse(f"“{role}” is not a role; there is: {', '.join(ROLES)}.")
    ready()
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    from broadsheet import staff as accounts
    from broadsheet.models import Role

    try:
        validate_email(email)
    except ValidationError as error:
        raise WrongUse(f"“{email}” is not an email address.") from error
    member = accounts.add(email, Role(role), by=who())
    OUT.print(accounts.welcome_url(member.user), soft_wrap=True, markup=False)


@staff.command("reset-factor")
def reset_factor(email: Annotated[str, typer.Argument(help="The address of whoever lost it.")]) -> None:
    """Turn off somebody's second factor, because they have lost it. It is written down."""
    ready()
    from broadsheet import staff as accounts

    user = accounts.account(email)
    accounts.reset_factor(user, by=who())
    OUT.print(f"{user.email} gets in with the password alone now, until they turn a second factor on again.")


@staff.command("list")
def listing(json: Json = False) -> None:
    """List the accounts and their roles."""
    ready()
    from broadsheet.models import Member

    members = Member.objects.select_related("user").order_by("user__email")
    if json:
        print_json([{"email": each.user.email, "role": each.role} for each in members])
        return
    print_table("Staff", ("address", "role"), [(each.user.email, each.role) for each in members])
