"""The ledger: positions, cost and closed trades of each scenario, in exact decimals."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from .model import ClosedTrade, Fill, Quote, signed

CENT = Decimal("0.01")
PIPETTE = Decimal("0.00001")
NO_COST = Decimal("0.00000")


@dataclass(slots=True)
class Account:
    """One scenario's share of the ledger; `cost` is what the open position cost, negative for a short one."""

    position: int = 0
    cost: Decimal = NO_COST
    realised: Decimal = Decimal("0.00")
    closed_trades: int = 0
    entry_ts: int | None = None
    last_exit_ts: int | None = None
    opened: int = 0
    opened_notional: Decimal = NO_COST
    closed_notional: Decimal = NO_COST

    @property
    def entry_price(self) -> Decimal | None:
        """The average price at which the open position was entered."""
        return _average(self.opened_notional, self.opened) if self.opened else None

    def as_state(self) -> dict[str, str | int | None]:
        """Return the account as the state file has it: sums of money as text."""
        price = str(self.entry_price) if self.entry_price is not None else None
        state: dict[str, str | int | None] = {"cost": str(self.cost), "realised": str(self.realised)}
        names = ("position", "entry_ts", "last_exit_ts", "closed_trades")
        return state | {"entry_price": price} | {name: getattr(self, name) for name in names}


class Ledger:
    """Books fills of all scenarios; each starts with the same equity."""

    def __init__(self, start_equity: str = "100000.00") -> None:
        self._start = Decimal(start_equity)
        self._accounts: dict[str, Account] = {}

    def account(self, scenario: str) -> Account:
        """Return the scenario's account, a new one if it has not traded."""
        return self._accounts.setdefault(scenario, Account())

    def on_fill(self, fill: Fill, reason: str) -> ClosedTrade | None:
        """Book a fill; return the trade that it closed, if it did; ValueError if it would turn the position."""
        account = self.account(fill.scenario)
        change, before = signed(fill.side, fill.amount), account.position
        if before * change < 0 and abs(change) > abs(before):
            raise ValueError(f"fill of {change} by {fill.client_id} exceeds the position of {before}")
        account.position += change
        account.cost += fill.price * change
        if before * change < 0:
            account.closed_notional += fill.price * fill.amount
            return self._close(account, fill, reason) if account.position == 0 else None
        if before == 0:
            account.entry_ts = fill.ts
        account.opened += fill.amount
        account.opened_notional += fill.price * fill.amount
        return None

    def equity(self, scenario: str, quote: Quote | None) -> Decimal:
        """Return start + realised + the open position at the price at which it could be closed."""
        account = self.account(scenario)
        value = self._start + account.realised
        if account.position != 0 and quote is not None:
            price = Decimal(str(quote.bid if account.position > 0 else quote.ask))
            value += account.position * price - account.cost
        return value.quantize(CENT, ROUND_HALF_EVEN)

    def _close(self, account: Account, fill: Fill, reason: str) -> ClosedTrade:
        side = "Buy" if fill.side == "Sell" else "Sell"
        entry = (account.entry_ts or fill.ts, _average(account.opened_notional, account.opened))
        leave = (fill.ts, _average(account.closed_notional, account.opened))
        pnl = (-account.cost).quantize(CENT, ROUND_HALF_EVEN)
        realised, trades = account.realised + pnl, account.closed_trades + 1
        self._accounts[fill.scenario] = Account(realised=realised, closed_trades=trades, last_exit_ts=fill.ts)
        return ClosedTrade(fill.scenario, fill.uic, side, account.opened, *entry, *leave, pnl, reason)


def _average(notional: Decimal, amount: int) -> Decimal:
    return (notional / amount).quantize(PIPETTE, ROUND_HALF_EVEN)
