"""Budgets: those there are and how the month stands to them, and the form of one."""

import streamlit as st

from core.domain.amounts import money
from core.domain.bill_lines import NO_CURRENCY, Field
from core.domain.costs import AMOUNT_RULE, LARGEST_THRESHOLD, BudgetDraft
from core.domain.credentials import FieldProblem
from core.services.billing import bucket_choices
from core.services.budgets import BudgetView, cost_alerts, delete_budget, list_budgets, save_budget
from core.services.costs import values
from dashboard.session import actor, may, workspace
from dashboard.widgets.problems import beside
from dashboard.widgets.text import safe

PROBLEMS = "costs.budget.problems"
_SCOPES = {"account": "An account", "service": "A service", "credentials": "The buckets of credentials"}
_ICONS = {"budget": "account_balance_wallet", "forecast": "trending_up", "spike": "bolt", "missing": "mail_off"}


def show_budgets() -> None:
    """Show the alerts, the budgets and the form."""
    for alert in cost_alerts(actor(), workspace()):
        st.warning(
            f"**{safe(alert.subject)}** {safe(alert.what)} {safe(alert.mend)}", icon=f":material/{_ICONS[alert.kind]}:"
        )
    budgets = list_budgets(actor(), workspace())
    if not budgets:
        below = " Set the first one below." if may("budgets.save_budget") else ""
        st.info(f"No budget yet.{below}", icon=":material/savings:")
    for budget in budgets:
        _budget(budget)
    if not may("budgets.save_budget"):
        return
    _form()
    to = workspace().settings.alerts_address
    if to and workspace().settings.smtp_host:
        st.caption(f"What needs somebody is mailed to {safe(to)} by `onboarding bills pull`.")
    else:
        st.caption("To have alerts mailed, set ONBOARDING_ALERTS_ADDRESS and a mail server.")


def _budget(budget: BudgetView) -> None:
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown(
            f"**{safe(budget.name)}** · {_SCOPES[budget.scope].lower()} · "
            f"{safe(money(budget.amount, budget.currency))} a month, alert at {budget.threshold} %"
        )
        if may("budgets.delete_budget"):
            with button.popover("Delete", icon=":material/delete:"):
                st.markdown("It warns nobody from then on. This cannot be undone.")
                if st.button("Delete the budget", key=f"costs.budget.delete.{budget.id}", type="primary"):
                    delete_budget(actor(), workspace(), budget.id)
                    st.rerun()
        spent = float(budget.actual / budget.amount)
        text = f"{money(budget.actual, budget.currency)} so far in {budget.month:%Y-%m} ({spent:.0%})"
        if budget.forecast is not None:
            text += f"; {money(budget.forecast, budget.currency)} expected"
        st.progress(min(max(spent, 0.0), 1.0), safe(text))
        if budget.method:
            st.caption(budget.method)


def _form() -> None:
    problems: list[FieldProblem] = st.session_state.get(PROBLEMS, [])
    st.header("Set a budget")
    scope = st.segmented_control(
        "On what", list(_SCOPES), format_func=lambda one: _SCOPES[one], default="account", key="costs.budget.scope",
        required=True,
    ) or "account"  # fmt: skip
    with st.form("costs.budget", border=False):
        name = st.selectbox(
            "Which",
            _names(scope),
            index=None,
            accept_new_options=scope != "credentials",
            placeholder="Choose or type" if scope != "credentials" else "Choose",
            key=f"costs.budget.name.{scope}",
        )
        beside(problems, "name")
        amount, currency, threshold = st.columns(3)
        with amount:
            typed = st.text_input("Amount a month", key="costs.budget.amount", placeholder="1500.00", help=AMOUNT_RULE)
            beside(problems, "amount")
        with currency:
            chosen = st.selectbox(
                "Currency",
                _currencies(),
                format_func=lambda code: "Not told" if code == NO_CURRENCY else code,
                accept_new_options=True,
                key="costs.budget.currency",
                help="That of the bills. Those of OUTSCALE may tell none.",
            )
            beside(problems, "currency")
        with threshold:
            percent = st.number_input(
                "Alert at per cent", 1, LARGEST_THRESHOLD, 100, key="costs.budget.threshold",
                help="Of the amount, by what is spent or expected.",
            )  # fmt: skip
            beside(problems, "threshold")
        saved = st.form_submit_button("Set", type="primary", icon=":material/savings:")
    if saved:
        draft = BudgetDraft(
            scope=scope, name=name or "", currency=chosen or "", amount=typed.replace(" ", ""), threshold=percent
        )
        st.session_state[PROBLEMS] = save_budget(actor(), workspace(), draft)
        st.rerun()


def _names(scope: str) -> list[str]:
    if scope == "credentials":
        return list(dict.fromkeys(one.credentials for one in bucket_choices(actor(), workspace())))
    field = Field.ACCOUNT if scope == "account" else Field.SERVICE
    return [one for one in values(actor(), workspace(), field) if one]


def _currencies() -> list[str]:
    return list(dict.fromkeys([*values(actor(), workspace(), Field.CURRENCY), "EUR", "USD"]))
