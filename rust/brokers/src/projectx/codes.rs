//! What the numbers of a failed answer mean, call by call, and which of them are evidence.

/// Which list of codes a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// `Auth/loginKey`.
    Login,
    /// `Auth/validate`.
    Validate,
    /// `Auth/logout`.
    Logout,
    /// `Account/search`, which has none but success.
    Accounts,
    /// `Contract/searchById`.
    Contract,
    /// `History/retrieveBars`.
    Bars,
    /// `Order/place`.
    Place,
    /// `Order/modify` and `Order/cancel`.
    Change,
    /// `Order/search`, `Order/searchOpen`, `Trade/search`, `Position/searchOpen`.
    Search,
    /// `Order/searchById`.
    OrderById,
    /// `Position/closeContract`.
    Close,
    /// `Position/partialCloseContract`.
    PartialClose,
}

/// What a code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The venue looked at the request and did not do it.
    Refused(&'static str),
    /// The venue does not say whether it did it, or will.
    InDoubt(&'static str),
}

impl Meaning {
    /// The vendor's name of the code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused(name) | Self::InDoubt(name) => name,
        }
    }
}

impl Table {
    /// What `code` means in this table; a number that is not in it is a doubt.
    ///
    /// ```
    /// use exuvia_brokers::projectx::{Meaning, Table};
    /// assert_eq!(Table::Place.meaning(3), Meaning::Refused("InsufficientFunds"));
    /// assert_eq!(Table::Place.meaning(6), Meaning::InDoubt("OrderPending"));
    /// assert_eq!(Table::Place.meaning(11), Meaning::InDoubt("a code that is not in the vendor's list"));
    /// ```
    #[must_use]
    pub fn meaning(self, code: i64) -> Meaning {
        let at = code.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let unlisted = Meaning::InDoubt("a code that is not in the vendor's list");
        at.and_then(|at| self.listed().get(at)).copied().unwrap_or(unlisted)
    }

    /// The codes from 1 on.
    #[must_use]
    pub const fn listed(self) -> &'static [Meaning] {
        use Meaning::{InDoubt as D, Refused as R};
        match self {
            Self::Login => &[
                R("UserNotFound"),
                R("PasswordVerificationFailed"),
                R("InvalidCredentials"),
                R("AppNotFound"),
                R("AppVerificationFailed"),
                R("InvalidDevice"),
                R("AgreementsNotSigned"),
                D("UnknownError"),
                R("ApiSubscriptionNotFound"),
                R("ApiKeyAuthenticationDisabled"),
            ],
            Self::Validate => &[R("InvalidSession"), R("SessionNotFound"), R("ExpiredToken"), D("UnknownError")],
            Self::Logout => &[R("InvalidSession"), D("UnknownError")],
            Self::Accounts => &[],
            Self::Contract => &[R("ContractNotFound")],
            Self::Bars => &[R("ContractNotFound"), R("UnitInvalid"), R("UnitNumberInvalid"), R("LimitInvalid")],
            Self::Place => &[
                R("AccountNotFound"),
                R("OrderRejected"),
                R("InsufficientFunds"),
                R("AccountViolation"),
                R("OutsideTradingHours"),
                D("OrderPending"),
                D("UnknownError"),
                R("ContractNotFound"),
                R("ContractNotActive"),
                R("AccountRejected"),
            ],
            Self::Change => &[
                R("AccountNotFound"),
                R("OrderNotFound"),
                R("Rejected"),
                D("Pending"),
                D("UnknownError"),
                R("AccountRejected"),
                R("ContractNotFound"),
            ],
            Self::Search => &[R("AccountNotFound")],
            Self::OrderById => &[R("OrderNotFound")],
            Self::Close => &[
                R("AccountNotFound"),
                R("PositionNotFound"),
                R("ContractNotFound"),
                R("ContractNotActive"),
                R("OrderRejected"),
                D("OrderPending"),
                D("UnknownError"),
                R("AccountRejected"),
            ],
            Self::PartialClose => &[
                R("AccountNotFound"),
                R("PositionNotFound"),
                R("ContractNotFound"),
                R("ContractNotActive"),
                R("InvalidCloseSize"),
                R("OrderRejected"),
                D("OrderPending"),
                D("UnknownError"),
                R("AccountRejected"),
            ],
        }
    }
}
