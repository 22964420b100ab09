"""pseudonymise: from the parameters of a policy to the transform of their method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guard.errors import UsageError
from guard.keys import Keyring
from guard.protect.base import Transform
from guard.protect.dates import DateShift
from guard.protect.dictionary import DictionaryWord
from guard.protect.forms import Form
from guard.protect.forms_china import DEFAULT_KEEP, layouts
from guard.protect.forms_layout import levels_of
from guard.protect.forms_template import template_layout
from guard.protect.fpe import FormPseudonym, Known
from guard.protect.fpe_real import FormCensus, RealValues
from guard.protect.tokens import Normalise, Token
from guard.protect.vault import TokenVault, VaultToken

PARAMETERS = {"token": ("length", "alphabet"), "form": ("keep", "template", "synthetic"), "vault": (),
              "shift": ("days", "whole_weeks", "subject"), "dictionary": ("keep", "synthetic")}
"""What each method takes, besides `method` and `domain`."""


def pseudonym(data_class: str, params: Mapping[str, Any], keyring: Keyring, link: str,
              normalise: Normalise | None = None, real: Known | None = None,
              vault: TokenVault | None = None) -> Transform:
    """The transform for `params` without their domain, in the link domain `link`.

    Raises UsageError for parameters that do not fit, for a class that has no form and no template, and where a vault is
    asked for and none is given.
    """
    given = dict(params)
    method = given.pop("method", "token")
    if method not in PARAMETERS:
        raise UsageError("unknown method of pseudonymise", hint=f"the methods are {', '.join(PARAMETERS)}")
    unknown = sorted(set(given) - set(PARAMETERS[method]))
    if unknown:
        raise UsageError(f"unknown parameter of pseudonymise by {method}: {unknown[0]}",
                         hint=f"it takes {', '.join(('method', 'domain', *PARAMETERS[method]))}")
    if method == "token":
        return Token(data_class, keyring, link, normalise=normalise, **given)
    if method == "vault":
        if vault is None:
            raise UsageError("the policy keeps tokens in a vault and none was given", hint="--vault FILE")
        return VaultToken(data_class, vault, link, normalise=normalise)
    if method == "shift":
        if not given.pop("subject", None):
            raise UsageError("a shift of dates needs its subjects", hint="subject: the column that says whose they are")
        return DateShift(keyring, link, **given)
    given.pop("synthetic", None)
    if method == "dictionary":
        return DictionaryWord(data_class, keyring, link, normalise=normalise, **given)
    return _form(data_class, given, keyring, link, Token(data_class, keyring, link, normalise=normalise), real)


def _form(data_class: str, given: Mapping[str, Any], keyring: Keyring, link: str, token: Token,
          real: Known | None) -> Transform:
    forms, separated = _forms(data_class, given.get("template"), given.get("keep")), "template" not in given
    if isinstance(real, RealValues) and real.is_open:
        return FormCensus(forms, data_class, keyring, link, token, real=real, separated=separated)
    return FormPseudonym(forms, data_class, keyring, link, token, real=real, separated=separated)


def _forms(data_class: str, template: str | None, keep: Any) -> list[Form]:
    if template is not None:
        if keep is not None:
            raise UsageError("a template says in brackets what is kept", hint="leave keep out")
        return [template_layout(template).form(("kept", "literal"))]
    made = layouts(data_class)
    if not made:
        raise UsageError(f"{data_class or 'this value'} has no form of its own", hint="give a template, or use tokens")
    wanted = tuple(DEFAULT_KEEP.get(data_class, ()) if keep is None else keep)
    known = levels_of(made)
    if unknown := sorted(set(wanted) - set(known)):
        raise UsageError(f"{unknown[0]} is nothing that {data_class} can keep", hint=f"it can keep {', '.join(known)}"
                         if known else "its values have no parts that could be kept")
    forms: list[Form] = []
    for layout in made:
        forms.append(layout.form(wanted, without=[f for f in forms if f.width == layout.width]
                                 if layout.is_rest else ()))
    return forms
