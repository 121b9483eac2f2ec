r"""Market-data feeds in JSON: any feed by a declaration, Polygon, ProjectX over SignalR; as records or as columns.

Declare which messages are records, where their fields stand (`$` is the message), and in which units. Here two kinds
of Binance:

>>> from exuvia.feeds import JsonFeed
>>> binance = JsonFeed({"records": {
...     "trade": {
...         "when": {"$.data.e": "trade"},
...         "fields": {
...             "symbol": "symbol $.data.s",
...             "ts": "time:ms $.data.T",
...             "price": "price $.data.p",
...             "size": "size $.data.q",
...             "side": {"from": "symbol $.data.m", "codes": {"true": "sell", "false": "buy"}},
...         },
...     },
...     "depth": {
...         "when": {"$.stream": "btcusdt@depth*"},
...         "rows": {"$.data.b": {"side": "bid"}, "$.data.a": {"side": "ask"}},
...         "fields": {
...             "symbol": "symbol $.data.s",
...             "side": "constant",
...             "price": "price @[0]",
...             "size": "size @[1]",
...         },
...     },
... }})
>>> frame = (
...     '{"stream":"btcusdt@trade","data":'
...     '{"e":"trade","s":"BTCUSDT","T":1723161256322,"p":"61800.30","q":"0.006","m":false}}')
>>> trade = binance.read_one(frame)
>>> trade.symbol, trade.price, trade.side, trade.raw("price")
('BTCUSDT', Decimal('61800.3'), 'buy', 61800300000000)

A record is a frozen value: it can be compared, hashed and pickled. Numbers are read from their text to fixed point at
1e-9, never through a float. `"numbers": "wide"` keeps them at 1e-18 (for tokens of tiny prices and huge amounts),
`"float"` as the floats that Python's `float` gives. For columns there is no Python object a message:

>>> depth = '{"stream":"btcusdt@depth@0ms","data":{"s":"BTCUSDT","b":[["1.5","2"]],"a":[["1.6","0"]]}}'
>>> binance.feed_many([frame, depth])
3
>>> binance.take_arrow("depth").num_rows
2

What breaks a rule is left out and counted, and the rest goes on:

>>> binance.feed(frame.replace("61800.30", "61800,30")), binance.skips
(0, {'type': 1})
>>> binance.last_skip
'trade.price "61800,30" is no price: a number has a decimal point, no comma'

**A declaration** has `records` (and `numbers`: `exact`, `wide` or `float`; `split`: true where a frame is an array of
messages). A record has

| key | meaning |
|---|---|
| `when` | what the message must say, by path: a text, number or flag, a list of them, `"*"` (there), `"a*"`, `"*z"` |
| `rows` | where its rows stand: a path, a list, or a table of paths with what the constant fields say there |
| `fields` | by name, in order: `"type path"`, `"type? path"` where it may be missing, `"type path | path"` |
| `merge` | true where messages name only what changed: the rest stays as it was for the symbol |
| `crossed` | two fields, such as `["bid", "ask"]`, of which the first must not be above the second |
| `sequence`, `repeats` | an int field whose repeats and steps back are counted; `"skip"` leaves repeats out |

Paths are `$` (the message) or `@` (the row) with steps `.name`, `["a.b"]`, `[2]` and `[-1]`; `received` and `symbol`
stand for what `feed` is given. Types are `price` (above zero), `size` (not below zero), `number`, `float` (always a
float), `int`, `time:s|ms|us|ns|iso` (becomes UTC nanoseconds; 1980 to 2200, so a wrong unit is found), `symbol` (a text
that repeats), `text`, `flag` and `constant`. Numbers may stand in quotes. A field may be a table: `from` (the short
form), `codes` (names for the codes of a symbol), `zero` (what a price of zero is: `skip`, `null`, or `keep`, which
allows prices below zero too), `keep` (as `numbers`, for this field) and `round` (more than nine decimals are rounded
half to even, and counted, instead of left out). TOML works as well: `JsonFeed(tomllib.loads(text))`.

**Polygon** and **ProjectX** are declared here already:

>>> from exuvia.feeds import PolygonFeed, PolygonPages, ProjectXFeed
>>> polygon = PolygonFeed()
>>> [status, trade] = polygon.read(
...     '[{"ev":"status","status":"auth_success","message":"authenticated"},'
...     '{"ev":"T","sym":"MSFT","x":4,"i":"12345","z":3,"p":114.125,"s":100,"t":1536036818784,"q":3681328}]')
>>> status.status, trade.symbol, trade.price, trade.ts
('auth_success', 'MSFT', Decimal('114.125'), 1536036818784000000)
>>> pages = PolygonPages("bars")
>>> page = pages.feed(
...     '{"ticker":"AAPL","status":"OK","next_url":"https://api.polygon.io/v2/aggs/ticker/AAPL?cursor=abc",'
...     '"results":[{"o":130.4,"h":133.4,"l":129.8,"c":131,"v":7e7,"t":1770094800000}]}')
>>> page.ok, page.rows, page.next_path
(True, 1, '/v2/aggs/ticker/AAPL?cursor=abc')

>>> hub = ProjectXFeed()
>>> half = '{}\x1e{"type":1,"target":"GatewayQuote","arguments":["CON.F.US.ENQ.H26",{"bestBid":21010,"bes'
>>> rest = 'tAsk":21010.5,"timestamp":"2026-02-03T14:30:00+00:00"}]}\x1e{"type":6}\x1e'
>>> hub.read(half), [quote.ask for quote in hub.read(rest)]
([], [Decimal('21010.5')])
>>> [control.kind for control in hub.take_controls()]
['handshake', 'ping']

Any other hub goes through `SignalR`, which splits records and writes calls:

>>> from exuvia.feeds import SignalR
>>> SignalR.invocation("SubscribeAccounts", invocation_id="1")
'{"type":1,"invocationId":"1","target":"SubscribeAccounts","arguments":[]}\x1e'
>>> [message] = SignalR().feed('{"type":3,"invocationId":"1","result":null}\x1e')
>>> message
HubMessage(kind='completion', invocation_id='1', result='null')

Sources: Polygon's WebSocket and REST specifications, the gateway documents of ProjectX, and the hub protocol of
ASP.NET Core SignalR.
"""

from __future__ import annotations

from exuvia._exuvia import (
    HubMessage,
    JsonFeed,
    PolygonFeed,
    PolygonPage,
    PolygonPages,
    ProjectXFeed,
    Record,
    SignalR,
)

__all__ = [
    "HubMessage",
    "JsonFeed",
    "PolygonFeed",
    "PolygonPage",
    "PolygonPages",
    "ProjectXFeed",
    "Record",
    "SignalR",
]
