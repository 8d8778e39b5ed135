//! What a request says about the columns that models and signals name. The names are those of `silver.transactions` and of
//! the select beside the signals file, where the same values came from in training.

use lakehouse_models::{InputKind, Value};
use lakehouse_signals::Key;

use super::{Transaction, identifier::Identifier};

/// A column that a request has a value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Amount,
    Timestamp,
    CardBrand,
    CardType,
    MerchantState,
    UseChip,
    CreditLimit,
    PerCapitaIncome,
    YearlyIncome,
    TotalDebt,
    CreditScore,
    NumCreditCards,
    IsFailedVerification,
    TxCardId,
    MerchantId,
    MccCode,
    Label,
}

const COLUMNS: [(&str, Column); 16] = [
    ("amount", Column::Amount),
    ("timestamp_ts", Column::Timestamp),
    ("card_brand", Column::CardBrand),
    ("card_type", Column::CardType),
    ("merchant_state", Column::MerchantState),
    ("use_chip", Column::UseChip),
    ("credit_limit", Column::CreditLimit),
    ("per_capita_income", Column::PerCapitaIncome),
    ("yearly_income", Column::YearlyIncome),
    ("total_debt", Column::TotalDebt),
    ("credit_score", Column::CreditScore),
    ("num_credit_cards", Column::NumCreditCards),
    ("is_failed_verification", Column::IsFailedVerification),
    ("tx_card_id", Column::TxCardId),
    ("merchant_id", Column::MerchantId),
    ("mcc_code", Column::MccCode),
];

/// A column that only earlier purchases have: signals read it, models cannot.
const LABEL: &str = "label";

/// What `silver.transactions` makes of an empty state.
const ONLINE: &str = "ONLINE";

impl Column {
    /// The column with this name.
    pub fn find(name: &str) -> Option<Self> {
        COLUMNS.iter().find(|(known, _)| *known == name).map(|(_, column)| *column)
    }

    /// The column with this name, as the signals read events.
    pub fn of_events(name: &str) -> Option<Self> {
        if name == LABEL { Some(Self::Label) } else { Self::find(name) }
    }

    /// The kind of its values; `None` for identifiers, which are only compared.
    pub fn kind(self) -> Option<InputKind> {
        match self {
            Self::CardBrand | Self::CardType | Self::MerchantState | Self::UseChip => Some(InputKind::Text),
            Self::IsFailedVerification => Some(InputKind::Flag),
            Self::TxCardId | Self::MerchantId | Self::MccCode => None,
            _ => Some(InputKind::Number),
        }
    }

    /// Can signals compare its values? Numbers are not: a table's and a request's decimals need not be written alike.
    pub fn is_comparable(self) -> bool {
        matches!(self.kind(), None | Some(InputKind::Text))
    }

    /// Its value in a request.
    pub fn value(self, transaction: &Transaction) -> Value<'_> {
        let text = |text| Value::Text(text);
        match self {
            Self::Amount => Value::Number(transaction.amount),
            Self::Timestamp => transaction.timestamp.map_or(Value::Absent, |instant| Value::Number(instant.0 as f64)),
            Self::CardBrand => text(transaction.card_brand.as_str()),
            Self::CardType => text(transaction.card_type.as_str()),
            Self::MerchantState => text(merchant_state(transaction)),
            Self::UseChip => text(transaction.use_chip.as_str()),
            Self::CreditLimit => Value::Number(transaction.credit_limit),
            Self::PerCapitaIncome => Value::Number(transaction.per_capita_income),
            Self::YearlyIncome => Value::Number(transaction.yearly_income),
            Self::TotalDebt => Value::Number(transaction.total_debt),
            Self::CreditScore => transaction.credit_score.map_or(Value::Absent, Value::Number),
            Self::NumCreditCards => transaction.num_credit_cards.map_or(Value::Absent, Value::Number),
            Self::IsFailedVerification => Value::Flag(transaction.errors.is_some_and(|errors| errors.is_failed_verification)),
            Self::Label => transaction.is_fraud.map_or(Value::Absent, |is_fraud| Value::Number(f64::from(u8::from(is_fraud)))),
            Self::TxCardId | Self::MerchantId | Self::MccCode => Value::Absent,
        }
    }

    /// Its value where it is only compared.
    pub fn key(self, transaction: &Transaction) -> Key {
        let identifier = |identifier: Option<Identifier>| identifier.map_or(Key::NULL, |identifier| identifier.0);
        match (self, self.value(transaction)) {
            (Self::TxCardId, _) => identifier(transaction.card_id),
            (Self::MerchantId, _) => identifier(transaction.merchant_id),
            (Self::MccCode, _) => identifier(transaction.mcc),
            (_, Value::Text(text)) => Key::from_text(text),
            _ => Key::NULL,
        }
    }
}

fn merchant_state(transaction: &Transaction) -> &str {
    match transaction.merchant_state.as_str() {
        "" => ONLINE,
        state => state,
    }
}
