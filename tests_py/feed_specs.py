"""Declarations of real feeds: Binance, Coinbase, Kraken and Bitmex as their captures are."""

from __future__ import annotations

from typing import Any

BINANCE: dict[str, Any] = {
    "records": {
        "quote": {
            "when": {"$.stream": "*@bookTicker"},
            "sequence": "update",
            "crossed": ["bid", "ask"],
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms? $.data.T",
                "update": "int $.data.u",
                "bid": "price $.data.b",
                "bid_size": "size $.data.B",
                "ask": "price $.data.a",
                "ask_size": "size $.data.A",
                "received": "time:ns? received",
            },
        },
        "trade": {
            "when": {"$.data.e": ["trade", "aggTrade"]},
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms $.data.T",
                "id": "int $.data.t | $.data.a",
                # Trades of the insurance fund come with a price of zero.
                "price": {"from": "price $.data.p", "zero": "keep"},
                "size": "size $.data.q",
                "side": {"from": "symbol $.data.m", "codes": {"true": "sell", "false": "buy"}},
            },
        },
        "depth": {
            "when": {"$.data.e": "depthUpdate"},
            "rows": {"$.data.b": {"side": "bid"}, "$.data.a": {"side": "ask"}},
            "sequence": "update",
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms $.data.T | $.data.E",
                "first": "int $.data.U",
                "update": "int $.data.u",
                "before": "int? $.data.pu",
                "side": "constant",
                "price": "price @[0]",
                "size": "size @[1]",
            },
        },
        "snapshot": {
            "when": {"$.lastUpdateId": "*"},
            "rows": {"$.bids": {"side": "bid"}, "$.asks": {"side": "ask"}},
            "fields": {"update": "int $.lastUpdateId", "side": "constant", "price": "price @[0]", "size": "size @[1]"},
        },
        "candle": {
            "when": {"$.data.e": "kline"},
            "fields": {
                "symbol": "symbol $.data.s",
                "ts": "time:ms $.data.k.t",
                "every": "symbol $.data.k.i",
                "open": "price $.data.k.o",
                "high": "price $.data.k.h",
                "low": "price $.data.k.l",
                "close": "price $.data.k.c",
                "volume": "size $.data.k.v",
                "trades": "int $.data.k.n",
                "closed": "flag $.data.k.x",
            },
        },
    }
}

COINBASE: dict[str, Any] = {
    "records": {
        "quote": {
            "when": {"$.type": "ticker"},
            "fields": {
                "symbol": "symbol $.product_id",
                "ts": "time:iso $.time",
                "bid": "price $.best_bid",
                "ask": "price $.best_ask",
                "last": "price $.price",
                "volume": "size $.volume_24h",
                "sequence": "int $.sequence",
            },
        },
        "trade": {
            "when": {"$.type": ["match", "last_match"]},
            "fields": {
                "symbol": "symbol $.product_id",
                "ts": "time:iso $.time",
                "price": "price $.price",
                "size": "size $.size",
                "side": "symbol $.side",
                "id": "int $.trade_id",
                "maker": "text $.maker_order_id",
            },
        },
        "depth": {
            "when": {"$.type": "l2update"},
            "rows": "$.changes",
            "fields": {
                "symbol": "symbol $.product_id",
                "ts": "time:iso $.time",
                "side": {"from": "symbol @[0]", "codes": {"buy": "bid", "sell": "ask"}},
                "price": "price @[1]",
                "size": "size @[2]",
            },
        },
        "snapshot": {
            "when": {"$.type": "snapshot"},
            "rows": {"$.bids": {"side": "bid"}, "$.asks": {"side": "ask"}},
            "fields": {
                "symbol": "symbol $.product_id",
                "side": "constant",
                "price": "price @[0]",
                "size": "size @[1]",
            },
        },
    }
}

KRAKEN: dict[str, Any] = {
    "records": {
        "quote": {
            "when": {"$[-2]": "ticker"},
            "fields": {
                "symbol": "symbol $[-1]",
                "ts": "time:s received",
                "bid": "price $[1].b[0]",
                "bid_size": "size $[1].b[2]",
                "ask": "price $[1].a[0]",
                "ask_size": "size $[1].a[2]",
                "last": "price $[1].c[0]",
            },
        },
        "trade": {
            "when": {"$[-2]": "trade"},
            "rows": "$[1]",
            "fields": {
                "symbol": "symbol $[-1]",
                "ts": "time:s @[2]",
                "price": "price @[0]",
                "size": "size @[1]",
                "side": {"from": "symbol @[3]", "codes": {"b": "buy", "s": "sell"}},
            },
        },
        "depth": {
            "when": {"$[-2]": "book-*"},
            "rows": {
                "$[1].as": {"side": "ask"},
                "$[1].bs": {"side": "bid"},
                "$[1].a": {"side": "ask"},
                "$[1].b": {"side": "bid"},
                "$[2].a": {"side": "ask"},
                "$[2].b": {"side": "bid"},
            },
            "fields": {
                "symbol": "symbol $[-1]",
                "ts": "time:s @[2]",
                "side": "constant",
                # Somebody asks 9,999,999,997 for a token.
                "price": {"from": "price @[0]", "keep": "wide"},
                "size": "size @[1]",
            },
        },
    }
}

# Tokens are quoted down to 1e-10 here: prices are kept at 1e-18.
BITMEX: dict[str, Any] = {
    "records": {
        "quote": {
            "when": {"$.table": "quote"},
            "rows": "$.data",
            "fields": {
                "symbol": "symbol @.symbol",
                "ts": "time:iso @.timestamp",
                "bid": {"from": "price @.bidPrice", "keep": "wide"},
                "bid_size": "size @.bidSize",
                "ask": {"from": "price @.askPrice", "keep": "wide"},
                "ask_size": "size @.askSize",
            },
        },
        "trade": {
            "when": {"$.table": "trade"},
            "rows": "$.data",
            "fields": {
                "symbol": "symbol @.symbol",
                "ts": "time:iso @.timestamp",
                "price": {"from": "price @.price", "keep": "wide"},
                "size": "size @.size",
                "side": {"from": "symbol @.side", "codes": {"Buy": "buy", "Sell": "sell"}},
                "notional": {"from": "number @.homeNotional", "round": True},
            },
        },
        "depth": {
            "when": {"$.table": "orderBookL2"},
            "rows": "$.data",
            "fields": {
                "symbol": "symbol @.symbol",
                "action": "symbol $.action",
                "id": "int @.id",
                "side": {"from": "symbol @.side", "codes": {"Buy": "bid", "Sell": "ask"}},
                # An update names the level by its id alone, a delete has no size either.
                "price": {"from": "price? @.price", "keep": "wide"},
                "size": "size? @.size",
            },
        },
    }
}
