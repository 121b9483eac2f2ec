//! The venue's one instrument, and its one client and account.

use exuvia_model::{NANO, Symbol};
use serde_json::{Value, json};

pub(super) const UIC: i64 = 21;
pub(super) const ASSET_TYPE: &str = "FxSpot";
pub(super) const NAME: &str = "EURUSD";
pub(super) const SYMBOL: Symbol = Symbol(21);
/// Least amount, and the step of amounts.
pub(super) const LOT: i64 = 1_000;
/// Step of limit prices: 0.00001.
pub(super) const TICK: i64 = NANO / 100_000;
/// Notional that one unit of cash carries: a margin rate of 1/30.
pub(super) const LEVERAGE: u32 = 30;

pub(super) const CLIENT_ID: &str = "1234567";
pub(super) const CLIENT_KEY: &str = "ZXh1dmlhLWNsaWVudA==";
pub(super) const ACCOUNT_KEY: &str = "ZXh1dmlhLWFjY291bnQ=";
pub(super) const CURRENCY: &str = "USD";

/// `/ref/v1/instruments/details/21/FxSpot`.
pub(super) fn details() -> Value {
    json!({
        "AmountDecimals": 0, "AssetType": ASSET_TYPE, "ContractSize": 1, "CurrencyCode": CURRENCY,
        "Description": "Euro/US Dollar", "Exchange": {"CountryCode": "DK", "ExchangeId": "SBFX", "Name": "Inter Bank"},
        "Format": {"Decimals": 4, "Format": "AllowDecimalPips", "OrderDecimals": 5}, "IncrementSize": LOT,
        "IsComplex": true, "IsTradable": true, "LotSize": LOT, "LotSizeType": "OddLotsNotAllowed",
        "MinimumLotSize": LOT, "MinimumTradeSize": LOT, "PriceToContractFactor": 1,
        "SupportedOrderTypeSettings": [
            {"DurationTypes": ["DayOrder"], "OrderType": "Market"},
            {"DurationTypes": ["DayOrder", "GoodTillCancel"], "OrderType": "Limit"},
        ],
        "SupportedOrderTypes": ["Market", "Limit"], "Symbol": NAME, "TickSize": 0.00001,
        "TickSizeLimitOrder": 0.00001, "TradableAs": [ASSET_TYPE], "TradingStatus": "Tradable", "Uic": UIC,
    })
}

/// `/port/v1/clients/me`.
pub(super) fn client() -> Value {
    json!({
        "AllowedNettingProfiles": ["AverageRealTime"], "ClientId": CLIENT_ID, "ClientKey": CLIENT_KEY,
        "CurrencyDecimals": 2, "DefaultAccountId": CLIENT_ID, "DefaultAccountKey": ACCOUNT_KEY,
        "DefaultCurrency": CURRENCY, "ForceOpenDefaultValue": false, "IsMarginTradingAllowed": true,
        "LegalAssetTypes": [ASSET_TYPE], "LegalAssetTypesAreIndicative": false, "MarginCalculationMethod": "Default",
        "Name": "SIM Client", "PositionNettingMethod": "Average", "PositionNettingMode": "RealTime",
        "PositionNettingProfile": "AverageRealTime", "ReduceExposureOnly": false,
    })
}

/// `/port/v1/accounts/me`.
pub(super) fn accounts() -> Value {
    json!({"__count": 1, "Data": [{
        "AccountGroupKey": CLIENT_KEY, "AccountId": CLIENT_ID, "AccountKey": ACCOUNT_KEY, "AccountType": "Normal",
        "Active": true, "ClientId": CLIENT_ID, "ClientKey": CLIENT_KEY, "Currency": CURRENCY, "CurrencyDecimals": 2,
        "DirectMarketAccess": false, "IndividualMargining": false, "IsMarginTradingAllowed": true,
        "IsShareable": false, "IsTrialAccount": true, "LegalAssetTypes": [ASSET_TYPE],
        "ManagementType": "Client", "MarginCalculationMethod": "Default", "Sharing": ["NoSharing"],
    }]})
}
