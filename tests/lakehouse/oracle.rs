//! The signals kernel against SQL windows over the same generated purchases: two ways to say the same thing.

use crate::program::Workspace;

/// Every windowed signal as a SQL expression over `purchases`. Zero where SQL gives null and the kernel an empty sum.
const SIGNALS: [(&str, &str); 10] = [
    ("card_count_1h", "count(*) over card_1h"),
    ("card_count_24h", "count(*) over card_24h"),
    ("card_count_7d", "count(*) over card_7d"),
    ("card_amount_1h", "coalesce(sum(amount) over card_1h, 0)"),
    ("card_amount_24h", "coalesce(sum(amount) over card_24h, 0)"),
    ("card_amount_7d", "coalesce(sum(amount) over card_7d, 0)"),
    ("distinct_merchants_24h", "count(distinct merchant_id) over card_24h"),
    ("failed_verification_24h", "coalesce(sum(failed) over card_24h, 0)"),
    ("merchant_fraud_rate", "(coalesce(sum(label) over merchant_known, 0) + 0.15) / (count(label) over merchant_known + 100)"),
    ("mcc_fraud_rate", "(coalesce(sum(label) over mcc_known, 0) + 0.15) / (count(label) over mcc_known + 100)"),
];

const WINDOWS: &str = "
    card_1h as (partition by tx_card_id order by timestamp_ts range between interval '1 hour' preceding and interval '1 microsecond' preceding),
    card_24h as (partition by tx_card_id order by timestamp_ts range between interval '24 hours' preceding and interval '1 microsecond' preceding),
    card_7d as (partition by tx_card_id order by timestamp_ts range between interval '7 days' preceding and interval '1 microsecond' preceding),
    merchant_known as (partition by merchant_id order by timestamp_ts range between unbounded preceding and interval '604800000001 microseconds' preceding),
    mcc_known as (partition by mcc_code order by timestamp_ts range between unbounded preceding and interval '604800000001 microseconds' preceding)";

#[test]
fn signals_are_what_sql_windows_say() {
    let workspace = Workspace::new();
    workspace.generate(&["--transactions", "30000", "--seed", "11"]);
    workspace.run().good();
    for (signal, expression) in SIGNALS {
        let sql = format!(
            "with purchases as (
                select *, cast(errors like '%Bad PIN%' or errors like '%Bad CVV%' as int) as failed
                from silver.transactions where amount > 0
            ),
            expected as (select transaction_id, {expression} as value from purchases window {WINDOWS})
            select count(*) as compared, sum(case when abs(s.{signal} - e.value) > 1e-6 * greatest(1, abs(e.value)) then 1 else 0 end) as wrong,
                   count(distinct s.{signal}) as values
            from signals.transactions as s join expected as e on e.transaction_id = s.transaction_id"
        );
        let found = &workspace.rows(&sql)[0];
        assert_eq!(found["wrong"], "0", "{signal} of {} purchases", found["compared"]);
        assert!(found["compared"].parse::<u32>().unwrap() > 28_000, "{found:?}");
        assert!(found["values"].parse::<u32>().unwrap() > 1, "{signal} is always the same");
    }
}
